"""What every registered metric must hold to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinship.errors import UnknownNameError
from kinship.similarity import METRICS, GramTable, Totals, kinship_matrix, metric, register

EVERY = pytest.mark.parametrize("one", METRICS.values(), ids=METRICS)
BOTH_KINDS = pytest.mark.parametrize("name", METRICS)


def totals(rows):
    rows = np.asarray(rows, dtype=np.float64)
    return Totals(tuple(f"m{i}" for i in range(len(rows))), rows @ rows.T, rows.sum(axis=1), rows.shape[1])


def table(rows, tensors=4):
    """The table of rows cut into tensors."""
    parts = np.array_split(np.asarray(rows, dtype=np.float64), tensors, axis=1)
    return GramTable(
        names=tuple(f"m{i}" for i in range(len(rows))),
        tensors=tuple(f"model.layers.{i}.mlp.up_proj.weight" for i in range(tensors)),
        shapes=tuple((part.shape[1],) for part in parts),
        gram=np.stack([part @ part.T for part in parts]),
        sums=np.stack([part.sum(axis=1) for part in parts]),
    )


def random_rows(seed, models=5, size=40):
    return np.random.default_rng(seed).normal(size=(models + 1, size))


@EVERY
def test_shape_symmetry_diagonal_and_range(one):
    values, reasons = one.compute(totals(random_rows(0)))
    assert values.shape == (5, 5)
    assert np.array_equal(values, values.T)
    assert np.array_equal(np.diagonal(values), np.full(5, 1.0 if one.signed else 0.0))
    assert reasons == {}
    assert (np.abs(values) <= 1).all() if one.signed else (values >= 0).all()


@EVERY
def test_a_zero_delta_is_undefined_with_a_reason_or_a_distance(one):
    rows = random_rows(1)
    rows[2] = 0.0
    values, reasons = one.compute(totals(rows))
    apart = ~np.eye(5, dtype=bool)
    if one.signed:
        assert np.isnan(values[1][apart[1]]).all()
        assert "delta is zero" in reasons[1]
        assert values[1, 1] == 1.0
    assert np.isfinite(np.delete(np.delete(values, 1, 0), 1, 1)).all()


def test_a_constant_delta_has_no_correlation():
    rows = random_rows(2)
    rows[3] = 0.25
    values, reasons = metric("pcc").compute(totals(rows))
    assert np.isnan(values[2, 0])
    assert "same everywhere" in reasons[2]
    assert np.isfinite(metric("cosine").compute(totals(rows))[0]).all()


@BOTH_KINDS
@given(seed=st.integers(0, 1000), order=st.permutations(range(5)))
def test_the_order_of_models_does_not_matter(name, seed, order):
    one, rows = METRICS[name], random_rows(seed)
    values = one.compute(totals(rows))[0]
    shuffled = one.compute(totals(rows[[0, *(1 + i for i in order)]]))[0]
    assert shuffled == pytest.approx(values[np.ix_(order, order)], rel=1e-9, abs=1e-12)


@given(seed=st.integers(0, 1000), factor=st.floats(1e-3, 1e3), name=st.sampled_from(["pcc", "cosine"]))
def test_kinship_does_not_change_when_a_delta_is_scaled(seed, factor, name):
    rows = random_rows(seed)
    before = metric(name).compute(totals(rows))[0]
    rows[2] *= factor
    assert metric(name).compute(totals(rows))[0] == pytest.approx(before, rel=1e-9, abs=1e-12)


@given(seed=st.integers(0, 1000))
def test_distances_hold_the_triangle_inequality(seed):
    d = metric("euclidean").compute(totals(random_rows(seed)))[0]
    by_way_of = d[:, :, None] + d[None, :, :]  # from i over j to k
    assert (d[:, None, :] <= by_way_of + 1e-9).all()


@BOTH_KINDS
@given(seed=st.integers(0, 1000), base=st.integers(1, 5))
def test_another_base_answers_as_a_pass_with_it_would(name, seed, base):
    rows = random_rows(seed)
    weights = np.vstack([rows[0], rows[1:] + rows[0]])
    order = [base, *(i for i in range(6) if i != base)]
    other = np.vstack([weights[base], weights[order[1:]] - weights[base]])
    moved = table(rows).rebased(f"m{base}")
    assert moved.names == tuple(f"m{i}" for i in order)
    expected = METRICS[name].compute(totals(other))[0]
    assert kinship_matrix(moved, name).values == pytest.approx(expected, rel=1e-7, abs=1e-9)
    back = moved.rebased("m0").select([f"m{i}" for i in range(1, 6)])
    assert back.gram == pytest.approx(table(rows).gram, rel=1e-7, abs=1e-9)


def test_the_whole_is_the_sum_of_its_groups():
    whole = table(random_rows(4))
    parts = [whole.totals([t]) for t in range(4)]
    assert sum(p.gram for p in parts) == pytest.approx(whole.totals().gram, rel=1e-12)
    assert sum(p.elements for p in parts) == whole.parameters


def test_a_name_is_registered_once():
    with pytest.raises(ValueError, match="registered already"):
        register("cosine", title="Cosine", unit="", signed=True)(lambda _: None)


def test_a_mistyped_name_gets_the_close_ones():
    with pytest.raises(UnknownNameError, match="did you mean cosine"):
        metric("cosin")
