"""The kinds of jobs: a name, where its function is, and in which lane it waits."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Literal, NamedTuple

from kinship.registry import Registry

__all__ = ["KINDS", "Kind", "Lane", "load_kind"]

Lane = Literal["interactive", "long"]
"""A worker does one job of each lane at a time, so that what somebody waits for never waits for a search."""


class Kind(NamedTuple):
    """A kind of job.

    Attributes
    ----------
    lane
        ``"interactive"`` for what somebody at a page waits for: one pass, one header, one merge; else ``"long"``.
    function
        ``module:function``. It takes a `JobContext` and the arguments of the job by name, and returns what JSON can
        hold. Only the worker imports the module, so it may import what it likes.
    """

    lane: Lane
    function: str


KINDS: Registry[Kind] = Registry(
    "kind of job",
    [
        ("download", Kind("long", "kinship.workspace.work.download:download_checkpoint")),
        ("evaluate", Kind("long", "kinship.workspace.work.evaluate:evaluate_models")),
        ("evolve", Kind("long", "kinship.runs.pairs.pair_run:evolve_run")),
        ("fuse", Kind("long", "kinship.runs.fusion.fusion_run:fuse_run")),
        ("hash", Kind("interactive", "kinship.workspace.work.hash_weights:hash_checkpoint")),
        ("interpolate", Kind("long", "kinship.workspace.work.points:score_points")),
        ("measure", Kind("interactive", "kinship.workspace.work.measure:measure_family")),
        ("merge", Kind("interactive", "kinship.workspace.work.merge_by_hand:merge_by_hand")),
        ("open", Kind("interactive", "kinship.workspace.store.library:open_with_torch")),
        ("plane", Kind("long", "kinship.workspace.work.points:score_points")),
        ("push", Kind("long", "kinship.workspace.work.merge_by_hand:push_to_hub")),
        ("recipe-search", Kind("long", "kinship.runs.recipes.recipe_run:search_recipe")),
        ("remake", Kind("interactive", "kinship.runs.pairs.remake:remake_model")),
        ("soup", Kind("long", "kinship.workspace.work.merge_by_hand:soup_by_hand")),
    ],
)


def load_kind(kind: str) -> Callable[..., Any]:
    """Import the function that does jobs of this kind; UnknownNameError where there is no such kind."""
    module, _, name = KINDS.named(kind).function.partition(":")
    function: Callable[..., Any] = getattr(import_module(module), name)
    return function
