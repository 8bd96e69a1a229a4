"""Compose a recipe from a method's description: what a form offers and a search merges with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kinship.merging.methods import merge_method
from kinship.merging.recipe import Parent, Recipe

__all__ = ["PAPER_SLERP", "compose", "starting_parameters"]

PAPER_SLERP = "by module, as in the kinship paper"


def starting_parameters(method: str) -> dict[str, Any]:
    """Return the parameters of the whole merge to start from; for SLERP the kinship paper's (arXiv 2410.12613)."""
    about = merge_method(method)
    if PAPER_SLERP in about.presets:
        return dict(about.presets[PAPER_SLERP])
    return {one.name: one.start for one in about.parameters if one.of == "merge" and one.required}


def compose(
    method: str,
    parents: Sequence[str],
    base: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    own: Sequence[Mapping[str, Any]] | None = None,
    *,
    dtype: str | None = None,
    seed: int = 0,
) -> Recipe:
    """Return the recipe of some parents under a method.

    Parameters
    ----------
    method : str
        Name of a merge method.
    parents : sequence of str
        Paths; for a method whose base is a parent, such as SLERP, the first is the base.
    base : str, optional
        The family's base; taken where the method needs one or is given one to use.
    parameters : Mapping, optional
        Of the whole merge; `starting_parameters` by default.
    own : sequence of Mapping, optional
        Of each parent, in order, instead of the whole merge's; what the method requires and neither gives starts at
        its starting value.
    dtype, seed
        As in `Recipe`.

    Raises
    ------
    UnknownNameError
        No method has this name.
    """
    about = merge_method(method)
    shared = dict(starting_parameters(method) if parameters is None else parameters)
    lacking = [one for one in about.parameters if one.of == "parent" and one.required and one.name not in shared]
    required = {one.name: one.start for one in lacking}
    each = own or [{} for _ in parents]
    root = parents[0] if about.base_is_parent else base if about.base != "ignored" else None
    return Recipe(
        method=method,
        parents=tuple(Parent(path, required | dict(values)) for path, values in zip(parents, each, strict=True)),
        base=root,
        parameters=shared,
        dtype=dtype,
        seed=seed,
    )
