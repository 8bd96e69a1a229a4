"""What somebody says about where a model comes from: the same shape whatever the source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Claim", "Declaration", "Relation"]

Relation = Literal["merge parent", "fine-tune", "adapter", "quantisation", "copy", "base", "unknown"]


@dataclass(frozen=True)
class Claim:
    """One parent, as it is named there (a path, a Hub id, a name), and what the child is to it.

    "base" is the model that a merge's deltas were taken from, which is not one of its parents; "unknown" is a model
    of which the source does not say whether it was a parent or the base.
    """

    parent: str
    relation: Relation
    fingerprint: str = ""


@dataclass(frozen=True)
class Declaration:
    """The parents of one child.

    Attributes
    ----------
    child : str
        As it is named there.
    claims : tuple of Claim
    source : str
        Which file or site says so.
    method, recipe : str
        For a merge: its method, and mergekit's YAML where the source holds it.
    fault : str
        What of the source could not be read, so that it names no parents; empty where it could be.
    """

    child: str
    claims: tuple[Claim, ...]
    source: str
    method: str = ""
    recipe: str = ""
    fault: str = ""
