"""Preflight: what would go wrong is said before anything is loaded, and what is right passes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from math import prod

import pytest
import yaml

from kinship.checkpoints import open_checkpoint
from kinship.errors import MergeError
from kinship.merging import METHODS, Parent, Recipe, has_error, merge, preflight, reference
from kinship.merging.check_place import expected_bytes
from kinship.merging.check_vocabulary import differing_tokens
from kinship.merging.child_tensors import layout_of
from kinship.merging.inputs import models_of, open_inputs
from kinship.merging.slices import recipe_slices
from kinship.merging.vocabulary_files import read_vocabulary
from tests.families import NORM, Stored, config, llama, pack, save, save_adapter, save_model, save_sharded, tuned
from tests.merging.models import TOKENS, raw_weights, save_family, save_mergeable, save_tokenizer
from tests.merging.recipes import YAML, recipes

NAMES = [*METHODS, *YAML]


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    folder = tmp_path_factory.mktemp("family")
    models = save_family(folder, dtype="BF16")
    larger = tuned(llama(0, vocabulary=len(TOKENS) + 2), 9)
    return [*models, save_mergeable(folder / "other", larger, dtype="BF16", tokens=(*TOKENS[::-1], "A"))]


@pytest.fixture
def linear(family):
    return Recipe("linear", tuple(Parent(str(path), {"weight": 1.0}) for path in family[1:3]))


def said(findings, severity="error"):
    return [(one.what, one.message) for one in findings if one.severity == severity]


@pytest.mark.parametrize("name", NAMES)
def test_what_can_be_merged_passes(name, family, tmp_path):
    findings = preflight(recipes(family[0], family[1:4], family[4])[name], tmp_path / "child")
    assert said(findings) == []
    assert {"recipe", "architecture", "vocabulary", "output", "disk", "memory"} <= {one.what for one in findings}


FAULTS = {
    "unknown method": ("merge_method: slrp\nmodels: [{model: ONE}]", "method", "did you mean slerp"),
    "mistyped parameter": (
        "merge_method: linear\nmodels: [{model: ONE, parameters: {wieght: 1}}]",
        "parameters",
        "no parameter wieght (of ONE); did you mean weight?",
    ),
    "out of range": (
        "merge_method: slerp\nbase_model: ONE\nmodels: [{model: ONE}, {model: TWO}]\nparameters: {t: [0, 1.5]}",
        "parameters",
        "1.5 is out of range; give a value from 0 to 1",
    ),
    "not a number": (
        "merge_method: linear\nmodels: [{model: ONE, parameters: {weight: much}}]",
        "parameters",
        "'much' is not a number",
    ),
    "missing parameter": (
        "merge_method: linear\nmodels: [{model: ONE, parameters: {weight: 1}}, {model: TWO}]",
        "parameters",
        "weight is not set for",
    ),
    "parameter for some tensors only": (
        "merge_method: slerp\nbase_model: ONE\nmodels: [{model: ONE}, {model: TWO}]\n"
        "parameters: {t: [{filter: mlp, value: 0.5}]}",
        "parameters",
        "t is not set for",
    ),
    "weights that cancel": (
        "merge_method: linear\nmodels: [{model: ONE, parameters: {weight: 1}}, {model: TWO, parameters: {weight: -1}}]",
        "parameters",
        "add up to zero",
    ),
    "epsilon beyond density": (
        "merge_method: della\nbase_model: BASE\nmodels: [{model: ONE}]\n"
        "parameters: {weight: 1, density: 0.1, epsilon: 0.15}",
        "parameters",
        "choose a smaller epsilon",
    ),
    "no base": ("merge_method: ties\nmodels: [{model: ONE, parameters: {weight: 1}}]", "base", "ties needs a base"),
    "base outside a slice": (
        "merge_method: slerp\nbase_model: BASE\nparameters: {t: 0.5}\n"
        "slices: [{sources: [{model: ONE, layer_range: [0, 2]}, {model: TWO, layer_range: [0, 2]}]}]",
        "base",
        "is not among the sources",
    ),
    "too many parents": (
        "merge_method: slerp\nbase_model: ONE\nparameters: {t: 0.5}\n"
        "models: [{model: ONE}, {model: TWO}, {model: BASE}]",
        "parents",
        "slerp takes exactly 2 parents, not 3",
    ),
    "too few parents": (
        "merge_method: model_stock\nbase_model: BASE\nmodels: [{model: ONE}]",
        "parents",
        "at least 2 parents besides the base, not 1",
    ),
    "a parent twice": (
        "merge_method: linear\nmodels: [{model: ONE}, {model: ONE}]\nparameters: {weight: 1}",
        "parents",
        "ONE is given 2 times",
    ),
    "unknown dtype": (
        "merge_method: linear\nmodels: [{model: ONE}]\nparameters: {weight: 1}\ndtype: bf16",
        "dtype",
        "no dtype is called 'bf16'",
    ),
    "slices of different length": (
        "merge_method: linear\nparameters: {weight: 1}\n"
        "slices: [{sources: [{model: ONE, layer_range: [0, 2]}, {model: TWO, layer_range: [0, 1]}]}]",
        "layers",
        "give 1 and 2 layers",
    ),
    "layers that are not there": (
        "merge_method: passthrough\nslices: [{sources: [{model: ONE, layer_range: [0, 3]}]}]",
        "layers",
        "layer_range [0, 3] of m1 does not lie within its 2 layers",
    ),
    "vocabularies": (
        "merge_method: linear\nmodels: [{model: ONE}, {model: OTHER}]\nparameters: {weight: 1}",
        "vocabulary",
        "differ in size (27 in m1 and 28 in other); set tokenizer_source",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_and_mergekit_refuses_it_too(fault, family, tmp_path):
    text, what, message = FAULTS[fault]
    names = {"BASE": family[0], "ONE": family[1], "TWO": family[2], "OTHER": family[4]}
    recipe = Recipe.from_config(yaml.safe_load(text)).with_models(lambda model: str(names[model]))
    found = said(preflight(recipe, tmp_path / "child"))
    for name, path in names.items():
        message = message.replace(f"{name} ", f"{path} ").replace(f"{name})", f"{path})")
    assert any(one == what and message in told for one, told in found), found
    if fault not in ("out of range", "weights that cancel"):  # which it merges all the same
        with pytest.raises(MergeError):
            merge(recipe, tmp_path / "child")


WARNINGS = {
    "a parameter of other methods": (
        {"density": 0.5, "weight": 1},
        {},
        "linear has no parameter density (it is one of",
    ),
    "a parameter of no method": ({"zzz": 0.5, "weight": 1}, {}, "linear has no parameter zzz; mergekit ignores it"),
    "a misspelt one": ({"normalise": True, "weight": 1}, {"wheight": 0.5}, "drops it; did you mean normalize?"),
    "a misspelt one of a parent": ({"weight": 1}, {"wieght": 0.5}, "drops it; did you mean weight?"),
    "a shared parameter at a parent": ({"weight": 1}, {"normalize": False}, "belongs to the whole merge"),
}


@pytest.mark.parametrize("case", WARNINGS)
def test_what_mergekit_would_ignore_is_a_warning(case, linear):
    parameters, own, message = WARNINGS[case]
    parents = (Parent(linear.parents[0].path, own), Parent(linear.parents[1].path))
    findings = preflight(replace(linear, parents=parents, parameters=parameters))
    assert said(findings) == []
    assert any(message in told for _, told in said(findings, "warning"))


def test_a_base_that_a_method_ignores_is_one_more_parent(linear, family):
    findings = preflight(replace(linear, base=str(family[0]), parameters={"weight": 1.0}))
    assert said(findings) == []
    assert any("is merged as one more parent" in told for _, told in said(findings, "warning"))
    ((what, told),) = said(preflight(replace(linear, base=str(family[0]))))
    assert what == "base"
    assert "one more parent and has no weight; leave base_model out" in told


BASE = llama(0, vocabulary=len(TOKENS) + 1)
UP = "model.layers.1.mlp.up_proj.weight"


def adapter(folder):
    folder.mkdir()
    return save_adapter(folder, {"model.layers.0.mlp.up_proj.lora_A.weight": pack(BASE[UP], "F32")})


def renamed(folder):
    (save_mergeable(folder, BASE) / "model.safetensors").rename(folder / "weights.safetensors")
    return folder


def damaged(folder):
    file = save_mergeable(folder, BASE) / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-9])
    return folder


def float8(folder):
    scale = {f"{UP}_scale": pack(BASE["model.norm.weight"][:1], "F32")}
    return save_model(folder, BASE | {UP: pack(BASE[UP], "F8_E4M3")} | scale, config(BASE))


def gptq(folder):
    return save_model(folder, BASE, config(BASE, quantization_config={"quant_method": "gptq"}))


def packed_inside(folder):
    stored = {UP: Stored("I8", BASE[UP].shape, bytes(BASE[UP].size)), f"{UP}_scale": pack(BASE[NORM][:1], "F32")}
    return save_model(folder, BASE | stored, config(BASE))


def pointer(name):
    def make(folder):
        save_mergeable(folder, BASE)
        if name.endswith(".bin"):
            (folder / "model.safetensors").unlink()
        (folder / name).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 99999\n")
        return folder

    return make


def two_sets(folder):
    save_sharded(folder, tuned(BASE, 5))
    return save_mergeable(folder, BASE)


def stale_index(folder):
    save_mergeable(folder, BASE)
    (folder / "model.safetensors.index.json").write_text('{"weight_map": {"x": "model-00001-of-00002.safetensors"}}')
    return folder


def consolidated(folder):
    save(folder / "consolidated.safetensors", BASE)
    (folder / "params.json").write_text("{}")
    return folder


def without_a_tensor(folder):
    return save_mergeable(folder, {name: values for name, values in BASE.items() if name != UP})


def shaped(**shape):
    return lambda folder: save_mergeable(folder, llama(0, **{"vocabulary": len(TOKENS) + 1} | shape))


def saying(**about):
    return lambda folder: save_mergeable(folder, BASE, **about)


ODD = {
    "missing": (lambda folder: folder, "there is no such folder"),
    "on the Hub": (lambda folder: "org/name", "hf download org/name"),
    "adapter": (adapter, "write it as BASE+"),
    "lone file": (lambda folder: save(folder.with_suffix(".safetensors"), BASE), "there is no config.json"),
    "gptq": (gptq, "GPTQ weights are packed integers"),
    "float8": (float8, "float8 weights cannot be merged"),
    "packed inside": (packed_inside, f"weights are packed and cannot be compared ({UP} is i8)"),
    "weights not fetched": (pointer("model.safetensors"), "model.safetensors: this is a Git LFS pointer"),
    "torch's file not fetched": (pointer("pytorch_model.bin"), "pytorch_model.bin: this is a Git LFS pointer"),
    "tokenizer not fetched": (pointer("tokenizer.json"), "tokenizer.json: this is a Git LFS pointer"),
    "two sets": (two_sets, "mergekit reads the shards of model.safetensors.index.json, transformers model.safetensors"),
    "stale index": (stale_index, "mergekit reads the shards of model.safetensors.index.json"),
    "makers' files": (consolidated, "there is no config.json"),
    "another file name": (renamed, "mergekit looks for model.safetensors"),
    "damaged": (damaged, "the file is truncated"),
    "without a tensor": (without_a_tensor, f"odd lacks {UP}"),
    "architecture": (saying(architectures=["MistralForCausalLM"]), "odd has architecture MistralForCausalLM"),
    "key-value heads": (saying(num_key_value_heads=2), "odd has number of key-value heads 2"),
    "layers": (shaped(layers=3), "odd has number of layers 3"),
    "width": (shaped(hidden=16), "odd has hidden size 16"),
    "MLP": (shaped(mlp=24), "mlp.up_proj.weight is [24, 12] in odd and [20, 12] in m1"),
}


@pytest.mark.parametrize("kind", ODD)
def test_a_parent_that_does_not_fit_is_named_with_the_mend(kind, linear, tmp_path):
    make, message = ODD[kind]
    odd = Parent(str(make(tmp_path / "odd")), {"weight": 1.0})
    findings = preflight(replace(linear, parents=(*linear.parents, odd)))
    assert any(message in told for _, told in said(findings)), findings
    assert all("\n" not in one.message for one in findings)


def test_a_left_over_adapter_config_is_told_of_and_the_model_merged(linear, tmp_path):
    folder = save_mergeable(tmp_path / "odd", BASE)
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    findings = preflight(replace(linear, parents=(*linear.parents, Parent(str(folder), {"weight": 1.0}))))
    assert said(findings) == []
    [(_, told)] = [one for one in said(findings, "warning") if "left over" in one[1]]
    assert told.startswith("odd: adapter_config.json is left over")


def test_the_same_weights_in_two_sets_pass(linear, tmp_path):
    folder = tmp_path / "odd"
    save_sharded(folder, {name: pack(values, "F32") for name, values in BASE.items()})
    save_model(folder, BASE, config(BASE))
    save_tokenizer(folder)
    findings = preflight(replace(linear, parents=(*linear.parents, Parent(str(folder), {"weight": 1.0}))))
    assert said(findings) == []


def test_torch_files_pass_without_torch(linear, tmp_path):
    old = tmp_path / "old"
    shutil.copytree(linear.parents[0].path, old)
    (old / "model.safetensors").rename(old / "pytorch_model.bin")  # preflight does not look inside
    findings = preflight(replace(linear, parents=(*linear.parents, Parent(str(old), {"weight": 1.0}))))
    assert said(findings) == []


def test_an_adapter_on_its_model_passes(linear, tmp_path):
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    name = "model.layers.0.self_attn.q_proj.lora_"
    rng = llama(1)["model.layers.0.self_attn.q_proj.weight"]
    save_adapter(adapter, {f"{name}A.weight": pack(rng[:3], "F32"), f"{name}B.weight": pack(rng[:, :3], "F32")})
    first = linear.parents[0]
    parents = (Parent(f"{first.path}+{adapter}", {"weight": 1.0}), linear.parents[1])
    assert said(preflight(replace(linear, parents=parents))) == []
    wrong = (Parent(f"{first.path}+{first.path}", {"weight": 1.0}), linear.parents[1])
    assert any("this is no adapter" in told for _, told in said(preflight(replace(linear, parents=wrong))))


def test_an_adapter_on_another_model_than_its_own_is_told_of(linear, tmp_path):
    first, second = linear.parents
    name = "model.layers.0.self_attn.q_proj.lora_"
    factor = llama(1)["model.layers.0.self_attn.q_proj.weight"]
    factors = {f"{name}A.weight": pack(factor[:3], "F32"), f"{name}B.weight": pack(factor[:, :3], "F32")}
    (tmp_path / "adapter").mkdir()
    own = open_checkpoint(save_adapter(tmp_path / "adapter", factors, base_model_name_or_path=first.path))
    assert reference(own) == f"{first.path}+{own.path}"
    assert said(preflight(replace(linear, parents=(Parent(reference(own), {"weight": 1.0}), second))), "warning") == []
    other = Parent(f"{second.path}+{own.path}", {"weight": 1.0})
    ((_, told),) = said(preflight(replace(linear, parents=(other, first))), "warning")
    assert "was trained on" in told


def test_tokens_with_another_id_are_counted(linear, tmp_path):
    swapped = tmp_path / "swapped"
    shutil.copytree(linear.parents[1].path, swapped)
    save_tokenizer(swapped, ("b", "a", *TOKENS[2:-1], "Z"))
    findings = preflight(replace(linear, parents=(linear.parents[0], Parent(str(swapped), {"weight": 1.0}))))
    assert said(findings) == []
    ((what, message),) = said(findings, "warning")
    assert what == "vocabulary"
    assert message.startswith("4 tokens have another id in swapped than in m1 ('b' is 2 there and 1 here)")
    union = replace(linear, parents=(linear.parents[0], Parent(str(swapped), {"weight": 1.0})), tokenizer="union")
    assert said(preflight(union), "warning") == []
    vocabularies = [read_vocabulary(path) for path in (swapped, tmp_path)]
    assert vocabularies[1] is None
    assert differing_tokens(vocabularies[0], vocabularies[0]) == []


def test_a_child_without_a_tokenizer_is_warned_of(linear, tmp_path):
    bare = tmp_path / "bare"
    shutil.copytree(linear.parents[0].path, bare)
    (bare / "tokenizer.json").unlink()
    recipe = replace(linear, parents=(Parent(str(bare), {"weight": 1.0}), linear.parents[1]))
    assert [what for what, _ in said(preflight(recipe), "warning")] == ["tokenizer"]
    assert [what for what, _ in said(preflight(replace(recipe, tokenizer="base")))] == ["tokenizer"]


def test_the_output_is_looked_at(linear, tmp_path, monkeypatch):
    assert ("output", f"{tmp_path} exists already; remove it or choose another name") not in said(
        preflight(linear, tmp_path)
    )  # an empty folder may be used
    (tmp_path / "file").write_text("")
    for taken in (tmp_path, tmp_path / "file"):
        assert any(what == "output" and "exists already" in told for what, told in said(preflight(linear, taken)))
    assert any("cannot be written" in told for _, told in said(preflight(linear, tmp_path / "file" / "below")))
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage._replace(free=1000))
    ((what, message),) = said(preflight(linear, tmp_path / "child"))
    assert what == "disk"
    assert "1000" not in message
    assert message.endswith("make room or choose another place")


@pytest.mark.parametrize("name", ["linear", "linear in float32", "ties", "stacked slices", "slerp of slices"])
def test_the_disk_needed_is_what_the_child_then_takes(name, family, tmp_path):
    recipe = recipes(family[0], family[1:4], family[4])[name]
    merge(recipe, tmp_path / "child")
    stored = sum(len(data) for _, _, data in raw_weights(tmp_path / "child").values())
    inputs, _ = open_inputs(models_of(recipe, recipe_slices(recipe)))
    layout = layout_of(recipe, METHODS[recipe.method], inputs)
    assert expected_bytes(recipe, layout, inputs)[0] == stored


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_without_a_layout_the_first_models_weights_stand_for_the_childs(name, linear, tmp_path):
    folder = shutil.copytree(linear.parents[0].path, tmp_path / "first")
    (folder / "model.safetensors").rename(folder / name)
    (folder / "training_args.bin").write_bytes(bytes(1000))  # no weights
    recipe = replace(linear, parents=(replace(linear.parents[0], path=str(folder)), *linear.parents[1:]))
    inputs, _ = open_inputs(models_of(recipe, recipe_slices(recipe)))
    assert expected_bytes(recipe, None, inputs) == ((folder / name).stat().st_size, 0)


def test_relative_paths_are_found_here_and_beside_the_recipe(family, tmp_path, monkeypatch):
    recipe = Recipe("linear", (Parent("m1", {"weight": 1.0}),))
    monkeypatch.chdir(tmp_path)
    assert has_error(preflight(recipe))
    assert not has_error(preflight(recipe, folder=family[0].parent))
    monkeypatch.chdir(family[0].parent)
    assert not has_error(preflight(recipe))


def test_models_in_the_hub_s_cache_are_found(family, tmp_path, monkeypatch):
    snapshot = tmp_path / "models--org--name" / "snapshots" / "0123"
    shutil.copytree(family[1], snapshot)
    refs = tmp_path / "models--org--name" / "refs"
    refs.mkdir()
    (refs / "main").write_text("0123")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert said(preflight(Recipe("linear", (Parent("org/name", {"weight": 1.0}),)))) == []
    other = preflight(Recipe("linear", (Parent("org/name@elsewhere", {"weight": 1.0}),)))
    assert any("hf download" in told for _, told in said(other))


def big_model(folder, layers=32):
    """The header of a model of seven billion parameters, its data a hole in the file, with 32,000 tokens."""
    shapes = {"model.embed_tokens.weight": (32000, 4096), "lm_head.weight": (32000, 4096), "model.norm.weight": (4096,)}
    for layer in range(layers):
        at = f"model.layers.{layer}"
        shapes |= {f"{at}.self_attn.{p}_proj.weight": (4096, 4096) for p in "qkvo"}
        shapes |= {f"{at}.mlp.{p}_proj.weight": (11008, 4096) for p in ("gate", "up")}
        shapes |= {f"{at}.mlp.down_proj.weight": (4096, 11008), f"{at}.input_layernorm.weight": (4096,)}
        shapes |= {f"{at}.post_attention_layernorm.weight": (4096,)}
    header, end = {}, 0
    for name, shape in shapes.items():
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [end, end + 2 * prod(shape)]}
        end += 2 * prod(shape)
    text = json.dumps(header).encode()
    folder.mkdir()
    with (folder / "model.safetensors").open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + end)
    sizes = {"num_hidden_layers": layers, "hidden_size": 4096, "vocab_size": 32000, "intermediate_size": 11008}
    about = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "num_attention_heads": 32}
    (folder / "config.json").write_text(json.dumps(about | sizes))
    save_tokenizer(folder, [f"token {folder.name} {i}" if i == 7 else f"token {i}" for i in range(31999)])
    return folder


def test_three_large_models_take_less_than_a_second_and_nothing_heavy(tmp_path):
    paths = [big_model(tmp_path / name) for name in ("base", "one", "two")]
    own = {"weight": [{"filter": "mlp", "value": [0.1, 0.9]}, {"value": 0.5}], "density": 0.5}
    recipe = Recipe("dare_ties", tuple(Parent(str(path), own) for path in paths[1:]), str(paths[0]))
    code = (
        "import sys, time; from kinship.merging import Recipe, preflight; recipe = Recipe.from_yaml(sys.stdin.read());"
        "began = time.perf_counter(); found = preflight(recipe); print(time.perf_counter() - began);"
        "print([one.message for one in found]);"
        "heavy = {'torch', 'transformers', 'mergekit', 'numba'} & set(sys.modules); assert not heavy, heavy"
    )
    began = time.perf_counter()
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, input=recipe.to_yaml(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    seconds, messages = done.stdout.splitlines()
    assert float(seconds) < 1.0, time.perf_counter() - began
    assert "the child takes 13.48 GB" in messages
    assert "2 tokens have another id in one than in base" in messages
