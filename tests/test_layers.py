"""The rules of the house: who may import whom, and what starts light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted([ROOT / "app.py", *ROOT.glob("pages/*.py"), *ROOT.glob("kinship/**/*.py")])
PURE = (
    "checkpoints",
    "similarity",
    "merging",
    "evaluation",
    "connectivity",
    "evolution",
    "lineage",
    "published",
    "demo",
)
BELOW = (*PURE, "workspace", "runs")
HEAVY = {"torch", "transformers", "mergekit", "lm_eval"}


def imports(file, top_level_only=False):
    tree = ast.parse(file.read_text())
    nodes = tree.body if top_level_only else ast.walk(tree)
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add("kinship.plots" if node.level else node.module or "")
    return found


def packages(file, top_level_only=False):
    return {name.partition(".")[0] for name in imports(file, top_level_only)}


def room(file):
    parts = file.relative_to(ROOT).parts
    return parts[1] if parts[0] == "kinship" and len(parts) > 2 else parts[0]


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_who_imports_whom(file):
    used = packages(file)
    assert "streamlit" not in used or room(file) in ("app.py", "pages", "ui")
    assert "plotly" not in used or room(file) == "plots"
    assert not any(name.startswith("plotly.express") for name in imports(file))
    assert "mergekit" not in used or room(file) == "merging"
    assert "lm_eval" not in used or room(file) == "evaluation"
    assert "sqlalchemy" not in used or room(file) == "workspace"
    assert "optuna" not in used or room(file) in ("runs", "evolution")
    assert "pydantic" not in used or room(file) == "runs"
    if file.name != "cuda.py":
        assert not HEAVY & packages(file, top_level_only=True)
    rooms = {name.split(".")[1] for name in imports(file) if name.startswith("kinship.") and name.count(".") >= 1}
    if room(file) in BELOW or room(file) == "plots":
        assert not rooms & {"ui", "cli"}
    if room(file) in BELOW:
        assert "plots" not in rooms
    if room(file) == "workspace":
        assert "runs" not in rooms
    if room(file) in PURE:
        assert not rooms & {"workspace", "runs"}
    if room(file) == "checkpoints":
        assert rooms <= {"checkpoints", "errors", "report", "paths", "yaml_text"}


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("kinship", {"torch", "numba", "streamlit", "sqlalchemy", "plotly", "scipy"}),
        ("kinship.checkpoints", {"torch", "numba", "streamlit"}),
        ("kinship.similarity", {"torch", "numba", "streamlit"}),
        ("kinship.workspace", {"torch", "numba", "streamlit", "dbos"}),
        ("kinship.ui.shell.frame", {"torch", "transformers", "numba"}),
        ("kinship.cli", {"torch", "numba", "streamlit", "sqlalchemy"}),
    ],
)
def test_what_starts_light(module, absent):
    code = f"import sys, {module}; found = {absent!r} & set(sys.modules); assert not found, found"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr


def test_files_can_be_read_in_one_sitting():
    for file in FILES:
        assert len(file.read_text().splitlines()) <= (80 if room(file) == "pages" else 280), file


def test_no_name_stands_twice_below_the_pages():
    files = [file for file in FILES if room(file) in BELOW and file.name != "__init__.py"]
    names = [file.stem for file in files]
    assert sorted({name for name in names if names.count(name) > 1}) == []
