"""The exploration step: the best model with a partner from outside the best."""

from __future__ import annotations

from collections.abc import Sequence

from kinship.evolution.pair import Pair
from kinship.evolution.population import Individual, Population

__all__ = ["partners"]


def partners(population: Population, planned: Sequence[Pair]) -> tuple[Individual, ...]:
    """Return the models that the best one has not been merged with and is not about to be, by name.

    Foundation models are among them; there are none in generation 1, which merges every pair.
    """
    best = population.best(1)[0]
    taken = population.merged | {pair.both for pair in planned}
    open_to = [one for one in population.ranked[1:] if frozenset((best.name, one.name)) not in taken]
    return tuple(sorted(open_to, key=lambda one: one.name))
