"""The control: as many exploration steps as with kinship, to a partner drawn at random."""

from __future__ import annotations

from random import Random

from kinship.evolution.pair import Kinship, Pair, pair_of
from kinship.evolution.population import Population
from kinship.evolution.strategies.exploration import partners
from kinship.evolution.strategies.greedy import greedy
from kinship.evolution.strategies.known_strategies import register

__all__ = ["greedy_with_chance"]


@register(
    "random",
    title="Top-k greedy with chance (control)",
    sentence="Also merges the best model with one drawn at random, to tell kinship from mere novelty.",
    explores=True,
)
def greedy_with_chance(population: Population, kinship: Kinship, k: int, rng: Random) -> tuple[Pair, ...]:
    """Return the pairs of top-k greedy merging, then an exploration step to a partner drawn by `rng`.

    Examples
    --------
    >>> from kinship.evolution import Individual
    >>> made = {"a": ((), 3.0), "b": ((), 2.0), "c": ((), 1.0), "ab": (("a", "b"), 4.0)}
    >>> models = Population(tuple(Individual(name, 0, *about) for name, about in made.items()))
    >>> pairs = greedy_with_chance(models, lambda best, other: 0.5, 2, Random(0))
    >>> [(pair.first, pair.second, pair.exploration) for pair in pairs]
    [('ab', 'a', False), ('ab', 'c', True)]
    """
    pairs = greedy(population, kinship, k, rng)
    candidates = partners(population, pairs)
    if not candidates:
        return pairs
    chosen = pair_of(population.best(1)[0], rng.choice(candidates), "drawn at random", exploration=True)
    return (*pairs, chosen)
