"""Scores that others published, kept by source and model."""

from __future__ import annotations

import time
from collections.abc import Mapping

from sqlalchemy import Column, Float, String, Table, Text, delete, insert, select

from kinship.evaluation import Scores, scores_from_json, scores_to_json
from kinship.workspace.store.database import metadata, reading, transaction

__all__ = ["forget_published", "published_scores", "store_published"]

_published = Table(
    "published_scores",
    metadata,
    Column("source", String, primary_key=True),
    Column("model", String, primary_key=True),
    Column("scores", Text, nullable=False),
    Column("added", Float, nullable=False),
)


def store_published(source: str, scores: Mapping[str, Scores]) -> None:
    """Keep published scores of models by name; what the same source said of these models before is replaced.

    Parameters
    ----------
    source : str
        Where they were published, as it is to be shown.
    """
    rows = [
        {"source": source, "model": model, "scores": scores_to_json(one), "added": time.time()}
        for model, one in scores.items()
    ]
    with transaction() as connection:
        before = (_published.c.source == source) & _published.c.model.in_(scores)
        connection.execute(delete(_published).where(before))
        if rows:
            connection.execute(insert(_published), rows)


def published_scores() -> dict[str, dict[str, Scores]]:
    """Return published scores by source and model, the newest source first."""
    query = select(_published).order_by(_published.c.added.desc(), _published.c.source, _published.c.model)
    with reading() as connection:
        rows = connection.execute(query).all()
    found: dict[str, dict[str, Scores]] = {}
    for row in rows:
        found.setdefault(row.source, {})[row.model] = scores_from_json(row.scores)
    return found


def forget_published(source: str) -> None:
    """Forget what a source published."""
    with transaction() as connection:
        connection.execute(delete(_published).where(_published.c.source == source))
