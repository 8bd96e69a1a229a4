"""The merges that a text in mergekit's YAML describes: one, or a chain whose last step makes the model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from kinship.errors import RecipeError
from kinship.lineage.declaration import Claim, Declaration
from kinship.lineage.sources.named import model_name
from kinship.merging.methods import METHODS
from kinship.merging.recipe import Recipe
from kinship.merging.references import reference_text
from kinship.yaml_text import YamlError, load_yaml_all

__all__ = ["MIXTURE", "Step", "claims_of", "declared_steps", "steps_of"]

MIXTURE = "mixture of experts"


class Step(NamedTuple):
    """One merge: what it is called there (empty where it is not), its method, what it is made from, and its YAML."""

    name: str
    method: str
    claims: tuple[Claim, ...]
    recipe: str


def steps_of(text: str) -> list[Step]:
    """Return the merges in a YAML text of one document or several; a document that is none is passed over."""
    try:
        documents = load_yaml_all(text)
    except YamlError:
        return []
    return [step for step in map(_step, documents) if step is not None]


def declared_steps(folder: Path, source: str, steps: Sequence[Step], final: Step | None = None) -> list[Declaration]:
    """Return what a folder's model is made from, then what the steps before are made from.

    The model is the child of the last step that no other step uses. A step is known by its name in this folder alone:
    two models may both call one of theirs "step1".

    Parameters
    ----------
    folder : Path
        Of the model.
    source : str
        The file that says so.
    steps : sequence of Step
        In the order in which they stand there.
    final : Step, optional
        The one that makes the model, where that is known.
    """
    if not steps:
        return []
    used = {claim.parent for step in steps for claim in step.claims}
    last = final or next((step for step in reversed(steps) if not step.name or step.name not in used), steps[-1])
    before = [step for step in steps if step is not last and step.name in used and step.name]
    names = {step.name: str(folder / step.name) for step in before}
    return [
        Declaration(child, _renamed(step.claims, names), source, step.method, step.recipe)
        for child, step in [(str(folder), last), *((names[step.name], step) for step in before)]
    ]


def claims_of(recipe: Recipe) -> tuple[Claim, ...]:
    """Return the models that a recipe merges, and its base where that is only what the deltas are taken from.

    SLERP, NearSwap and Arcee Fusion call their first parent the base: there it is one of the parents. Of a model with
    an adapter on it (`model+adapter`) the adapter is the parent, and the model below is a base, as in our own records.
    """
    method = METHODS.get(recipe.method)
    base = recipe.base if model_name(recipe.base) else None
    named = [recipe.parts(parent.path) for parent in recipe.parents if model_name(parent.path)]
    if base is not None and method is not None and method.base_is_parent:
        named.append(recipe.parts(base))
        base = None
    merged = dict.fromkeys(parts[-1] for parts in named if parts[-1] != base)
    bases = dict.fromkeys([*([base] if base else []), *(parts[0] for parts in named if len(parts) > 1)])
    parents = tuple(Claim(path, "merge parent") for path in merged)
    return (*parents, *(Claim(path, "base") for path in bases if path not in merged))


def _step(document: Any) -> Step | None:
    if not isinstance(document, Mapping):
        return None
    name = document.get("name")
    called = name if isinstance(name, str) else ""
    if isinstance(document.get("experts"), list) and "merge_method" not in document:
        claims = _of_experts(document)
        text = yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True)
        return Step(called, MIXTURE, claims, text) if claims else None
    try:
        recipe = Recipe.from_config(document)
    except RecipeError:
        return None
    return Step(called, recipe.method, claims_of(recipe), recipe.to_yaml())


def _of_experts(document: Mapping[str, Any]) -> tuple[Claim, ...]:
    """The parents of a mixture of mergekit-moe: the experts, and the model that gives all but the experts."""
    listed = [*document["experts"], *(document.get("shared_experts") or [])]
    given = [one.get("source_model") for one in listed if isinstance(one, Mapping)]
    named = dict.fromkeys(filter(None, map(_reference, (document.get("base_model"), *given))))
    return tuple(Claim(path, "merge parent") for path in named)


def _reference(value: Any) -> str | None:
    try:
        return model_name(reference_text(value))
    except ValueError:
        return None


def _renamed(claims: Iterable[Claim], names: Mapping[str, str]) -> tuple[Claim, ...]:
    return tuple(replace(claim, parent=names[claim.parent]) if claim.parent in names else claim for claim in claims)
