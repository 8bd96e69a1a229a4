"""By which of its metrics a leaderboard goes where a task reports several."""

from __future__ import annotations

__all__ = ["known_metric"]

_ALWAYS = {
    "ifeval": ("prompt_level_strict_acc",),
    "truthfulqa_mc": ("mc2", "truthfulqa_mc2"),
}

_AT_SHOTS = {
    ("arc_challenge", 25): ("acc_norm",),
    ("hellaswag", 10): ("acc_norm",),
}
"""Open LLM Leaderboard, first version; its other benchmarks go by their first metric.

Source: its page "About", huggingface.co/docs/leaderboards/open_llm_leaderboard/archive.
"""


def known_metric(task: str, few_shot: int | None) -> tuple[str, ...]:
    """Return the names of the metric that stands for a task; none where the task's own order decides.

    Parameters
    ----------
    task : str
        As lm-evaluation-harness calls it.
    few_shot : int or None
        Examples before each question; None where that is not known.
    """
    name = task.removeprefix("leaderboard_")
    if few_shot is not None and (name, few_shot) in _AT_SHOTS:
        return _AT_SHOTS[name, few_shot]
    return _ALWAYS.get(name, ())
