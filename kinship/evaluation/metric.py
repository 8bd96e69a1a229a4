"""What the number of a metric means, by the metric's definition and never by its size: unit, range and direction."""

from __future__ import annotations

import re
from math import inf
from typing import NamedTuple

from kinship.evaluation.scores import Unit

__all__ = ["LESS_IS_BETTER", "PERCENT", "SHARE", "Measure", "measure_of", "measure_of_task"]


class Measure(NamedTuple):
    """How a reported number becomes a score, of which more is better.

    Attributes
    ----------
    unit : {"percent", "bits per byte"} or None
        Of the score; None where the metric can be no score.
    factor : float
        The score is the number times this: 100 for a share, -1 for bits per byte.
    low, high : float
        What the number can be.
    why : str
        Why the metric can be no score.
    """

    unit: Unit | None
    factor: float = 100.0
    low: float = 0.0
    high: float = 1.0
    why: str = ""

    def holds(self, number: float) -> bool:
        """Tell whether the metric can have this value."""
        return self.low - 1e-9 <= number <= self.high + 1e-9


SHARE = Measure("percent")
PERCENT = Measure("percent", 1.0, 0.0, 100.0)
LESS_IS_BETTER = Measure(None, why="is better when less")
_CORRELATION = Measure("percent", low=-1.0)
_BELOW_100 = Measure("percent", 1.0, -inf, 100.0)
_BITS = Measure("bits per byte", -1.0, 0.0, inf)
_NO_SHARE = Measure(None, why="is no share of 1")

_AGGREGATIONS = {
    "bleu": PERCENT,
    "chrf": PERCENT,
    "ter": LESS_IS_BETTER,
    "perplexity": LESS_IS_BETTER,
    "weighted_perplexity": LESS_IS_BETTER,
    "brier_score": LESS_IS_BETTER,
    "matthews_corrcoef": _CORRELATION,
    "bits_per_byte": _BITS,
}
"""The aggregations of lm_eval.api.metrics that say what comes out; a mean says nothing."""

_NAMES = {
    "acc": SHARE,
    "bits_per_byte": _BITS,
    "bpb": _BITS,
    "mcc": _CORRELATION,
    "eqbench": _BELOW_100,  # 10 (10 - the tally of differences), a guess having 0
    **dict.fromkeys(("bleu", "sacrebleu", "smoothed_bleu_4", "chrf", "chrf++", "chrf_plus_plus"), PERCENT),
    **dict.fromkeys(("percent_parseable", "exact", "best_exact", "hasans_exact", "noans_exact"), PERCENT),
    **dict.fromkeys(("best_f1", "hasans_f1", "noans_f1"), PERCENT),  # SQuAD 2.0's own program
    **dict.fromkeys(("matthews_correlation", "matthews_corrcoef", "pearson", "pearsonr"), _CORRELATION),
    **dict.fromkeys(("spearman", "spearmanr", "kendall", "kendalltau", "kappa", "cohen_kappa"), _CORRELATION),
    **dict.fromkeys(("likelihood_diff", "pct_stereotype", "pct_invalid"), LESS_IS_BETTER),
}

_LESS = frozenset(["perplexity", "ppl", "loss", "nll", "xent", "entropy", "wer", "cer", "ter", "brier"])
"""Words of which one in a name says that less is better, in that of a metric or of a task."""

_LESS_OF_METRIC = _LESS | frozenset(["error", "mae", "mse", "rmse", "ece", "bias", "toxicity"])

_BY_PERPLEXITY = frozenset(["wikitext", "wikitext2", "wikitext103", "ptb", "c4", "pile", "paloma", "lm1b"])
"""First words of tasks that lm-evaluation-harness scores by perplexity and bits per byte alone."""


def measure_of(metric: str, aggregation: object = None, higher_is_better: bool | None = None) -> Measure:
    """Return what a metric's number means.

    A metric that is not known is taken for a share of 1, as nearly all are.

    Parameters
    ----------
    metric : str
        Its name, with or without a filter after a comma.
    aggregation : object, optional
        As a configuration of lm-evaluation-harness names it; what is no name of its own says nothing.
    higher_is_better : bool, optional
        As the task says; a known metric's definition goes before.
    """
    name = _normal(metric.partition(",")[0])
    words = name.split("_")
    if isinstance(aggregation, str) and aggregation in _AGGREGATIONS:
        return _AGGREGATIONS[aggregation]
    if name in ("bleu", "chrf") and aggregation in ("mean", "nanmean"):
        return SHARE  # of single answers, by Hugging Face's evaluate
    if name in _NAMES:
        return _NAMES[name]
    if _LESS_OF_METRIC & set(words) or higher_is_better is False:
        return LESS_IS_BETTER
    if words[0] == "bleurt" or (words[0].startswith(("bleu", "rouge")) and words[-1] in ("max", "avg", "diff")):
        return _NO_SHARE if words[-1] != "acc" else SHARE
    return SHARE


def measure_of_task(task: str) -> Measure | None:
    """Return what the number of a task means where only the task is named; None where that tells nothing."""
    name = _normal(task)
    words = name.split("_")
    if "bits_per_byte" in name or "bpb" in words:
        return _BITS
    return LESS_IS_BETTER if _LESS & set(words) or words[0] in _BY_PERPLEXITY else None


def _normal(name: str) -> str:
    return re.sub(r"[^a-z0-9+@]+", "_", name.strip().casefold()).strip("_")
