"""Where stopping rules are registered and looked up by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite

from kinship.errors import SearchError, UnknownNameError
from kinship.evolution.run import Run
from kinship.registry import Registry

__all__ = ["STOPPING_RULES", "Rule", "StoppingRule", "register", "stopping_rule"]

Number = int | float


@dataclass(frozen=True)
class StoppingRule:
    """A kind of rule for ending a search early.

    Attributes
    ----------
    holds : callable
        A pure function of a run whose last generation is complete, and of the parameters by name: stop here? Generation
        1 is always made.
    name, title : str
        As written on the command line and shown to people.
    sentence : str
        When it stops, for a form.
    parameters : dict of str to (int or float)
        The parameters with their defaults; a default of type int asks for a whole number of generations, 1 or more.
    """

    holds: Callable[..., bool]
    name: str
    title: str
    sentence: str
    parameters: Mapping[str, Number]


@dataclass(frozen=True)
class Rule:
    """A stopping rule with its parameters set, as a search is given it; made by `stopping_rule`."""

    name: str
    parameters: tuple[tuple[str, Number], ...]

    def __call__(self, run: Run) -> bool:
        """Say whether the search stops after the run's last generation."""
        return STOPPING_RULES[self.name].holds(run, **dict(self.parameters))


STOPPING_RULES: Registry[StoppingRule] = Registry("stopping rule", group="kinship.stopping_rules")


def register(name: str, *, title: str, sentence: str) -> Callable[[Callable[..., bool]], Callable[..., bool]]:
    """Register the function below as a stopping rule, its defaults as the rule's; a name can be taken once."""

    def enter(holds: Callable[..., bool]) -> Callable[..., bool]:
        _, *parameters = inspect.signature(holds).parameters.values()
        defaults = {one.name: one.default for one in parameters}
        STOPPING_RULES.add(name, StoppingRule(holds, name, title, sentence, defaults))
        return holds

    return enter


def stopping_rule(name: str, **parameters: Number) -> Rule:
    """Return the rule of that name; parameters not given keep their defaults.

    Raises
    ------
    UnknownNameError
        No rule has this name, or the rule no such parameter.
    SearchError
        A parameter is not a finite number, or not a whole number of generations where one is asked for.
    """
    defaults = STOPPING_RULES.named(name).parameters
    for key, value in parameters.items():
        if key not in defaults:
            raise UnknownNameError(f"parameter of the stopping rule {name}", key, defaults)
        if not isfinite(value):
            raise SearchError(f"{key} of the stopping rule {name} is {value}; give a number")
        if isinstance(defaults[key], int) and (value != int(value) or value < 1):
            raise SearchError(f"{key} of the stopping rule {name} is {value}; give a whole number, 1 or more")
    return Rule(name, tuple({**defaults, **parameters}.items()))
