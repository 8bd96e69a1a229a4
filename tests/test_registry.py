"""The registry, and what packages outside add to it through their entry points."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace

import pytest

from kinship.errors import UnknownNameError
from kinship.registry import EntryPointWarning, Registry

GROUP = "kinship.tests"


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a package with the entry points `group -> name -> value` and the modules `name -> text`."""

    def put(points, **modules):
        folder = tmp_path / "site"
        info = folder / "outside-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: outside\nVersion: 1.0\n")
        lines = []
        for group, named in points.items():
            lines += [f"[{group}]", *(f"{name} = {value}" for name, value in named.items())]
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
        for name, text in modules.items():
            (folder / f"{name}.py").write_text(dedent(text))
        monkeypatch.syspath_prepend(folder)
        return folder

    yield put
    for name in [name for name in sys.modules if name.startswith("outside_")]:
        del sys.modules[name]


@pytest.fixture
def registry(monkeypatch):
    """A registry that asks for the entry points of GROUP; what is installed finds it in the module `house`."""
    made = Registry("thing", group=GROUP)
    monkeypatch.setitem(sys.modules, "house", SimpleNamespace(registry=made))
    return made


def test_entries_keep_their_order_and_a_name_is_taken_once():
    registry = Registry("thing", [("b", 1)])
    registry.add("a", 2)
    assert list(registry.items()) == [("b", 1), ("a", 2)]
    assert (len(registry), registry.get("c"), registry.named("a")) == (2, None, 2)
    with pytest.raises(ValueError, match="a thing called 'a' is registered already"):
        registry.add("a", 3)
    assert registry["a"] == 2
    with pytest.raises(ValueError, match="a thing called 'b' is registered already"):
        Registry("thing", [("b", 1), ("b", 2)])


def test_close_names_are_suggested():
    registry = Registry("thing", [("euclidean", 1)])
    with pytest.raises(UnknownNameError, match="no thing is called 'euclidian'; did you mean euclidean"):
        registry.named("euclidian")


def test_what_is_installed_is_loaded_once_and_only_when_asked(install, registry):
    install({GROUP: {"more": "outside_more"}}, outside_more="from house import registry; registry.add('more', 2)")
    registry.add("own", 1)
    assert registry["own"] == 1
    assert "outside_more" not in sys.modules
    assert registry.named("more") == 2
    assert list(registry) == ["own", "more"]


def test_a_package_that_fails_is_named_and_takes_nothing_down(install, registry):
    points = {"broken": "outside_broken", "gone": "outside_gone", "twice": "outside_twice", "well": "outside_well"}
    install(
        {GROUP: points},
        outside_broken="raise RuntimeError('no such luck')",
        outside_twice="from house import registry; registry.add('own', 3)",
        outside_well="from house import registry; registry.add('well', 2)",
    )
    registry.add("own", 1)
    with pytest.warns(EntryPointWarning) as told:
        assert dict(registry) == {"own": 1, "well": 2}
    messages = sorted(str(one.message) for one in told)
    assert len(messages) == 3
    for message, name, why in zip(messages, ["broken", "gone", "twice"], ["luck", "No module", "already"], strict=True):
        assert message.startswith(f"the thing {name} (outside_{name}, entry point of {GROUP}) is left out: ")
        assert why in message


def test_who_asks_while_another_thread_loads_waits_for_all_of_it(install, registry):
    text = """
        import threading
        from house import ask, registry
        other = threading.Thread(target=ask)
        other.start()
        other.join(0.2)
        registry.add("more", 2)
    """
    install({GROUP: {"more": "outside_slow"}}, outside_slow=text)
    seen, done = [], threading.Event()

    def ask():
        seen.append(dict(registry))
        done.set()

    sys.modules["house"].ask = ask
    assert len(registry) == 1
    assert done.wait(10)
    assert seen == [{"more": 2}]


PAGE = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text()
METRIC = PAGE.split("```python\n")[1].split("```")[0]

OTHERS = """
    from kinship.evolution.pair import pair_of
    from kinship.evolution.stopping import register as rule
    from kinship.evolution.strategies import register as strategy

    @strategy("first", title="First", sentence="Merges the two best.")
    def first(population, kinship, k, rng):
        return (pair_of(*population.best(2), "the two best"),)

    @rule("at-once", title="At once", sentence="Stops at once.")
    def at_once(run, *, patience=1):
        return True
"""

ASK = """
    import json
    from random import Random
    from kinship.evolution import Individual, Population, Run, STRATEGIES, stopping_rule, strategy
    from kinship.similarity import METRICS, GramTable, kinship_matrix
    import numpy as np

    gram = np.array([[[1.0, 0, 0], [0, 4, 1], [0, 1, 2]]])
    table = GramTable(("base", "a", "b"), ("w",), ((3,),), gram, np.zeros((1, 3)))
    pair = (Individual("a", 0, score=1.0), Individual("b", 0, score=2.0))
    print(json.dumps([
        list(METRICS),
        kinship_matrix(table, "dice").values.tolist(),
        list(STRATEGIES),
        [one.first for one in strategy("first").propose(Population(pair), None, 3, Random(0))],
        stopping_rule("at-once", patience=3)(Run("first", 3, 0, (pair,), (0.5,))),
    ]))
"""


def test_a_package_outside_adds_a_metric_a_strategy_and_a_stopping_rule(install):
    modules = {"metrics": "outside_metric", "strategies": "outside_others", "stopping_rules": "outside_others"}
    points = {f"kinship.{group}": {"outside": module} for group, module in modules.items()}
    folder = install(points, outside_metric=METRIC, outside_others=OTHERS)
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    env = os.environ | {"PYTHONPATH": path}
    command = [sys.executable, "-c", dedent(ASK)]
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=True, timeout=60)
    metrics, values, strategies, first, stops = json.loads(done.stdout)
    assert metrics == ["pcc", "cosine", "euclidean", "dice"]
    assert values == [[1.0, 2 * 1 / (4 + 2)], [2 * 1 / (4 + 2), 1.0]]
    assert strategies == ["greedy", "kinship", "random", "first"]
    assert (first, stops) == (["b"], True)


def test_the_command_line_names_what_it_leaves_out_in_one_line(install):
    folder = install({"kinship.strategies": {"ill": "outside_nowhere"}})
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    code = (
        "from kinship.cli.quiet import quiet_libraries as q; q(); from kinship.evolution import STRATEGIES as s; len(s)"
    )
    env = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"} | {"PYTHONPATH": path}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True, timeout=60)
    assert done.stderr.startswith("warning: the strategy ill (outside_nowhere, entry point of kinship.strategies) is")
    assert done.stderr.count("\n") == 1
