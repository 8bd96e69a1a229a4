"""How much each parameter matters: the share of the score's variance that fANOVA lays to it."""

from __future__ import annotations

from collections.abc import Sequence

from kinship.evolution.recipes.space import Space
from kinship.evolution.recipes.trial import Trial

__all__ = ["importance"]

_SEED = 0  # of its random forest: the same trials give the same shares


def importance(space: Space, trials: Sequence[Trial]) -> dict[str, float]:
    """Return the share of each dimension in the variation of the score, the largest first; they add up to 1.

    fANOVA (Hutter, Hoos and Leyton-Brown, ICML 2014): a random forest fitted to the trials, and the part of its
    variance that each dimension explains alone, evenly over the ranges. Interactions are left out, and what few trials
    say is rough.

    Returns
    -------
    dict of str to float
        Empty for fewer than two trials with a score within the ranges, and where the score does not vary.
    """
    scored = [one for one in trials if one.score is not None and _within(space, one)]
    if len({one.score for one in scored}) < 2:
        return {}
    import optuna
    from optuna.distributions import BaseDistribution, FloatDistribution
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    ranges: dict[str, BaseDistribution] = {one.name: FloatDistribution(*one.range) for one in space.dimensions}
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize")
    study.add_trials(
        [optuna.create_trial(params=dict(one.values), distributions=ranges, value=one.score) for one in scored]
    )
    shares = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=_SEED))
    return {name: float(share) for name, share in shares.items()}


def _within(space: Space, trial: Trial) -> bool:
    """The starting recipe may lie outside ranges of the user's own."""
    return all(one.range.low <= trial.values[one.name] <= one.range.high for one in space.dimensions)
