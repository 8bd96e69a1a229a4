"""From a report to a score: errors of a ratio, groups, metrics that are no mean."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kinship.errors import TaskError
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
    with pytest.raises(TaskError, match="gives nan"):
        task_score("t", report("mcc", math.nan, [(0, 1)]), part="all", digest="d")
