"""A checkpoint as the harness's model: complete, finite, and told apart from the last one."""

from __future__ import annotations

import json
import shutil
import weakref

import numpy as np
import pytest
import torch

from kinship.demo import demo_path, demo_scores
from kinship.errors import CheckpointError, DeviceError, JobCancelledError
from kinship.evaluation import Evaluator, Options, caveats, resolve_tasks
from kinship.evaluation.model import TokenMemory
from kinship.similarity import gpu_names
from tests.evaluation.cases import questions, write_jsonl
from tests.families import config, llama, save_adapter, save_model

FEW = Options(limit=10, batch_size=8)


@pytest.fixture(scope="module")
def addition():
    return resolve_tasks(["addition"])


def test_scores_are_those_that_the_demos_own_scorer_measured(evaluator):
    """An independent implementation, in float32; the demo ships what it measured."""
    scores = evaluator.evaluate(
        demo_path() / "addition", resolve_tasks(["addition"]), Options(dtype="float32", batch_size=64)
    )
    measured = demo_scores()["addition"]["addition"]
    assert scores.tasks["kinship_addition"].value == pytest.approx(measured["score"])
    assert scores.tasks["kinship_addition"].stderr == pytest.approx(measured["stderr"])


def test_bits_per_byte_are_those_of_the_model_in_float64(evaluator, tmp_path):
    """Each window of 64 tokens is predicted from the token before it; the last from as many as then fit."""
    from transformers import AutoModelForCausalLM

    text = "".join(one["question"] + one["choices"][one["answer"]] + "\n" for one in questions("sorting", 12))
    (tmp_path / "text.txt").write_text(text)
    found = evaluator.evaluate(
        demo_path() / "base", resolve_tasks([str(tmp_path / "text.txt")]), Options(dtype="float32")
    )
    network = AutoModelForCausalLM.from_pretrained(demo_path() / "base", dtype=torch.float64)
    vocabulary = json.loads((demo_path() / "base/tokenizer.json").read_text())["model"]["vocab"]
    tokens = [1, *(vocabulary[character] for character in text)]  # after the model's own start
    nats = 0.0
    for start in range(1, len(tokens), 64):
        window = tokens[start : start + 64]
        seen = tokens[: start + len(window) - 1][-64:]
        with torch.no_grad():
            likely = network(torch.tensor([seen])).logits.log_softmax(-1)[0, -len(window) :]
        nats -= likely[range(len(window)), window].sum().item()
    assert found.tasks["text"].value == pytest.approx(-nats / np.log(2) / len(text.encode()), rel=1e-5)


def test_a_model_is_loaded_again_only_where_it_changed(evaluator, tiny_model, addition):
    folder = tiny_model()
    first = evaluator.evaluate(folder, addition, FEW)
    network = weakref.ref(evaluator._model[1].model)
    assert evaluator.evaluate(folder, addition, FEW) == first
    assert evaluator._model[1].model is network()
    other = tiny_model(llama(9, hidden=16, vocabulary=42))
    shutil.copy(other / "model.safetensors", folder / "model.safetensors")  # other weights at the same place
    again = evaluator.evaluate(folder, addition, FEW)
    assert network() is None  # its memory is free
    assert again == Evaluator().evaluate(other, addition, FEW)
    assert again != first


def test_an_adapter_scores_as_its_merged_weights(evaluator, tiny_model, tmp_path):
    base = {name: 10 * values for name, values in llama(5, hidden=16, vocabulary=42).items()}
    rng = np.random.default_rng(0)
    name = "model.layers.0.self_attn.q_proj"
    a, b = rng.normal(0, 1, (3, 16)), rng.normal(0, 1, (16, 3))
    folder = tiny_model(base, dtype="F32")
    said = {"target_modules": ["q_proj"], "layers_to_transform": [0], "task_type": "CAUSAL_LM"}
    factors = {f"{name}.lora_A.weight": a, f"{name}.lora_B.weight": b}
    adapter = save_adapter(tmp_path / "adapter", factors, base_model_name_or_path=str(folder), **said)
    merged = tiny_model(base | {f"{name}.weight": base[f"{name}.weight"] + 2 * b @ a}, dtype="F32")
    write_jsonl(tmp_path / "t.jsonl", [{"text": one["question"]} for one in questions("sorting", 5)])
    task = resolve_tasks([str(tmp_path / "t.jsonl")])
    plain, with_adapter, whole = (
        evaluator.evaluate(path, task, FEW).tasks["t"].value for path in (folder, adapter, merged)
    )
    assert with_adapter == pytest.approx(whole, rel=1e-5)
    assert abs(whole - plain) > 1e-3
    (adapter / "adapter_config.json").write_text(
        json.dumps(json.loads((adapter / "adapter_config.json").read_text()) | {"base_model_name_or_path": "org/x"})
    )
    with pytest.raises(CheckpointError, match="the base of this adapter is not on this machine"):
        evaluator.evaluate(adapter, task, FEW)


def test_a_lacking_weight_is_refused_and_not_drawn_at_random(evaluator, tiny_model, addition):
    folder = tiny_model()
    tensors = {name: values for name, values in llama(3, hidden=16, vocabulary=42).items() if "1.mlp.up" not in name}
    save_model(folder, tensors, config(tensors, max_position_embeddings=64))
    with pytest.raises(CheckpointError, match=r"it lacks model\.layers\.1\.mlp\.up_proj\.weight"):
        evaluator.evaluate(folder, addition, FEW)


def test_what_is_no_model_is_named(evaluator, tiny_model, addition, tmp_path):
    with pytest.raises(CheckpointError, match="there is no such file"):
        evaluator.evaluate(tmp_path / "nowhere", addition, FEW)
    folder = tiny_model()
    with pytest.raises(CheckpointError, match=r"it has no config\.json"):
        evaluator.evaluate(folder / "model.safetensors", addition, FEW)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(CheckpointError, match="it has no tokenizer"):
        evaluator.evaluate(folder, addition, FEW)


def test_a_device_that_is_not_there_is_refused(evaluator, model, addition):
    if gpu_names():
        assert evaluator.evaluate(model, addition, Options("cuda", limit=5)).average is not None
    else:
        with pytest.raises(DeviceError, match="use --device cpu"):
            evaluator.evaluate(model, addition, Options("cuda", limit=5))


def test_progress_rises_to_the_end_over_all_tasks(evaluator, model):
    told = []
    tasks = resolve_tasks(["addition", "sorting"])
    evaluator.evaluate(model, tasks, FEW, lambda fraction, what: told.append((fraction, what)))
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    assert (0.5 + 8 / 40 / 2, "kinship_sorting: 8 of 40 requests") in told
    assert sum(what.startswith("kinship_addition") for _, what in told) >= 4


@pytest.mark.parametrize("error", [JobCancelledError("stop"), ZeroDivisionError("bug")])
def test_what_progress_raises_ends_the_evaluation(evaluator, model, addition, error):
    def stop(fraction, _):
        if 0 < fraction < 1:
            raise error

    with pytest.raises(type(error)) as caught:
        evaluator.evaluate(model, addition, FEW, stop)
    assert caught.value is error
    assert evaluator.evaluate(model, addition, FEW).average is not None  # and leaves the evaluator whole


def test_a_model_without_a_chat_template_is_asked_plainly_and_that_is_said(evaluator, model, tiny_model, addition):
    chat = Options(limit=5, apply_chat_template=True)
    bare = tiny_model()
    plain, wrapped = (evaluator.evaluate(bare, addition, one).tasks["kinship_addition"] for one in (FEW, chat))
    assert wrapped.per_question == plain.per_question[:5]
    assert (plain.untemplated, wrapped.untemplated) == (False, True)
    assert caveats("bare", evaluator.evaluate(bare, addition, chat)) == [
        "bare has no chat template; it was asked the questions of kinship_addition plainly"
    ]
    assert not evaluator.evaluate(model, addition, chat).tasks["kinship_addition"].untemplated


def test_only_the_harness_talks_to_standard_output_and_nobody_hears_it(evaluator, model, addition, capfd):
    evaluator.evaluate(model, addition, FEW)
    assert capfd.readouterr() == ("", "")


def test_tokens_are_kept_up_to_a_limit():
    memory = TokenMemory("t")
    calls = []

    def encode():
        calls.append(1)
        return [0] * 1_500_000

    assert memory.look_up("a", encode) is memory.look_up("a", encode)
    assert len(calls) == 1
    memory.look_up("b", encode)
    memory.look_up("b", encode)
    assert len(calls) == 3
