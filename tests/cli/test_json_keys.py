"""docs/json.md lists every key of every `--json`: what each command prints is held against the page."""

from __future__ import annotations

import json
import re
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path

import pytest
import typer

from kinship.cli import app, main
from kinship.demo import demo_path
from tests.families import config, llama, save_model, tuned

PAGE = (Path(__file__).parents[2] / "docs" / "json.md").read_text()
DEMO = demo_path()
PAIR = (DEMO / "addition", DEMO / "sorting")
FEW = ("--limit", 2, "--batch-size", 16)
NOT_RUN = {"demo build": "it trains for minutes, and prints the one key of `demo path`"}


def documented():
    """Command -> its keys, each as the parts of its path."""
    found = {}
    for section in PAGE.split("\n## `kinship ")[1:]:
        command, _, rest = section.partition("`")
        cells = [line.split("|")[1] for line in rest.splitlines() if line.startswith("| `")]
        found[command] = [tuple(key.split(".")) for cell in cells for key in re.findall(r"`([^`]+)`", cell)]
    return found


def paths(value, at=()):
    """Yield every leaf as the parts of its path, and whether something is there; a list of plain values is a leaf."""
    if isinstance(value, dict) and value:
        for key, one in value.items():
            yield from paths(one, (*at, key))
    elif holds_objects(value):
        for one in value:
            yield from paths(one, (*at[:-1], f"{at[-1]}[]"))
    else:
        yield at, value not in (None, [], {})


def holds_objects(value):
    return isinstance(value, list) and any(isinstance(one, dict) or holds_objects(one) for one in value)


def same(part, said):
    """Whether a part of a path is the documented one; <...> stands for any name."""
    return re.fullmatch(re.sub(r"<[^>]+>", ".+", re.escape(said)), part) is not None


def fits(path, key):
    return len(path) == len(key) and all(map(same, path, key))


def leads_to(path, key):
    """Whether a path at which nothing is (null, an empty list or object) is a documented key or one above it."""
    return len(path) <= len(key) and all(map(same, path[:-1], key)) and same(path[-1], key[len(path) - 1].rstrip("[]"))


@pytest.fixture(scope="module")
def answers(tmp_path_factory, asked):
    """Return what a command prints to all that it is asked, run once in this process with a home of the module's."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KINSHIP_HOME", str(home))
        patch.delenv("KINSHIP_DATABASE_URL", raising=False)

        @cache
        def of(command):
            if command == "parents":
                of("merge")  # makes the child
            return [printed(patch, one) for one in asked[command]]

        yield of


def printed(patch, arguments):
    patch.setattr("sys.argv", ["kinship", *map(str, arguments), "--json"])
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code, err.getvalue()
    return json.loads(out.getvalue())


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """Command -> what to ask it so that each of its keys appears."""
    place = tmp_path_factory.mktemp("asked")
    recipe = place / "recipe.yaml"
    models = "".join(f"- model: {one}\n  parameters: {{weight: 0.5}}\n" for one in PAIR)
    recipe.write_text(f"merge_method: linear\nmodels:\n{models}dtype: bfloat16\n")
    lineage = place / "lineage.csv"
    rows = [f"{g},{50 + 5 * min(g, 4) + g % 2 / 10},{4 - g},{g / 10},{g / 9},{9 - g}" for g in range(1, 10)]
    lineage.write_text("\n".join(["generation,average_score,merge_gain,pcc,cosine,euclidean", *rows]))
    text = place / "text.jsonl"
    text.write_text("\n".join(json.dumps({"text": f"{one} > {one[::-1]}"}) for one in ("abc", "bca", "cab", "bac")))
    scores = place / "scores.csv"
    scores.write_text("model,task,score\naddition,x,50\nsorting,x,60\nsorting,y,70\n")
    base = llama(0)
    small = {name: base if name in ("base", "same") else tuned(base, 1) for name in ("base", "same", "other")}
    small["small"] = llama(1, vocabulary=20)
    for name, tensors in small.items():
        save_model(place / "small" / name, tensors, config(tensors))
    few = [place / "small" / name for name in ("same", "other", "small")]
    left_out = ("--group-by", "layer", "--vocabulary", "leave-out")
    demo, tasks = ("--base", DEMO / "base", *PAIR), ("--tasks", "sorting", *FEW)
    return {
        "demo path": [("demo", "path")],
        "checkpoints": [("checkpoints", DEMO)],
        "matrix": [("matrix", "--base", place / "small" / "base", *few, *left_out), ("matrix", *demo)],
        "candidates": [("candidates", *demo, "--scores", scores)],
        "preflight": [("preflight", recipe)],
        "merge": [("merge", recipe, place / "child")],
        "parents": [("parents", place / "child", *demo)],
        "infer-tree": [("infer-tree", DEMO)],
        "tree": [("tree", DEMO)],
        "stages": [("stages", lineage)],
        "correlate": [("correlate", lineage)],
        "evaluate": [("evaluate", DEMO / "sorting", *tasks)],
        "interpolate": [("interpolate", *PAIR, "--points", 3, *tasks)],
        "evolve": [("evolve", *demo, *tasks, "--max-generations", 1, "--out", place / "evolve")],
        "search": [("search", *demo, "--method", "linear", "--tasks", text, "--trials", 3, "--max-kinship", 1)],
        "fuse": [("fuse", *demo[:2], *tasks, "--rounds", 1, "--demo-steps", 1, "--out", place / "fuse")],
    }


def test_every_command_that_has_json_is_on_the_page(asked):
    def below(command, at=()):
        if isinstance(command, typer.core.TyperGroup):
            for name, one in command.commands.items():
                yield from below(one, (*at, name))
        elif any(one.name == "as_json" for one in command.params):
            yield " ".join(at)

    every = set(below(typer.main.get_command(app)))
    assert documented().keys() == every
    assert asked.keys() | NOT_RUN.keys() == every


@pytest.mark.parametrize("command", [name for name in documented() if name not in NOT_RUN])
def test_a_command_prints_the_keys_of_the_page(answers, command):
    keys = documented()[command]
    found = {one for printed in answers(command) for one in paths(printed)}
    new = {path for path, there in found if not any((fits if there else leads_to)(path, key) for key in keys)}
    assert sorted(map(".".join, new)) == []
    gone = {key for key in keys if not any(fits(path, key) for path, _ in found)}
    assert sorted(map(".".join, gone)) == []
