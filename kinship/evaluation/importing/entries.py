"""Numbers that a person or a program wrote down by model and task, as scores: of a CSV, of plain JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kinship.errors import TaskError
from kinship.evaluation.importing.percent import writes_percent
from kinship.evaluation.importing.published import Published, published
from kinship.evaluation.known_metrics import known_metric
from kinship.evaluation.metric import PERCENT, SHARE, Measure, measure_of, measure_of_task
from kinship.evaluation.scores import UNNAMED, TaskScore
from kinship.evaluation.units import is_missing, number_of

__all__ = ["Entry", "scores_of_entries"]

_AVERAGES = ("all", "average", "avg", "mean")


@dataclass(frozen=True)
class Entry:
    """One number as it was written.

    Attributes
    ----------
    where : str
        File and line, or whatever names the place, for messages.
    model, task : str
    score : object
        The number, or what stands in its place.
    stderr : object
        Its standard error; empty or None where there is none.
    metric, unit : str
        Empty where they are not named.
    few_shot : int or None
        Examples before each question.
    """

    where: str
    model: str
    task: str
    score: object
    stderr: object = None
    metric: str = ""
    unit: str = ""
    few_shot: int | None = None


@dataclass(frozen=True)
class _Number:
    """An entry whose number was read."""

    entry: Entry
    value: float
    stderr: float | None
    measure: Measure
    stated: bool  # percent or share: the entry itself says which

    @property
    def told(self) -> str:
        """Where it stands and what it is, for messages."""
        return f"{self.entry.where}: {self.entry.task} of {self.entry.model}"


def scores_of_entries(file: Path, entries: Sequence[Entry]) -> Published:
    """Return what entries say; a number that can be no score is left out by itself, with a warning.

    Where no unit settles it, percent may be written 0 to 100 or 0 to 1: a file in which none of these numbers, their
    errors among them, is above 1 is taken for the latter. Metrics that are out of 100 by definition, as bleu, have no
    say over others: 35.8 stands beside shares of 1 too.

    Raises
    ------
    TaskError
        Something is no number, a model has two scores by one metric on a task, or no score is left.
    """
    warnings: list[str] = []
    numbers = list(_numbers(entries, warnings))
    numbers = _settled(numbers, warnings)
    found: dict[str, dict[str, TaskScore]] = {}
    for one in _preferred(file, [one for one in numbers if _can_be(one, warnings)], warnings):
        found.setdefault(one.entry.model, {})[one.entry.task] = _score(one)
    if not found:
        why = "".join(f"; {warning.replace(str(file), file.name)}" for warning in warnings[:3])
        raise TaskError(f"{file}: it holds no score{why}; write one number for each model and task")
    return published({model: list(own.values()) for model, own in found.items()}, warnings)


def _settled(numbers: Sequence[_Number], warnings: list[str]) -> list[_Number]:
    """Return the numbers with the measures of percent or of shares, where only all of them together tell which."""
    open_ones = [one for one in numbers if not one.stated]
    others = writes_percent(_and_errors(one for one in open_ones if one.measure != PERCENT))
    all_of_them = writes_percent(_and_errors(open_ones))

    def settled(one: _Number) -> _Number:
        if one.stated:
            return one
        if one.measure != PERCENT:
            return _in_percent(one, warnings) if others else one
        return _in_percent(one, warnings) if all_of_them else _in_shares(one, warnings)

    return [settled(one) for one in numbers]


def _and_errors(numbers: Iterable[_Number]) -> Iterator[float]:
    for one in numbers:
        yield from (one.value, one.stderr or 0.0)


def _numbers(entries: Sequence[Entry], warnings: list[str]) -> Iterator[_Number]:
    """Yield what can be a score, in the order of the entries."""
    for one in entries:
        told = f"{one.where}: {one.task} of {one.model}"
        if one.score is None or one.score == "":
            continue
        measure, stated = _measure(one)
        if one.task.strip().casefold() in _AVERAGES:
            warnings.append(f"{told} is left out: an average is no task")
        elif measure.unit is None:
            warnings.append(f"{told} is left out: {one.metric or one.unit or one.task} {measure.why}")
        elif (value := _read(one, "score", one.score)) is None or not math.isfinite(value):
            warnings.append(f"{told} is left out: {one.score} is no finite number")
        else:
            stderr = None if is_missing(one.stderr) else _read(one, "stderr", one.stderr)
            yield _Number(one, value, stderr if stderr is not None and math.isfinite(stderr) else None, measure, stated)


def _measure(one: Entry) -> tuple[Measure, bool]:
    """Return what an entry's number means, and whether that is settled but for the other numbers of the file."""
    unit = one.unit.strip().casefold()
    of_unit = measure_of(unit) if unit else SHARE
    named = measure_of(one.metric) if one.metric else of_unit
    if named == SHARE and not one.metric:
        named = measure_of_task(one.task) or SHARE
    if named.unit is None:
        return named, True
    if unit in ("percent", "%") or (not unit and isinstance(one.score, str) and one.score.strip().endswith("%")):
        return _as_percent(named), True
    if unit in ("share", "fraction"):
        return named if named.factor == SHARE.factor else SHARE, True
    if unit and of_unit == SHARE:
        known = "percent, share or bits per byte"
        raise TaskError(f"{one.where}, column unit: {one.unit!r} is no unit that is known; write {known}")
    if unit:
        return of_unit, True
    return named, named.factor != SHARE.factor and named != PERCENT


def _as_percent(measure: Measure) -> Measure:
    """Return the measure of a share that is written from 0 to 100."""
    if measure.factor != SHARE.factor:
        return measure if measure.unit == "percent" else PERCENT
    return measure._replace(factor=1.0, low=100 * measure.low, high=100 * measure.high)


def _read(one: Entry, column: str, said: object) -> float | None:
    """Return a number, None where something stands in its place."""
    if is_missing(said):
        return None
    value = number_of(said.strip().removesuffix("%") if isinstance(said, str) else said)
    if value is None:
        raise TaskError(f"{one.where}, column {column}: {said!r} is no number; write one such as 61.5")
    return value


def _in_percent(one: _Number, warnings: list[str]) -> _Number:
    """Take a number of a file in percent for percent, and say so where it looks like a share."""
    if 0 < one.value < 1:
        warnings.append(f"{one.told} is taken for {one.value:g} percent, since the file has scores above 1")
    return replace(one, measure=_as_percent(one.measure))


def _in_shares(one: _Number, warnings: list[str]) -> _Number:
    """Take a number that is out of 100 by its metric for a share of 1, and say so."""
    if one.value:
        why = f"since {one.entry.metric} is also written from 0 to 1 and the file has no score above 1"
        warnings.append(f"{one.told} is taken for {100 * one.value:g} percent, {why}; name the unit to settle it")
    return replace(one, measure=SHARE)


def _can_be(one: _Number, warnings: list[str]) -> bool:
    # bits per byte are written as such, or as the score that kinship shows, which is minus them
    if one.measure.holds(abs(one.value) if one.measure.unit == "bits per byte" else one.value):
        return True
    why = "-1 stands for no samples" if one.value == -1 else f"{one.value:g} {one.measure.unit} is no score"
    warnings.append(f"{one.told} is left out: {why}")
    return False


def _preferred(file: Path, numbers: Sequence[_Number], warnings: list[str]) -> Iterator[_Number]:
    """Yield one number for each model and task: by the metric that comes first in the file, or is known to."""
    metrics: dict[str, list[str]] = {}
    for one in numbers:
        metrics.setdefault(one.entry.task, []).append(one.entry.metric)
    groups: dict[tuple[str, str], list[_Number]] = {}
    for one in numbers:
        groups.setdefault((one.entry.model, one.entry.task), []).append(one)
    for (model, task), group in groups.items():
        names = [one.entry.metric for one in group]
        for place, name in enumerate(names):
            if name in names[:place]:
                raise TaskError(f"{group[place].entry.where}: {model} has a score on {task} already; take one out")
        known = known_metric(task, group[0].entry.few_shot)
        group.sort(key=lambda one: (one.entry.metric not in known, metrics[one.entry.task].index(one.entry.metric)))
        yield group[0]
        for other in group[1:]:
            by, other_by = group[0].entry.metric or UNNAMED, other.entry.metric or UNNAMED
            warnings.append(f"{file.name}: {task} goes by {by}; {other_by} is left out")


def _score(one: _Number) -> TaskScore:
    factor = one.measure.factor
    value = -abs(one.value) if one.measure.unit == "bits per byte" else factor * one.value
    assert one.measure.unit is not None, "what can be no score was left out"
    return TaskScore(
        one.entry.task,
        value,
        None if one.stderr is None else abs(factor) * one.stderr,
        one.measure.unit,
        one.entry.metric or UNNAMED,
        few_shot=one.entry.few_shot,
    )
