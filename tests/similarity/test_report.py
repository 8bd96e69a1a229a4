"""The whole answer as plain data and as text."""

import json

import numpy as np
import pytest

from kinship.checkpoints import LeftOut
from kinship.similarity import GROUPINGS, METRICS, GramTable, grouped_kinship, kinship_matrix, matrix_report
from kinship.similarity.text import matrix_text
from tests.contracts.test_metrics import random_rows, table


def _table(zero: bool = False) -> GramTable:
    rows = random_rows(0, models=3)
    rows[1:] *= 0.01
    if zero:
        rows[2] = 0.0
    made = table(rows)
    left_out = (LeftOut("lm_head.weight", "all", "tied to the embedding, counted once"),)
    return GramTable(
        made.names, made.tensors, made.shapes, made.gram, made.sums, left_out, ("m1 is odd",), "cpu", 1.5, 640
    )


def test_the_report_is_json_and_says_what_the_questions_say():
    report = json.loads(json.dumps(matrix_report(_table()), allow_nan=False))
    assert (report["base"], report["models"], report["parameters"]) == ("m0", ["m1", "m2", "m3"], 40)
    assert report["left_out"] == [
        {"tensor": "lm_head.weight", "model": "all", "reason": "tied to the embedding, counted once"}
    ]
    assert (report["seconds"], report["bytes_read"], report["device"]) == (1.5, 640, "cpu")
    assert report["warnings"] == ["m1 is odd"]
    assert report["groups"] == {}
    assert report["undefined"] == []
    for name in METRICS:
        matrix = kinship_matrix(_table(), name)
        assert report[name] == matrix.values.tolist()
        assert report["mean"][name] == matrix.mean


@pytest.mark.parametrize("by", GROUPINGS)
def test_groups(by):
    groups = matrix_report(_table(), by)["groups"]
    for name in METRICS:
        for label, matrix in grouped_kinship(_table(), name, by).items():
            assert groups[label][name] == matrix.values.tolist()


def test_what_is_undefined_is_null_with_a_reason():
    report = json.loads(json.dumps(matrix_report(_table(zero=True)), allow_nan=False))
    assert report["cosine"][0] == [1.0, None, pytest.approx(report["cosine"][2][0])]
    assert report["mean"]["pcc"] is None
    assert {"metric": "pcc", "models": ["m1", "m2"], "reason": "m2: equal to the base: its delta is zero"} in report[
        "undefined"
    ]
    assert {entry["metric"] for entry in report["undefined"]} == {"pcc", "cosine"}
    assert np.isfinite(report["euclidean"]).all()


def test_the_text_has_every_value_and_what_was_left_out():
    lines = matrix_text(matrix_report(_table(zero=True), "layer")).splitlines()
    text = "\n".join(lines)
    values = kinship_matrix(_table(zero=True)).values
    assert lines[0] == "base m0, 40 parameters in 4 tensors, 1.50 s on cpu"
    assert f"{values[0, 2]:.4f}" in text
    assert "undefined: pcc of m1 and m2 (m2: equal to the base: its delta is zero)" in text
    assert "left out: lm_head.weight (all: tied to the embedding, counted once)" in text
    assert all(f"layer {i}: {METRICS['pcc'].title}" in text for i in range(4))
    assert "nan" not in text


def test_long_names_stand_whole_over_their_columns():
    report = matrix_report(_table(zero=True), "layer") | {"groups": {}}
    report["models"] = ["a-name-that-is-long-1", "a-name-that-is-long-2", "c"][: len(report["models"])]
    head, first = matrix_text(report).splitlines()[3:5]
    assert head.split() == report["models"]
    assert len(head) == len(first)
