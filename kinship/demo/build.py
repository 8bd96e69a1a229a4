"""Make the demo family: train the base, train the experts from it, score them all, write everything down."""

from __future__ import annotations

import json
import random
import shutil
import tempfile
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

from kinship.demo.family_card import Pair, family_card, model_card
from kinship.demo.plan import SHIPPED, Plan
from kinship.demo.text_tasks import TASKS, Question, questions
from kinship.errors import KinshipError
from kinship.evaluation.threads import threads
from kinship.paths import expanded

__all__ = ["build_family"]

Weights = dict[str, Any]


def build_family(
    out: Path, *, seed: int = 0, progress: Callable[[float, str], None] = lambda *_: None, plan: Plan = SHIPPED
) -> Path:
    """Train the demo family into `out`, which is complete or not there at all.

    Parameters
    ----------
    out : Path
        A new or empty folder.
    seed : int
        Decides first weights, training lines and held-out questions.
    progress : callable
        Called with the share done, 0 to 1, and what is being done.
    plan : Plan
        How much is trained.

    Raises
    ------
    KinshipError
        The folder is not empty or cannot be written.
    """
    out = expanded(out).absolute()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise KinshipError(f"{out} is not empty; name a new or empty folder")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    except OSError as error:
        raise KinshipError(f"{out} cannot be made ({error.strerror}); name a folder that you can write in") from None
    try:
        with threads(plan.threads):
            _build(beside, seed, progress, plan)
        beside.chmod(0o755)
        if out.exists():
            out.rmdir()
        beside.replace(out)
    except OSError as error:
        raise KinshipError(f"{out} cannot be written ({error.strerror}); make room or name another folder") from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return out


def _build(out: Path, seed: int, progress: Callable[[float, str], None], plan: Plan) -> None:
    import torch

    from kinship.demo.score import score
    from kinship.demo.tiny_llama import load, new_model, save
    from kinship.demo.train import train

    asked = {task.name: questions(task, random.Random(f"{seed}/{task.name}"), plan.questions) for task in TASKS}
    _write_tasks(out / "tasks", asked)
    base_lines = sum(plan.base_lines.values())
    total = plan.base_steps * base_lines + sum(expert.steps for expert in plan.experts) * plan.expert_lines
    done = 0
    what = "training base"

    def after_step(lines: int) -> None:
        nonlocal done
        done += lines
        progress(0.9 * done / total, what)

    torch.manual_seed(seed)
    model = new_model(plan.hidden_size, plan.layers)
    train(model, plan.base_lines, plan.base_steps, plan.base_rate, random.Random(f"{seed}/base"), after_step)
    save(model.config, model.state_dict(), out / "base")
    for expert in plan.experts:
        what = f"training {expert.name}"
        model = load(out / "base")
        lines = {expert.task: plan.expert_lines}
        train(model, lines, expert.steps, plan.expert_rate, random.Random(f"{seed}/{expert.name}"), after_step)
        save(model.config, model.state_dict(), out / expert.name)
    names = ["base", *(expert.name for expert in plan.experts)]
    models = {name: load(out / name) for name in names}

    def scores_of(one: Any) -> dict[str, dict[str, float]]:
        return {task: vars(score(one, lines)) for task, lines in asked.items()}

    progress(0.9, "scoring")
    scores = {name: scores_of(one) for name, one in models.items()}
    weights = {name: one.state_dict() for name, one in models.items()}
    pairs = []
    for number, (a, b) in enumerate(combinations(names[1:], 2)):
        progress(0.92 + 0.005 * number, f"averaging {a} and {b}")
        merged = load(out / "base")
        merged.load_state_dict(_average(weights[a], weights[b]))
        kin = _cosine(weights["base"], weights[a], weights[b])
        pairs.append(Pair(a, b, kin, mean_score(scores_of(merged)), mean_score(scores[a]), mean_score(scores[b])))
    (out / "scores.json").write_text(json.dumps(scores, indent=1) + "\n", encoding="utf-8")
    (out / "README.md").write_text(family_card(scores, pairs, seed, plan), encoding="utf-8")
    for name in names:
        (out / name / "README.md").write_text(model_card(name, scores, plan), encoding="utf-8")
    progress(1.0, "done")


def mean_score(scores: dict[str, dict[str, float]]) -> float:
    """Return the average task score, in percent."""
    return sum(one["score"] for one in scores.values()) / len(scores)


def _average(a: Weights, b: Weights) -> Weights:
    import torch

    return {name: ((a[name] + b[name]) / 2).to(torch.bfloat16).float() for name in a}


def _cosine(base: Weights, a: Weights, b: Weights) -> float:
    import torch

    first, second = (torch.cat([(one[n] - base[n]).flatten().double() for n in base]) for one in (a, b))
    return float(first @ second / (first.norm() * second.norm()))


def _write_tasks(folder: Path, asked: dict[str, list[Question]]) -> None:
    """Write the questions as lm-evaluation-harness tasks: one YAML file and one JSONL file each."""
    folder.mkdir()
    for name, lines in asked.items():
        docs = [{"question": q.question, "choices": list(q.choices), "answer": q.answer} for q in lines]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(doc) + "\n" for doc in docs), encoding="utf-8")
        (folder / f"{name}.yaml").write_text(_TASK.format(name=name), encoding="utf-8")


_TASK = """\
task: kinship_{name}
dataset_path: json
dataset_kwargs:
  data_files:
    test: {name}.jsonl  # beside this file; whoever runs the task makes it absolute
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{question}}}}"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: "{{{{answer}}}}"
target_delimiter: ""
metric_list:
  - metric: acc
    aggregation: mean
    higher_is_better: true
metadata:
  version: 1.0
"""
