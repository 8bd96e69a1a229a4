"""What holds for every command: help, version, JSON, misspelt options, progress, a quiet error stream."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys

import pytest

import kinship
from kinship.cli import app
from kinship.cli.progress import EVERY, _lines, progress
from kinship.demo import demo_path
from tests.families import llama, save, save_model, tuned

NO_ANSWER = {"app", "worker"}


@pytest.fixture
def run(in_process):
    return in_process


def test_version(run):
    assert run("--version") == (0, f"kinship {kinship.__version__}\n", "")


@pytest.mark.parametrize(("typed", "commands"), [((), ("matrix", "evolve", "demo")), (("demo",), ("path", "build"))])
def test_a_group_alone_shows_its_help_line_by_line(run, typed, commands):
    status, out, err = run(*typed)
    assert (status, out) == (2, "")
    lines = err.splitlines()
    assert lines[0].startswith("Usage: ")
    for command in commands:
        assert any(line.startswith(f"  {command} ") for line in lines), err


def _commands(group, path=()):
    for one in group.registered_groups:
        yield from _commands(one.typer_instance, (*path, one.name))
    for one in group.registered_commands:
        yield (*path, one.name or one.callback.__name__), one.callback


def test_scores_are_made_with_the_same_options_everywhere():
    makers = {path: callback for path, callback in _commands(app) if "tasks" in inspect.signature(callback).parameters}
    assert {path[-1] for path in makers} == {"evaluate", "evolve", "fuse", "interpolate", "search"}
    options = {"include_path", "limit", "device", "dtype", "batch_size", "num_fewshot", "apply_chat_template"}
    for path, callback in makers.items():
        assert options <= inspect.signature(callback).parameters.keys(), path


def test_every_command_that_answers_takes_json():
    commands = dict(_commands(app))
    assert len(commands) > 10
    without = {path[-1] for path, function in commands.items() if "as_json" not in function.__annotations__}
    assert without == NO_ANSWER


def test_the_demo_folder_as_json(run):
    status, out, err = run("demo", "path", "--json")
    assert (status, json.loads(out), err) == (0, {"path": str(demo_path())}, "")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (
            ("matrix", "a", "--base", "b", "--group-by", "layers"),
            "Invalid value for '--group-by': 'layers' is not one of 'layer', 'module', 'tensor'; did you mean layer?",
        ),
        (("tree", "--format", "jsn"), "'csv'; did you mean json?"),
        (("evaluate", "m", "--tasks", "demo", "--dtype", "zzz"), "'float16'; choose one of these"),
        (("evaluate", "m", "--tasks", "demo", "--limit", "few"), "--limit"),
    ],
)
def test_a_choice_that_does_not_exist_is_told_with_the_close_one(run, typed, said):
    status, out, err = run(*typed)
    assert (status, out) == (2, "")
    assert said in err
    assert "Value error" not in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("typed", [("checkpoints",), ("checkpoints", "--json"), ("tree",), ("infer-tree", "--json")])
def test_an_empty_folder_is_bad_input(run, typed, tmp_path):
    (tmp_path / "empty").mkdir()
    status, out, err = run(typed[0], tmp_path / "empty", *typed[1:])
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert "there are no checkpoints below" in err
    assert ".safetensors" in err


def test_a_model_given_twice_is_told_that_the_base_need_not_be_listed(run, tmp_path):
    base = save(tmp_path / "base.safetensors", llama(0))
    child = save(tmp_path / "child.safetensors", tuned(llama(0), 1))
    status, out, err = run("matrix", "--base", base, base, child)
    assert (status, out) == (2, "")
    assert "the base need not be listed" in err


@pytest.mark.parametrize("typed", [("parents",), ("candidates",)])
def test_a_wrong_base_is_warned_of(run, tmp_path, typed):
    base = llama(0)
    models = [save_model(tmp_path / f"m{i}", tuned(base, i)) for i in (1, 2, 3)]
    other = save_model(tmp_path / "other", llama(77))
    status, out, err = run(*typed, *models, "--base", other, "--json")
    assert status == 0
    warnings = json.loads(out)["warnings"]
    assert len(warnings) == 3
    assert all("probably not its base" in warning for warning in warnings)
    assert err.splitlines() == [f"warning: {warning}" for warning in warnings]
    right = save_model(tmp_path / "right", base)
    status, out, err = run(*typed, *models, "--base", right, "--json")
    assert (json.loads(out)["warnings"], err) == ([], "")


def test_without_a_terminal_progress_is_a_line_now_and_then(capsys):
    now = [0.0]
    report = _lines(lambda: now[0])
    for second, what in (
        (1, "early"),
        (EVERY, "first"),
        (EVERY + 1, "soon"),
        (3 * EVERY, "first"),
        (4 * EVERY, "next"),
    ):
        now[0] = second
        report(second / (4 * EVERY), what)
    assert capsys.readouterr().err == " 25%  first\n100%  next\n"


def test_progress_says_nothing_about_what_is_quick(capsys):
    with progress() as report:
        report(0.0, "begin")
        report(1.0, "done")
    assert capsys.readouterr().err == ""


NOISY = """
import logging, warnings
from kinship.cli import main, program
@program.app.command()
def noisy() -> None:
    warnings.warn("old", FutureWarning)
    logging.getLogger("somebody").warning("also old")
    logging.getLogger("somebody").error("broken")
    import transformers
    transformers.logging.get_logger("transformers.x").warning("deprecated")
main()
"""


def test_warnings_of_other_libraries_are_silent_but_not_their_errors():
    env = {k: v for k, v in os.environ.items() if k not in ("TRANSFORMERS_VERBOSITY", "PYTHONWARNINGS")}
    command = [sys.executable, "-c", NOISY, "noisy"]
    result = subprocess.run(command, capture_output=True, text=True, env=env, timeout=60, check=True)
    assert result.stderr == "broken\n"
