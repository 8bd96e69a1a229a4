"""From a report to a score: errors of a ratio, groups, metrics that are no mean."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kinship.errors import ScoreError, TaskError
from kinship.evaluation.results import task_score


def report(metric, value, values, name="t", **more):
    samples = [{"filter": "none", metric: one} for one in values]
    result = {f"{metric},none": value, "sample_len": len(values)} | more
    return {
        "results": {name: result},
        "configs": {name: {"metric_list": [{"metric": metric}]}},
        "higher_is_better": {},
        "n-shot": {name: 0},
        "group_subtasks": {},
        "samples": {name: samples},
    }


def text_report(bits, lengths):
    pairs = [(-b * math.log(2), n) for b, n in zip(bits, lengths, strict=True)]
    return report("bits_per_byte", sum(bits) / sum(lengths), pairs)


def test_bits_per_byte_have_the_error_of_a_ratio():
    """Against the spread of the ratio itself over 20,000 samples with replacement."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(200, 2000, 150)
    bits = lengths * rng.normal(0.9, 0.2, 150)
    score = task_score("t", text_report(bits, lengths), part="all", digest="d")
    assert score.value == pytest.approx(-bits.sum() / lengths.sum(), rel=1e-12)
    assert np.mean(score.per_question) == pytest.approx(score.value, rel=1e-12)
    drawn = rng.integers(0, 150, (20_000, 150))
    ratios = bits[drawn].sum(axis=1) / lengths[drawn].sum(axis=1)
    assert score.stderr == pytest.approx(ratios.std(), rel=0.03)


def test_the_difference_of_two_texts_scores_is_paired():
    """The values of two models on the same passages differ by the values of the ratio's difference."""
    rng = np.random.default_rng(1)
    lengths = rng.integers(200, 2000, 80)
    first = lengths * rng.normal(0.9, 0.2, 80)
    second = first + lengths * rng.normal(0.02, 0.01, 80)
    one, two = (task_score("t", text_report(b, lengths), part="all", digest="d") for b in (first, second))
    differences = np.subtract(one.per_question, two.per_question)
    assert differences.mean() == pytest.approx((second - first).sum() / lengths.sum(), rel=1e-9)
    drawn = rng.integers(0, 80, (20_000, 80))
    ratios = (second - first)[drawn].sum(axis=1) / lengths[drawn].sum(axis=1)
    assert differences.std(ddof=1) / math.sqrt(80) == pytest.approx(ratios.std(), rel=0.05)


def test_values_whose_mean_is_not_the_score_are_not_kept():
    score = task_score("t", report("f1", 0.8, [(0, 0), (1, 1)], **{"f1_stderr,none": 0.1}), part="all", digest="d")
    assert (score.value, score.stderr, score.per_question) == (80.0, 10.0, None)
    median = task_score("t", report("acc", 1.0, [0.0, 1.0, 1.0]), part="all", digest="d")
    assert (median.value, median.stderr, median.per_question) == (100.0, None, None)


def test_a_score_of_nan_is_refused():
    with pytest.raises(TaskError, match="mcc is nan"):
        task_score("t", report("mcc", math.nan, [(0, 1)]), part="all", digest="d")


def group(rows, **more):
    """A report of the group `both` over the tasks x and y, which go by the metrics of their rows."""
    samples = {name: [] for name in rows if name != "both"}
    results = {name: {f"{m},none": v for m, v in row.items()} | {"sample_len": 1} for name, row in rows.items()}
    empty = {"configs": {}, "higher_is_better": {}, "n-shot": {}}
    return {"results": results, "samples": samples, "group_subtasks": {"both": ["x", "y"]}, **empty, **more}


def test_a_group_has_a_score_only_where_its_tasks_go_by_one_metric():
    alike = group({"both": {"exact_match": 0.3, "acc": 0.5}, "x": {"acc": 0.4}, "y": {"acc": 0.6}})
    score = task_score("both", alike, part="all", digest="d")
    assert (score.value, score.metric) == (50.0, "acc")
    mixed = group({"both": {"exact_match": 0.3, "acc": 0.5}, "x": {"acc": 0.5}, "y": {"exact_match": 0.3}})
    with pytest.raises(TaskError, match=r"both is a group over different metrics \(acc, exact_match\); take its tasks"):
        task_score("both", mixed, part="all", digest="d")
    lost = group({"both": {"acc": math.nan}, "x": {"acc": math.nan}, "y": {"acc": 0.5}})
    with pytest.raises(ScoreError, match="both has no score for this model: acc is nan"):
        task_score("both", lost, part="all", digest="d")


def test_another_metric_never_stands_in_for_one_that_came_out_nan():
    lost = report("acc", math.nan, [(0, 1)], **{"acc_norm,none": 0.5})
    with pytest.raises(ScoreError, match="acc is nan"):
        task_score("t", lost, part="all", digest="d")


def test_no_samples_of_a_length_are_no_score():
    """-100.0 percent was shown for what RULER reports of it."""
    with pytest.raises(TaskError, match="4096 is -1, which stands for no samples"):
        task_score("t", report("4096", -1, [-1]), part="all", digest="d")
    score = task_score("t", report("4096", -1, [-1], **{"8192,none": 0.5}), part="all", digest="d")
    assert (score.value, score.metric) == (50.0, "8192")
    assert score.note == "t: 4096 is -1, which stands for no samples; 8192 stands in"
