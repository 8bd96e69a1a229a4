"""How far a family tree and the kinship of its models tell the same story."""

from __future__ import annotations

from collections.abc import Sequence

import networkx as nx
import numpy as np
import numpy.typing as npt

from kinship.lineage.genealogy import Genealogy

__all__ = ["cophenetic_agreement", "genealogical_distances"]

Floats = npt.NDArray[np.float64]


def genealogical_distances(family: Genealogy, names: Sequence[str]) -> Floats:
    """Return how many steps of descent lie between every two models, shape (N, N); NaN where there is no way.

    The way may go up and down; the base of a merge's deltas is no step.
    """
    steps = nx.Graph()
    steps.add_nodes_from(family.graph)
    steps.add_edges_from((p, c) for p, c, about in family.graph.edges(data=True) if about["relation"] != "base")
    nodes = [family.node(name) for name in names]
    distances = np.full((len(names), len(names)), np.nan)
    for i, node in enumerate(nodes):
        reached = nx.single_source_shortest_path_length(steps, node) if node in steps else {}
        for j, other in enumerate(nodes):
            distances[i, j] = reached.get(other, np.nan)
    return distances


def cophenetic_agreement(family: Genealogy, names: Sequence[str], kinship: Floats) -> float:
    """Return the correlation of steps of descent with the heights at which models join in the dendrogram of kinship.

    The cophenetic correlation (Sokal and Rohlf 1962) of the family tree with the average-linkage dendrogram of
    1 - kinship; NaN with less than three models, or where one of the two does not vary.

    Parameters
    ----------
    family : Genealogy
    names : sequence of str, length N
    kinship : ndarray, shape (N, N)
        Signed kinship, 1 on the diagonal; undefined values count as the least kinship found.
    """
    from scipy.cluster.hierarchy import cophenet, linkage
    from scipy.spatial.distance import squareform

    if len(names) < 3:
        return float("nan")
    apart = 1.0 - kinship
    defined = apart[np.isfinite(apart)]
    apart = np.where(np.isfinite(apart), apart, defined.max() if defined.size else 1.0)
    apart = np.maximum((apart + apart.T) / 2, 0.0)
    np.fill_diagonal(apart, 0.0)
    heights = cophenet(linkage(squareform(apart), method="average"))
    steps = genealogical_distances(family, names)[np.triu_indices(len(names), k=1)]
    both = np.isfinite(steps)
    if both.sum() < 3 or np.ptp(steps[both]) == 0.0 or np.ptp(heights[both]) == 0.0:
        return float("nan")
    return float(np.corrcoef(steps[both], heights[both])[0, 1])
