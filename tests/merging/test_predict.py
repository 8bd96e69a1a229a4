"""The kinship of a child before the merge, against the weights that mergekit then writes."""

from __future__ import annotations

import numpy as np
import pytest

from kinship.checkpoints import align, open_checkpoint
from kinship.errors import UnknownNameError
from kinship.merging import METHODS, Parent, Recipe, merge, predict, predicted_table
from kinship.similarity import gram_table, kinship_matrix
from tests.merging.models import save_family, weights
from tests.merging.recipes import recipe_of

T_LAYOUT = METHODS["slerp"].presets["by module, as in the kinship paper"]["t"]
COMBINATIONS = {
    "mean": ("linear", None, [{"weight": 1.0}] * 2, {}),
    "weighted": ("linear", None, [{"weight": 0.7}, {"weight": [0.1, 0.9]}, {"weight": 0.4}], {}),
    "sum": ("linear", None, [{"weight": 0.6}, {"weight": 0.3}], {"normalize": False}),
    "mean with the base": ("linear", "base", [{}, {}], {"weight": 1.0}),
    "slerp": ("slerp", "m1", [{}, {}], {"t": 0.3}),
    "slerp by module": ("slerp", "m2", [{}, {}], {"t": T_LAYOUT}),
    "slerp to the base": ("slerp", "m2", [{}], {"t": 0.5}),
    "task arithmetic": ("task_arithmetic", "base", [{"weight": 0.6}, {"weight": [{"filter": "mlp", "value": -0.4},
                        {"value": 0.5}]}], {"lambda": 0.8}),
    "on another base": ("task_arithmetic", "m3", [{"weight": 0.6}, {"weight": 0.5}], {"normalize": True}),
    "dare that drops nothing": ("dare_linear", "base", [{"weight": 0.6}, {"weight": 0.5}], {}),
    "della that drops nothing": ("della_linear", "base", [{"weight": 0.6}, {"weight": 0.5}], {"normalize": True}),
    "breadcrumbs that drop nothing": ("breadcrumbs", "base", [{"weight": 0.6}, {"weight": 0.5}], {"density": 1.0}),
    "nuslerp": ("nuslerp", None, [{"weight": 0.6}, {"weight": 0.2}], {}),
    "nuslerp of deltas": ("nuslerp", "base", [{"weight": 0.6}, {"weight": 0.2}], {}),
    "multislerp": ("multislerp", None, [{"weight": 0.6}, {"weight": 0.2}, {"weight": 0.5}], {}),
    "multislerp of deltas": ("multislerp", "base", [{"weight": 0.6}, {"weight": 0.2}, {"weight": 0.5}], {}),
    "karcher": ("karcher", None, [{}, {}, {}], {}),
    "model stock": ("model_stock", "base", [{}, {}, {}], {}),
    "scaled": ("passthrough", None, [{"scale": [{"filter": "mlp", "value": 0.9}, {"value": 1.0}]}], {}),
}  # fmt: skip
WEIGHTWISE = ["ties", "dare_ties", "dare_linear", "breadcrumbs", "breadcrumbs_ties", "della", "della_linear", "sce",
              "ram", "ramplus_tl", "arcee_fusion", "nearswap"]  # fmt: skip


@pytest.fixture(scope="module", params=["F32", "BF16"])
def family(request, tmp_path_factory):
    """A base and three models of three layers, and their table; deltas are a fifth of the weights' norm."""
    folder = tmp_path_factory.mktemp("family")
    paths = save_family(folder, dtype=request.param, hidden=32, mlp=48, layers=3)
    opened = [open_checkpoint(path) for path in paths]
    return request.param, paths, gram_table(align(opened[0], opened[1:]), "cpu")


def recipe_of_case(paths, case):
    method, base, own, parameters = COMBINATIONS[case]
    where = {path.name: str(path) for path in paths}
    parents = tuple(Parent(str(path), settings) for path, settings in zip(paths[1:], own, strict=False))
    return Recipe(method, parents, None if base is None else where[base], parameters)


def predicted(recipe, paths, table, dtype=None):
    prediction = predict(recipe, table, {str(path): path.name for path in paths})
    assert prediction.reason == ""
    return predicted_table(prediction, table, "child", dtype)


def vector(folder):
    return np.concatenate([values.ravel() for _, values in sorted(weights(folder).items())])


@pytest.mark.parametrize("case", COMBINATIONS)
def test_the_predicted_kinship_is_the_measured(case, family, tmp_path):
    dtype, paths, table = family
    recipe = recipe_of_case(paths, case)
    merge(recipe, tmp_path / "child")
    base = vector(paths[0])
    deltas = [vector(path) - base for path in (*paths[1:], tmp_path / "child")]
    expected = np.corrcoef(deltas)[-1, :-1]
    norm = np.linalg.norm(deltas[-1])
    found = predicted(recipe, paths, table, dtype)
    tolerance = 2e-5 if dtype == "F32" else 0.01
    assert kinship_matrix(found, "pcc").values[-1, :-1] == pytest.approx(expected, abs=tolerance)
    assert np.sqrt(found.totals().gram[-1, -1]) == pytest.approx(norm, rel=tolerance)
    apart = [np.linalg.norm(deltas[-1] - delta) for delta in deltas[:-1]]
    assert kinship_matrix(found, "euclidean").values[-1, :-1] == pytest.approx(apart, rel=tolerance, abs=tolerance)


@pytest.mark.parametrize("method", WEIGHTWISE)
def test_what_depends_on_single_weights_is_not_predicted(method, family):
    _, paths, table = family
    recipe = recipe_of(METHODS[method], paths[0], paths[1:])
    prediction = predict(recipe, table, {str(path): path.name for path in paths})
    assert prediction.coefficients is None
    assert "single weights" in prediction.reason or "thins" in prediction.reason
    assert predicted_table(prediction, table, "child") is None


@pytest.mark.parametrize(
    ("parameters", "changes", "reason"),
    [
        ({"nuslerp_flatten": False, "weight": 1}, {"method": "nuslerp"}, "row by row"),
        ({"filter_wise": True}, {"method": "model_stock", "base": "base"}, "row by row"),
        ({"weight": 1}, {"method": "linear", "tokenizer": "union"}, "vocabulary"),
        ({"weight": [{"filter": "mlp", "value": 1}]}, {"method": "linear"}, "weight is not set for"),
        ({"weight": "x"}, {"method": "linear"}, "not a number"),
        ({"weight": 0}, {"method": "linear"}, "cancel out"),
        ({"t": 0.5}, {"method": "slerp"}, "needs a base"),
    ],
)
def test_a_reason_says_why_nothing_is_predicted(parameters, changes, reason, family):
    _, paths, table = family
    base = changes.get("base") and str(paths[0])
    parents = tuple(Parent(str(path)) for path in paths[1:3])
    recipe = Recipe(**changes | {"base": base}, parents=parents, parameters=parameters)
    prediction = predict(recipe, table, {str(path): path.name for path in paths})
    assert prediction.coefficients is None
    assert reason in prediction.reason


def test_slices_of_all_layers_are_predicted_and_a_stack_is_not(family, tmp_path):
    _, paths, table = family
    rows = {str(path): path.name for path in paths}
    sources = [{"model": str(path), "layer_range": [0, 3]} for path in paths[1:3]]
    whole = {
        "merge_method": "slerp",
        "base_model": str(paths[1]),
        "slices": [{"sources": sources, "parameters": {"t": 0.25}}],
    }
    found = predict(Recipe.from_config(whole), table, rows)
    same = predict(recipe_of_case(paths, "slerp"), table, rows)
    assert found.coefficients is not None
    flat = Recipe("slerp", tuple(Parent(str(path)) for path in paths[1:3]), str(paths[1]), {"t": 0.25})
    assert found.coefficients == pytest.approx(predict(flat, table, rows).coefficients)
    assert found.coefficients != pytest.approx(same.coefficients)
    stack = [{"sources": [sources[0] | {"layer_range": [0, 2]}]}, {"sources": [sources[1] | {"layer_range": [2, 3]}]}]
    prediction = predict(Recipe.from_config({"merge_method": "passthrough", "slices": stack}), table, rows)
    assert prediction.reason == "it stacks slices of layers"


def test_a_model_that_is_not_in_the_table_is_named(family):
    _, paths, table = family
    recipe = Recipe("linear", (Parent("elsewhere", {"weight": 1}),))
    with pytest.raises(UnknownNameError, match="elsewhere"):
        predict(recipe, table, {str(path): path.name for path in paths})
    with pytest.raises(UnknownNameError, match="did you mean linear"):
        predict(Recipe("linaer", ()), table, {})


@pytest.mark.parametrize("size", [0.0003, 0.0006])
def test_small_deltas_in_bf16_lie_below_their_prediction_as_rounding_is_expected_to_make_them(size, tmp_path):
    """The mean of models whose deltas are about one percent of the weights, one to three steps of bf16."""
    paths = save_family(tmp_path, dtype="BF16", size=size, members=2, hidden=48, mlp=64)
    opened = [open_checkpoint(path) for path in paths]
    table = gram_table(align(opened[0], opened[1:]), "cpu")
    recipe = Recipe("linear", tuple(Parent(str(path), {"weight": 1.0}) for path in paths[1:]))
    merge(recipe, tmp_path / "child")
    base = vector(paths[0])
    measured = np.corrcoef([vector(path) - base for path in (*paths[1:], tmp_path / "child")])[-1, :-1]
    exact, stored = (
        kinship_matrix(predicted(recipe, paths, table, dtype)).values[-1, :-1] for dtype in (None, "bfloat16")
    )
    assert (measured < exact - 0.01).all()
    assert abs(stored - measured).max() < 0.4 * abs(exact - measured).min()
