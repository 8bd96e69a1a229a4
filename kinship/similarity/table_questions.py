"""Questions that the GramTable answers without reading a weight again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from kinship.similarity.groups import Grouping, group_tensors
from kinship.similarity.metrics import metric
from kinship.similarity.table import GramTable

__all__ = [
    "KinshipMatrix",
    "grouped_kinship",
    "kinship_matrix",
    "relative_change",
    "suspicious_models",
    "weight_change",
]

Floats = npt.NDArray[np.float64]
_AS_LARGE = 0.9  # of the base's norm; unrelated models of like norm lie at about 1.4


@dataclass(frozen=True)
class KinshipMatrix:
    """Pairwise values of one metric.

    Attributes
    ----------
    names : tuple of str, length N
    values : ndarray, shape (N, N)
        NaN where undefined.
    undefined : dict of (str, str) to str
        The reason for each undefined pair, by names in their order.
    elements, tensors : int
        Weights and tensors that went in.

    Examples
    --------
    >>> values = np.array([[1.0, 0.5, 0.2], [0.5, 1.0, 0.2], [0.2, 0.2, 1.0]])
    >>> matrix = KinshipMatrix(("a", "b", "c"), "pcc", values, {}, elements=100, tensors=2)
    >>> round(matrix.mean, 3)
    0.3
    """

    names: tuple[str, ...]
    metric: str
    values: Floats = field(repr=False)
    undefined: dict[tuple[str, str], str]
    elements: int
    tensors: int

    @property
    def mean(self) -> float:
        """Kinship of the set: the mean over pairs; NaN for less than two models or an undefined pair."""
        upper = self.values[np.triu_indices(len(self.names), k=1)]
        return float(upper.mean()) if upper.size else float("nan")


def kinship_matrix(table: GramTable, metric_name: str = "pcc", tensors: Sequence[int] | None = None) -> KinshipMatrix:
    """Return the kinship of every two models, over some tensors (positions) or all.

    Raises
    ------
    UnknownNameError
        No metric is registered under this name.

    Examples
    --------
    >>> from kinship import align, gram_table, open_checkpoint
    >>> from kinship.demo import demo_path
    >>> base, *experts = (open_checkpoint(demo_path() / name) for name in ("base", "addition", "sorting"))
    >>> table = gram_table(align(base, experts))
    >>> kinship_matrix(table, "pcc").values.round(2)
    array([[ 1.  , -0.03],
           [-0.03,  1.  ]])
    """
    totals = table.totals(tensors)
    values, reasons = metric(metric_name).compute(totals)
    models = table.models
    undefined = {
        (models[i], models[j]): f"{models[k]}: {reasons[k]}"
        for i in range(len(models))
        for j in range(i + 1, len(models))
        for k in [next((k for k in (i, j) if k in reasons), -1)]
        if k >= 0
    }
    counted = len(table.tensors) if tensors is None else len(tensors)
    return KinshipMatrix(models, metric_name, values, undefined, totals.elements, counted)


def grouped_kinship(table: GramTable, metric_name: str, by: Grouping) -> dict[str, KinshipMatrix]:
    """Return the kinship matrix of each layer, kind of module or tensor.

    Raises
    ------
    UnknownNameError
        No metric is registered under this name.

    Examples
    --------
    >>> from kinship import align, gram_table, open_checkpoint
    >>> from kinship.demo import demo_path
    >>> base, *experts = (open_checkpoint(demo_path() / name) for name in ("base", "addition", "sorting"))
    >>> table = gram_table(align(base, experts))
    >>> {label: round(matrix.mean, 2) for label, matrix in grouped_kinship(table, "pcc", "module").items()}
    {'output head': -0.25, 'embeddings': 0.03, 'norms': 0.44, 'MLP': 0.0, 'attention': -0.01}
    """
    return {
        label: kinship_matrix(table, metric_name, tensors)
        for label, tensors in group_tensors(table.tensors, by).items()
    }


def weight_change(table: GramTable, by: Grouping = "layer") -> dict[str, Floats]:
    """Return, for each group, the norm of every model's delta over the base's norm, shape (N,).

    The paper's Figure 7 (arXiv 2410.12613) shows it per layer. NaN where the base is zero.

    Examples
    --------
    >>> from kinship import align, gram_table, open_checkpoint
    >>> from kinship.demo import demo_path
    >>> base, *experts = (open_checkpoint(demo_path() / name) for name in ("base", "addition", "sorting"))
    >>> table = gram_table(align(base, experts))
    >>> weight_change(table, "module")["attention"].round(2).tolist()  # of addition and of sorting
    [0.19, 0.09]
    """
    change = {}
    for label, tensors in group_tensors(table.tensors, by).items():
        change[label] = _over_base(table.totals(tensors).gram)
    return change


def relative_change(table: GramTable) -> Floats:
    """Return the norm of every model's delta over the base's norm, over all tensors, shape (N,)."""
    return _over_base(table.totals().gram)


def suspicious_models(table: GramTable) -> list[str]:
    """Return a warning for each model whose delta is as large as the weights: probably not made from this base."""
    return [
        f"{name} differs from {table.base} by {share:.0%} of the weights' norm; that is probably not its base"
        for name, share in zip(table.models, relative_change(table), strict=True)
        if share >= _AS_LARGE
    ]


def _over_base(gram: Floats) -> Floats:
    squares = np.diagonal(gram)
    share: Floats = np.sqrt(squares[1:] / (squares[0] or np.nan))
    return share
