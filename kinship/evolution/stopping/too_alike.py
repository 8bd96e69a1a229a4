"""Stop when the best models have become too alike for merging to pay."""

from __future__ import annotations

from kinship.evolution.run import Run
from kinship.evolution.stopping.known_rules import register
from kinship.saturation import SATURATION

__all__ = ["too_alike"]


@register(
    "kinship",
    title="Kinship of the best above",
    sentence="Stops when the mean kinship of the k best models is above the threshold in so many generations running.",
)
def too_alike(run: Run, *, threshold: float = SATURATION, patience: int = 1) -> bool:
    """Say whether the k best were more alike than `threshold` in each of the last `patience` generations of merges.

    The default is the paper's. An undefined kinship is not above anything.

    Examples
    --------
    >>> run = Run("greedy", 3, 0, ((), (), ()), kinship_of_best=(0.2, 0.8, 0.95))
    >>> too_alike(run), too_alike(run, patience=2)
    (True, False)
    """
    latest = run.kinship_of_best[1:][-patience:]
    return len(latest) == patience and all(value is not None and value > threshold for value in latest)
