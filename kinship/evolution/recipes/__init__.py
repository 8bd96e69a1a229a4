"""Recipes found by search: the parameters of a merge method, tried by Optuna and judged by the score of the child."""

from kinship.evolution.recipes.held_out import HeldOut
from kinship.evolution.recipes.importance import importance
from kinship.evolution.recipes.recipe_search import DIRECTIONS, Judge, search_recipes, told_trials
from kinship.evolution.recipes.samplers import SAMPLERS, Sampler, sampler
from kinship.evolution.recipes.space import (
    Dimension,
    Space,
    Values,
    searchable_methods,
    searchable_parameters,
    space_of,
)
from kinship.evolution.recipes.trial import State, Trial, best_trial, pareto_front

__all__ = [
    "DIRECTIONS",
    "SAMPLERS",
    "Dimension",
    "HeldOut",
    "Judge",
    "Sampler",
    "Space",
    "State",
    "Trial",
    "Values",
    "best_trial",
    "importance",
    "pareto_front",
    "sampler",
    "search_recipes",
    "searchable_methods",
    "searchable_parameters",
    "space_of",
    "told_trials",
]
