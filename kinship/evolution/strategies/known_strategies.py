"""Where strategies are registered and looked up by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from kinship.evolution.pair import Kinship, Pair
from kinship.evolution.population import Population
from kinship.registry import Registry

__all__ = ["STRATEGIES", "Propose", "Strategy", "register", "strategy"]

Propose = Callable[[Population, Kinship, int, Random], tuple[Pair, ...]]


@dataclass(frozen=True)
class Strategy:
    """A way to choose what to merge next.

    Attributes
    ----------
    propose : callable
        A pure function of the population, the kinship of two models by their names (asked only where it is needed),
        k, and a source of random numbers; returns the pairs of the next generation, the most promising first.
    name, title : str
        As written on the command line and shown to people.
    sentence : str
        What it does, for a form.
    explores : bool
        It takes one exploration step a generation.
    """

    propose: Propose
    name: str
    title: str
    sentence: str
    explores: bool = False


STRATEGIES: Registry[Strategy] = Registry("strategy", group="kinship.strategies")


def register(name: str, *, title: str, sentence: str, explores: bool = False) -> Callable[[Propose], Propose]:
    """Register the function below as a strategy; a name can be taken once."""

    def enter(propose: Propose) -> Propose:
        STRATEGIES.add(name, Strategy(propose, name, title, sentence, explores))
        return propose

    return enter


def strategy(name: str) -> Strategy:
    """Return the strategy of that name, or raise UnknownNameError with the close ones."""
    return STRATEGIES.named(name)
