"""The three groups of models whose kinship matrices the paper draws (Figure 5); values are only in the picture."""

from __future__ import annotations

from functools import cache

from kinship.published.paper_table import rows

__all__ = ["groups"]


@cache
def groups() -> dict[str, tuple[str, ...]]:
    """Return the names of the models in each group, as printed: top, mid and fine-tuned."""
    table = rows("groups")
    return {
        group: tuple(row["model"] for row in table if row["group"] == group)
        for group in dict.fromkeys(row["group"] for row in table)
    }
