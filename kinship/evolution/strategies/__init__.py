"""The strategies, by name. A strategy is one file here: a pure function of the population, registered."""

# isort: off
from kinship.evolution.strategies import greedy, kinship, random  # in the order shown to people

# isort: on
from kinship.evolution.strategies.known_strategies import STRATEGIES, Strategy, register, strategy

__all__ = ["STRATEGIES", "Strategy", "greedy", "kinship", "random", "register", "strategy"]
