"""Top-k greedy merging with model kinship: one step a generation goes to the most distant relative."""

from __future__ import annotations

from random import Random

from kinship.evolution.pair import Kinship, Pair, defined, pair_of
from kinship.evolution.population import Population
from kinship.evolution.strategies.exploration import partners
from kinship.evolution.strategies.greedy import greedy
from kinship.evolution.strategies.known_strategies import register

__all__ = ["greedy_with_kinship"]


@register(
    "kinship",
    title="Top-k greedy with kinship",
    sentence="Also merges the best model with the model least kin to it, once a generation.",
    explores=True,
)
def greedy_with_kinship(population: Population, kinship: Kinship, k: int, rng: Random) -> tuple[Pair, ...]:
    """Return the pairs of top-k greedy merging, then an exploration step.

    The step pairs the best model with the model of lowest kinship to it among all earlier ones that it has not been
    merged with; ties by name, models whose kinship is undefined left out. (The text of arXiv 2410.12613, Algorithm 1,
    says "highest"; its results and its idea show that the most distant model is meant.)

    Examples
    --------
    >>> from kinship.evolution import Individual
    >>> made = {"a": ((), 3.0), "b": ((), 2.0), "c": ((), 1.0), "ab": (("a", "b"), 4.0)}
    >>> models = Population(tuple(Individual(name, 0, *about) for name, about in made.items()))
    >>> kinship = {"a": 0.7, "b": 0.6, "c": 0.1}
    >>> pairs = greedy_with_kinship(models, lambda best, other: kinship[other], 2, Random(0))
    >>> [(pair.first, pair.second, pair.exploration) for pair in pairs]
    [('ab', 'a', False), ('ab', 'c', True)]
    >>> pairs[-1].reason
    'least kin to the best model, at 0.10'
    """
    pairs = greedy(population, kinship, k, rng)
    best = population.best(1)[0]
    found = [
        (value, one.name, one)
        for one in partners(population, pairs)
        if (value := defined(kinship, best.name, one.name)) is not None
    ]
    if not found:
        return pairs
    value, _, least = min(found)
    return (*pairs, pair_of(best, least, f"least kin to the best model, at {value:.2f}", exploration=True))
