"""Which number of a task is its score."""

from __future__ import annotations

import math

import pytest

from kinship.errors import ScoreError, TaskError
from kinship.evaluation.units import headline


def metrics(*names, **aggregation):
    return {"metric_list": [{"metric": name, "aggregation": aggregation.get(name, "mean")} for name in names]}


def test_the_tasks_own_order_decides():
    result = {"alias": "x", "acc,none": 0.5, "acc_norm,none": 0.7, "acc_stderr,none": 0.1, "sample_len": 20}
    assert headline("x", result, metrics("acc_norm", "acc"), {}).key == "acc_norm,none"
    assert headline("x", result, metrics("acc", "acc_norm"), {}).key == "acc,none"
    assert headline("x", result, {}, {}).key == "acc,none"


def test_the_first_filter_decides():
    result = {"exact_match,flexible-extract": 0.9, "exact_match,strict-match": 0.4}
    filters = {"filter_list": [{"name": "strict-match"}, {"name": "flexible-extract"}]} | metrics("exact_match")
    chosen = headline("gsm8k", result, filters, {})
    assert chosen.metric == "exact_match,strict-match"
    assert chosen.stderr_key == "exact_match_stderr,strict-match"
    assert chosen.score(result) == 40.0


def test_a_perplexity_is_passed_over():
    """As in lambada: perplexity comes first, accuracy second."""
    result = {"perplexity,none": 7.2, "acc,none": 0.61}
    for better in ({"perplexity": False, "acc": True}, {}):
        chosen = headline("lambada", result, metrics("perplexity", "acc"), better)
        assert (chosen.metric, chosen.unit, chosen.score(result)) == ("acc", "percent", 61.0)


def test_of_a_text_the_bits_per_byte_count_negatively():
    result = {"word_perplexity,none": 20.0, "byte_perplexity,none": 1.7, "bits_per_byte,none": 0.75}
    better = dict.fromkeys(("word_perplexity", "byte_perplexity", "bits_per_byte"), False)
    chosen = headline("wikitext", result, metrics(*better), better)
    assert (chosen.unit, chosen.score(result)) == ("bits per byte", -0.75)


def test_sacrebleu_is_out_of_100_already():
    result = {"bleu,none": 31.2, "acc,none": 0.5}
    assert headline("wmt", result, metrics("bleu", bleu="bleu"), {}).score(result) == 31.2
    mean_of_shares = metrics("bleu", bleu="mean")
    assert headline("wmt", {"bleu,none": 0.312}, mean_of_shares, {}).score({"bleu,none": 0.312}) == 31.2


def test_keys_of_old_result_files_have_no_filter():
    result = {"acc": 0.25, "acc_stderr": 0.01}
    chosen = headline("x", result, {}, {})
    assert (chosen.metric, chosen.stderr_key) == ("acc", "acc_stderr")


def test_a_bleu_below_1_is_out_of_100_all_the_same():
    result = {"bleu,none": 0.358}
    assert headline("wmt", result, {}, {}).score(result) == 0.358


def test_a_first_metric_that_is_no_share_gives_way_and_that_is_said():
    """truthfulqa_gen, as lm_eval 0.4 and 0.3 report it."""
    for comma in (",none", ""):
        result = {f"bleu_max{comma}": 30.1, f"bleu_acc{comma}": 0.44, f"bleu_diff{comma}": 0.5}
        chosen = headline("truthfulqa_gen", result, {}, {})
        assert (chosen.metric, chosen.score(result)) == ("bleu_acc", pytest.approx(44.0))
        assert chosen.note == "bleu_max is no share of 1; bleu_acc stands in"


def test_what_cannot_be_a_score_is_refused():
    with pytest.raises(TaskError, match="x has no metric that can be its score: perplexity is better when less"):
        headline("x", {"perplexity,none": 3.0}, {}, {})
    with pytest.raises(TaskError, match="it reports nothing"):
        headline("x", {"alias": "x", "acc_stderr,none": 0.1, "sample_len": 3}, {}, {})
    with pytest.raises(TaskError, match=r"mine is 55\.2, no share of 1"):
        headline("x", {"mine,none": 55.2}, {}, {})
    with pytest.raises(TaskError, match="4096 is -1, which stands for no samples"):
        headline("x", {"4096,none": -1.0}, {}, {})


@pytest.mark.parametrize("lost", [math.nan, math.inf, "N/A", None])
def test_a_number_that_was_lost_is_known_from_one_that_never_was(lost):
    with pytest.raises(ScoreError, match="x has no score for this model: acc is "):
        headline("x", {"acc,none": lost}, {}, {})
    chosen = headline("x", {"acc,none": lost, "acc_norm,none": 0.5}, {}, {})
    assert (chosen.metric, chosen.lost) == ("acc_norm", f"acc is {lost}, no number")


def test_of_several_lengths_the_first_with_samples_stands():
    """RULER reports -1 for a length that no question has."""
    result = {"4096,none": -1, "8192,none": 0.8, "16384,none": 0.1}
    chosen = headline("niah_single_1", result, metrics("4096", "8192", "16384"), {})
    assert (chosen.metric, chosen.score(result)) == ("8192", 80.0)


def test_a_leaderboard_s_own_metric_goes_before_the_order():
    result = {"acc,none": 0.5, "acc_norm,none": 0.55}
    assert headline("arc_challenge", result, metrics("acc", "acc_norm"), {}, 25).metric == "acc_norm"
    assert headline("arc_challenge", result, metrics("acc", "acc_norm"), {}, 0).metric == "acc"
    result = {"inst_level_loose_acc,none": 0.43, "prompt_level_strict_acc,none": 0.3}
    assert headline("leaderboard_ifeval", result, {}, {}).metric == "prompt_level_strict_acc"
