"""A recipe from a method's description: complete enough that the preflight has nothing to say."""

from __future__ import annotations

import pytest

from kinship.errors import UnknownNameError
from kinship.merging import METHODS, Recipe, compose, has_error, preflight, starting_parameters
from kinship.merging.compose import PAPER_SLERP
from tests.merging.models import save_family

PAIRS = [name for name, one in METHODS.items() if one.max_parents != 1]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return [str(path) for path in save_family(tmp_path_factory.mktemp("family"), members=2)]


@pytest.mark.parametrize("method", PAIRS)
def test_a_pair_under_any_method_passes_the_preflight(models, method, tmp_path):
    base, *parents = models
    recipe = compose(method, parents, base)
    assert not has_error(preflight(recipe, tmp_path / "out"))
    assert [parent.path for parent in recipe.parents] == parents
    assert Recipe.from_yaml(recipe.to_yaml()) == recipe


@pytest.mark.parametrize("method", PAIRS)
def test_the_base_is_the_first_parent_the_familys_or_none(method):
    about = METHODS[method]
    base = compose(method, ["/a", "/b"], "/base").base
    if about.base_is_parent:
        assert base == "/a"
    else:
        assert base == (None if about.base == "ignored" else "/base")


def test_slerp_starts_with_the_papers_parameters():
    """As printed in Hu et al., arXiv 2410.12613: opposite gradients for attention and MLP, half-way elsewhere."""
    attention, mlp, rest = starting_parameters("slerp")["t"]
    assert attention == {"filter": "self_attn", "value": [0, 0.5, 0.3, 0.7, 1]}
    assert mlp == {"filter": "mlp", "value": [1, 0.5, 0.7, 0.3, 0]}
    assert rest == {"value": 0.5}
    assert starting_parameters("slerp") == METHODS["slerp"].presets[PAPER_SLERP]


def test_what_is_given_wins_over_what_is_required():
    recipe = compose("linear", ["/a", "/b"], own=[{"weight": 0.2}, {"weight": 0.8}], dtype="float32", seed=7)
    assert [parent.parameters["weight"] for parent in recipe.parents] == [0.2, 0.8]
    assert (recipe.dtype, recipe.seed, recipe.parameters) == ("float32", 7, starting_parameters("linear"))
    assert compose("slerp", ["/a", "/b"], parameters={"t": 0.1}).parameters == {"t": 0.1}


def test_parameters_for_another_number_of_parents_are_refused():
    with pytest.raises(ValueError, match="shorter"):
        compose("linear", ["/a", "/b"], own=[{"weight": 1.0}])


def test_an_unknown_method_is_said():
    with pytest.raises(UnknownNameError, match="did you mean"):
        compose("slurp", ["/a", "/b"])


def test_what_the_whole_merge_has_is_not_set_again_for_each_parent():
    recipe = compose("dare_ties", ["/a", "/b"], "/base", {"weight": 0.5, "density": 0.5})
    assert [dict(one.parameters) for one in recipe.parents] == [{}, {}]
    assert [dict(one.parameters) for one in compose("dare_ties", ["/a", "/b"], "/base").parents] == [
        {"weight": 1.0}
    ] * 2
