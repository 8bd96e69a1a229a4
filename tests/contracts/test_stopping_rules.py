"""What every registered stopping rule must hold to, and what each one says of given runs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinship.errors import SearchError, UnknownNameError
from kinship.evolution import STOPPING_RULES, Individual, Run, stopping_rule, would_have_stopped
from kinship.evolution.stopping import register

EVERY = st.sampled_from(sorted(STOPPING_RULES))


def run_of(scores, kinship, k=2, seconds=3.0):
    """A run with the given scores in each generation and the kinship of the best after it."""
    generations = [tuple(Individual(f"f{i}", 0, score=float(s)) for i, s in enumerate(scores[0]))]
    for g, row in enumerate(scores[1:], 1):
        generations.append(
            tuple(
                Individual(f"model-{g}-{i}", g, ("f0", "f1"), float(s), merge_seconds=seconds, evaluation_seconds=1.0)
                for i, s in enumerate(row, 1)
            )
        )
    return Run("greedy", k, 0, tuple(generations), tuple(kinship))


@st.composite
def runs(draw):
    count = draw(st.integers(1, 7))
    rows = st.lists(st.integers(0, 9), min_size=1, max_size=3)
    foundations = draw(st.lists(st.integers(0, 9), min_size=2, max_size=4))
    kinship = draw(st.lists(st.one_of(st.none(), st.floats(-1, 1)), min_size=count, max_size=count))
    return run_of([foundations, *(draw(rows) for _ in range(count - 1))], kinship)


@given(name=EVERY, run=runs())
def test_no_rule_stops_before_the_first_merges(name, run):
    assert stopping_rule(name)(run.until(0)) is False


@given(name=EVERY, run=runs())
def test_a_rule_is_a_pure_function_of_complete_generations(name, run):
    rule = stopping_rule(name)
    before = replace(run)
    said = rule(run)
    assert said in (True, False)
    assert rule(run) == said
    assert run == before


@given(name=st.sampled_from(["kinship", "no-gain"]), run=runs(), less=st.integers(1, 3))
def test_more_patience_never_stops_earlier(name, run, less):
    patient = would_have_stopped(run, stopping_rule(name, patience=less + 1)).generation
    hasty = would_have_stopped(run, stopping_rule(name, patience=less)).generation
    assert patient is None or (hasty is not None and hasty <= patient)


@given(name=EVERY, run=runs())
def test_saving_and_loss_add_up(name, run):
    rule = stopping_rule(name)
    stop = would_have_stopped(run, rule)
    assert stop.loss >= 0
    if stop.generation is None:
        assert (stop.merges_saved, stop.evaluations_saved, stop.seconds_saved, stop.loss) == (0, 0, 0, 0)
        assert not any(rule(run.until(g)) for g in range(run.complete))
        return
    assert rule(run.until(stop.generation))
    assert not any(rule(run.until(g)) for g in range(stop.generation))
    later = [one for generation in run.generations[stop.generation + 1 :] for one in generation]
    assert stop.merges_saved == stop.evaluations_saved == len(later)
    assert stop.seconds_saved == pytest.approx(4.0 * len(later))
    earlier = [one.score for generation in run.generations[: stop.generation + 1] for one in generation]
    assert stop.loss == max([*earlier, *(one.score for one in later)]) - max(earlier)


@pytest.mark.parametrize(
    ("parameters", "kinship", "stops"),
    [
        ({}, [0.99, 0.5, 0.91, 0.4], 2),
        ({}, [0.99, 0.9, 0.9, 0.9], None),
        ({"patience": 2}, [0.99, 0.95, 0.5, 0.91, 0.92], 4),
        ({"patience": 2}, [0.99, 0.95, 0.5, 0.91, None], None),
        ({"threshold": 0.3}, [0.0, 0.31, 0.2], 1),
        ({"threshold": -0.5}, [0.0, None, -0.6], None),
    ],
)
def test_kinship_stops_when_the_best_are_too_alike(parameters, kinship, stops):
    run = run_of([[1, 2], *[[3]] * (len(kinship) - 1)], kinship)
    assert would_have_stopped(run, stopping_rule("kinship", **parameters)).generation == stops


@pytest.mark.parametrize(
    ("patience", "scores", "stops"),
    [
        (1, [[5, 6], [6], [9]], 1),
        (2, [[5, 6], [6], [9], [8], [9], [7]], 4),
        (2, [[5, 6], [7], [8], [9]], None),
        (2, [[5, 6], [6], [6]], 2),
    ],
)
def test_no_gain_waits_for_a_better_model(patience, scores, stops):
    run = run_of(scores, [None] * len(scores))
    assert would_have_stopped(run, stopping_rule("no-gain", patience=patience)).generation == stops


@pytest.mark.parametrize(
    ("parameters", "scores", "stops"),
    [
        # means of the two best: 5.5, 6.5, 7.5, 7.5
        ({"tolerance": 0.5, "patience": 1}, [[5, 6], [7], [8], [1]], 3),
        ({"tolerance": 1.0, "patience": 1}, [[5, 6], [7], [7.5]], 2),
        # 5.5, 6.5, 6.75, 6.95: by 1.25 over the first two generations, by 0.45 over the next two
        ({"tolerance": 0.5, "patience": 2}, [[5, 6], [7], [6.5], [6.9]], 3),
        ({"tolerance": 0.4, "patience": 2}, [[5, 6], [7], [6.5], [6.9]], None),
    ],
)
def test_plateau_watches_the_mean_of_the_best(parameters, scores, stops):
    run = run_of(scores, [None] * len(scores))
    assert would_have_stopped(run, stopping_rule("plateau", **parameters)).generation == stops


def test_times_that_are_not_known_are_not_made_up():
    run = run_of([[1, 2], [3], [3]], [0.0, 0.95, 0.95], seconds=None)
    stop = would_have_stopped(run, stopping_rule("kinship"))
    assert (stop.generation, stop.merges_saved, stop.seconds_saved) == (1, 1, None)


@pytest.mark.parametrize("name", STOPPING_RULES)
def test_a_rule_explains_itself_and_names_its_parameters(name):
    kind = STOPPING_RULES[name]
    assert kind.title
    assert kind.sentence.endswith(".")
    assert "patience" in kind.parameters
    assert dict(stopping_rule(name).parameters) == dict(kind.parameters)
    assert dict(stopping_rule(name, patience=5).parameters)["patience"] == 5


@pytest.mark.parametrize("name", STOPPING_RULES)
@pytest.mark.parametrize("patience", [0, -1, 1.5, float("nan"), float("inf")])
def test_patience_is_a_whole_number_of_generations(name, patience):
    with pytest.raises(SearchError, match="patience"):
        stopping_rule(name, patience=patience)


def test_unknown_names_get_the_close_ones():
    with pytest.raises(UnknownNameError, match="did you mean no-gain"):
        stopping_rule("no_gain")
    with pytest.raises(UnknownNameError, match="did you mean threshold"):
        stopping_rule("kinship", treshold=0.5)
    with pytest.raises(SearchError, match="threshold"):
        stopping_rule("kinship", threshold=float("nan"))


def test_a_name_is_registered_once():
    with pytest.raises(ValueError, match="registered already"):
        register("plateau", title="", sentence="")(lambda run: False)
