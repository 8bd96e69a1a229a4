"""Evolution: search for better merges generation by generation, and read the curve of a lineage.

Pure: whoever searches passes in how to merge, how to evaluate and what the kinship of two models is.
"""

from kinship.evolution.baselines import (
    THE_BASE,
    Baseline,
    BaselineComparison,
    BaselineScore,
    baselines,
    compare_with_baselines,
    score_baselines,
)
from kinship.evolution.change_point import ChangePoint, change_point
from kinship.evolution.cold_fusion import (
    Contribution,
    Evaluation,
    Fusion,
    Relation,
    Round,
    begin_fusion,
    fuse,
    shared_name,
)
from kinship.evolution.correlation import Correlation, Estimate, correlate, correlation_table
from kinship.evolution.curve import Curve, curve, read_columns, read_rows
from kinship.evolution.estimate import Effort, effort
from kinship.evolution.limits import Limits, stop_sentence
from kinship.evolution.pair import Kinship, Pair
from kinship.evolution.population import Individual, Population
from kinship.evolution.run import Run
from kinship.evolution.search import Ahead, Planned, Scored, begin, next_pairs, search
from kinship.evolution.stages import Stages, stages
from kinship.evolution.stopping import STOPPING_RULES, EarlyStop, Rule, stopping_rule, would_have_stopped
from kinship.evolution.strategies import STRATEGIES, Strategy, strategy

__all__ = [
    "STOPPING_RULES",
    "STRATEGIES",
    "THE_BASE",
    "Ahead",
    "Baseline",
    "BaselineComparison",
    "BaselineScore",
    "ChangePoint",
    "Contribution",
    "Correlation",
    "Curve",
    "EarlyStop",
    "Effort",
    "Estimate",
    "Evaluation",
    "Fusion",
    "Individual",
    "Kinship",
    "Limits",
    "Pair",
    "Planned",
    "Population",
    "Relation",
    "Round",
    "Rule",
    "Run",
    "Scored",
    "Stages",
    "Strategy",
    "baselines",
    "begin",
    "begin_fusion",
    "change_point",
    "compare_with_baselines",
    "correlate",
    "correlation_table",
    "curve",
    "effort",
    "fuse",
    "next_pairs",
    "read_columns",
    "read_rows",
    "score_baselines",
    "search",
    "shared_name",
    "stages",
    "stop_sentence",
    "stopping_rule",
    "strategy",
    "would_have_stopped",
]
