"""The harness's names as its files spell them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kinship.errors import UnknownNameError
from kinship.evaluation import resolve_tasks
from kinship.evaluation.catalogue import catalogue
from kinship.evaluation.task_names import spelled_names


def test_every_name_of_the_harness_is_spelled_and_few_others():
    spelled = spelled_names()
    assert set(catalogue()) <= spelled
    assert len(spelled - set(catalogue())) < 100


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("hellaswg", "hellaswag"),
        ("adition", "addition"),
        ("revrsing", "reversing"),
        ("acr_challenge", "arc_challenge"),
        ("demoo", "demo"),
        ("truthfulqa2", "truthfulqa"),
    ],
)
def test_the_name_that_was_meant_comes_first(given, meant):
    with pytest.raises(UnknownNameError, match=rf"did you mean {meant}[ ?]"):
        resolve_tasks([given])


def test_a_word_of_the_files_that_is_no_task_is_unknown():
    (word, *_) = sorted(spelled_names() - set(catalogue()))
    with pytest.raises(UnknownNameError, match="no task is called"):
        resolve_tasks([word])


def test_a_name_that_is_close_to_none_is_told_in_one_short_line_and_without_the_harness():
    code = (
        "import sys\nfrom kinship.errors import UnknownNameError\nfrom kinship.evaluation import resolve_tasks\n"
        "try:\n    resolve_tasks(['zzzzqqqq'])\nexcept UnknownNameError as error:\n    print(error)\n"
        "assert not {'lm_eval', 'torch', 'transformers', 'datasets'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=Path.cwd())
    assert done.returncode == 0, done.stderr
    assert "is close; check the spelling" in done.stdout
    assert len(done.stdout) < 150
