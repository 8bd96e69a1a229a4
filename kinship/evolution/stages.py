"""The learning stage and the saturation stage of a lineage."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean

from kinship.evolution.change_point import ChangePoint, change_point
from kinship.evolution.curve import METRICS, Curve
from kinship.saturation import SATURATION

__all__ = ["Stages", "stages"]


@dataclass(frozen=True)
class Stages:
    """Where a lineage stops learning.

    Attributes
    ----------
    threshold : float
    saturation_generation : int or None
        The first generation from which kinship stays at or above the threshold; None: no saturation yet.
    change_point : ChangePoint or None
        Where the score curve itself bends, which knows nothing of kinship; None where it cannot be told.
    mean_gain_learning, mean_gain_saturation : float or None
        Mean merge gain in points before saturation and from it on; None for a stage without a generation.
    """

    threshold: float
    saturation_generation: int | None
    change_point: ChangePoint | None
    mean_gain_learning: float | None
    mean_gain_saturation: float | None


def stages(lineage: Curve, threshold: float = SATURATION) -> Stages:
    """Tell the stages of a lineage by its parents' kinship (PCC), and the change point of its score curve."""
    pcc = lineage.kinship[METRICS[0]]
    below = [place for place, value in enumerate(pcc) if not value >= threshold]
    start = below[-1] + 1 if below else 0
    learning, saturated = lineage.merge_gains[:start], lineage.merge_gains[start:]
    return Stages(
        threshold=threshold,
        saturation_generation=lineage.generations[start] if saturated else None,
        change_point=change_point(lineage.generations, lineage.average_scores),
        mean_gain_learning=fmean(learning) if learning else None,
        mean_gain_saturation=fmean(saturated) if saturated else None,
    )
