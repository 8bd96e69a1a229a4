"""The chain of recipes behind a model: each merge before what needs it, and mergekit makes the model from the file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from kinship.errors import UnknownNameError
from kinship.merging import chain, chain_yaml, compose, merge
from tests.merging.models import raw_weights, save_family

NAMES = {
    "model-1-1": ("a", "b"),
    "model-1-2": ("a", "c"),
    "model-1-3": ("b", "c"),
    "model-2-1": ("model-1-1", "model-1-2"),
    "model-2-exp": ("a", "model-1-1"),
    "model-3-1": ("model-2-1", "model-2-exp"),
}
RECIPES = {name: compose("slerp", pair).to_yaml() for name, pair in NAMES.items()}


def test_every_merge_comes_after_its_parents_and_once():
    order = chain(RECIPES, "model-3-1")
    assert order[-1] == "model-3-1"
    assert sorted(order) == ["model-1-1", "model-1-2", "model-2-1", "model-2-exp", "model-3-1"]
    for place, name in enumerate(order):
        assert {parent for parent in NAMES[name] if parent in NAMES} <= {*order[:place]}
    assert chain(RECIPES, "model-1-3") == ("model-1-3",)


def test_what_is_there_is_left_out_with_what_only_it_needs():
    assert chain(RECIPES, "model-3-1", {"model-2-1"}) == ("model-1-1", "model-2-exp", "model-3-1")
    assert chain(RECIPES, "model-3-1", {"model-2-1", "model-1-1"}) == ("model-2-exp", "model-3-1")
    assert chain(RECIPES, "model-3-1", {"model-3-1"}) == ()


def test_a_model_without_a_recipe_is_said():
    with pytest.raises(UnknownNameError, match="did you mean model-1-3"):
        chain(RECIPES, "model-1-33")


def test_the_file_names_merges_and_places_the_rest():
    documents = list(yaml.safe_load_all(chain_yaml(RECIPES, {"a": "/x/a", "b": "/x/b", "c": "/x/c"}, "model-2-1")))
    assert [one["name"] for one in documents] == ["model-1-1", "model-1-2", "model-2-1"]
    assert [one["base_model"] for one in documents] == ["/x/a", "/x/a", "model-1-1"]
    assert [[m["model"] for m in one["models"]] for one in documents] == [
        ["/x/a", "/x/b"],
        ["/x/a", "/x/c"],
        ["model-1-1", "model-1-2"],
    ]
    assert documents[0]["parameters"] == compose("slerp", ["a", "b"]).parameters


def test_mergekit_makes_the_same_model_from_the_file(tmp_path):
    _, *parents = save_family(tmp_path / "family", members=3)
    places = dict(zip(("a", "b", "c"), map(str, parents), strict=True))
    for name in chain(RECIPES, "model-2-1"):
        pair = [places[parent] for parent in NAMES[name]]
        merge(compose("slerp", pair), tmp_path / "ours" / name)
        places[name] = str(tmp_path / "ours" / name)
    (tmp_path / "chain.yaml").write_text(chain_yaml(RECIPES, {n: places[n] for n in "abc"}, "model-2-1"))
    command = Path(sys.executable).with_name("mergekit-multi")
    between = tmp_path / "between"  # absolute: mergekit takes a relative path in a card for a name on the Hub
    asked = [command, tmp_path / "chain.yaml", "--intermediate-dir", between]
    done = subprocess.run(
        asked, cwd=tmp_path, env=os.environ | {"HF_HUB_OFFLINE": "1"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert raw_weights(between / "model-2-1") == raw_weights(tmp_path / "ours" / "model-2-1")
