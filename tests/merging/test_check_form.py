"""The form of a recipe: what mergekit's own models of a configuration refuse is refused, and nothing else."""

from __future__ import annotations

import pytest
from mergekit.config import MergeConfiguration

from kinship.errors import RecipeError
from kinship.merging import Recipe, preflight
from kinship.merging.check_form import check_form

WHOLE = {"model": "b", "layer_range": [0, 2]}


def linear(**more):
    models = [{"model": "a"}, {"model": "b"}]
    return {"merge_method": "linear", "models": models, "parameters": {"weight": 1.0}} | more


def stacked(layers=(0, 2), **more):
    sources = [{"model": "a", "layer_range": list(layers) if isinstance(layers, tuple) else layers}, WHOLE]
    return {"merge_method": "linear", "slices": [{"sources": sources} | more], "parameters": {"weight": 1.0}}


def module(**said):
    return {"merge_method": "linear", "modules": {"default": said}, "parameters": {"weight": 1.0}}


def setting(value):
    return linear(parameters={"weight": value})


def token(**source):
    return linear(tokenizer={"source": "base", "tokens": {"x": {"source": source}}})


FORMS = {
    "whole": linear(),
    "layers": stacked(),
    "layers as text": stacked(("0", "2")),
    "layers as numbers": stacked((0.0, 2.0)),
    "no layers": {"merge_method": "linear", "slices": [{"sources": [{"model": "a", "layerrange": [0, 2]}, WHOLE]}]},
    "layers of a module": module(slices=[{"sources": [{"model": "a"}, WHOLE]}]),
    "null layers": stacked(None),
    "one layer": stacked((0,)),
    "three layers": stacked((0, 1, 2)),
    "half a layer": stacked((0, 1.5)),
    "layers of words": stacked(("x", 2)),
    "layers as one text": stacked("0-2"),
    "layers as one number": stacked(2),
    "a residual": stacked(residual_weight=1),
    "a residual of words": stacked(residual_weight="x"),
    "models and slices": module(models=[{"model": "a"}], slices=[{"sources": [WHOLE]}]),
    "an empty module": module(parameters={"weight": 1}),
    "two tokenizers": linear(tokenizer_source="base", tokenizer={"source": "base"}),
    "padding": linear(tokenizer={"source": "base", "pad_to_multiple_of": 8}),
    "padding of words": linear(tokenizer={"source": "base", "pad_to_multiple_of": "x"}),
    "a token": token(kind="model_token", model="a", token_id=1),
    "a zero token": token(kind="zero"),
    "an unknown token": token(kind="zeros"),
    "a forced token": linear(tokenizer={"source": "base", "tokens": {"x": {"source": "a", "force": "maybe"}}}),
    "a template": linear(chat_template="auto"),
    "a template of numbers": linear(chat_template=3),
    "a dtype of numbers": linear(out_dtype=16),
    "a gradient": setting([0, 0.5, 1]),
    "a filter": setting([{"filter": "mlp", "value": [0, 1]}, {"value": 0.5}]),
    "one entry": setting({"value": [1, 0.5], "filter": "*"}),
    "nothing": setting(None),
    "no value": setting([{"filter": "mlp"}]),
    "entries and values": setting([{"filter": "mlp", "value": 1}, 0.5]),
    "a filter of numbers": setting([{"filter": 3, "value": 1}, {"value": 0.5}]),
    "a list in a list": setting([[0, 1]]),
    "a list in a list in an entry": setting([{"value": [[1]]}]),
    "an unknown parameter": linear(parameters={"weight": 1, "zzz": {"a": 1}}),
    "a slice's parameter": stacked(parameters={"weight": None}),
    "an architecture": linear(models=[{"model": {"model": {"path": "a"}, "override_architecture": 3}}]),
    "a revision": linear(models=[{"model": {"model": {"path": "a", "revision": 3}}}]),
    "no model": linear(models=[{"modle": "a"}]),
    "no sources": {"merge_method": "linear", "slices": [{"sorces": []}], "parameters": {"weight": 1.0}},
}


@pytest.mark.parametrize("name", FORMS)
def test_what_mergekit_refuses_is_refused(name):
    try:
        MergeConfiguration.model_validate(FORMS[name])
        goes = True
    except (ValueError, RuntimeError):
        goes = False
    try:
        faults = list(check_form(Recipe.from_config(FORMS[name])))
    except RecipeError:
        faults = ["refused before"]
    assert (not faults) == goes


def test_the_preflight_stops_at_a_source_without_layers():
    (finding,) = preflight(Recipe.from_config(FORMS["no layers"]))
    assert (finding.severity, finding.what) == ("error", "layers")
    assert "layer_range is missing at source a in slice 1" in finding.message
