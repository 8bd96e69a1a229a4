"""The predicted tensors of a child are those in the header that mergekit writes, odd parents included."""

from __future__ import annotations

import numpy as np
import pytest
import yaml

from kinship.errors import MergeError
from kinship.merging import METHODS, Parent, Recipe, merge, preflight
from kinship.merging.architecture import described
from kinship.merging.child_tensors import layout_of
from kinship.merging.inputs import models_of, open_inputs
from kinship.merging.slices import positions, recipe_slices
from tests.families import HEAD, config, llama, save_model, tuned
from tests.merging.models import TOKENS, raw_weights, save_family, save_mergeable, save_tokenizer, weights
from tests.merging.recipes import recipe_of

BASE = llama(0, vocabulary=len(TOKENS) + 1)
BIAS = "model.layers.1.self_attn.q_proj.bias"
FIRST = "model.layers.0.input_layernorm.weight"


def layout(recipe):
    inputs, faults = open_inputs(models_of(recipe, recipe_slices(recipe)))
    assert faults == []
    return layout_of(recipe, METHODS[recipe.method], inputs)


def said(recipe, severity):
    return [one.message for one in preflight(recipe) if one.severity == severity]


def family(folder, odd, names=("base", "a", "b", "c"), **about):
    """A base and models made from it; `odd` changes the tensors of each by its number."""
    rows = [tuned(BASE, seed) if seed else dict(BASE) for seed in range(len(names))]
    for number, row in enumerate(rows):
        odd(number, row)
    return [save_mergeable(folder / name, row, **about) for name, row in zip(names, rows, strict=True)]


def with_bias(number, row):
    row[BIAS] = np.ones(12)


def head_of_some(*having):
    def odd(number, row):
        if number not in having:
            del row[HEAD]

    return odd


COHERE = {
    "architectures": ["CohereForCausalLM"], "model_type": "cohere", "tie_word_embeddings": True, "layer_norm_eps": 1e-5
}  # fmt: skip


def cohere(odd):
    """Cohere's head may be missing, and is then not taken from the embedding."""

    def both(number, row):
        for name in [name for name in row if "post_attention" in name]:
            del row[name]
        for layer in (0, 1):
            row[f"model.layers.{layer}.self_attn.q_norm.weight"] = np.ones(12)
            row[f"model.layers.{layer}.self_attn.k_norm.weight"] = np.ones(12)
        odd(number, row)

    return both


@pytest.mark.parametrize("having", [(), (0,), (1,), (0, 1), (1, 2), (0, 1, 2, 3)])
@pytest.mark.parametrize("method", METHODS)
def test_a_head_that_some_models_have_is_made_left_or_refused_as_mergekit_does(method, having, tmp_path):
    models = family(tmp_path, cohere(head_of_some(*having)), **COHERE)
    recipe = recipe_of(METHODS[method], models[0], models[1:])
    plan = layout(recipe)
    assert plan.missing == ()
    try:
        merge(recipe, tmp_path / "child")
    except MergeError:
        assert [name for name, _ in plan.refused] == [HEAD]
        assert any(HEAD in told for told in said(recipe, "error"))
        return
    assert plan.refused == ()
    some = 0 < len(having) < 4 and HEAD in {made.name for made in plan.made}
    assert any("alone" in told for told in said(recipe, "warning")) <= some
    written = set(raw_weights(tmp_path / "child"))
    assert {made.name for made in plan.made} == written
    stored = {model for model in plan.left if HEAD in plan.left[model]}
    had = {str(models[number]) for number in having} & set(models_of(recipe, recipe_slices(recipe)))
    assert stored == (set() if HEAD in written else had)


@pytest.mark.parametrize("method", ["linear", "ties", "slerp", "model_stock", "passthrough"])
def test_a_bias_that_mergekit_does_not_know_of_is_said_to_be_left_behind(method, tmp_path):
    models = family(tmp_path, with_bias, attention_bias=True)
    recipe = recipe_of(METHODS[method], models[0], models[1:])
    merge(recipe, tmp_path / "child")
    assert {made.name for made in layout(recipe).made} == set(raw_weights(tmp_path / "child"))
    assert BIAS not in raw_weights(tmp_path / "child")
    (told,) = [one for one in said(recipe, "warning") if "will lack" in one]
    assert BIAS in told
    assert "LlamaForCausalLM" in told


def test_buffers_that_are_made_anew_are_no_loss(tmp_path):
    def odd(number, row):
        row["model.layers.0.self_attn.rotary_emb.inv_freq"] = np.ones(2)

    models = family(tmp_path, odd)
    assert said(recipe_of(METHODS["linear"], models[0], models[1:]), "warning") == []


def test_a_tied_head_is_filled_in_from_the_embedding(tmp_path):
    models = family(tmp_path, head_of_some(1), tie_word_embeddings=True)
    recipe = recipe_of(METHODS["linear"], models[0], models[1:])
    merge(recipe, tmp_path / "child")
    assert {made.name for made in layout(recipe).made} == set(raw_weights(tmp_path / "child"))
    assert HEAD in raw_weights(tmp_path / "child")


def test_layers_beyond_what_the_config_counts_are_left(tmp_path):
    models = family(tmp_path, lambda number, row: None, num_hidden_layers=1)
    recipe = recipe_of(METHODS["linear"], models[0], models[1:])
    merge(recipe, tmp_path / "child")
    assert {made.name for made in layout(recipe).made} == set(raw_weights(tmp_path / "child"))
    assert all(name.startswith("model.layers.1.") for names in layout(recipe).left.values() for name in names)


def test_an_architecture_that_mergekit_does_not_describe_is_told_from_the_names(tmp_path):
    about = {"architectures": ["OlmoForCausalLM"], "model_type": "olmo"}

    def olmo(number, row):
        for name in [name for name in row if "norm" in name]:
            del row[name]

    rows = [tuned(BASE, seed) for seed in range(3)]
    said_of = config(rows[0], **about, max_position_embeddings=32)
    models = []
    for number, row in enumerate(rows):
        olmo(number, row)
        models.append(save_model(tmp_path / f"m{number}", row, said_of | {"num_hidden_layers": 2}))
        save_tokenizer(models[-1])
    recipe = recipe_of(METHODS["ties"], models[0], models[1:])
    merge(recipe, tmp_path / "child")
    plan = layout(recipe)
    assert not plan.certain
    assert {made.name for made in plan.made} == set(raw_weights(tmp_path / "child"))


def sliced(text, models):
    names = dict(zip(("BASE", "A", "B"), models, strict=False))
    return Recipe.from_config(yaml.safe_load(text)).with_models(lambda model: str(names[model]))


LAST = """
merge_method: linear
dtype: float32
slices:
- sources: [{model: A, layer_range: [0, 2], parameters: {weight: 0.5}}, {model: B, layer_range: [0, 2], parameters: {weight: 0.5}}]
- sources: [{model: A, layer_range: [2, 2], parameters: {weight: 1}}]
"""  # noqa: E501
FIRST_EMPTY = """
merge_method: passthrough
slices:
- sources: [{model: B, layer_range: [0, 0]}]
- sources: [{model: A, layer_range: [0, 2]}]
"""


def test_an_empty_slice_at_an_end_gives_what_is_outside_the_layers(tmp_path):
    models = save_family(tmp_path)
    for text, outside in ((LAST, {"model.norm.weight": 1, HEAD: 1}), (FIRST_EMPTY, {"model.embed_tokens.weight": 2})):
        recipe = sliced(text, models)
        assert said(recipe, "error") == []
        assert any("is empty" in told and "not included" in told for told in said(recipe, "warning"))
        merge(recipe, tmp_path / f"child{len(text)}")
        a, b, child = (weights(path) for path in (models[1], models[2], tmp_path / f"child{len(text)}"))
        mean = {name: (a[name] + b[name]) / 2 if text is LAST else a[name] for name in a}
        mean |= {name: (None, a, b)[which][name] for name, which in outside.items()}
        assert child.keys() == mean.keys()
        assert all(child[name] == pytest.approx(mean[name], abs=1e-6) for name in child)


def test_slices_that_are_all_empty_are_refused(tmp_path):
    models = save_family(tmp_path)
    text = LAST.replace("[0, 2]", "[0, 0]").replace("[2, 2]", "[1, 1]")
    assert any(
        "would have no layers" in told and "not included" in told for told in said(sliced(text, models), "error")
    )
    wrong = LAST.replace("[2, 2]", "[2, 1]")
    assert any("does not lie within" in told for told in said(sliced(wrong, models), "error"))


def test_models_of_the_last_slice_that_mergekit_passes_over_are_told_of(tmp_path):
    text = """
        merge_method: linear
        parameters: {weight: 1}
        slices:
        - sources: [{model: A, layer_range: [0, 1]}]
        - sources: [{model: A, layer_range: [1, 2]}, {model: B, layer_range: [1, 2]}]
        """
    models = save_family(tmp_path)
    recipe = sliced(text, models)
    (told,) = [one for one in said(recipe, "warning") if "without" in one]
    assert str(models[2]) in told
    merge(recipe, tmp_path / "child")
    child, a = weights(tmp_path / "child"), weights(models[1])
    assert (child["model.norm.weight"] == a["model.norm.weight"]).all()


def test_modules_are_called_as_mergekit_calls_them(tmp_path):
    models = save_family(tmp_path)
    text = "merge_method: passthrough\nmodules: {text_decoder: {models: [{model: A}]}}"
    (told,) = [one for one in said(sliced(text, models), "error") if "module" in one]
    assert "no module text_decoder; mergekit knows default" in told


def test_a_gradient_runs_over_the_layers_of_each_tower():
    names = ["visual.blocks.0.w", "visual.blocks.1.w", "visual.blocks.2.w", "visual.merger.mlp.0.w"]
    names += ["visual.merger.mlp.2.w", "model.layers.0.w", "model.layers.1.w", "model.norm.w", "single.block.0.w"]
    assert positions(names) == (0.0, 0.5, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0)


TOWERS = {
    ("Gemma3ForConditionalGeneration", "gemma3"): {
        "text_config": {"num_hidden_layers": 2, "layer_types": ["full_attention"] * 2},
        "vision_config": {"num_hidden_layers": 3, "model_type": "siglip_vision_model"},
    },
    ("Qwen2_5_VLForConditionalGeneration", "qwen2_5_vl"): {
        "text_config": {"num_hidden_layers": 2},
        "vision_config": {"depth": 3},
    },
    ("T5ForConditionalGeneration", "t5"): {"num_hidden_layers": 2, "num_layers": 2, "num_decoder_layers": 3},
    ("GPT2LMHeadModel", "gpt2"): {"n_layer": 2},
    ("MixtralForCausalLM", "mixtral"): {"num_hidden_layers": 2},
}


def saved(folder, architecture, model_type, raw, seed):
    """A model with every tensor that mergekit describes, and one that it does not know."""
    about = raw | {"architectures": [architecture], "model_type": model_type}
    names = [w.name for m in described(about).modules.values() for w in m.weights(m.count(about))]
    rng = np.random.default_rng(seed)
    save_model(folder, {name: rng.normal(size=(4, 4)) for name in (*names, "extra.weight")}, about)
    save_tokenizer(folder)
    return folder


@pytest.mark.parametrize("kind", TOWERS, ids=lambda kind: kind[1])
def test_models_of_several_towers_are_told_whole_and_module_by_module(kind, tmp_path):
    models = [saved(tmp_path / name, *kind, TOWERS[kind], seed) for seed, name in enumerate("ab")]
    recipe = Recipe("slerp", tuple(Parent(str(one)) for one in models), str(models[0]), {"t": [0, 0.3, 1]})
    record = merge(recipe, tmp_path / "child")
    plan, child = layout(recipe), weights(tmp_path / "child")
    assert plan.certain
    assert {made.name for made in plan.made} == child.keys()
    assert record.left == ("extra.weight of a", "extra.weight of b")
    a, b = (weights(one) for one in models)
    for made in plan.made:  # at the ends of the gradient SLERP gives one model's tensor
        if made.position in (0.0, 1.0) and ".merger." not in made.name:  # mergekit plans those for both ends
            assert child[made.name] == pytest.approx((a, b)[int(made.position)][made.name], abs=1e-5)
    modules = list(plan.architecture.modules)
    if len(modules) > 1:
        body = {"models": [{"model": str(one)} for one in models]}
        config = {"merge_method": "slerp", "base_model": str(models[0]), "parameters": {"t": 0.5}}
        part = Recipe.from_config(config | {"modules": {modules[0]: body}})
        assert any("the child will lack its weights" in told for told in said(part, "warning"))
        merge(part, tmp_path / "part")
        assert {made.name for made in layout(part).made} == set(raw_weights(tmp_path / "part"))
        ranges = [{"model": str(one), "layer_range": [0, 2]} for one in models]
        sliced = Recipe.from_config(config | {"slices": [{"sources": ranges}]})
        assert any("write slices" in told for told in said(sliced, "error"))
