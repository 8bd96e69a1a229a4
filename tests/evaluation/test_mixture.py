"""Mixtures in memory against merges that mergekit makes as folders: the same bits, the same scores."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch

from kinship.checkpoints import open_checkpoint
from kinship.demo import demo_path
from kinship.errors import AlignmentError, CheckpointError, ConnectivityError
from kinship.evaluation import Evaluator, Mixture, Options, check_mixable, resolve_tasks
from kinship.evaluation.mixture import write_mixture
from tests.evaluation.mixing import merged, tiny_family
from tests.families import config, llama, pack, save_adapter, save_model

LINE = [(1 - t, t) for t in (0.0, 0.1, 0.3, 0.5, 0.8, 1.0)]
FEW = Options(limit=20, batch_size=8)


def opened(paths):
    return tuple(open_checkpoint(path) for path in paths)


def loaded(folder, dtype="auto"):
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)


def same_bits(one, other):
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        assert tensor.dtype == other[name].dtype, name
        assert torch.equal(tensor.view(torch.uint8), other[name].view(torch.uint8)), name


@pytest.mark.parametrize("dtype", ["BF16", "F16", "F32"])
@pytest.mark.parametrize("tied", [False, True])
def test_weights_are_mergekits_bit_for_bit(tiny_model, tmp_path, dtype, tied):
    family = tiny_family(tiny_model, dtype, tied=tied)
    network = loaded(family[0])
    for place, weights in enumerate([*((*pair, 0.0) for pair in LINE), (1 / 3, 1 / 3, 1 / 3), (1.4, -0.3, -0.1)]):
        write_mixture(network, Mixture(opened(family), weights))
        same_bits(network.state_dict(), loaded(merged(family, weights, tmp_path / str(place))).state_dict())


def test_weights_of_a_demo_pair_are_mergekits_bit_for_bit(tmp_path):
    pair = [demo_path() / name for name in ("sorting", "reversing")]
    network = loaded(pair[0])
    for place, weights in enumerate(LINE):
        write_mixture(network, Mixture(opened(pair), weights))
        same_bits(network.state_dict(), loaded(merged(pair, weights, tmp_path / str(place))).state_dict())


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_models_in_two_dtypes_are_mixed_as_mergekit_does(tiny_model, tmp_path, order):
    pair = [shutil.copytree(tiny_family(tiny_model, d)[k], tmp_path / d) for k, d in enumerate(("BF16", "F32"))]
    for folder, dtype in zip(pair, ("bfloat16", "float32"), strict=True):
        said = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(said | {"dtype": dtype}))
    pair = [pair[place] for place in order]
    for place, weights in enumerate([(0.3, 0.7), (1.0, 0.0), (0.0, 1.0)]):
        out = merged(pair, weights, tmp_path / str(place))
        for dtype in ("auto", "float32", "bfloat16"):
            network = loaded(pair[0], dtype)
            write_mixture(network, Mixture(opened(pair), weights))
            same_bits(network.state_dict(), loaded(out, dtype).state_dict())


def test_a_network_in_another_precision_gets_what_was_rounded_as_stored(tiny_model, tmp_path):
    pair = tiny_family(tiny_model, "BF16")[:2]
    network = loaded(pair[0], "float32")
    write_mixture(network, Mixture(opened(pair), (0.3, 0.7)))
    same_bits(network.state_dict(), loaded(merged(pair, (0.3, 0.7), tmp_path / "out"), "float32").state_dict())


@pytest.mark.parametrize("options", [FEW, Options(limit=20, batch_size=8, dtype="float32"), Options(limit=8)])
def test_scores_of_a_demo_pair_equal_those_of_its_merges(evaluator, tmp_path, options):
    pair = [demo_path() / name for name in ("addition", "shifting")]
    tasks = resolve_tasks(["addition", "shifting"])
    found = {}
    for place, weights in enumerate(LINE):
        folder = merged(pair, weights, tmp_path / str(place))
        found[weights] = evaluator.evaluate_mixture(Mixture(opened(pair), weights), tasks, options).scores
        assert found[weights] == evaluator.evaluate(folder, tasks, options)
    assert len({scores.average for scores in found.values()}) > 2, "the models must differ for this to say anything"
    for end, model in zip(((1.0, 0.0), (0.0, 1.0)), pair, strict=True):
        assert found[end] == evaluator.evaluate(model, tasks, options)


@pytest.mark.parametrize("dtype", ["BF16", "F32"])
def test_scores_of_random_models_equal_those_of_their_merges(evaluator, tiny_model, tmp_path, dtype):
    family, tasks = tiny_family(tiny_model, dtype), resolve_tasks(["sorting", "addition"])
    for place, weights in enumerate([(0.7, 0.3, 0.0), (0.2, 0.2, 0.6), (1.5, -0.25, -0.25)]):
        folder = merged(family, weights, tmp_path / str(place))
        found = evaluator.evaluate_mixture(Mixture(opened(family), weights), tasks, FEW).scores
        assert found == evaluator.evaluate(folder, tasks, FEW)


def test_one_model_is_loaded_for_all_points_and_is_itself_again_afterwards(tiny_model):
    evaluator, tasks = Evaluator(), resolve_tasks(["addition"])
    family = tiny_family(tiny_model, "F32")
    before = evaluator.evaluate(family[0], tasks, FEW)
    network = evaluator._model[1].model
    found = [evaluator.evaluate_mixture(Mixture(opened(family[:2]), pair), tasks, FEW).loss for pair in LINE]
    assert evaluator._model[1].model is network
    assert len(set(found)) == len(LINE)
    assert evaluator.evaluate(family[0], tasks, FEW) == before
    assert evaluator.evaluate_mixture(Mixture(opened(family[:2]), LINE[2]), tasks, FEW).loss == found[2]


def test_what_breaks_off_half_way_leaves_no_half_written_model(tiny_model, tmp_path):
    evaluator, tasks = Evaluator(), resolve_tasks(["addition"])
    family = tiny_family(tiny_model, "F32")[:2]
    before = evaluator.evaluate(family[0], tasks, FEW)
    models = opened(family)
    weights = family[1] / "model.safetensors"
    kept = weights.read_bytes()
    weights.write_bytes(kept[: len(kept) // 2])
    with pytest.raises(CheckpointError, match="become shorter"):
        evaluator.evaluate_mixture(Mixture(models, (0.5, 0.5)), tasks, FEW)
    assert evaluator.evaluate(family[0], tasks, FEW) == before


def test_models_that_cannot_be_mixed_are_refused_by_their_headers(tiny_model, tmp_path):
    first, second, _ = tiny_family(tiny_model, "F32")
    check_mixable(opened([first, second]))
    at = "model.layers.0.self_attn.q_proj"
    factors = {f"{at}.lora_A.weight": np.ones((3, 16)), f"{at}.lora_B.weight": np.ones((16, 3))}
    adapter = save_adapter(tmp_path / "adapter", factors, base_model_name_or_path=str(first))
    with pytest.raises(CheckpointError, match="merge it into its base first"):
        check_mixable(opened([first, adapter]))
    with pytest.raises(AlignmentError, match="number of layers 3, not 2"):
        check_mixable(opened([first, tiny_model(llama(0, hidden=16, layers=3, vocabulary=42))]))
    larger = llama(0, hidden=16, vocabulary=43)
    with pytest.raises(ConnectivityError, match=r"is \[43, 16\] in .* and \[42, 16\] in .*vocabulary"):
        check_mixable(opened([first, tiny_model(larger)]))
    with pytest.raises(ConnectivityError, match="ties its output head and"):
        check_mixable(opened([first, tiny_family(tiny_model, "F32", tied=True)[0]]))
    lacking = {name: one for name, one in llama(0, hidden=16, vocabulary=42).items() if "1.mlp.up" not in name}
    with pytest.raises(ConnectivityError, match=r"lacks model\.layers\.1\.mlp\.up_proj\.weight"):
        check_mixable(opened([first, tiny_model(lacking)]))
    tensors = llama(0, hidden=16, vocabulary=42)
    name = "model.layers.0.mlp.up_proj.weight"
    quantised = tensors | {name: pack(tensors[name], "F8_E4M3"), f"{name}_scale": pack(np.ones(1), "F32")}
    folder = save_model(tmp_path / "quantised", quantised, config(tensors))
    with pytest.raises(CheckpointError, match="float8 weights cannot be mixed"):
        check_mixable(opened([folder, first]))


def test_weights_under_names_that_transformers_does_not_use_are_refused(tiny_model, tmp_path):
    tensors = {name.removeprefix("model."): one for name, one in llama(0, hidden=16, vocabulary=42).items()}
    odd = shutil.copytree(tiny_model(), tmp_path / "odd")
    said = json.loads((odd / "config.json").read_text())
    save_model(odd, tensors, said)
    with pytest.raises(CheckpointError, match=r"do not hold model\.embed_tokens\.weight as transformers has it"):
        write_mixture(loaded(tiny_model()), Mixture(opened([odd]), (1.0,)))
