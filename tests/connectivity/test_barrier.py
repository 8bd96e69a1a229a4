"""The barrier: what the formula says on curves that one can see through, and what must not change it."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinship.connectivity import LEAST_POINTS, chord, line_positions, line_weights, loss_barrier, score_drop
from kinship.errors import ConnectivityError

LOSS = st.floats(0.01, 20.0)
LOSSES = st.lists(LOSS, min_size=LEAST_POINTS, max_size=25)


def test_a_hill_of_known_height():
    barrier = loss_barrier([0, 0.25, 0.5, 0.75, 1], [1.0, 1.5, 2.0, 2.75, 3.0])
    assert barrier.value == 0.25  # at 0.75 the straight line is at 2.5
    assert barrier.at == 0.75
    assert barrier.relative == 0.125
    assert barrier.connected is False


def test_a_valley_is_no_barrier():
    barrier = loss_barrier([0, 0.5, 1], [2.0, 0.5, 1.0])
    assert (barrier.value, barrier.at, barrier.relative, barrier.connected) == (0.0, 0.0, 0.0, True)


def test_an_end_that_differs_is_no_barrier_though_it_is_above_the_mean():
    assert loss_barrier([0, 0.5, 1], [1.0, 2.0, 3.0]).value == 0.0


@pytest.mark.parametrize(("rise", "connected"), [(0.019, True), (0.021, False)])
def test_two_percent_of_the_ends_decide(rise, connected):
    assert loss_barrier([0, 0.5, 1], [1.0, 1.0 + rise, 1.0]).connected is connected


@given(LOSSES)
def test_it_is_the_formula(losses):
    t = line_positions(len(losses))
    expected = max(loss - ((1 - place) * losses[0] + place * losses[-1]) for place, loss in zip(t, losses, strict=True))
    barrier = loss_barrier(t, losses)
    assert barrier.value == expected
    assert expected >= 0  # the ends are among the points
    assert losses[t.index(barrier.at)] - chord(t, losses)[t.index(barrier.at)] == expected


@given(LOSS, LOSS, st.integers(LEAST_POINTS, 40))
def test_a_straight_line_has_none(start, end, points):
    t = line_positions(points)
    barrier = loss_barrier(t, [(1 - place) * start + place * end for place in t])
    assert barrier.value == 0.0
    assert barrier.connected


@given(LOSSES, st.randoms(use_true_random=False))
def test_the_order_of_the_points_does_not_matter(losses, random):
    pairs = list(zip(line_positions(len(losses)), losses, strict=True))
    straight = loss_barrier(*zip(*pairs, strict=True))
    random.shuffle(pairs)
    assert loss_barrier(*zip(*pairs, strict=True)) == straight


@given(LOSSES)
def test_the_way_back_has_the_same(losses):
    t = line_positions(len(losses))
    there, back = loss_barrier(t, losses), loss_barrier(t, losses[::-1])
    assert back.value == pytest.approx(there.value, abs=1e-12)


@given(LOSSES, st.floats(0.1, 10.0), st.floats(0.0, 10.0))
def test_it_scales_with_the_loss_and_does_not_see_a_constant(losses, factor, constant):
    t = line_positions(len(losses))
    barrier = loss_barrier(t, losses).value
    assert loss_barrier(t, [factor * loss + constant for loss in losses]).value == pytest.approx(
        factor * barrier, abs=1e-9
    )


@given(LOSSES, st.integers(0, 24), st.floats(0.0, 5.0))
def test_a_higher_point_between_never_lowers_it(losses, place, rise):
    t = line_positions(len(losses))
    higher = list(losses)
    higher[1 + place % (len(losses) - 2)] += rise
    assert loss_barrier(t, higher).value >= loss_barrier(t, losses).value


@pytest.mark.parametrize("missing", [None, math.nan, math.inf])
def test_what_is_not_known_leaves_it_undefined(missing):
    barrier = loss_barrier([0, 0.5, 1], [1.0, missing, 1.0])
    assert (barrier.value, barrier.at, barrier.relative, barrier.connected) == (None, None, None, None)
    assert "not known" in barrier.reason


def test_without_a_loss_at_the_ends_there_is_no_share():
    barrier = loss_barrier([0, 0.5, 1], [0.0, 0.5, 0.0])
    assert (barrier.value, barrier.relative, barrier.connected) == (0.5, None, None)


@pytest.mark.parametrize("t", [[0.0, 0.5], [0.5, 1.0]])
def test_both_ends_are_needed(t):
    with pytest.raises(ConnectivityError, match="both ends"):
        loss_barrier(t, [1.0, 1.0])
    with pytest.raises(ConnectivityError, match="2 positions, but 3 values"):
        loss_barrier(t, [1.0, 1.0, 1.0])


def test_the_drop_of_a_score_is_the_barrier_of_its_error():
    scores = [50.0, 47.0, 60.0]
    drop = score_drop([0, 0.5, 1], scores)
    assert (drop.value, drop.at) == (8.0, 0.5)
    assert loss_barrier([0, 0.5, 1], [100 - score for score in scores]).value == 8.0
    assert score_drop([0, 0.5, 1], [50.0, None, 60.0]).reason == "the score is not known at every point of the line"


@given(st.integers(LEAST_POINTS, 201))
def test_a_line_goes_from_end_to_end_in_equal_steps(points):
    t = line_positions(points)
    assert (t[0], t[-1], len(t)) == (0.0, 1.0, points)
    assert [b - a for a, b in pairwise(t)] == pytest.approx([1 / (points - 1)] * (points - 1))
    assert all(sum(pair) == pytest.approx(1.0, abs=1e-15) for pair in line_weights(t))
    assert line_weights(t)[0] == (1.0, 0.0)
    assert line_weights(t)[-1] == (0.0, 1.0)


def test_a_finer_line_holds_the_points_of_the_coarser():
    assert set(line_positions(11)) < set(line_positions(21))


@pytest.mark.parametrize("points", [-1, 0, 1, 2])
def test_too_few_points_are_refused(points):
    with pytest.raises(ConnectivityError, match="ask for 3 or more"):
        line_positions(points)
