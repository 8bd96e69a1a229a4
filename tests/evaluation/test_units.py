"""Which number of a task is its score."""

from __future__ import annotations

import pytest

from kinship.errors import TaskError
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
    assert chosen.score("gsm8k", result) == 40.0


def test_a_perplexity_is_passed_over():
    """As in lambada: perplexity comes first, accuracy second."""
    result = {"perplexity,none": 7.2, "acc,none": 0.61}
    for better in ({"perplexity": False, "acc": True}, {}):
        chosen = headline("lambada", result, metrics("perplexity", "acc"), better)
        assert (chosen.metric, chosen.unit, chosen.score("lambada", result)) == ("acc", "percent", 61.0)


def test_of_a_text_the_bits_per_byte_count_negatively():
    result = {"word_perplexity,none": 20.0, "byte_perplexity,none": 1.7, "bits_per_byte,none": 0.75}
    better = dict.fromkeys(("word_perplexity", "byte_perplexity", "bits_per_byte"), False)
    chosen = headline("wikitext", result, metrics(*better), better)
    assert (chosen.unit, chosen.score("wikitext", result)) == ("bits per byte", -0.75)


def test_sacrebleu_is_out_of_100_already():
    result = {"bleu,none": 31.2, "acc,none": 0.5}
    assert headline("wmt", result, metrics("bleu", bleu="bleu"), {}).score("wmt", result) == 31.2
    mean_of_shares = metrics("bleu", bleu="mean")
    assert headline("wmt", {"bleu,none": 0.312}, mean_of_shares, {}).score("wmt", {"bleu,none": 0.312}) == 31.2


def test_keys_of_old_result_files_have_no_filter():
    result = {"acc": 0.25, "acc_stderr": 0.01}
    chosen = headline("x", result, {}, {})
    assert (chosen.metric, chosen.stderr_key) == ("acc", "acc_stderr")


def test_what_cannot_be_a_score_is_refused():
    with pytest.raises(TaskError, match="reports perplexity, but no metric of which more is better"):
        headline("x", {"perplexity,none": 3.0}, {}, {})
    with pytest.raises(TaskError, match="reports nothing"):
        headline("x", {"alias": "x", "acc_stderr,none": 0.1, "sample_len": 3}, {}, {})
    result = {"eqbench,none": 55.2}
    chosen = headline("x", result, {}, {})
    with pytest.raises(TaskError, match=r"eqbench 55\.2, no share"):
        chosen.score("x", result)
