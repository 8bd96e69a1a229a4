"""What one line of code reaches without a search: every run is held against it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from kinship.evolution.run import Run
from kinship.evolution.search import Evaluate

__all__ = ["SCALES", "Baseline", "BaselineScore", "Verdict", "baselines", "score_baselines", "verdict"]

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
        The foundation models that go in; the one model where there is no method.
    parameters : dict of str to float
        The same for each parent.
    """

    name: str
    method: str | None
    parents: tuple[str, ...]
    parameters: Mapping[str, float]


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
    """

    baseline: Baseline
    score: float | None
    evaluations: int
    seconds: float | None = None
    held_out: float | None = None


@dataclass(frozen=True)
class Verdict:
    """The search against its baselines.

    Attributes
    ----------
    unbeaten : tuple of str
        Baselines that score as well as the search or better, best first; ties by name.
    margin : float
        Points of the search above the best baseline; 0 or less where that one wins.
    sentence : str
        The same in words.
    """

    unbeaten: tuple[str, ...]
    margin: float
    sentence: str


def baselines(run: Run, scales: Sequence[float] = SCALES) -> tuple[Baseline, ...]:
    """Return the baselines of a run: its best foundation model, their uniform soup, task arithmetic at each scale.

    The soup is the mean of the weights (Wortsman et al., arXiv 2203.05482); task arithmetic adds `scale` times every
    model's delta to the base (Ilharco et al., arXiv 2212.04089).
    """
    names = tuple(one.name for one in run.generations[0])
    best = run.until(0).best.name
    return (
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
        Makes the model of a baseline under the baseline's name; returns the seconds it took.
    evaluate : callable
        As in `search`, given the baseline's name; not called for the best foundation model, whose score is known.
    """
    found = []
    for baseline in baselines(run, scales):
        if baseline.method is None:
            score = run.population.scores[baseline.parents[0]]
            found.append(BaselineScore(baseline, score, len(run.generations[0])))
        else:
            seconds = make(baseline)
            scored = evaluate(baseline.name)
            known = scored.score if isfinite(scored.score) else None
            found.append(BaselineScore(baseline, known, 1, seconds + scored.seconds))
    return tuple(found)


def verdict(run: Run, scores: Sequence[BaselineScore], held_out: float | None = None) -> Verdict:
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
    settings: dict[str | None, BaselineScore] = {}
    for _, _, one in known:
        settings.setdefault(one.baseline.method, one)
    found = {one.baseline.name: one.score if held_out is None else one.held_out for one in settings.values()}
    ranked = sorted((-score, name) for name, score in found.items() if score is not None)
    margin = own + ranked[0][0]
    unbeaten = tuple(name for minus, name in ranked if -minus >= own)
    return Verdict(unbeaten, margin, _sentence(ranked[0][1], margin))


def _sentence(best: str, margin: float) -> str:
    if margin > 0:
        return f"The search beats every baseline, the best of them ({best}) by {margin:.2f} points."
    if margin == 0:
        return f"The search found nothing better than a baseline: {best} scores the same."
    return f"A baseline wins: {best} scores {-margin:.2f} points above the best model of the search."
