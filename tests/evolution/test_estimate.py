"""What a search takes at most: never less than it then takes, and just that where nothing ends it early."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinship.evolution import STRATEGIES, Limits, effort, score_baselines
from tests.evolution.worlds import last, world


@given(
    st.integers(2, 6),
    st.integers(2, 5),
    st.sampled_from(sorted(STRATEGIES)),
    st.integers(1, 6),
    st.none() | st.integers(1, 30),
    st.none() | st.integers(1, 30),
    st.integers(0, 99),
)
def test_no_search_takes_more(foundations, k, name, generations, merges, evaluations, seed):
    limits = Limits(generations, merges, evaluations)
    about = world(seed, foundations)
    run = last(about.search(about.begin(strategy_name=name, k=k), limits=limits))
    found = effort(foundations, k, limits, explores=STRATEGIES[name].explores)
    assert run.merges <= found.merges
    assert run.evaluations + found.baselines + 1 <= found.evaluations


@pytest.mark.parametrize(("explores", "merges"), [(False, 6 + 3 + 3), (True, 6 + 4 + 4)])
def test_four_models_three_generations(explores, merges):
    found = effort(4, 3, Limits(3), explores=explores)
    assert found.merges == merges
    assert found.evaluations == 4 + merges + found.baselines + 1
    assert found.held_out == 4 + found.baselines + 1 + 3


def test_baselines_are_counted_as_they_are_made():
    about = world()
    run = last(about.search(about.begin(), limits=Limits(1)))
    made = []
    score_baselines(run, lambda one: made.append(one.name) or 0.0, lambda name: about.evaluate("f0"))
    assert effort(4, 3, Limits(1), explores=False).baselines == len(made)


def test_two_best_models_have_one_pair():
    assert effort(3, 2, Limits(4), explores=False).merges == 3 + 3 * 1


def test_a_strategy_that_explores_says_so():
    for name, one in STRATEGIES.items():
        about = world()
        run = last(about.search(about.begin(strategy_name=name), limits=Limits(2)))
        assert any(child.exploration for child in run.generations[-1]) is one.explores
