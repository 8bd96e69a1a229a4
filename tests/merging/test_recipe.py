"""Recipes: mergekit's YAML to and fro without loss, and what makes two merges the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kinship.errors import RecipeError
from kinship.merging import METHODS, Parent, Recipe

SLERP = """
slices:
  - sources:
      - model: org/a@main
        layer_range: [0, 32]
      - model: org/b
        layer_range: [0, 32]
merge_method: slerp
base_model: org/a@main
parameters:
  t:
    - filter: self_attn
      value: [0, 0.5, 0.3, 0.7, 1]
    - filter: mlp
      value: [1, 0.5, 0.7, 0.3, 0]
    - value: 0.5
dtype: bfloat16
"""
STACK = """
merge_method: passthrough
slices:
- sources: [{model: a, layer_range: [0, 2]}]
- sources: [{model: b, layer_range: [1, 3], parameters: {scale: [{filter: down_proj, value: 0.5}, {value: 1}]}}]
"""
MODULES = """
merge_method: linear
modules:
  text_decoder:
    slices:
    - sources: [{model: a, layer_range: [0, 2], parameters: {weight: 1}}]
  vision:
    models: [{model: c, parameters: {weight: 0.5}}, {model: {model: {path: d, revision: x}, lora: e}}]
parameters: {weight: 1.0e-1, normalize: true}
"""
TOKENIZER = """
merge_method: linear
models: [{model: a+adapters/one, parameters: {weight: 1e-5}}, {model: b, parameters: {weight: 1}}]
tokenizer:
  source: c
  pad_to_multiple_of: 8
  tokens:
    <x>: {source: d, force: true}
    <y>: {source: {kind: model_token, model: e, token_id: 5}}
    <z>: {source: {kind: zero}}
chat_template: chatml
out_dtype: float16
"""
RAW = {"slices": SLERP, "stack": STACK, "modules": MODULES, "tokenizer": TOKENIZER}

numbers = st.one_of(st.booleans(), st.integers(-3, 3), st.floats(-10, 10), st.sampled_from(["1e-5", "0.5"]))
gradients = st.one_of(numbers, st.lists(numbers, min_size=1, max_size=4))
entries = st.fixed_dictionaries({"value": gradients}, optional={"filter": st.sampled_from(["mlp", "self_attn", "*"])})
values = st.one_of(gradients, st.lists(entries, min_size=1, max_size=3))
scopes = st.dictionaries(st.sampled_from(["weight", "density", "t", "normalize"]), values, max_size=3)
paths = st.text("abc/._-é @+\"':#{}[]\n", min_size=1, max_size=12)
recipes = st.builds(
    Recipe,
    method=st.sampled_from(sorted(METHODS)),
    parents=st.lists(st.builds(Parent, paths, scopes), min_size=1, max_size=3).map(tuple),
    base=st.none() | paths,
    parameters=scopes,
    dtype=st.none() | st.sampled_from(["bfloat16", "float32"]),
    tokenizer=st.none() | st.sampled_from(["union", "base", "x/y"]),
    seed=st.integers(0, 2**31),
)


@settings(max_examples=150)
@given(recipe=recipes)
def test_a_typed_recipe_comes_back_as_it_was(recipe):
    assert Recipe.from_yaml(recipe.to_yaml(), recipe.seed) == recipe
    assert recipe.raw is None


@pytest.mark.parametrize("text", RAW.values(), ids=RAW)
def test_what_the_fields_cannot_say_is_kept_as_it_was(text):
    recipe = Recipe.from_yaml(text)
    assert recipe.raw == yaml.safe_load(text)
    assert yaml.safe_load(recipe.to_yaml()) == yaml.safe_load(text)
    assert Recipe.from_yaml(recipe.to_yaml()) == recipe


@pytest.mark.parametrize("text", RAW.values(), ids=RAW)
def test_mergekit_reads_what_we_write_as_it_reads_the_original(text):
    from mergekit.config import MergeConfiguration

    original = MergeConfiguration.model_validate(yaml.safe_load(text))
    assert MergeConfiguration.model_validate(yaml.safe_load(Recipe.from_yaml(text).to_yaml())) == original


@pytest.mark.parametrize(
    ("text", "parents", "models"),
    [
        (SLERP, ["org/a@main", "org/b"], ("org/a@main", "org/b")),
        (STACK, ["a", "b"], ("a", "b")),
        (MODULES, ["a", "c", "d@x+e"], ("a", "c", "d@x", "e")),
        (TOKENIZER, ["a+adapters/one", "b"], ("a", "adapters/one", "b", "c", "d", "e")),
    ],
    ids=RAW,
)
def test_the_models_of_any_yaml_are_found(text, parents, models):
    recipe = Recipe.from_yaml(text)
    assert [parent.path for parent in recipe.parents] == parents
    assert set(recipe.models) == set(models)
    assert len(recipe.models) == len(models)


@pytest.mark.parametrize("text", RAW.values(), ids=RAW)
def test_every_model_is_replaced_wherever_it_stands(text):
    moved = Recipe.from_yaml(text).with_models(lambda model: f"/abs/{model}")
    assert all(model.startswith("/abs/") for model in moved.models)
    back = moved.with_models(lambda model: model.removeprefix("/abs/"))
    assert back.models == Recipe.from_yaml(text).models
    assert back.parameters == Recipe.from_yaml(text).parameters


@pytest.mark.parametrize("path", ["/a/b@c/d", "/a/b+c/d", "/plain"])
def test_mergekit_reads_any_path_as_one_model(path):
    from mergekit.config import MergeConfiguration

    recipe = Recipe("linear", (Parent("org/a@rev", {"weight": 1}), Parent("x+y", {"weight": 1})), base="org/a@rev")
    moved = recipe.with_models(lambda model: path if model == "org/a@rev" else f"/w/{model}@z")
    read = MergeConfiguration.model_validate(moved.to_config())
    assert read.base_model.model.path == path
    assert read.models[0].model.lora is None
    assert (read.models[1].model.model.path, read.models[1].model.lora.path) == ("/w/x@z", "/w/y@z")
    assert [moved.parts(parent.path) for parent in moved.parents] == [(path,), ("/w/x@z", "/w/y@z")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("models: [{model: a}]", "no merge_method"),
        ("merge_method: linear", "exactly one of models, slices, modules"),
        ("merge_method: linear\nmodels: [{model: a}]\nslices: [{sources: [{model: a}]}]", "exactly one of"),
        ("- a\n- b", "no merge_method"),
        ("merge_method: [", "not valid YAML"),
        ("merge_method: linear\nmodels: [a, b]", "needs the key model"),
        ("merge_method: linear\nmodels: {a: b}", "needs the key model"),
        ("merge_method: linear\nmodels: [{model: 5}]", "a model is"),
        ("merge_method: linear\nmodels: [{model: a}]\nparameters: 7", "parameters are 7"),
        ("merge_method: linear\nmodels: [{model: a}]\ndtype: 7", "dtype is 7"),
        ("merge_method: linear\nslices: [{sources: 3}]", "list called sources"),
        ("merge_method: linear\nmodels: &a [*a]", "an alias of what it is a part of"),
        ("a: b\n---\nc: d", "a chain of 2 merges; carry them out in turn with mergekit-multi"),
    ],
)
def test_what_is_no_recipe_is_said_in_one_line(text, said, tmp_path):
    with pytest.raises(RecipeError, match=said):
        Recipe.from_yaml(text)
    file = tmp_path / "recipe.yaml"
    file.write_text(text)
    with pytest.raises(RecipeError) as caught:
        Recipe.from_yaml(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_said():
    with pytest.raises(RecipeError, match=r"/nowhere/r\.yaml cannot be read"):
        Recipe.from_yaml(Path("/nowhere/r.yaml"))


def test_a_raw_recipe_cannot_be_changed_behind_its_back():
    with pytest.raises(ValueError, match="changed there"):
        replace(Recipe.from_yaml(SLERP), method="linear")


LINEAR = Recipe("linear", (Parent("a", {"weight": 1}), Parent("b", {"weight": 2})), dtype="bfloat16")
WHO = {"a": "1", "b": "2", "x": "1", "y": "2"}


def test_equal_merges_have_one_digest_wherever_they_lie():
    digest = LINEAR.digest(WHO)
    elsewhere = LINEAR.with_models({"a": "x", "b": "y"}.get)
    assert elsewhere.digest(WHO) == digest
    assert Recipe.from_yaml(LINEAR.to_yaml()).digest(WHO) == digest
    assert replace(LINEAR, seed=7).digest(WHO) == digest  # nothing is drawn
    assert replace(LINEAR, parameters={"normalize": True}).digest(WHO) == digest  # the default
    parents = (Parent("a", {"weight": 1.0}), Parent("b", {"weight": 2.0}))
    assert replace(LINEAR, parents=parents).digest(WHO) == digest


def test_what_changes_the_child_changes_the_digest():
    dare = replace(LINEAR, method="dare_linear", base="x")
    others = [
        replace(LINEAR, parents=LINEAR.parents[::-1]),
        replace(LINEAR, parents=(Parent("a", {"weight": 2}), Parent("b", {"weight": 1}))),
        replace(LINEAR, parameters={"normalize": False}),
        replace(LINEAR, dtype="float32"),
        replace(LINEAR, tokenizer="union"),
        replace(LINEAR, base="a"),
        dare,
        replace(dare, seed=1),
    ]
    digests = [recipe.digest(WHO) for recipe in (LINEAR, *others)] + [LINEAR.digest(WHO | {"a": "3"})]
    assert len(set(digests)) == len(digests)


def test_a_digest_needs_every_identity():
    with pytest.raises(RecipeError, match="what b is"):
        LINEAR.digest({"a": "1"})
