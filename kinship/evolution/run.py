"""A run: the generations that a search has made so far, and why it ended."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from statistics import fmean

from kinship.evolution.population import Individual, Population

__all__ = ["Run"]


@dataclass(frozen=True)
class Run:
    """Generations of merges, from the foundation models on.

    Attributes
    ----------
    strategy : str
        Name of the strategy.
    k : int
        How many of the best models make the set S that is merged among itself.
    seed : int
        Of the strategy's random choices.
    generations : tuple of tuple of Individual
        The first holds the foundation models; the last one may still be growing.
    kinship_of_best : tuple of (float or None)
        Mean kinship of S after each generation that is complete; None where S has less than two models, a pair is
        undefined, or it was never printed.
    stopped_by : str or None
        Name of the stopping rule or limit that ended the search (`stop_sentence` says it in words); None while it
        goes on, and where it is unknown.
    """

    strategy: str
    k: int
    seed: int
    generations: tuple[tuple[Individual, ...], ...]
    kinship_of_best: tuple[float | None, ...] = ()
    stopped_by: str | None = None

    @property
    def complete(self) -> int:
        """Number of complete generations, the foundation models' included."""
        return len(self.kinship_of_best)

    @property
    def growing(self) -> bool:
        """True while the last generation is not complete."""
        return len(self.generations) > self.complete

    @cached_property
    def population(self) -> Population:
        """All models of all generations."""
        return Population(tuple(one for generation in self.generations for one in generation))

    @property
    def best(self) -> Individual:
        """The model of the best score; ties by name."""
        return self.population.best(1)[0]

    @property
    def merges(self) -> int:
        """Merges made, baselines not counted."""
        return sum(map(len, self.generations[1:]))

    @property
    def evaluations(self) -> int:
        """Models scored: the foundation models and every merge; baselines not counted."""
        return sum(map(len, self.generations))

    @property
    def seconds(self) -> float | None:
        """What merges and their evaluations took; None where one is unknown."""
        spent = [
            part
            for generation in self.generations[1:]
            for one in generation
            for part in (one.merge_seconds, one.evaluation_seconds)
        ]
        known = [part for part in spent if part is not None]
        return sum(known) if len(known) == len(spent) else None

    @property
    def best_scores(self) -> tuple[float, ...]:
        """Best score so far after each generation."""
        return tuple(max(self.until(g).population.scores.values()) for g in range(len(self.generations)))

    @property
    def average_scores_of_best(self) -> tuple[float, ...]:
        """Mean score of the k best models so far, after each generation."""
        every = [sorted(self.until(g).population.scores.values()) for g in range(len(self.generations))]
        return tuple(fmean(scores[-self.k :]) for scores in every)

    def until(self, generation: int) -> Run:
        """Return the run as it was when this generation was complete."""
        return replace(
            self,
            generations=self.generations[: generation + 1],
            kinship_of_best=self.kinship_of_best[: generation + 1],
            stopped_by=None,
        )

    def grown(self, child: Individual) -> Run:
        """Return the run with one more merge, in the child's generation."""
        before, now = self.generations[: child.generation], self.generations[child.generation :]
        return replace(self, generations=(*before, (*(now[0] if now else ()), child)))

    def completed(self, kinship_of_best: float | None) -> Run:
        """Return the run with its last generation complete."""
        return replace(self, kinship_of_best=(*self.kinship_of_best, kinship_of_best))
