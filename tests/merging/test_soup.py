"""Model soups: uniform and greedy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinship.errors import RecipeError
from kinship.merging import Parent, Recipe, SoupStep, greedy_soup, merge, uniform_soup
from tests.merging.models import save_family, weights

NAMES = ("a", "b", "c", "d", "e")
VALUES = {"a": 1.0, "b": 5.0, "c": 3.0, "d": 9.0, "e": 2.0}


def closeness(target):
    """Scores the mean of numbers by how near it is to a target; models are numbers here."""
    return lambda models: -abs(np.mean([VALUES[m] for m in models]) - target)


def test_the_greedy_soup_of_the_paper_step_by_step():
    evaluate = closeness(4.0)
    soup = greedy_soup({name: evaluate((name,)) for name in NAMES}, evaluate)
    # alone: b -1, c -1, e -2, a -3, d -5; b and c tie, and b was given first
    assert soup.trace == (
        SoupStep("b", -1.0, True),
        SoupStep("c", 0.0, True),  # the mean of 5 and 3 is 4
        SoupStep("e", pytest.approx(-2 / 3), False),
        SoupStep("a", -1.0, False),
        SoupStep("d", pytest.approx(-5 / 3), False),
    )
    assert soup.chosen == ("b", "c")
    assert soup.score == 0.0


def test_a_model_that_changes_nothing_is_added():
    soup = greedy_soup({"a": 1.0, "b": 0.5}, lambda models: 1.0)
    assert soup.chosen == ("a", "b")


@given(values=st.lists(st.floats(-10, 10), min_size=1, max_size=7), target=st.floats(-10, 10))
def test_a_greedy_soup_is_never_worse_than_the_best_model(values, target):
    def evaluate(models):
        return -abs(np.mean([values[int(m)] for m in models]) - target)

    calls = []
    scores = {str(i): evaluate([str(i)]) for i in range(len(values))}
    soup = greedy_soup(scores, lambda models: calls.append(models) or evaluate(models))
    assert soup.score >= max(scores.values())
    assert soup.score == evaluate(soup.chosen) or len(soup.chosen) == 1
    assert len(calls) == len(values) - 1
    assert [step.model for step in soup.trace if step.kept] == list(soup.chosen)
    assert sorted(step.model for step in soup.trace) == sorted(scores)


def test_the_uniform_soup_is_the_mean_of_the_weights(tmp_path):
    models = save_family(tmp_path, members=3)
    merge(uniform_soup([str(path) for path in models], "float32"), tmp_path / "soup")
    every = [weights(path) for path in models]
    for name, values in weights(tmp_path / "soup").items():
        assert values == pytest.approx(np.mean([one[name] for one in every], axis=0), abs=1e-7)


def test_a_soup_of_nothing_is_refused():
    assert uniform_soup(["a"]) == Recipe("linear", (Parent("a"),), parameters={"weight": 1.0})
    with pytest.raises(RecipeError, match="at least one model"):
        uniform_soup([])
    with pytest.raises(RecipeError, match="at least one model"):
        greedy_soup({}, lambda models: 0.0)
