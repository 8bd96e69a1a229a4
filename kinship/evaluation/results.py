"""From what the harness reports to a score with its error and its questions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from kinship.errors import ScoreError
from kinship.evaluation.headline import reported_headline
from kinship.evaluation.options import Part
from kinship.evaluation.scores import TaskScore, mean_error
from kinship.evaluation.units import Headline

__all__ = ["task_score"]


def task_score(name: str, report: Mapping[str, Any], *, part: Part, digest: str) -> TaskScore:
    """Return the score of a task or group.

    Parameters
    ----------
    name : str
        As the harness calls it.
    report : Mapping[str, Any]
        What `lm_eval.evaluate` returned, samples included.
    part, digest
        Kept with the score.

    Returns
    -------
    TaskScore
        The standard error is the harness's own. It gives none for bits per byte, a ratio of sums; there it is
        that of the ratio's linearisation: with l_q minus the bits and b_q the bytes of question q, and
        r = sum(l) / sum(b), the values v_q = r + (l_q - r b_q) n / sum(b) have the mean r, and sd(v) / sqrt(n) is the
        error (Cochran, Sampling Techniques, section 2.11).

    Raises
    ------
    TaskError
        None of its numbers can be a score.
    ScoreError
        It is none for this model.
    """
    result = report["results"][name]
    chosen = reported_headline(name, report)
    if chosen.lost:
        raise ScoreError(f"{chosen.lost} for this model; look at its answers to {name}")
    value = chosen.score(result)
    values = _per_question(chosen, value, _samples(name, report))
    stderr = chosen.stderr(result)
    if stderr is None and values and chosen.unit == "bits per byte":
        stderr = mean_error(values)
    return TaskScore(
        task=name,
        value=value,
        stderr=stderr,
        unit=chosen.unit,
        metric=chosen.metric,
        questions=result["sample_len"],
        few_shot=report["n-shot"].get(name),
        part=part,
        digest=digest,
        per_question=values,
        note=f"{name}: {chosen.note}" if chosen.note else "",
    )


def _samples(name: str, report: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The answers to every question, of all tasks below a group, in the order of the tasks."""
    if name in report["samples"]:
        return list(report["samples"][name])
    return [sample for member in report["group_subtasks"][name] for sample in _samples(member, report)]


def _per_question(chosen: Headline, value: float, samples: Sequence[Mapping[str, Any]]) -> tuple[float, ...] | None:
    """One value a question whose mean is the score; None where there is no such thing, as for a median."""
    metric, _, used = chosen.key.partition(",")
    found = [sample.get(metric) for sample in samples if sample["filter"] == used]
    if chosen.unit == "bits per byte":
        return _linearised([(-pair[0] / math.log(2), pair[1]) for pair in found if pair])
    values = tuple(chosen.factor * float(each) for each in found if isinstance(each, int | float))
    if not values or len(values) < len(found):
        return None
    return values if math.isclose(math.fsum(values) / len(values), value, abs_tol=1e-9) else None


def _linearised(pairs: Sequence[tuple[float, int]]) -> tuple[float, ...]:
    total = sum(length for _, length in pairs)
    ratio = -math.fsum(bits for bits, _ in pairs) / total
    return tuple(ratio + (-bits - ratio * length) * len(pairs) / total for bits, length in pairs)
