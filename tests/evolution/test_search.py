"""The search: what is merged when, resumed anywhere, extended, and as the paper's Table 2 has it."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinship.errors import SearchError, UnknownNameError
from kinship.evolution import (
    STRATEGIES,
    Limits,
    Scored,
    begin,
    next_pairs,
    search,
    stopping_rule,
)
from kinship.published import evolution_run
from tests.evolution.worlds import PrintedWorld, last, through_json, world

LONG = Limits(generations=12)
SHARED = {
    "model-1-1": ("MetaMath-Mistral-7B", "Mistral-7B-Instruct-v0.2"),
    "model-1-2": ("Mistral-7B-Instruct-v0.2", "openchat-3.5-1210"),
    "model-1-3": ("MetaMath-Mistral-7B", "openchat-3.5-1210"),
    "model-2-1": ("openchat-3.5-1210", "model-1-3"),
    "model-2-2": ("model-1-2", "model-1-3"),
    "model-2-3": ("openchat-3.5-1210", "model-1-2"),
    "model-3-2": ("model-1-3", "model-2-1"),
}
GREEDY = SHARED | {
    "model-3-1": ("openchat-3.5-1210", "model-2-1"),
    "model-4-1": ("model-2-1", "model-3-1"),
    "model-4-2": ("model-2-1", "model-3-2"),
    "model-4-3": ("model-3-1", "model-3-2"),
}
KINSHIP = SHARED | {
    "model-2-exp": ("Mistral-7B-Instruct-v0.2", "model-1-3"),
    "model-3-3": ("model-2-1", "model-2-exp"),
    "model-3-4": ("model-1-3", "model-2-exp"),
    "model-3-exp": ("model-1-1", "model-2-1"),
}


def searched(strategy, parents, generations):
    paper = PrintedWorld(strategy, parents)
    foundations = {one.name: one.score for one in evolution_run(strategy).generations[0]}
    run = last(
        search(
            begin(foundations, strategy_name=strategy, k=3),
            merge=paper.merge,
            evaluate=paper.evaluate,
            kinship=paper.kinship,
            limits=Limits(generations=generations),
        )
    )
    return run, paper


def test_greedy_does_what_the_paper_prints():
    run, paper = searched("greedy", GREEDY, 4)
    printed = evolution_run("greedy")
    for made, expected in zip(run.generations[1:], printed.generations[1:], strict=True):
        by_name = {paper.printed(one.name): one for one in made}
        assert by_name.keys() == {one.name for one in expected}
        for one in expected:
            assert by_name[one.name].score == one.score
            assert by_name[one.name].gain == pytest.approx(one.gain, abs=0.0051), "printed to two decimals"
            assert by_name[one.name].kinship == one.kinship
    assert printed.best.name == paper.printed(run.best.name) == "model-2-1"
    assert run.best_scores == printed.best_scores


def test_the_first_two_generations_are_numbered_as_in_the_paper():
    run, paper = searched("greedy", GREEDY, 2)
    assert [paper.printed(one.name) for one in run.generations[2]] == [one.name for one in run.generations[2]]


def test_the_kinship_strategy_explores_as_the_paper_prints():
    run, paper = searched("kinship", KINSHIP, 3)
    for made, expected in zip(run.generations[1:], evolution_run("kinship").generations[1:4], strict=True):
        assert {paper.printed(one.name) for one in made} == {one.name for one in expected}
        explored = [one for one in made if one.exploration]
        assert [one.name for one in explored] == [one.name for one in expected if one.exploration]
        assert made[-1:] == tuple(explored) or not explored, "the exploration step comes last"
    assert [one.kinship for one in run.population.individuals if one.exploration] == [-0.02, 0.03]
    assert paper.printed(run.best.name) == "model-3-3", "found by way of the explored model-2-exp"


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_run_is_consistent(name):
    here = world(1, foundations=5)
    run = last(here.search(here.begin(strategy_name=name), limits=LONG))
    names = [one.name for one in run.population.individuals]
    assert len(set(names)) == len(names)
    assert len(run.generations[1]) == 5 * 4 / 2, "generation 1 merges every pair"
    assert run.complete == len(run.generations) <= LONG.generations + 1
    pairs = [frozenset(one.parents) for generation in run.generations[1:] for one in generation]
    assert len(set(pairs)) == len(pairs), "equal merges are not made twice"
    scores = run.population.scores
    for g, generation in enumerate(run.generations[1:], 1):
        earlier = {one.name for made in run.generations[:g] for one in made}
        assert len([one for one in generation if not one.exploration]) <= (10 if g == 1 else 3)
        for one in generation:
            first, second = one.parents
            assert one.generation == g
            assert {first, second} <= earlier
            assert scores[first] >= scores[second]
            assert one.gain == pytest.approx(one.score - (scores[first] + scores[second]) / 2)
            assert one.kinship == pytest.approx(here.kinship(first, second))
            assert one.name.startswith(f"model-{g}-")
            assert one.exploration == one.name.endswith("-exp")
            assert one.reason
    assert run.best.score == max(scores.values()) == run.best_scores[-1]
    assert run.merges == len(here.done("merge")) == len(here.done("evaluate")) == run.evaluations - 5
    assert run.seconds == pytest.approx(2.5 * run.merges)


def test_parents_of_generation_two_are_the_best_of_generation_one():
    here = world(3, foundations=4)
    run = last(here.search(here.begin(strategy_name="greedy"), limits=Limits(generations=2)))
    scores = run.until(1).population.scores
    top = sorted(scores, key=lambda name: -scores[name])[:3]
    assert {name for one in run.generations[2] for name in one.parents} <= set(top)
    means = [sum(scores[name] for name in one.parents) for one in run.generations[2]]
    assert means == sorted(means, reverse=True), "best mean parent score first"


@given(seed=st.integers(0, 50), cut=st.integers(0, 60), name=st.sampled_from(sorted(STRATEGIES)), k=st.integers(2, 4))
def test_a_search_cut_anywhere_goes_on_to_the_same_run(seed, cut, name, k):
    whole = world(seed)
    undisturbed = last(whole.search(whole.begin(strategy_name=name, k=k, seed=seed)))
    cut_off = world(seed)
    run = cut_off.begin(strategy_name=name, k=k, seed=seed)
    for number, grown in enumerate(cut_off.search(run)):
        if number == cut:
            break
        run = grown
    resumed = last(cut_off.search(through_json(run)))
    assert resumed == undisturbed
    merges = cut_off.done("merge")
    assert len(merges) - len({call[1] for call in merges}) <= 1, "at most the merge that was cut is made again"


def test_steps_replayed_from_their_records_give_the_same_run():
    """As a durable workflow does after a kill: the calls come again in the same order, answered from the record."""
    first, second = world(5), world(5)
    for here in (first, second):
        last(here.search(here.begin(strategy_name="kinship"), rules=[stopping_rule("plateau")], limits=LONG))
    assert first.calls == second.calls


def test_a_finished_run_can_be_extended():
    here = world(4, foundations=5)
    short = last(here.search(here.begin(strategy_name="kinship"), limits=Limits(generations=2)))
    assert short.stopped_by == "generations"
    before = len(here.calls)
    longer = last(here.search(short, limits=Limits(generations=4)))
    assert longer.until(2) == replace(short, stopped_by=None)
    assert longer.complete == 5
    assert not {call[1] for call in here.calls[before:] if call[0] == "merge"} & {"model-1-1", "model-2-1"}
    fresh = world(4, foundations=5)
    assert longer == last(fresh.search(fresh.begin(strategy_name="kinship"), limits=Limits(generations=4)))


def test_a_run_that_has_ended_ends_again_without_a_step():
    here = world(2)
    run = last(here.search(here.begin(), limits=LONG))
    here.calls.clear()
    assert list(here.search(run, limits=LONG)) == [run]
    assert here.done("merge") == []


def test_the_run_grows_by_one_merge_at_a_time():
    here = world(0)
    counts = [run.merges for run in here.search(here.begin())]
    assert all(later - earlier in (0, 1) for earlier, later in pairwise(counts))
    assert counts[0] == 0, "first the foundation models' own kinship"
    again = world(0)
    growing = [run for run in again.search(again.begin()) if run.growing]
    assert len(growing) == counts[-1]
    assert all(run.stopped_by is None for run in growing)


def test_what_comes_next_is_told_before_it_is_done():
    here = world(0)
    run = next(iter(here.search(here.begin(strategy_name="greedy"))))
    ahead = next_pairs(run, here.kinship)
    assert [one.name for one in ahead.merges] == [f"model-1-{i}" for i in range(1, 7)]
    assert all(one.pair.reason == "two foundation models" for one in ahead.merges)
    assert here.done("merge") == []


@pytest.mark.parametrize(("name", "reason", "merges"), [("greedy", "exhausted", 6), ("kinship", "unchanged", 7)])
def test_where_no_merge_is_good_the_search_ends(name, reason, merges):
    """Greedy has nothing left to try after generation 1; with kinship one exploration step is made first."""
    here = world(0)
    here.evaluate = lambda _name: Scored(-1e9, 1.0)
    run = last(here.search(here.begin(strategy_name=name), limits=LONG))
    assert (run.stopped_by, run.merges) == (reason, merges)
    assert run.best == run.until(0).best


def test_the_best_no_longer_changing_ends_the_search():
    here = world(0)
    honest = here.evaluate
    here.evaluate = lambda name: honest(name) if name.startswith(("model-1", "model-2")) else Scored(-1e9, 1.0)
    run = last(here.search(here.begin(strategy_name="kinship"), limits=LONG))
    bests = [run.until(g).population.best(3) for g in range(1, run.complete)]
    assert run.stopped_by == "unchanged"
    assert bests[-1] == bests[-2]
    assert bests[0] != bests[1]


@pytest.mark.parametrize(
    ("limits", "reason", "merges"),
    [
        (Limits(generations=1), "generations", 6),
        (Limits(merges=4), "merges", 4),
        (Limits(merges=8), "merges", 8),
        (Limits(evaluations=9), "evaluations", 5),
        (Limits(generations=None, minutes=4 * 2.5 / 60), "minutes", 4),
        (Limits(generations=1, minutes=6 * 2.5 / 60), "generations", 6),
    ],
)
def test_budgets_are_kept_to_the_merge(limits, reason, merges):
    here = world(0)
    run = last(here.search(here.begin(strategy_name="kinship"), limits=limits))
    assert (run.stopped_by, run.merges) == (reason, merges)
    assert not run.growing


def test_a_rule_ends_the_search_before_a_limit():
    here = world(0)
    rule = stopping_rule("kinship", threshold=-1.0)
    run = last(here.search(here.begin(), rules=[rule], limits=Limits(generations=1)))
    assert (run.stopped_by, run.complete) == ("kinship", 2), "generation 1 is always made"


def test_kinship_is_asked_only_where_it_is_needed():
    here = world(0, foundations=6)
    list(here.search(here.begin(strategy_name="greedy"), limits=Limits(generations=1)))
    asked = {frozenset(call[1:]) for call in here.done("kinship")}
    assert len(asked) <= 6 * 5 / 2 + 3, "every pair of the foundation models, then within the three best"


def test_a_merge_without_a_score_takes_no_part_in_what_follows():
    here = world(0)
    honest = here.evaluate
    here.evaluate = lambda name: Scored(float("nan"), 1.0) if name == "model-1-1" else honest(name)
    run = last(here.search(here.begin(strategy_name="kinship"), limits=LONG))
    broken = run.generations[1][0]
    assert (broken.name, broken.score, broken.gain) == ("model-1-1", None, None)
    assert all("model-1-1" not in one.parents for one in run.population.individuals)
    json.dumps(asdict(run), allow_nan=False)


def test_an_undefined_kinship_is_kept_as_none():
    here = world(0)
    run = last(
        search(
            here.begin(strategy_name="kinship"),
            merge=here.merge,
            evaluate=here.evaluate,
            kinship=lambda _a, _b: float("nan"),
            limits=Limits(generations=2),
        )
    )
    assert run.kinship_of_best == (None, None, None)
    assert all(one.kinship is None for one in run.population.individuals)
    assert not any(one.exploration for one in run.population.individuals), "nobody is known to be distant"


def test_one_undefined_pair_leaves_the_kinship_of_the_best_undefined():
    here = world(0)
    best, second, *_ = here.begin().population.ranked
    honest = here.kinship
    here.kinship = lambda a, b: None if {a, b} == {best.name, second.name} else honest(a, b)
    run = next(iter(here.search(here.begin())))
    assert run.kinship_of_best == (None,)


def test_the_seed_draws_the_control_and_nothing_else():
    for name, differ in (("greedy", False), ("kinship", False), ("random", True)):
        runs = []
        for seed in range(4):
            here = world(6, foundations=5)
            runs.append(last(here.search(here.begin(strategy_name=name, seed=seed), limits=Limits(generations=4))))
        assert (len({run.generations for run in runs}) > 1) is differ


def test_ties_are_broken_by_name():
    scores = dict.fromkeys(["c", "a", "b", "d"], 50.0)
    run = begin(scores, strategy_name="greedy", k=2)
    assert [one.name for one in run.population.best(3)] == ["a", "b", "c"]
    here = world(0)
    here.vectors = {name: [float(i), 1.0] for i, name in enumerate(scores)}
    here.score = lambda _name: 50.0
    made = last(here.search(run, limits=Limits(generations=1))).generations[1]
    assert [one.parents for one in made] == [
        ("a", "b"), ("a", "c"), ("a", "d"), ("b", "c"), ("b", "d"), ("c", "d")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("foundations", "options", "error", "words"),
    [
        ({"a": 1.0}, {}, SearchError, "two foundation models or more, not 1"),
        ({"a": 1.0, "b": 2.0}, {"k": 1}, SearchError, "k is 1"),
        ({"a": 1.0, "b": float("nan")}, {}, SearchError, "b has the score nan"),
        ({"a": 1.0, "model-2-exp": 2.0}, {}, SearchError, "rename"),
        ({"a": 1.0, "b": 2.0}, {"strategy_name": "greedi"}, UnknownNameError, "did you mean greedy"),
    ],
)
def test_what_cannot_be_searched_says_why(foundations, options, error, words):
    with pytest.raises(error, match=words):
        begin(foundations, **options)


@pytest.mark.parametrize("what", ["generations", "merges", "evaluations", "minutes"])
def test_a_limit_is_above_zero(what):
    for value in (0, -1, float("nan")):
        with pytest.raises(SearchError, match=what):
            Limits(**{what: value})
