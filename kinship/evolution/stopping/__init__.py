"""The stopping rules, by name. A rule is one file here: a pure function of the run, registered."""

# isort: off
from kinship.evolution.stopping import too_alike, no_gain, plateau  # in the order shown to people

# isort: on
from kinship.evolution.stopping.known_rules import STOPPING_RULES, Rule, StoppingRule, register, stopping_rule
from kinship.evolution.stopping.saving import EarlyStop, would_have_stopped

__all__ = [
    "STOPPING_RULES",
    "EarlyStop",
    "Rule",
    "StoppingRule",
    "no_gain",
    "plateau",
    "register",
    "stopping_rule",
    "too_alike",
    "would_have_stopped",
]
