"""Questions to a table, against the rows themselves."""

import numpy as np
import pytest

from kinship.errors import UnknownNameError
from kinship.similarity import (
    METRICS,
    GramTable,
    grouped_kinship,
    kinship_matrix,
    relative_change,
    suspicious_models,
    weight_change,
)
from tests.contracts.test_metrics import random_rows

TENSORS = ("model.embed_tokens.weight", "model.layers.0.mlp.up_proj.weight", "model.layers.1.self_attn.q_proj.weight")
ROWS = [part.T for part in np.array_split(random_rows(0, models=4, size=60).T, 3)]


def _table(rows=ROWS) -> GramTable:
    names = tuple(["base", "apple", "pear", "plum", "quince"][: len(rows[0])])
    shapes = tuple((part.shape[1],) for part in rows)
    return GramTable(names, TENSORS, shapes, np.stack([r @ r.T for r in rows]), np.stack([r.sum(axis=1) for r in rows]))


def _pcc(rows):
    return np.corrcoef(rows[1:])


def test_the_whole_model_is_not_a_mean_over_tensors():
    whole = kinship_matrix(_table())
    assert (whole.names, whole.metric, whole.elements, whole.tensors) == (
        ("apple", "pear", "plum", "quince"),
        "pcc",
        60,
        3,
    )
    assert whole.values == pytest.approx(_pcc(np.hstack(ROWS)), rel=1e-9)
    assert whole.undefined == {}


def test_some_tensors():
    part = kinship_matrix(_table(), "pcc", [0, 2])
    assert part.values == pytest.approx(_pcc(np.hstack([ROWS[0], ROWS[2]])), rel=1e-9)
    assert (part.elements, part.tensors) == (40, 2)


@pytest.mark.parametrize(
    ("by", "labels"),
    [
        ("layer", ["embeddings", "layer 0", "layer 1"]),
        ("module", ["embeddings", "MLP", "attention"]),
        ("tensor", TENSORS),
    ],
)
def test_groups(by, labels):
    groups = grouped_kinship(_table(), "pcc", by)
    assert list(groups) == list(labels)
    for matrix, rows in zip(groups.values(), ROWS, strict=True):
        assert matrix.values == pytest.approx(_pcc(rows), rel=1e-9)


def test_the_mean_is_over_pairs():
    matrix = kinship_matrix(_table())
    pairs = [matrix.values[i, j] for i in range(4) for j in range(i)]
    assert matrix.mean == pytest.approx(np.mean(pairs), rel=1e-12)


@pytest.mark.parametrize("models", [0, 1])
def test_there_is_no_mean_without_a_pair(models):
    table = _table().select(["apple", "pear"][:models])
    for name in METRICS:
        matrix = kinship_matrix(table, name)
        assert matrix.values.shape == (models, models)
        assert np.isnan(matrix.mean)


def test_undefined_pairs_have_their_reason():
    rows = [part.copy() for part in ROWS]
    for part in rows:
        part[2] = 0.0
        part[3] = 0.5
    zero, constant = "pear: equal to the base: its delta is zero", "plum: its delta is the same everywhere"
    cosine, pcc, distance = (kinship_matrix(_table(rows), name) for name in ("cosine", "pcc", "euclidean"))
    assert cosine.undefined == {("apple", "pear"): zero, ("pear", "plum"): zero, ("pear", "quince"): zero}
    assert pcc.undefined == cosine.undefined | {("apple", "plum"): constant, ("plum", "quince"): constant}
    for matrix in (cosine, pcc):
        assert np.isnan(matrix.mean)
        undefined = {(a, b) for i, a in enumerate(matrix.names) for j, b in enumerate(matrix.names)
                     if i < j and np.isnan(matrix.values[i, j])}  # fmt: skip
        assert undefined == matrix.undefined.keys()
    assert distance.undefined == {}
    assert np.isfinite(distance.values).all()


def test_a_group_may_be_undefined_where_the_whole_is_not():
    rows = [part.copy() for part in ROWS]
    rows[1][2] = 0.0
    groups = grouped_kinship(_table(rows), "cosine", "layer")
    assert groups["layer 0"].undefined
    assert not groups["layer 1"].undefined
    assert not kinship_matrix(_table(rows), "cosine").undefined


def test_an_unknown_metric_and_grouping():
    with pytest.raises(UnknownNameError, match="no metric is called 'pc'; did you mean pcc"):
        kinship_matrix(_table(), "pc")
    with pytest.raises(UnknownNameError, match="no grouping is called 'layers'; did you mean layer"):
        grouped_kinship(_table(), "pcc", "layers")


def test_weight_change_is_the_deltas_norm_over_the_bases():
    change = weight_change(_table(), "layer")
    for values, rows in zip(change.values(), ROWS, strict=True):
        norms = np.linalg.norm(rows, axis=1)
        assert values == pytest.approx(norms[1:] / norms[0], rel=1e-12)
    norms = np.linalg.norm(np.hstack(ROWS), axis=1)
    assert relative_change(_table()) == pytest.approx(norms[1:] / norms[0], rel=1e-12)


def test_weight_change_of_a_base_of_zeros_is_undefined():
    rows = [part.copy() for part in ROWS]
    rows[0][0] = 0.0
    change = weight_change(_table(rows))
    assert np.isnan(change["embeddings"]).all()
    assert np.isfinite(change["layer 0"]).all()


def test_deltas_as_large_as_the_weights_are_suspicious():
    rows = [np.vstack([part[0], 0.01 * part[1], part[0] - part[2], 0.5 * part[0], part[4]]) for part in ROWS]
    warnings = suspicious_models(_table(rows))
    assert [warning.split()[0] for warning in warnings] == ["pear", "quince"]
    assert "% of the weights' norm; that is probably not its base" in warnings[0]
