"""A result file of lm-evaluation-harness of any version, or of a leaderboard that ran it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kinship.errors import TaskError
from kinship.evaluation.headline import children, reported_headline
from kinship.evaluation.importing.older_names import renamed
from kinship.evaluation.importing.published import Published, published
from kinship.evaluation.scores import TaskScore

__all__ = ["read_result_file"]

_BY_TASK = ("results", "groups", "configs", "higher_is_better", "n-samples")


def read_result_file(file: Path, said: Mapping[str, Any], model_name: str) -> Published:
    """Return the scores in a results_*.json, as own tasks would be scored.

    A group stands for its tasks where all go by one metric that it reports; else its tasks stand for themselves. A
    task without a score (a perplexity alone, NaN) is left out by itself, with a warning. A model that the file does
    not name is called `model_name`.

    Raises
    ------
    TaskError
        This is no such file, or nothing in it is a score.
    """
    results = said.get("results")
    broken = [name for name, row in results.items() if not isinstance(row, dict)] if isinstance(results, dict) else []
    if not isinstance(results, dict) or len(broken) == len(results):
        raise TaskError(f"{file}: it has no results by task; give a results_*.json of lm-evaluation-harness")
    report, warnings = renamed(_nested({**said, **{part: _objects(said, part) for part in _BY_TASK}}))
    told = [*(f"{name} is left out: it has no numbers" for name in broken), *warnings]
    below = {child for name in report["results"] for child in children(name, report)}
    found: dict[str, TaskScore] = {}
    for name in report["results"]:
        if name not in below:
            found |= {score.task: score for score in _scores(name, report, told)}
    if not found:
        why = f" ({'; '.join(told[:3])})" if told else ""
        raise TaskError(f"{file}: none of its tasks has a score of which more is better{why}; choose another file")
    return published({_model(said) or model_name: found.values()}, told)


def _scores(name: str, said: Mapping[str, Any], told: list[str]) -> Iterator[TaskScore]:
    """Yield the score of a task, or of a group, or those of the group's members where it has none."""
    below = children(name, said)
    try:
        yield _score(name, said)
    except TaskError as error:
        if below:
            for child in below:
                yield from _scores(child, said, told)
        else:
            told.append(f"{name} is left out: {error}")


def _score(name: str, said: Mapping[str, Any]) -> TaskScore:
    result = said["results"][name]
    chosen = reported_headline(name, said)
    counted = said["n-samples"].get(name, {}).get("effective", result.get("sample_len"))
    shots = said["n-shot"].get(name)
    return TaskScore(
        task=name.removesuffix(":_average"),
        value=chosen.score(result),
        stderr=chosen.stderr(result),
        unit=chosen.unit,
        metric=chosen.metric,
        questions=counted if isinstance(counted, int) else None,
        few_shot=shots if isinstance(shots, int) else None,
        note=f"{name}: {chosen.note}" if chosen.note else "",
    )


def _nested(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give a report that does not say what its groups hold that from the indents of its aliases."""
    listed = said.get("group_subtasks")
    if isinstance(listed, dict) and listed:
        named = {
            name: [one for one in below if isinstance(one, str)]
            for name, below in listed.items()
            if isinstance(below, list)
        }
        return {**said, "group_subtasks": _without_circles(named)}
    groups: dict[str, list[str]] = {}
    above: list[tuple[int, str]] = []
    for name, row in said["results"].items():
        alias = str(row.get("alias", ""))
        depth = len(alias) - len(alias.lstrip(" -"))
        above = [one for one in above if one[0] < depth]
        if above:
            groups.setdefault(above[-1][1], []).append(name)
        above.append((depth, name))
    return {**said, "group_subtasks": groups}


def _without_circles(groups: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return groups without the members of which they are members themselves."""

    def below(name: str) -> set[str]:
        found, waiting = {name}, [name]
        while waiting:
            new = [one for one in groups.get(waiting.pop(), ()) if one not in found]
            found.update(new)
            waiting += new
        return found

    return {name: [one for one in members if name not in below(one)] for name, members in groups.items()}


def _objects(said: Mapping[str, Any], part: str) -> dict[str, Any]:
    """Return what a part of the file says of each task, where it says anything that can be read."""
    found = said.get(part)
    return {name: one for name, one in found.items() if isinstance(one, dict)} if isinstance(found, dict) else {}


def _model(said: Mapping[str, Any]) -> str:
    """The model's name as the file says it, else out of the arguments; empty where neither names it."""
    config = next((one for part in ("config", "config_general") if isinstance(one := said.get(part), dict)), {})
    arguments = config.get("model_args") or config.get("model_config")
    if isinstance(arguments, str):
        arguments = dict(pair.partition("=")[::2] for pair in arguments.split(","))
    if not isinstance(arguments, dict):
        arguments = {}
    named = arguments.get("pretrained") or config.get("model_name") or arguments.get("model_name")
    return str(said.get("model_name") or named or "")
