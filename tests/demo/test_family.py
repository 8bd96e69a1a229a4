"""The shipped demo family is what its card says."""

from __future__ import annotations

import json
from itertools import combinations

import numpy as np
import pytest
import yaml

from kinship.checkpoints import open_checkpoint, scan
from kinship.demo import demo_path, demo_scores
from kinship.demo.plan import SHIPPED

EXPERTS = {expert.name: expert.task for expert in SHIPPED.experts}


def deltas():
    """Every expert's delta as one float64 vector, read by torch."""
    from safetensors.torch import load_file

    files = {name: load_file(demo_path() / name / "model.safetensors") for name in ["base", *EXPERTS]}
    flat = {name: np.concatenate([t[n].double().numpy().ravel() for n in sorted(t)]) for name, t in files.items()}
    return {name: flat[name] - flat["base"] for name in EXPERTS}


def test_the_family_is_small_and_complete():
    found = {one.name: one for one in scan(demo_path()).checkpoints}
    assert set(found) == {"base", *EXPERTS}
    assert all(one.parameters <= 1_200_000 and one.dtype == "bf16" for one in found.values())
    assert all(one.licence == "apache-2.0" for one in found.values())
    assert sum(file.stat().st_size for file in demo_path().rglob("*") if file.is_file()) < 16_000_000


def test_every_expert_beats_the_base_on_its_own_task_and_nothing_is_perfect():
    scores = demo_scores()
    for expert, task in EXPERTS.items():
        assert scores[expert][task]["score"] >= scores["base"][task]["score"] + 10, expert
    assert all(one["score"] < 100 for model in scores.values() for one in model.values())


def test_siblings_are_closer_kin_than_strangers():
    rows = deltas()
    pairs = {pair: np.corrcoef(rows[pair[0]], rows[pair[1]])[0, 1] for pair in combinations(EXPERTS, 2)}
    siblings = [kin for (a, b), kin in pairs.items() if EXPERTS[a] == EXPERTS[b]]
    strangers = [kin for (a, b), kin in pairs.items() if EXPERTS[a] != EXPERTS[b]]
    assert len(siblings) == 2
    assert min(siblings) > max(strangers) + 0.3


@pytest.mark.parametrize("model", ["base", "sorting"])
def test_the_card_is_what_the_files_score(model):
    from kinship.demo.score import score
    from kinship.demo.text_tasks import Question
    from kinship.demo.tiny_llama import load

    lines = (demo_path() / "tasks" / "sorting.jsonl").read_text().splitlines()
    asked = [Question(d["question"], tuple(d["choices"]), d["answer"]) for d in map(json.loads, lines)]
    measured = score(load(demo_path() / model), asked)
    assert measured.questions >= 400
    # another processor may break a tie in the last digit of a likelihood
    assert measured.score == pytest.approx(demo_scores()[model]["sorting"]["score"], abs=0.5)


def test_there_is_a_landscape_to_explore():
    """Averages made here from the files: some gain clearly, siblings nothing."""
    import torch

    from kinship.demo.score import score
    from kinship.demo.text_tasks import Question
    from kinship.demo.tiny_llama import load

    asked = {}
    for file in sorted((demo_path() / "tasks").glob("*.jsonl")):
        docs = map(json.loads, file.read_text().splitlines()[:250])
        asked[file.stem] = [Question(d["question"], tuple(d["choices"]), d["answer"]) for d in docs]

    def average(model):
        return np.mean([score(model, lines).score for lines in asked.values()])

    def gain(a, b):
        one, two, mean = load(demo_path() / a), load(demo_path() / b), load(demo_path() / "base")
        other = two.state_dict()
        weights = {n: ((w + other[n]) / 2).to(torch.bfloat16).float() for n, w in one.state_dict().items()}
        mean.load_state_dict(weights)
        return average(mean) - (average(one) + average(two)) / 2

    assert gain("sorting", "shifting") > 2.5
    assert gain("sorting", "sorting-sibling") < 2.5


def test_the_tasks_are_those_of_lm_evaluation_harness():
    for file in (demo_path() / "tasks").glob("*.yaml"):
        task = yaml.safe_load(file.read_text())
        assert task["task"] == f"kinship_{file.stem}"
        assert task["output_type"] == "multiple_choice"
        assert (file.parent / task["dataset_kwargs"]["data_files"]["test"]).is_file()


def test_the_tokenizer_loads_and_agrees_with_training():
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from kinship.demo.tiny_llama import encode

    tokenizer = AutoTokenizer.from_pretrained(demo_path() / "sorting", local_files_only=True)
    text = "sort badcfe=abcdef\n"
    assert tokenizer.encode(text, add_special_tokens=False) == encode(text)
    model = AutoModelForCausalLM.from_pretrained(demo_path() / "sorting", local_files_only=True)
    assert sum(p.numel() for p in model.parameters()) == open_checkpoint(demo_path() / "sorting").parameters
