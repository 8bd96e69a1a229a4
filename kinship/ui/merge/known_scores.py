"""The scores that are known of a family's models, and how to get those that are missing."""

from __future__ import annotations

import streamlit as st

from kinship.checkpoints import Alignment
from kinship.evaluation import Options, Scores
from kinship.ui.shell.scoring import Scoring
from kinship.ui.shell.warnings import show_warnings
from kinship.ui.shell.words import decimals
from kinship.ui.shell.work import show_latest
from kinship.workspace import submit
from kinship.workspace.store.families import Family
from kinship.workspace.store.identities import identities
from kinship.workspace.store.score_records import comparable_scores

__all__ = ["average_text", "offer_scoring", "scores_of"]


def scores_of(alignment: Alignment, options: Options) -> dict[str, Scores]:
    """Return the scores made here in one way of every model of a family, by name; what was never scored has none.

    Scores from before a change of a model are left out, and named.
    """
    found = comparable_scores(identities([alignment.base, *alignment.members]), options)
    known = dict(zip(alignment.names, found, strict=True))
    show_warnings([note for name, one in known.items() for note in one.notes(name)])
    return {name: one.scores for name, one in known.items()}


def offer_scoring(family: Family, scoring: Scoring, scores: dict[str, Scores]) -> None:
    """Offer to score the models that have no scores yet, or all on the tasks chosen, and show how it goes."""
    bare = [name for name, known in scores.items() if not known.tasks]
    latest = show_latest("evaluate", models=[family.base, *family.members])
    if latest is not None and latest.state in ("queued", "running"):
        return
    if latest is not None and latest.state == "done":
        show_warnings(latest.result.get("warnings", ()))
    row = st.container(horizontal=True, vertical_alignment="center")
    if row.button(
        f"Score all {len(scores)} models", disabled=not scoring.tasks, type="primary" if bare else "secondary"
    ):
        submit("evaluate", family.name, models=[family.base, *family.members], **scoring.arguments)
        st.rerun()
    told = (
        "Name a task first."
        if not scoring.tasks
        else f"No scores made in this way yet of {', '.join(bare)}."
        if bare
        else "Every model has scores; what is scored is not scored again."
    )
    row.caption(told)


def average_text(scores: Scores) -> str:
    """Return the average score with its error, or why there is none."""
    if not scores.tasks:
        return "not scored"
    if scores.average is None:
        return "no common average"
    digits = decimals(next(iter(scores.averages)))
    error = f" ± {scores.stderr:.{digits}f}" if scores.stderr is not None else ""
    return f"{scores.average:.{digits}f}{error}"
