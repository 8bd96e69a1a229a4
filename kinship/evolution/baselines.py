"""What one line of code reaches without a search: every run is held against it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from kinship.errors import ScoreError
from kinship.evolution.lead import against
from kinship.evolution.run import Run
from kinship.evolution.search import Evaluate

__all__ = [
    "SCALES",
    "THE_BASE",
    "Baseline",
    "BaselineComparison",
    "BaselineScore",
    "baselines",
    "compare_with_baselines",
    "score_baselines",
]

THE_BASE = "the base model"
BEST_FOUNDATION = "best foundation model"
SCALES = (0.3, 0.5, 0.7, 1.0)


@dataclass(frozen=True)
class Baseline:
    """A model to hold a search against.

    Attributes
    ----------
    name : str
    method : str or None
        Merge method by mergekit's name; None for a model that exists.
    parents : tuple of str
        The foundation models that go in; the best of them alone where there is no method; none for the base.
    parameters : dict of str to float
        The same for each parent.
    """

    name: str
    method: str | None
    parents: tuple[str, ...]
    parameters: Mapping[str, float]

    @property
    def model(self) -> str:
        """The name of the model that it is: its own, but for the best foundation model."""
        return self.name if self.method is not None or not self.parents else self.parents[0]

    @property
    def kind(self) -> str:
        """What it has in common with its other settings: of each kind only the best counts."""
        return self.method or self.name


@dataclass(frozen=True)
class BaselineScore:
    """A baseline's average task score on the questions of the search, and what it cost.

    Attributes
    ----------
    score : float or None
        None where evaluation gave no number.
    evaluations : int
        The best foundation model is known only when all of them have been evaluated.
    seconds : float or None
        Of merging and evaluating; None where nothing was done for it.
    held_out : float or None
        Score on the questions that the search never saw.
    held_out_error : float or None
        Standard error of what the best model of the search scores above it there, paired over the questions; None
        where it cannot be known.
    fault : str
        Why it has no score; empty where it has one.
    """

    baseline: Baseline
    score: float | None
    evaluations: int
    seconds: float | None = None
    held_out: float | None = None
    held_out_error: float | None = None
    fault: str = ""


@dataclass(frozen=True)
class BaselineComparison:
    """The search against its baselines.

    Attributes
    ----------
    rival : str
        The best of the baselines; ties by name.
    margin : float
        Points of the search above the best baseline; 0 or less where that one wins.
    error : float or None
        Standard error of the margin; None where it is not known, as on the questions that chose the models.
    sentence : str
        The same in words.
    """

    rival: str
    margin: float
    error: float | None
    sentence: str


def baselines(run: Run, scales: Sequence[float] = SCALES) -> tuple[Baseline, ...]:
    """Return the baselines of a run: base, best foundation model, uniform soup, task arithmetic at each scale.

    The soup is the mean of the weights (Wortsman et al., arXiv 2203.05482); task arithmetic adds `scale` times every
    model's delta to the base (Ilharco et al., arXiv 2212.04089).
    """
    names = tuple(one.name for one in run.generations[0] if one.score is not None)
    best = run.until(0).best.name
    return (
        Baseline(THE_BASE, None, (), {}),
        Baseline(BEST_FOUNDATION, None, (best,), {}),
        Baseline("uniform soup", "linear", names, {"weight": 1.0 / len(names)}),
        *(Baseline(f"task arithmetic at {scale:g}", "task_arithmetic", names, {"weight": scale}) for scale in scales),
    )


def score_baselines(
    run: Run,
    make: Callable[[Baseline], float],
    evaluate: Evaluate,
    scales: Sequence[float] = SCALES,
) -> tuple[BaselineScore, ...]:
    """Make and evaluate the baselines of a run, one step at a time as `search` does.

    Parameters
    ----------
    make : callable
        Makes the model of a baseline under the baseline's name; returns the seconds it took. What it or `evaluate`
        says in a `ScoreError` is why that baseline alone has no score.
    evaluate : callable
        As in `search`, given the baseline's name; not called for the best foundation model, whose score is known.
    """
    found = []
    for baseline in baselines(run, scales):
        if baseline.name == BEST_FOUNDATION:
            score = run.population.scores[baseline.model]
            found.append(BaselineScore(baseline, score, len(run.generations[0])))
        else:
            found.append(_scored(baseline, make, evaluate))
    return tuple(found)


def _scored(baseline: Baseline, make: Callable[[Baseline], float], evaluate: Evaluate) -> BaselineScore:
    try:
        seconds = make(baseline) if baseline.method is not None else 0.0
        score, more = evaluate(baseline.model)
    except ScoreError as error:
        return BaselineScore(baseline, None, 1, fault=str(error))
    if not isfinite(score):
        return BaselineScore(baseline, None, 1, seconds + more, fault=f"its score is {score}")
    return BaselineScore(baseline, score, 1, seconds + more)


def compare_with_baselines(
    run: Run, scores: Sequence[BaselineScore], held_out: float | None = None
) -> BaselineComparison:
    """Say whether the search found more than its baselines, of which the best foundation model is always one.

    Of each merge method only the setting that is best on the search's own questions counts.

    Parameters
    ----------
    held_out : float, optional
        Score of the run's best model on the questions that the search never saw; with it, the baselines' own held-out
        scores are compared.
    """
    own = run.best_scores[-1] if held_out is None else held_out
    known = sorted((-one.score, one.baseline.name, one) for one in scores if one.score is not None)
    settings: dict[str, BaselineScore] = {}
    for _, _, one in known:
        settings.setdefault(one.baseline.kind, one)
    found = {one.baseline.name: one.score if held_out is None else one.held_out for one in settings.values()}
    ranked = sorted((-score, name) for name, score in found.items() if score is not None)
    margin, best = own + ranked[0][0], ranked[0][1]
    if held_out is None:
        return BaselineComparison(best, margin, None, _so_far(best, margin))
    error = next(one.held_out_error for one in settings.values() if one.baseline.name == best)
    told = f"On the questions that chose nothing, it {against(margin, error, f'{best} (the best baseline)')}."
    return BaselineComparison(best, margin, error, told)


def _so_far(best: str, margin: float) -> str:
    where = "on the half of the questions that chooses"
    if margin > 0:
        return f"So far, {where}, it scores {margin:.3g} above the best baseline, {best}."
    if margin == 0:
        return f"So far, {where}, it scores the same as a baseline, {best}."
    return f"So far, {where}, a baseline leads: {best} scores {-margin:.3g} more."
