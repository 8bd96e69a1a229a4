"""The demo's trainer as a contributor: what it trains, from where, and the same again."""

from __future__ import annotations

import json

import pytest

from kinship.demo import demo_path
from kinship.demo.contributor import contribution_steps, is_demo_model, train_contribution
from kinship.demo.plan import SHIPPED
from kinship.errors import UnknownNameError
from tests.merging.models import save_family, weights

BASE = demo_path() / "base"


def quiet(share):
    pass


def test_the_seed_alone_decides(tmp_path):
    import torch

    before = torch.get_num_threads()
    for name, seed, threads in (("one", 5, 1), ("again", 5, 2), ("other", 6, 1)):
        torch.set_num_threads(threads)
        train_contribution(BASE, "sorting", 2, seed, tmp_path / name, quiet)
        assert torch.get_num_threads() == threads, "the threads are left as they were"
    torch.set_num_threads(before)
    made = {name: (tmp_path / name / "model.safetensors").read_bytes() for name in ("one", "again", "other")}
    assert made["one"] == made["again"] != made["other"]


def test_it_learns_its_own_task(tmp_path):
    import random

    from kinship.demo.score import score
    from kinship.demo.text_tasks import TASKS, questions
    from kinship.demo.tiny_llama import load

    train_contribution(BASE, "sorting", 12, 0, tmp_path / "out", quiet)
    task = next(one for one in TASKS if one.name == "sorting")
    asked = questions(task, random.Random(1), 200)
    assert score(load(tmp_path / "out"), asked).score > score(load(BASE), asked).score


def test_every_step_is_told_and_can_end_it(tmp_path):
    told = []
    train_contribution(BASE, "sorting", 3, 0, tmp_path / "out", told.append)
    assert told == pytest.approx([1 / 3, 2 / 3, 1])

    def stop(share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_contribution(BASE, "sorting", 3, 0, tmp_path / "stopped", stop)
    assert not (tmp_path / "stopped").exists()


def test_what_it_makes_has_the_names_and_shapes_of_the_base(tmp_path):
    train_contribution(BASE, "addition", 1, 0, tmp_path / "out", quiet)
    before, after = weights(BASE), weights(tmp_path / "out")
    assert {name: one.shape for name, one in after.items()} == {name: one.shape for name, one in before.items()}
    assert any((after[name] != before[name]).any() for name in before)


def test_the_usual_steps_are_half_an_expert_s():
    for expert in SHIPPED.experts:
        assert abs(contribution_steps(expert.task) - expert.steps / 2) <= 0.5
    with pytest.raises(UnknownNameError, match="did you mean sorting"):
        contribution_steps("sortin")


def test_which_models_it_can_train(tmp_path):
    assert is_demo_model(BASE)
    assert is_demo_model(demo_path() / "sorting")
    assert not is_demo_model(save_family(tmp_path)[0])
    assert not is_demo_model(tmp_path / "nowhere")
    for said in ("{", "[]", json.dumps({"model": {}})):
        (tmp_path / "tokenizer.json").write_text(said)
        assert not is_demo_model(tmp_path)
