"""The kinds of jobs: a name, and where its function is."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from kinship.errors import UnknownNameError

__all__ = ["KINDS", "check_kind", "load_kind"]

KINDS: dict[str, str] = {
    "download": "kinship.workspace.work.download:download_checkpoint",
    "evaluate": "kinship.workspace.work.evaluate:evaluate_models",
    "evolve": "kinship.runs.pairs.pair_run:evolve_run",
    "fuse": "kinship.runs.fusion.fusion_run:fuse_run",
    "hash": "kinship.workspace.work.hash_weights:hash_checkpoint",
    "interpolate": "kinship.workspace.work.points:score_points",
    "measure": "kinship.workspace.work.measure:measure_family",
    "merge": "kinship.workspace.work.merge_by_hand:merge_by_hand",
    "open": "kinship.workspace.store.library:open_with_torch",
    "plane": "kinship.workspace.work.points:score_points",
    "push": "kinship.workspace.work.merge_by_hand:push_to_hub",
    "recipe-search": "kinship.runs.recipes.recipe_run:search_recipe",
    "remake": "kinship.runs.retention:remake_model",
    "soup": "kinship.workspace.work.merge_by_hand:soup_by_hand",
}
"""Kind -> ``module:function``.

The function takes a `JobContext` and the arguments of the job by name, and returns what JSON can hold. Only the
worker imports the module, so it may import what it likes.
"""


def check_kind(kind: str) -> None:
    """Raise `UnknownNameError` unless the kind is registered."""
    if kind not in KINDS:
        raise UnknownNameError("kind of job", kind, KINDS)


def load_kind(kind: str) -> Callable[..., Any]:
    """Import the function that does jobs of this kind."""
    check_kind(kind)
    module, _, name = KINDS[kind].partition(":")
    function: Callable[..., Any] = getattr(import_module(module), name)
    return function
