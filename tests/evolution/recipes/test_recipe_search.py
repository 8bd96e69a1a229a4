"""The search with a known optimum: it finds more than the start, and the same each time, whatever kills it."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import optuna
import pytest

from kinship.errors import ScoreError, SearchError, UnknownNameError
from kinship.evolution.recipes import DIRECTIONS, SAMPLERS, Judge, best_trial, sampler, search_recipes, space_of

SPACE = space_of("ties", ["a", "b"], vary=["density", "lambda"])
EVERY = pytest.mark.parametrize("name", SAMPLERS)
optuna.logging.set_verbosity(optuna.logging.WARNING)


class KilledError(Exception):
    pass


def hill(_, values):
    """100 at density 0.4 of both and lambda 0.9."""
    aims = {"density.a": 0.4, "density.b": 0.4, "lambda": 0.9}
    return 100.0 - sum(100.0 * (values[name] - aim) ** 2 for name, aim in aims.items())


def judge(score=hill, fault=lambda n, values: "", kinship=lambda n, values: None, **changes):
    return Judge(fault, kinship, score, **changes)


def new_study(aims=1, storage=None):
    return optuna.create_study(storage=storage, directions=DIRECTIONS[:aims], study_name="one", load_if_exists=True)


def run(study, name="tpe", trials=30, seed=3, space=SPACE, **changes):
    *_, last = search_recipes(study, space, judge(**changes), sampler=name, seed=seed, trials=trials)
    return last


def timeless(trials):
    return [replace(one, seconds=None) for one in trials]


@EVERY
def test_it_beats_the_start_and_comes_near_the_optimum(name):
    found = run(new_study(), name)
    assert [one.number for one in found] == list(range(30))
    assert found[0].values == SPACE.start
    assert found[0].score == pytest.approx(100 - 36 - 36 - 1)
    best = best_trial(found)
    assert best.score == max(one.score for one in found) > found[0].score + 40
    assert best.score == hill(0, best.values)
    for one in found[1:]:
        assert all(d.range.low <= one.values[d.name] <= d.range.high for d in SPACE.dimensions)


@pytest.mark.parametrize("name", ["tpe", "cmaes"])
def test_with_more_trials_it_does_better_than_chance(name):
    chance, learned = (
        [best_trial(run(new_study(), one, 80, seed)).score for seed in range(4)] for one in ("random", name)
    )
    assert sum(learned) > sum(chance)


@EVERY
def test_the_same_seed_makes_the_same_trials_and_another_others(name):
    first, again, other = (timeless(run(new_study(), name, 16, seed)) for seed in (3, 3, 4))
    assert first == again
    assert first[0] == other[0]
    assert not any(one.values == two.values for one, two in zip(first[1:], other[1:], strict=True))


@EVERY
@pytest.mark.parametrize("at", ["before", "after"])
def test_killed_at_every_trial_it_ends_with_the_same_trials(name, at, tmp_path):
    """At each evaluation the process dies once, before or after the score was found; the study is all that stays."""
    undisturbed = timeless(run(new_study(), name, 14))
    died = set()

    def deadly(number, values):
        score = hill(number, values) if at == "after" else None
        if number not in died:
            died.add(number)
            raise KilledError
        return hill(number, values) if score is None else score

    url = f"sqlite:///{tmp_path}/study.sqlite"
    found = ()
    for _ in range(20):
        try:
            found = run(new_study(storage=url), name, 14, score=deadly)
            break
        except KilledError:
            continue
    assert timeless(found) == undisturbed
    assert died == set(range(14))


@EVERY
def test_killed_while_the_trial_is_being_asked_for_it_ends_with_the_same_trials(name, tmp_path, monkeypatch):
    """The process dies after each number of parameters that a trial has got."""
    undisturbed = timeless(run(new_study(), name, 8))
    url = f"sqlite:///{tmp_path}/study.sqlite"
    suggest = optuna.Trial.suggest_float
    died = set()

    def deadly(trial, name, *arguments, **options):
        value = suggest(trial, name, *arguments, **options)
        if (trial.number, name) not in died:
            died.add((trial.number, name))
            raise KilledError
        return value

    monkeypatch.setattr(optuna.Trial, "suggest_float", deadly)
    found = ()
    for _ in range(30):
        try:
            found = run(new_study(storage=url), name, 8)
            break
        except KilledError:
            continue
    assert len(died) == 24
    assert timeless(found) == undisturbed


def test_killed_before_the_first_trial_it_still_begins_with_the_start():
    study = new_study()
    study.enqueue_trial(SPACE.start)
    assert run(study, trials=2)[0].values == SPACE.start
    assert len(study.trials) == 2


def test_a_finished_study_goes_on_with_more_trials_as_if_it_had_never_ended():
    study = new_study()
    run(study, trials=12)
    assert timeless(run(study, trials=20)) == timeless(run(new_study(), trials=20))
    (known,) = search_recipes(study, SPACE, judge(), sampler="tpe", seed=3, trials=20)
    assert len(known) == 20


def test_it_tells_when_a_trial_begins_and_when_it_is_over():
    steps = search_recipes(new_study(), SPACE, judge(), sampler="random", seed=0, trials=5)
    begun, over, next_begun = islice(steps, 3)
    assert [one.state for one in begun] == ["running"]
    assert [one.state for one in over] == ["complete"]
    assert over[0].seconds >= 0
    assert [one.state for one in next_begun] == ["complete", "running"]
    assert next_begun[1].score is None


def test_a_trial_above_the_limit_of_kinship_is_pruned_unevaluated_but_for_the_start():
    asked = []

    def score(number, values):
        asked.append(number)
        return hill(number, values)

    def kinship(_, values):
        return 0.5 * values["density.a"] + 0.5 * values["density.b"]

    found = run(new_study(), score=score, kinship=kinship, max_kinship=0.5)
    pruned = [one for one in found if one.state == "pruned"]
    assert pruned
    for one in found:
        assert one.kinship == kinship(0, one.values)
        assert (one.state == "pruned") == (one.kinship > 0.5 and one.number > 0)
    assert asked == [one.number for one in found if one.state == "complete"]
    assert found[0].state == "complete"
    assert all(one.score is None and one.reason == "kinship above 0.5" for one in pruned)


def test_kinship_is_not_asked_for_where_nothing_depends_on_it():
    def never(*_):
        raise AssertionError

    assert all(one.kinship is None for one in run(new_study(), trials=5, kinship=never))


@pytest.mark.parametrize("name", ["tpe", "random"])
def test_kinship_as_a_second_aim(name):
    found = run(new_study(aims=2), name, kinship=lambda n, values: values["density.a"])
    assert all(one.state == "complete" and one.kinship == one.values["density.a"] for one in found)
    assert all(one.score == hill(0, one.values) for one in found)


def test_undefined_kinship_is_no_reason_to_prune_but_no_second_aim_either():
    found = run(new_study(), trials=4, max_kinship=0.2)
    assert {one.state for one in found} == {"complete"}
    found = run(new_study(aims=2), trials=4)
    assert {(one.state, one.reason) for one in found} == {("failed", "its kinship is undefined")}


def test_what_cannot_be_merged_is_pruned_with_its_reason():
    def fault(number, values):
        return "too dense" if number and values["density.a"] > 0.5 else ""

    found = run(new_study(), fault=fault)
    assert any(one.state == "pruned" for one in found)
    for one in found[1:]:
        assert (one.reason == "too dense") == (one.values["density.a"] > 0.5) == (one.score is None)
    with pytest.raises(SearchError, match="the starting recipe cannot be merged: no"):
        run(new_study(), fault=lambda n, values: "no")


def test_a_model_without_a_score_is_a_failed_trial_and_the_search_goes_on():
    def score(number, values):
        if number == 3:
            raise ScoreError("its answers are no numbers")
        return hill(number, values)

    found = run(new_study(), trials=6, score=score)
    assert [one.state for one in found] == ["complete"] * 3 + ["failed"] + ["complete"] * 2
    assert found[3].reason == "its answers are no numbers"

    def none(number, values):
        raise ScoreError("none at all")

    assert {(one.state, one.reason) for one in run(new_study(), trials=3, score=none)} == {("failed", "none at all")}


def test_equal_values_are_scored_once():
    study = new_study()
    asked = []

    def score(number, values):
        asked.append(number)
        return hill(number, values)

    first = run(study, trials=3, score=score)
    study.enqueue_trial(first[2].values)
    found = run(study, trials=4, score=score)
    assert asked == [0, 1, 2]
    assert (found[3].score, found[3].reason) == (first[2].score, "the same as trial 2")


@EVERY
def test_a_start_outside_ranges_of_one_s_own_is_tried_all_the_same(name):
    space = space_of("ties", ["a", "b"], vary=["density", "lambda"], ranges={"density": (0.1, 0.5)})
    with pytest.warns(UserWarning, match="out of range"):
        found = run(new_study(), name, 20, space=space)
    assert found[0].values == space.start
    assert all(0.1 <= one.values["density.a"] <= 0.5 for one in found[1:])


def test_names_of_samplers():
    with pytest.raises(UnknownNameError, match="did you mean cmaes"):
        sampler("cmae")
