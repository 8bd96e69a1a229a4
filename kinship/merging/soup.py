"""Model soups (Wortsman et al. 2022, arXiv 2203.05482): plain averages of any number of checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from kinship.errors import RecipeError
from kinship.merging.recipe import Parent, Recipe

__all__ = ["GreedySoup", "SoupStep", "greedy_soup", "uniform_soup"]


@dataclass(frozen=True)
class SoupStep:
    """One trial of a greedy soup: the model tried, the soup's score with it, and whether it stayed in."""

    model: str
    score: float
    kept: bool


@dataclass(frozen=True)
class GreedySoup:
    """What a greedy soup ended with.

    Attributes
    ----------
    chosen : tuple of str
        The models of the soup, in the order in which they came in.
    score : float
        Of their average.
    trace : tuple of SoupStep
        Every trial, the best single model first.
    """

    chosen: tuple[str, ...]
    score: float
    trace: tuple[SoupStep, ...]


def uniform_soup(models: Sequence[str], dtype: str | None = None) -> Recipe:
    """Return the recipe of the plain average of models."""
    if not models:
        raise RecipeError("a soup needs at least one model")
    return Recipe("linear", tuple(Parent(model) for model in models), parameters={"weight": 1.0}, dtype=dtype)


def greedy_soup(scores: Mapping[str, float], evaluate: Callable[[tuple[str, ...]], float]) -> GreedySoup:
    """Try models from the best down and keep each with which the soup's score does not fall.

    Parameters
    ----------
    scores : Mapping of str to float
        Of the single models, on held-out data; a larger one is better.
    evaluate : callable
        Makes the uniform soup of some models and returns its score on the same data.

    Raises
    ------
    RecipeError
        There is no model.
    """
    if not scores:
        raise RecipeError("a soup needs at least one model")
    best, *others = sorted(scores, key=lambda model: -scores[model])
    soup: tuple[str, ...] = (best,)
    score = scores[best]
    trace = [SoupStep(best, score, True)]
    for model in others:
        tried = evaluate((*soup, model))
        trace.append(SoupStep(model, tried, tried >= score))
        if trace[-1].kept:
            soup, score = (*soup, model), tried
    return GreedySoup(soup, score, tuple(trace))
