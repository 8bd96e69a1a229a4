"""Figures that papers print, as data with their source.

What is odd in the print is kept as it is. In Hu et al. (arXiv 2410.12613):

- The row of path 1, generation 3 is named after its own child in one printing; TurdusBeagle-7B is what its parents
  make.
- `model-3-2` of Table 2 has one score (67.74) and two gains: -0.04 under greedy, 1.09 under kinship.
- Five gains of Table 2, all under kinship, are not the merge's score minus the mean of any two earlier scores.
- The text of the algorithm has the exploration step take the model of highest kinship; the kinship of the exploration
  rows (-0.02, 0.03) and the idea show that the most distant one is meant.
- The correlations of Table 1 differ in the second or third decimal from those of the lineage that Table 5 prints.
- Some parents in the lineages, and all in Table 2, are not printed.
"""

from kinship.published.evolution import EVOLUTION_SOURCE, EVOLUTION_TASKS, evolution_run
from kinship.published.figure_groups import groups
from kinship.published.lineages import Lineage, Step, lineages
from kinship.published.paper_correlation import CORRELATION_LINEAGE, CORRELATION_SOURCE, Printed, printed_correlations
from kinship.published.parents import PARENTS_SOURCE, Parentage, parentage

__all__ = [
    "CORRELATION_LINEAGE",
    "CORRELATION_SOURCE",
    "EVOLUTION_SOURCE",
    "EVOLUTION_TASKS",
    "PARENTS_SOURCE",
    "Lineage",
    "Parentage",
    "Printed",
    "Step",
    "evolution_run",
    "groups",
    "lineages",
    "parentage",
    "printed_correlations",
]
