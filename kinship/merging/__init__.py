"""Merging: recipes as mergekit writes them, checks before a merge, and the merge itself, which is mergekit's."""

from kinship.merging.appearing import appearing, vanish
from kinship.merging.backend import merge
from kinship.merging.candidates import Candidate, Child, candidates
from kinship.merging.chain import chain, chain_yaml
from kinship.merging.compose import compose, starting_parameters
from kinship.merging.config_differences import config_differences, read_values
from kinship.merging.description import CONFIG, DESCRIPTION, describe
from kinship.merging.expected_gain import Expectation, GainFit, fit_gain
from kinship.merging.finding import Finding, has_error
from kinship.merging.keep_template import keeping_template
from kinship.merging.locate import located
from kinship.merging.method import Method, Paper, Parameter, SearchRange
from kinship.merging.methods import METHODS, merge_method
from kinship.merging.pair_scores import PairScores
from kinship.merging.predict import Prediction, predict, predicted_table
from kinship.merging.preflight import preflight
from kinship.merging.push import push_model
from kinship.merging.recipe import Parent, Recipe
from kinship.merging.record import MergedModel, MergeRecord, make_record, read_record
from kinship.merging.references import reference
from kinship.merging.soup import GreedySoup, SoupStep, greedy_soup, uniform_soup

__all__ = [
    "CONFIG",
    "DESCRIPTION",
    "METHODS",
    "Candidate",
    "Child",
    "Expectation",
    "Finding",
    "GainFit",
    "GreedySoup",
    "MergeRecord",
    "MergedModel",
    "Method",
    "PairScores",
    "Paper",
    "Parameter",
    "Parent",
    "Prediction",
    "Recipe",
    "SearchRange",
    "SoupStep",
    "appearing",
    "candidates",
    "chain",
    "chain_yaml",
    "compose",
    "config_differences",
    "describe",
    "fit_gain",
    "greedy_soup",
    "has_error",
    "keeping_template",
    "located",
    "make_record",
    "merge",
    "merge_method",
    "predict",
    "predicted_table",
    "preflight",
    "push_model",
    "read_record",
    "read_values",
    "reference",
    "starting_parameters",
    "uniform_soup",
    "vanish",
]
