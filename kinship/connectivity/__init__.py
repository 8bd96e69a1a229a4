"""Linear mode connectivity: the line between two models, the plane through three, and the barrier on the way."""

from kinship.connectivity.barrier import NEGLIGIBLE, Barrier, chord, loss_barrier, score_drop
from kinship.connectivity.line import LEAST_POINTS, line_positions, line_weights
from kinship.connectivity.plane import MARKED, Grid, Plane, plane_through

__all__ = [
    "LEAST_POINTS",
    "MARKED",
    "NEGLIGIBLE",
    "Barrier",
    "Grid",
    "Plane",
    "chord",
    "line_positions",
    "line_weights",
    "loss_barrier",
    "plane_through",
    "score_drop",
]
