"""The numbers are the harness's own, to the last digit, whatever is kept warm."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from kinship.demo import demo_path
from kinship.evaluation import resolve_tasks
from tests.evaluation.bigram import bigram
from tests.evaluation.cases import TURNS, chat_cases, demo_cases, folder_cases, own_cases

NAMES = [
    *demo_cases(),
    *("tricky", "all", "middle", "likely"),  # folder_cases
    *("lines", "asked", "tight", "chosen"),  # own_cases
    *("in turns", "answered in turns"),  # chat_cases
]


@pytest.fixture(scope="module")
def compared(model, tmp_path_factory):
    """Every case with its model and what the harness answers, untouched by us, in a process of its own."""
    own, folder = tmp_path_factory.mktemp("own"), tmp_path_factory.mktemp("tasks")
    cases = demo_cases() | folder_cases(folder) | own_cases(own) | chat_cases(own)
    turns = bigram(tmp_path_factory.mktemp("turns"), TURNS["follows"], chat=TURNS["template"])
    models = {"tiny": model, "addition": demo_path() / "addition", "turns": turns}
    asked = {
        name: asdict(case)
        | {"model": str(models[case.model]), "include": case.include and str(case.include / "theirs"), "name": name}
        for name, case in cases.items()
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.evaluation.reference"],
        input=json.dumps(asked, default=str),
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        env=os.environ | {"HF_HUB_OFFLINE": "1", "DISABLE_MULTIPROC": "1", "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    answers = json.loads(done.stdout.splitlines()[-1])
    return {name: (case, models[case.model], answers[name]) for name, case in cases.items()}


@pytest.mark.parametrize("name", NAMES)
def test_a_score_is_that_of_simple_evaluate(evaluator, compared, name):
    case, model, theirs = compared[name]
    (task,) = resolve_tasks([case.name], case.include and case.include / "ours")
    score = evaluator.evaluate(model, [task], case.options).tasks[case.task]
    assert score.value == case.factor * theirs["value"]
    assert score.questions == len(theirs["samples"])
    assert score.value == 100.0 or case.model != "turns"
    assert (score.cut > 0) == (name in ("tight", "with examples")), "of a window of 64"
    assert score.few_shot == (case.options.num_fewshot or 0)
    if name == "lines":
        bits, length = np.array(theirs["samples"]).T / [[math.log(2)], [1.0]]
        assert score.stderr == pytest.approx(error_of_ratio(bits, length), rel=1e-9)
        return
    assert score.stderr == pytest.approx(100 * theirs["stderr"], rel=1e-14)
    expected = None if name == "middle" else tuple(100 * value for value in theirs["samples"])
    assert score.per_question == expected


def error_of_ratio(top, bottom):
    """Standard error of sum(top) / sum(bottom), as a textbook has it for a ratio estimator."""
    residuals = top - top.sum() / bottom.sum() * bottom
    return math.sqrt((residuals**2).sum() / (len(top) - 1) / len(top)) / bottom.mean()
