"""The catalogue of merge methods says what mergekit's registry says, and enough to make a form from."""

from __future__ import annotations

import subprocess
import sys
from typing import Optional

import pytest

from kinship.errors import UnknownNameError
from kinship.merging import METHODS, merge_method
from kinship.merging.settings import leaves

EVERY = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
KINDS = {float: "number", Optional[float]: "number", int: "integer", bool: "switch"}  # noqa: UP045 - what mergekit writes


@pytest.fixture(scope="module")
def registry():
    from mergekit.merge_methods.registry import registered_methods

    return {method.spec.name: method.spec for method in registered_methods()}


def test_the_names_are_mergekits(registry):
    assert METHODS.keys() == registry.keys()


@EVERY
def test_parameters_defaults_and_types_are_mergekits(registry, method):
    theirs = {
        p.name: (
            KINDS[p.value_type],
            "merge" if p.scope.value == "shared" else "parent",
            p.required,
            None if p.required else p.default,
        )
        for p in registry[method.name].parameters
    }
    ours = {p.name: (p.kind, p.of, p.required, p.default) for p in method.parameters}
    assert ours == theirs


@EVERY
def test_the_base_and_the_number_of_parents_are_mergekits(registry, method):
    contract = registry[method.name].contract
    assert method.base == contract.base.value
    with_base = contract.base.value == "required" and not method.base_is_parent
    least = max(1, contract.min_inputs - with_base, contract.min_non_base or 0)
    most = contract.max_non_base if contract.max_non_base is not None else contract.max_inputs
    assert (method.min_parents, method.max_parents) == (least, most)


@EVERY
def test_the_paper_is_the_one_mergekit_refers_to(registry, method):
    theirs = registry[method.name].reference_url or ""
    if "arxiv.org" in theirs:
        assert method.paper is not None
        assert theirs.endswith(method.paper.arxiv)
    if method.paper is not None:
        assert method.paper.url.startswith("https://")
        assert 1980 < method.paper.year < 2100
        assert not method.paper.arxiv or method.paper.arxiv[:2] == str(method.paper.year)[2:]


@EVERY
def test_only_methods_that_draw_are_called_random(method):
    import inspect

    from mergekit import sparsify
    from mergekit.merge_methods import get

    source = inspect.getsource(inspect.getmodule(getattr(get(method.name), "implementation", get(method.name))))
    way = getattr(get(method.name), "sparsification_method", None)
    if way is not None:
        source = inspect.getsource(getattr(sparsify, {"random": "bernoulli"}.get(way.value, way.value)))
    assert method.random == ("torch.bernoulli(" in source or "torch.randint(" in source)


@EVERY
def test_every_sentence_is_one(method):
    texts = [method.does, method.use_when, *(p.does for p in method.parameters)]
    assert all(text[0].isupper() or text.startswith("mergekit") for text in texts)
    assert all(text.endswith(".") and len(text) < 140 for text in texts)


@EVERY
def test_a_form_has_a_start_within_the_range(method):
    for parameter in method.parameters:
        start = parameter.start if parameter.required else parameter.default
        assert (start is not None) or not parameter.required
        if start is not None:
            assert parameter.low <= parameter.read(start) <= parameter.high


@EVERY
def test_presets_hold_what_the_method_knows(method):
    for preset in method.presets.values():
        for name, setting in preset.items():
            parameter = method.parameter(name)
            assert all(parameter.low <= parameter.read(value) <= parameter.high for value in leaves(setting))


def test_the_paper_s_slerp_is_a_preset():
    layout = merge_method("slerp").presets["by module, as in the kinship paper"]["t"]
    assert {entry.get("filter"): entry["value"] for entry in layout} == {
        "self_attn": [0, 0.5, 0.3, 0.7, 1],
        "mlp": [1, 0.5, 0.7, 0.3, 0],
        None: 0.5,
    }


def test_a_mistyped_name_gets_the_close_ones():
    with pytest.raises(UnknownNameError, match="did you mean slerp"):
        merge_method("slrp")


def test_the_catalogue_starts_light():
    code = (
        "import sys, kinship.merging.methods, kinship.merging.preflight;"
        "found = {'torch', 'mergekit', 'transformers', 'pydantic', 'scipy'} & set(sys.modules); assert not found, found"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
