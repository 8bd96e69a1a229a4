"""Keys that mergekit drops are named, with what they may have been meant for."""

from __future__ import annotations

import pytest
import yaml

from kinship.errors import RecipeError
from kinship.merging import Recipe
from kinship.merging.check_keys import check_keys
from tests.merging.recipes import YAML

PLAIN = "merge_method: linear\nmodels: [{model: a}, {model: b}]\nparameters: {weight: 1}\n"
DROPPED = {
    "a misspelt key": (
        PLAIN + "tokeniser_source: union",
        "tokeniser_source and drops it; did you mean tokenizer_source?",
    ),
    "a parameter at the top": (PLAIN + "normalize: false", "normalize and drops it; it belongs under parameters"),
    "a misspelt parameter of another method": (PLAIN + "densty: 0.5", "densty and drops it"),
    "a misspelt parameter at the top": (
        PLAIN.replace("linear", "ties").replace("models", "base_model: c\nmodels") + "densty: 0.5",
        "densty and drops it; density, if that was meant, belongs under parameters",
    ),
    "a name as in mergekit-multi": (PLAIN + "name: first", "it is for mergekit-multi"),
    "a weight at a model": (
        "merge_method: linear\nmodels: [{model: a, weight: 1}]",
        "weight at model a and drops it; it belongs under parameters",
    ),
    "layers at a model": (
        "merge_method: linear\nmodels: [{model: a, layer_range: [0, 1]}]",
        "layer_range at model a and drops it; it belongs in slices, below sources",
    ),
    "a method within a slice": (
        "merge_method: linear\nslices: [{merge_method: slerp, sources: [{model: a, layer_range: [0, 1]}]}]",
        "merge_method in slice 1 and drops it; it belongs at the top",
    ),
    "a misspelt range": (
        "merge_method: linear\nslices: [{sources: [{model: a, layer_range: [0, 1], paramters: {weight: 1}}]}]",
        "paramters at source a in slice 1 and drops it; did you mean parameters?",
    ),
    "a filter": (
        "merge_method: slerp\nmodels: [{model: a}]\nparameters: {t: [{filtr: mlp, value: 1}, {value: 0}]}",
        "filtr of t under parameters and drops it; did you mean filter?",
    ),
    "a module": (
        "merge_method: linear\nmodules: {default: {model: a, models: [{model: a}]}}",
        "model in module default and drops it; did you mean models?",
    ),
    "a tokenizer": (
        PLAIN + "tokenizer: {source: union, pad_to_multiple: 8}",
        "pad_to_multiple of tokenizer and drops it; did you mean pad_to_multiple_of?",
    ),
    "a token": (
        PLAIN + "tokenizer: {tokens: {x: {source: a, forced: true}}}",
        "forced of token 'x' and drops it; did you mean force?",
    ),
    "a reference": (
        PLAIN + "base_model: {model: {path: c, revison: main}}",
        "revison of base_model and drops it; did you mean revision?",
    ),
    "residual weight": (
        "merge_method: linear\nslices: [{residual_weight: 0.1, sources: [{model: a, layer_range: [0, 1]}]}]",
        "reads residual_weight in slice 1 and does nothing with it",
    ),
}  # fmt: skip


def found(text):
    return [one.message for one in check_keys(Recipe.from_config(yaml.safe_load(text)))]


@pytest.mark.parametrize("case", DROPPED)
def test_a_key_that_mergekit_drops_is_named(case):
    text, message = DROPPED[case]
    (told,) = found(text)
    assert message in told


@pytest.mark.parametrize("text", [PLAIN, *YAML.values()])
def test_what_mergekit_reads_is_not_named(text):
    assert found(text) == []


def test_mergekit_has_these_keys_and_no_others():
    from mergekit import common, config
    from mergekit.tokenizer import config as tokenizer

    from kinship.merging import check_keys as ours

    for keys, model in {
        ours._TOP: config.MergeConfiguration,
        ours._MODEL: config.InputModelDefinition,
        ours._SOURCE: config.InputSliceDefinition,
        (*ours._SLICE, "residual_weight"): config.OutputSliceDefinition,
        ours._MODULE: config.OutputModuleDefinition,
        ours._SETTING: config.ConditionalParameter,
        ours._REFERENCE: common.ModelReference,
        ours._PATH: common.ModelPath,
        ours._TOKENIZER: tokenizer.TokenizerConfig,
        ours._TOKEN: tokenizer.TokenEmbeddingConfig,
        ours._TOKEN_SOURCE: tokenizer.ModelTokenEmbedding,
    }.items():
        assert set(keys) == set(model.model_fields), model


FOREIGN = {
    "mergekit-moe": "base_model: a\ngate_mode: hidden\nexperts: [{source_model: a, positive_prompts: [x]}]",
    "mergekit-evolve": "genome: {models: [a, b], merge_method: linear}\ntasks: [{name: x}]",
    "bakllama": "layer_slices: [{model_name: a, start: 0, end: 1}]",
    "mergekit-multi": "name: one\n" + PLAIN + "---\nname: two\n" + PLAIN,
}


@pytest.mark.parametrize("program", FOREIGN)
def test_a_file_for_another_program_of_mergekit_is_named(program):
    with pytest.raises(RecipeError, match=program):
        Recipe.from_yaml(FOREIGN[program])
