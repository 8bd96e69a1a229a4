"""Searches small enough for a test: tiny models, merged by mergekit, scored by their weights alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from kinship.errors import ScoreError
from kinship.evaluation import Scores, TaskScore
from kinship.evolution import Limits
from kinship.runs.pairs.pair_plan import Plan
from kinship.runs.pairs.pair_record import RunRecord
from tests.families import EMBEDDING, llama
from tests.merging.models import TOKENS, save_family, weights

BASE = llama(0, vocabulary=len(TOKENS) + 1)[EMBEDDING]  # of `save_family`: merging brings its members nearer to it


class Judge:
    """Stands in for the harness: a model scores the higher the nearer one of its tensors is to the base's."""

    def __init__(self):
        self.asked = []

    def digest(self, task):
        return f"digest of {task.name}"

    def check(self, tasks, options):
        """Every task has questions enough."""

    def evaluate(self, model, tasks, options=None, progress=None):
        self.asked.append((Path(model).name, options.part))
        progress(0.5, "judging")
        values = weights(Path(model))[EMBEDDING]
        noise = np.random.default_rng(0 if options.part == "search" else 1).normal(0.0, 0.001, values.shape)
        value = 100.0 - 1000.0 * float(((values - BASE - noise) ** 2).mean())
        return Scores({task.name: self._score(task, value, options.part) for task in tasks})

    def _score(self, task, value, part):
        return TaskScore(task.name, value, 1.0, "percent", "acc", part=part, digest=self.digest(task))


def family(folder: Path, members: int = 3) -> list[str]:
    """Write a base and models made from it; the base first."""
    return [str(path) for path in save_family(folder, members=members)]


def tiny_plan(models: list[str], generations: int = 2, **changes) -> Plan:
    return Plan(
        models[0], tuple(models[1:]), ("addition",), limits=Limits(generations=generations), **{"keep": "all"} | changes
    )


def quiet(fraction: float, what: str) -> None:
    pass


def timeless(record: RunRecord, folder: Path) -> dict:
    """All that a run says, its times and its place apart."""
    assert record.run is not None
    generations = [
        [replace(one, merge_seconds=None, evaluation_seconds=None) for one in generation]
        for generation in record.run.generations
    ]
    return {
        "generations": generations,
        "kinship": record.run.kinship_of_best,
        "stopped by": record.run.stopped_by,
        "places": {name: path.replace(str(folder), "") for name, path in record.paths.items()},
        "recipes": record.recipes,
        "baselines": [replace(one, seconds=None) for one in record.baselines],
        "held out": record.held_out,
        "kin of best": record.kin_of_best,
        "over": record.over,
    }


def said(folder: Path) -> dict:
    """What the run's file holds."""
    return json.loads((folder / "run.json").read_text())


def without(judge: Judge, *names: str, part: str = "") -> Judge:
    """Let models of these folder names have no score, on one half of the questions if a part is named."""
    scored = judge.evaluate

    def evaluate(model, tasks, options=None, progress=None):
        if Path(model).name in names and part in ("", options.part):
            raise ScoreError(f"{Path(model).name} answers NaN")
        return scored(model, tasks, options, progress)

    judge.evaluate = evaluate  # type: ignore[method-assign]
    return judge
