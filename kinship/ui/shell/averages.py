"""One average score a model, over the same tasks for all that are shown together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import streamlit as st

from kinship.checkpoints import Checkpoint
from kinship.demo.path import demo_path, demo_scores
from kinship.evaluation import comparable
from kinship.workspace.store.identities import Identity, identities
from kinship.workspace.store.score_records import Known, comparable_scores

__all__ = ["OWN_TASK", "Averages", "averages_of", "score_notes", "shared_averages"]

OWN_TASK = "kinship_"
"""How the names of the demo's tasks begin in lm-evaluation-harness; its card names them without."""


class Averages(NamedTuple):
    """The tasks, and the average over them of every model that has a score on each, in percent."""

    tasks: tuple[str, ...]
    values: Mapping[str, float]


def averages_of(models: Mapping[str, Checkpoint]) -> Averages:
    """Return the averages of some models by name: of scores measured here, else of those on the demo's card."""
    alike = comparable({name: one.scores for name, one in _known_of(models).items()}, "percent").scores
    carded = {
        str(demo_path() / name): {f"{OWN_TASK}{task}": float(one["score"]) for task, one in tasks.items()}
        for name, tasks in demo_scores().items()
    }
    return shared_averages({name: carded.get(str(one.path), {}) | alike.get(name, {}) for name, one in models.items()})


def score_notes(models: Mapping[str, Checkpoint]) -> dict[str, str]:
    """Return what has to be said of the scores measured here of some models, by name."""
    return {name: told for name, one in _known_of(models).items() if (told := "; ".join(one.notes(name)))}


def shared_averages(scores: Mapping[str, Mapping[str, float]]) -> Averages:
    """Return the averages over those tasks that most models have a score on.

    Parameters
    ----------
    scores : Mapping of str to Mapping of str to float
        Model -> task -> percent.
    """
    counts = Counter(task for known in scores.values() for task in known)
    most = max(counts.values(), default=0)
    tasks = tuple(sorted(task for task, count in counts.items() if count == most))
    whole = {name: known for name, known in scores.items() if tasks and known.keys() >= set(tasks)}
    return Averages(tasks, {name: sum(known[task] for task in tasks) / len(tasks) for name, known in whole.items()})


@st.cache_resource(ttl=10, max_entries=50, show_spinner=False)
def _measured(models: tuple[tuple[str, str], ...], _known: list[Identity]) -> dict[str, Known]:
    return {name: one for (name, _), one in zip(models, comparable_scores(_known), strict=True)}


def _known_of(models: Mapping[str, Checkpoint]) -> dict[str, Known]:
    known = identities(list(models.values()))
    key = tuple((name, one.content or one.fingerprint) for name, one in zip(models, known, strict=True))
    return _measured(key, known)
