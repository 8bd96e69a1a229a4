"""How the next trial is chosen: Optuna's samplers, seeded anew for each trial, so that nothing is lost with one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kinship.registry import Registry

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

__all__ = ["SAMPLERS", "Sampler", "sampler", "seeded"]


@dataclass(frozen=True)
class Sampler:
    """A way to choose the next trial.

    Attributes
    ----------
    title, sentence : str
        For people.
    objectives : int
        How many things it can seek at once, at most.
    """

    title: str
    sentence: str
    make: Callable[[int], BaseSampler]
    objectives: int = 2


def _tpe(seed: int) -> BaseSampler:
    from optuna.samplers import TPESampler

    return TPESampler(seed=seed)


def _cmaes(seed: int) -> BaseSampler:
    from optuna.samplers import CmaEsSampler

    return CmaEsSampler(seed=seed, warn_independent_sampling=False)


def _random(seed: int) -> BaseSampler:
    from optuna.samplers import RandomSampler

    return RandomSampler(seed=seed)


SAMPLERS: Registry[Sampler] = Registry(
    "sampler",
    {
        "tpe": Sampler("TPE", "Nine trials at random, then what looks more like the good ones than the bad.", _tpe),
        "cmaes": Sampler("CMA-ES", "Moves a cloud of trials uphill; for numbers alone and one aim.", _cmaes, 1),
        "random": Sampler("Random", "Draws evenly from the ranges: what any other has to beat.", _random),
    }.items(),
)


def sampler(name: str) -> Sampler:
    """Return the sampler of that name, or raise UnknownNameError with the close ones."""
    return SAMPLERS.named(name)


def seeded(name: str, seed: str) -> BaseSampler:
    """Return a new one of Optuna's samplers, whose draws follow from this text."""
    digest = hashlib.sha256(seed.encode()).digest()
    return sampler(name).make(int.from_bytes(digest[:4], "little") % (2**31 - 1))
