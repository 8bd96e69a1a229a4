"""A merge ends where a value is no number, and names the tensor and the parent or the dtype."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kinship.errors import NonFiniteError
from kinship.merging import METHODS, Parent, Recipe, merge
from tests.families import llama, tuned
from tests.merging.models import TOKENS, save_mergeable, weights
from tests.merging.recipes import recipe_of

DOWN = "model.layers.1.mlp.down_proj.weight"
BASE = llama(0, vocabulary=len(TOKENS) + 1)


def family(folder, *, dtype="F32", **values):
    """A base and models a and b; `values` are written at one place of them."""
    models = []
    for seed, name in enumerate(("base", "a", "b")):
        row = tuned(BASE, seed) if seed else dict(BASE)
        if name in values:
            row[DOWN][0, 0] = values[name]
        models.append(save_mergeable(folder / name, row, dtype=dtype))
    return models


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("method", METHODS)
def test_a_parent_that_has_no_number_is_named_whatever_the_method(method, value, tmp_path):
    base, a, b = family(tmp_path, b=value)
    odd = [b, a] if METHODS[method].max_parents == 1 else [a, b]
    with pytest.raises(NonFiniteError) as caught:
        merge(recipe_of(METHODS[method], base, odd), tmp_path / "child")
    assert f"{DOWN} of b has" in str(caught.value)
    assert ("NaN" in str(caught.value)) == np.isnan(value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "child").exists()
    assert not (tmp_path / ".child.part").exists()


def mean(models, dtype=None, **more):
    recipe = Recipe("linear", tuple(Parent(str(path), {"weight": 1.0}) for path in models), dtype=dtype)
    return Recipe.from_config(recipe.to_config() | more)


@pytest.mark.parametrize("more", [{"dtype": "float16"}, {"out_dtype": "float16"}])
def test_values_beyond_float16_are_refused_with_the_parent_and_the_dtype_that_helps(more, tmp_path):
    _, a, b = family(tmp_path, dtype="BF16", b=9e4)
    with pytest.raises(NonFiniteError) as caught:
        merge(Recipe.from_config(mean([b]).to_config() | more), tmp_path / "child")
    told = str(caught.value)
    for word in (DOWN, "b has values up to 90,112", "float16 ends at 65,504", "bfloat16 or float32"):
        assert word in told
    merge(mean([a, b], "bfloat16"), tmp_path / "child")
    assert np.abs(weights(tmp_path / "child")[DOWN]).max() > 4e4


def test_a_mean_that_fits_where_a_parent_does_not_is_kept(tmp_path):
    _, a, b = family(tmp_path, dtype="BF16", b=9e4)
    recipe = mean([a, b], out_dtype="float16")
    merge(recipe, tmp_path / "child")
    assert weights(tmp_path / "child")[DOWN][0, 0] == pytest.approx(45056, rel=1e-2)


def test_a_sum_beyond_float16_is_the_merges_own_doing(tmp_path):
    base, a, b = family(tmp_path, dtype="F16", a=4e4, b=4e4)
    recipe = recipe_of(METHODS["task_arithmetic"], base, [a, b])
    recipe = replace(recipe, parents=tuple(Parent(one.path, {"weight": 1.0}) for one in recipe.parents))
    with pytest.raises(NonFiniteError, match=r"leaves the range of float16.*bfloat16 or float32"):
        merge(recipe, tmp_path / "child")


def test_what_a_method_makes_of_finite_weights_is_its_own_fault(tmp_path):
    base, a, _ = family(tmp_path, dtype="F32", a=3e38)
    recipe = recipe_of(METHODS["task_arithmetic"], base, [a])
    recipe = replace(recipe, parents=(Parent(str(a), {"weight": 100.0}),))
    with pytest.raises(NonFiniteError, match="so the method made it; choose other parameters"):
        merge(recipe, tmp_path / "child")
