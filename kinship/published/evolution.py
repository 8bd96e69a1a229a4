"""The paper's own two searches (Table 2) as runs that can be looked at beside one's own."""

from __future__ import annotations

from functools import cache

from kinship.errors import UnknownNameError
from kinship.evolution.population import Individual
from kinship.evolution.run import Run
from kinship.published.paper_table import PAPER, rows

__all__ = ["EVOLUTION_SOURCE", "EVOLUTION_TASKS", "evolution_run"]

EVOLUTION_SOURCE = f"{PAPER}, Table 2"
EVOLUTION_TASKS = ("Winogrande", "GSM8K", "TruthfulQA")
_SHARED = "shared"
_K = 3


@cache
def evolution_run(strategy: str) -> Run:
    """Return the published run of a strategy: `greedy` or `kinship`.

    The first two generations belong to both. Parents are not printed in the table, and neither is the kinship of the
    best models, so that both are left open; scores, gains and the kinship of each merge's parents are as printed.

    Raises
    ------
    UnknownNameError
        The paper has no run of this strategy.
    """
    table = rows("evolution")
    known = {row["strategy"] for row in table} - {_SHARED}
    if strategy not in known:
        raise UnknownNameError("published run", strategy, known)
    models = [_individual(row) for row in table if row["strategy"] in (_SHARED, strategy)]
    last = max(one.generation for one in models)
    generations = tuple(tuple(one for one in models if one.generation == g) for g in range(last + 1))
    return Run(strategy, _K, 0, generations, (None,) * len(generations))


def _individual(row: dict[str, str]) -> Individual:
    return Individual(
        name=row["model"],
        generation=int(row["generation"]),
        score=float(row["average_score"]),
        kinship=float(row["kinship"]) if row["kinship"] else None,
        gain=float(row["merge_gain"]) if row["merge_gain"] else None,
        exploration=row["role"] == "exploration",
    )
