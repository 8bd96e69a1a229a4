"""Configs that differ are told with both values, however they are written; those that say the same are not."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from kinship.checkpoints import align, open_checkpoint
from kinship.errors import MergeError
from kinship.merging import Parent, Recipe, candidates, config_differences, merge, preflight, read_values
from kinship.merging.config_values import config_values, declared, is_known_type
from kinship.similarity import gram_table
from tests.families import llama, tuned
from tests.merging.models import TOKENS, save_mergeable

BASE = llama(0, vocabulary=len(TOKENS) + 1)
V4 = {"rope_theta": 1e6}
V5 = {"rope_parameters": {"rope_type": "default", "rope_theta": 1e6}}
YARN = {"rope_type": "yarn", "factor": 4.0}

DIFFERENT = {
    "theta": ({"rope_theta": 10000.0}, V5, "rope_theta differs: 10000 in a and 1000000 in b"),
    "theta that one leaves to its class": ({}, V4, "rope_theta differs: 10000 in a and 1000000 in b"),
    "scaling": ({}, {"rope_scaling": {"type": "linear", "factor": 2.0}}, 'rope_scaling differs: none in a and {'),
    "factor": (
        {"rope_scaling": {"type": "linear", "factor": 2.0}},
        {"rope_parameters": {"rope_type": "linear", "factor": 4.0, "rope_theta": 10000.0}},
        '{"factor": 2, "rope_type": "linear"} in a and {"factor": 4, "rope_type": "linear"} in b',
    ),
    "window": (
        {"model_type": "mistral", "sliding_window": None},
        {"model_type": "mistral"},
        "sliding_window differs: none in a and 4096 in b",
    ),
    "positions": ({}, {"max_position_embeddings": 64}, "max_position_embeddings differs: 32 in a and 64 in b"),
    "head size": ({}, {"head_dim": 6}, "head_dim differs: 3 in a and 6 in b"),
    "activation": ({}, {"hidden_act": "gelu"}, "hidden_act differs: silu in a and gelu in b"),
    "epsilon": ({}, {"rms_norm_eps": 1e-5}, "rms_norm_eps differs: 1e-06 in a and 1e-05 in b"),
    "tied": ({}, {"tie_word_embeddings": True}, "tie_word_embeddings differs: false in a and true in b"),
    "biases": ({}, {"attention_bias": True}, "attention_bias differs: false in a and true in b"),
    "a tower's": (
        {"text_config": {"model_type": "llama", "rope_theta": 1e6}},
        {"text_config": {"model_type": "llama", "rope_theta": 2e6}},
        "rope_theta differs: 1000000 in a and 2000000 in b",
    ),
}  # fmt: skip
SAME = {
    "theta in two spellings": (V4, V5),
    "theta left to the class": ({}, {"rope_theta": 10000}),
    "no scaling in two spellings": ({"rope_scaling": None}, {"rope_scaling": {"type": "default"}}),
    "scaling in two spellings": (
        {"rope_scaling": {"type": "dynamic", "factor": 2}, **V4},
        {"rope_parameters": {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 1000000}},
    ),
    "the window that yarn started from": (
        {"rope_scaling": YARN},
        {"rope_parameters": YARN | {"rope_theta": 10000.0, "original_max_position_embeddings": 32}},
    ),
    "what says nothing of the weights": (
        {"torch_dtype": "bfloat16", "use_cache": True, "transformers_version": "4.40.0", "unsloth_version": "1"},
        {"dtype": "float32", "use_cache": False, "_name_or_path": "x", "attention_dropout": 0.1},
    ),
    "defaults that one config states": ({}, {"attention_bias": False, "mlp_bias": False, "head_dim": 3}),
    "a window that is not used": (
        {"model_type": "qwen2", "use_sliding_window": False, "sliding_window": 4096},
        {"model_type": "qwen2", "use_sliding_window": False, "sliding_window": 32768},
    ),
    "the two thetas of Gemma 3": (
        {"model_type": "gemma3_text", "rope_theta": 1e6, "rope_local_base_freq": 1e4},
        {
            "model_type": "gemma3_text",
            "rope_parameters": {
                "full_attention": {"rope_type": "default", "rope_theta": 1e6},
                "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
            },
        },
    ),
}


def pair(folder, first, second):
    models = []
    for number, (name, about) in enumerate((("a", first), ("b", second))):
        models.append(save_mergeable(folder / name, tuned(BASE, number)))
        file = models[-1] / "config.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | about))
    return models


def findings(models):
    recipe = Recipe("slerp", tuple(Parent(str(path)) for path in models), str(models[0]), {"t": 0.5})
    found = preflight(recipe)
    assert [one for one in found if one.severity == "error"] == []
    return [one.message for one in found if one.what == "config" and one.severity == "warning"]


@pytest.mark.parametrize("case", DIFFERENT)
def test_what_differs_is_warned_of_with_both_values_and_whose_the_child_takes(case, tmp_path):
    first, second, message = DIFFERENT[case]
    told = findings(pair(tmp_path, first, second))
    assert [one for one in told if message in one], told
    assert all(one.endswith("the child is run with the config of a") for one in told)


@pytest.mark.parametrize("case", SAME)
def test_what_says_the_same_is_not_warned_of(case, tmp_path):
    assert findings(pair(tmp_path, *SAME[case])) == []


def test_candidates_say_so_too(tmp_path):
    models = [open_checkpoint(path) for path in pair(tmp_path, {"rope_theta": 10000.0}, V5)]
    base = open_checkpoint(save_mergeable(tmp_path / "base", BASE))
    table = gram_table(align(base, models))
    (one,) = candidates(table, configs={model.name: read_values(model) for model in models})
    assert "rope_theta differs: 10000 in a and 1000000 in b; the child takes the config of one" in one.conflicts
    assert asdict(one)["conflicts"]
    assert config_differences({"base": {}, "a": read_values(models[0])}) == []


TYPES = ["llama", "qwen2", "gemma2", "gemma3_text", "gpt_neox", "mixtral", "cohere", "phi3"]


@pytest.mark.parametrize("model_type", TYPES)
def test_defaults_are_those_of_transformers(model_type):
    from transformers import AutoConfig

    config = AutoConfig.for_model(model_type)
    for name, value in (declared(model_type) or {}).items():
        if value is not None and name not in ("default_theta", "sliding_window", "max_window_layers"):
            assert getattr(config, name) == value, name
    made = config_values({"model_type": model_type})
    stated = config_values(json.loads(config.to_json_string(use_diff=False)))
    thetas = [name for name in made if name.startswith("rope_theta")]
    assert [made[name] for name in thetas] == [stated.get(name, stated.get("rope_theta")) for name in thetas]
    assert is_known_type({"model_type": model_type})


def test_a_model_with_code_of_its_own_is_told_apart_from_one_that_transformers_has(tmp_path):
    code = {"auto_map": {"AutoModelForCausalLM": "modeling_x.XForCausalLM"}}
    assert findings(pair(tmp_path, code, code)) == []
    odd = save_mergeable(tmp_path / "odd", BASE, model_type="ours", **code)
    (error,) = [one for one in preflight(Recipe("passthrough", (Parent(str(odd)),))) if one.severity == "error"]
    assert "odd needs code of its own" in error.message
    assert "--trust-remote-code" in error.message


@pytest.mark.parametrize("named", [None, [], ["LlamaForCausalLM", "LlamaModel"]])
def test_a_config_has_to_name_its_architecture_as_mergekit_wants_it(named, tmp_path):
    (odd, _) = pair(tmp_path, {"architectures": named}, {})
    recipe = Recipe("passthrough", (Parent(str(odd)),))
    assert any("has to name one architecture" in one.message for one in preflight(recipe) if one.severity == "error")
    with pytest.raises(MergeError):
        merge(recipe, tmp_path / "child")
