"""What a metric's number means, by its definition."""

from __future__ import annotations

import pytest

from kinship.evaluation.metric import LESS_IS_BETTER, PERCENT, SHARE, measure_of, measure_of_task


def of(metric, number, *more):
    """The score that a metric's number is; None where it can be none."""
    measure = measure_of(metric, *more)
    return measure.factor * number if measure.unit is not None and measure.holds(number) else None


@pytest.mark.parametrize(
    ("metric", "number", "score"),
    [
        ("acc", 0.358, 35.8),
        ("acc_norm,none", 0.5, 50.0),
        ("bleu", 0.358, 0.358),  # sacrebleu is out of 100 even where it is below 1
        ("sacrebleu", 35.8, 35.8),
        ("chrf++", 41.0, 41.0),
        ("smoothed_bleu_4", 0.9, 0.9),
        ("bits_per_byte", 0.75, -0.75),
        ("mcc", -0.25, -25.0),
        ("eqbench", -3.0, -3.0),
        ("HasAns_exact", 0.7, 0.7),
        ("bleurt_acc", 0.46, 46.0),
        ("rouge1_acc", 0.43, 43.0),
        ("acc", -1.0, None),
        ("4096", -1.0, None),
        ("acc", 55.2, None),
        ("bleu_max", 0.5, None),
        ("rougeL_diff", 0.5, None),
        ("bleurt_max", 0.4, None),
    ],
)
def test_a_number_becomes_a_score_by_its_metric(metric, number, score):
    assert of(metric, number) == (score if score is None else pytest.approx(score))


@pytest.mark.parametrize(
    "metric",
    [
        *("perplexity", "word_perplexity", "byte_perplexity", "ppl", "eval_loss", "wer", "cer", "ter", "brier_score"),
        *("likelihood_diff", "amb_bias_score", "perspective_api_toxicity_score"),
    ],
)
def test_less_is_better_by_name_whatever_a_file_says(metric):
    assert measure_of(metric, None, True) == LESS_IS_BETTER


def test_the_harness_s_aggregation_tells_what_comes_out():
    assert measure_of("mine", "bleu") == measure_of("mine", "chrf") == PERCENT
    assert measure_of("mine", "weighted_perplexity") == LESS_IS_BETTER
    assert measure_of("bleu", "nanmean") == SHARE  # evaluate's BLEU of single answers
    assert measure_of("mine", "mean", False) == LESS_IS_BETTER


@pytest.mark.parametrize(
    ("task", "unit"),
    [("wikitext", None), ("my_perplexity", None), ("code, bits per byte", "bits per byte"), ("pile_arxiv", None)],
)
def test_a_task_without_a_metric_may_say_it_by_its_name(task, unit):
    measure = measure_of_task(task)
    assert measure is not None
    assert measure.unit == unit


@pytest.mark.parametrize("task", ["arc", "winogrande", "compiler", "terms", "lossless_reading"])
def test_most_names_of_tasks_say_nothing(task):
    assert measure_of_task(task) is None
