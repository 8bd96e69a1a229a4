"""The space of every method in the catalogue: its starting recipe is a point of it, and any point is a recipe."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinship.errors import SearchError, UnknownNameError
from kinship.evolution.recipes import searchable_methods, searchable_parameters, space_of
from kinship.merging import METHODS, compose, merge_method

SEARCHABLE = pytest.mark.parametrize("name", searchable_methods())


def parents(name):
    return ["a", "b", "c"][: merge_method(name).max_parents]


def recipe(space, values):
    paths = [f"/{name}" for name in space.parents]
    return compose(space.method, paths, "/base", space.parameters(values), space.own_parameters(values))


def numbers(setting):
    """Every number in a configuration, wherever it stands."""
    if isinstance(setting, dict):
        return [number for one in setting.values() for number in numbers(one)]
    if isinstance(setting, list):
        return [number for one in setting for number in numbers(one)]
    return [setting] if isinstance(setting, int | float) and not isinstance(setting, bool) else []


@SEARCHABLE
def test_the_starting_recipe_is_a_point_of_the_space(name):
    space = space_of(name, parents(name))
    assert recipe(space, space.start) == compose(name, [f"/{one}" for one in space.parents], "/base")
    assert all(one.range.low <= one.start <= one.range.high for one in space.dimensions)


@SEARCHABLE
def test_every_dimension_is_one_number_of_the_recipe(name):
    space = space_of(name, parents(name))
    middle = {
        one.name: one.range.low + (0.3 + 0.01 * i) * (one.range.high - one.range.low)
        for i, one in enumerate(space.dimensions)
    }
    told = numbers(recipe(space, middle).to_config())
    assert sorted(told) == sorted(middle.values())
    assert len({one.name for one in space.dimensions}) == len(space.dimensions)


@SEARCHABLE
def test_the_ranges_lie_within_what_makes_sense(name):
    for one in searchable_parameters(merge_method(name)):
        assert one.kind in ("number", "integer")
        assert one.low <= one.search.low < one.search.high <= one.high
        assert not one.search.log or one.search.low > 0


@pytest.mark.parametrize("name", sorted(METHODS.keys() - searchable_methods().keys()))
def test_a_method_with_nothing_to_choose_is_refused_with_the_reason(name):
    with pytest.raises(SearchError, match="has no parameter to search over; choose one of linear"):
        space_of(name, ["a", "b"])


def test_the_methods_that_have_nothing_to_choose():
    assert METHODS.keys() - searchable_methods().keys() == {
        "karcher", "model_stock", "ram", "arcee_fusion", "passthrough"
    }  # fmt: skip


def test_slerp_has_a_value_for_each_anchor_of_the_paper_s_layout():
    before = copy.deepcopy(merge_method("slerp").presets)
    space = space_of("slerp", ["a", "b"])
    names = [f"t.{part}.{n}" for part in ("self_attn", "mlp") for n in range(1, 6)] + ["t.rest"]
    assert [one.name for one in space.dimensions] == names
    assert [space.start[name] for name in names] == [0, 0.5, 0.3, 0.7, 1, 1, 0.5, 0.7, 0.3, 0, 0.5]
    changed = recipe(space, space.start | {"t.mlp.2": 0.25}).parameters["t"]
    assert changed == [
        {"filter": "self_attn", "value": [0, 0.5, 0.3, 0.7, 1]},
        {"filter": "mlp", "value": [1, 0.25, 0.7, 0.3, 0]},
        {"value": 0.5},
    ]
    assert merge_method("slerp").presets == before, "the catalogue stays as it was"


def test_what_does_not_vary_stays_as_in_the_starting_recipe():
    space = space_of("ties", ["a", "b"], vary=["density"])
    assert space.start == {"density.a": 1.0, "density.b": 1.0}
    made = recipe(space, {"density.a": 0.25, "density.b": 1.0})
    assert [dict(parent.parameters) for parent in made.parents] == [{"weight": 1.0, "density": 0.25}, {"weight": 1.0}]
    assert made.parameters == {}


def test_ranges_of_one_s_own():
    space = space_of("ties", ["a", "b"], ranges={"density": (0.1, 0.5)})
    assert {tuple(one.range) for one in space.dimensions if one.parameter == "density"} == {(0.1, 0.5, False)}
    assert {tuple(one.range) for one in space.dimensions if one.parameter == "lambda"} == {(0.2, 2.0, False)}
    assert space_of("nearswap", ["a", "b"], ranges={"t": (1e-4, 1e-2)}).dimensions[0].range.log


@given(low=st.floats(-2, 2), high=st.floats(-2, 2))
def test_a_range_is_taken_where_it_is_one(low, high):
    if 0 <= low < high <= 1:
        assert space_of("ties", ["a", "b"], ranges={"density": (low, high)}).dimensions[2].range[:2] == (low, high)
    else:
        with pytest.raises(SearchError, match="from 0 to 1"):
            space_of("ties", ["a", "b"], ranges={"density": (low, high)})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("slrp", ["a", "b"]), "did you mean slerp"),
        (("ties", ["a", "b"], ["densty"]), "did you mean density"),
        (("ties", ["a", "b"], [], {"t": (0, 1)}), "parameter to search of ties"),
        (("slerp", ["a", "b", "c"]), "merges 2 models, not 3"),
        (("ties", ["a"]), "merges 2 or more models, not 1"),
        (("ties", ["a", "a"]), "named twice"),
        (("nearswap", ["a", "b"], [], {"t": (0, 0.1)}), "cannot be searched from 0 to 0.1"),
    ],
)
def test_what_cannot_be_searched_is_said(arguments, words):
    with pytest.raises((SearchError, UnknownNameError), match=words):
        space_of(*arguments)
