"""Top-k greedy merging: the best models so far are merged among themselves."""

from __future__ import annotations

from itertools import combinations
from random import Random

from kinship.evolution.pair import Kinship, Pair, pair_of
from kinship.evolution.population import Population
from kinship.evolution.strategies.known_strategies import register

__all__ = ["greedy"]


@register("greedy", title="Top-k greedy", sentence="Merges the k best models so far among themselves.")
def greedy(population: Population, _kinship: Kinship, k: int, _rng: Random) -> tuple[Pair, ...]:
    """Return every pair of the foundation models, and later at most k pairs of the k best models.

    Pairs that have been merged before are left out; those of the best mean score come first, ties by name
    (Hu et al., arXiv 2410.12613, Algorithm 1).

    Examples
    --------
    >>> from kinship.evolution import Individual
    >>> scores = {"a": 3.0, "b": 2.0, "c": 1.0}
    >>> models = Population(tuple(Individual(name, 0, score=score) for name, score in scores.items()))
    >>> [(pair.first, pair.second) for pair in greedy(models, lambda a, b: 0.5, 2, Random(0))]
    [('a', 'b'), ('a', 'c'), ('b', 'c')]
    """
    if not population.merged:
        return _pairs(population, len(population.individuals), "two foundation models")
    return _pairs(population, k, f"two of the {k} best models")[:k]


def _pairs(population: Population, k: int, reason: str) -> tuple[Pair, ...]:
    pairs = [pair_of(a, b, reason) for a, b in combinations(population.best(k), 2)]
    fresh = [pair for pair in pairs if pair.both not in population.merged]
    scores = population.scores
    return tuple(sorted(fresh, key=lambda p: (-(scores[p.first] + scores[p.second]) / 2, p.first, p.second)))
