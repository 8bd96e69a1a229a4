"""A plan says what a search does, and is the same again after JSON."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinship.errors import KinshipError, SearchError, UnknownNameError
from kinship.evaluation import Options
from kinship.evolution import STOPPING_RULES, STRATEGIES, Limits, stopping_rule
from kinship.merging import METHODS, starting_parameters
from kinship.merging.compose import PAPER_SLERP
from kinship.runs.pairs.pair_plan import Plan, longer
from kinship.runs.pairs.pair_record import RunRecord, read_run, write_run
from tests.evolution.worlds import last, world

PAIRS = [name for name, one in METHODS.items() if one.max_parents != 1]
plans = st.builds(
    Plan,
    base=st.just("/base"),
    foundations=st.lists(st.text(min_size=1), min_size=2, unique=True).map(tuple),
    tasks=st.lists(st.text()).map(tuple),
    include_path=st.none() | st.text(),
    strategy=st.sampled_from(sorted(STRATEGIES)),
    k=st.integers(2, 9),
    seed=st.integers(0, 2**31),
    method=st.sampled_from(PAIRS),
    parameters=st.sampled_from(PAIRS).map(starting_parameters),
    options=st.builds(Options, batch_size=st.integers(1, 99), limit=st.none() | st.integers(1, 99)),
    rules=st.lists(st.sampled_from(sorted(STOPPING_RULES)).map(stopping_rule)).map(tuple),
    limits=st.builds(Limits, generations=st.none() | st.integers(1, 9), minutes=st.none() | st.floats(0.1, 99)),
    keep=st.none() | st.sampled_from(("all", "best")) | st.integers(0, 9),
    family=st.text(),
)


@given(plans)
def test_json_and_back_is_the_same_plan_with_every_part(tmp_path_factory, plan):
    folder = tmp_path_factory.mktemp("run")
    write_run(folder, RunRecord(plan))
    assert read_run(folder).plan == plan
    assert {one.name for one in fields(Plan)} == {*json.loads((folder / "run.json").read_text())["plan"]}


def test_the_default_is_the_papers():
    plan = Plan("/base", ("/a", "/b"), ("demo",))
    assert (plan.strategy, plan.k, plan.method) == ("kinship", 3, "slerp")
    assert plan.parameters == METHODS["slerp"].presets[PAPER_SLERP]


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"foundations": ("/a",)}, SearchError, "two different foundation models"),
        ({"foundations": ("/a", "/a")}, SearchError, "two different foundation models"),
        ({"strategy": "kinsip"}, UnknownNameError, "did you mean kinship"),
        ({"method": "slrp"}, UnknownNameError, "did you mean"),
        ({"method": "passthrough"}, SearchError, "merges no pairs"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_in_words(changes, error, words):
    given_ = {"base": "/base", "foundations": ("/a", "/b"), "tasks": ("demo",)}
    with pytest.raises(error, match=words):
        Plan(**given_ | changes)


@pytest.mark.parametrize("budget", [Limits(1), Limits(5, merges=7), Limits(5, evaluations=9), Limits(2)])
def test_more_generations_pass_what_ended_the_run(budget):
    about = world(3)
    rules = (stopping_rule("plateau"), stopping_rule("kinship", threshold=-1.0))
    short = last(about.search(about.begin(), rules=rules[:1], limits=budget))
    plan = Plan("/base", ("/a", "/b"), ("demo",), rules=rules[:1], limits=budget)
    more = longer(plan, short, 2)
    assert (more.base, more.foundations, more.rules) == (plan.base, plan.foundations, plan.rules)
    run = last(about.search(short, rules=more.rules, limits=more.limits))
    assert len(run.generations) == short.complete + 2
    assert run.generations[: short.complete] == short.generations
    again = world(3)
    ruled = last(again.search(again.begin(), rules=rules, limits=Limits(9)))
    assert ruled.stopped_by == "kinship"
    assert longer(Plan("/base", ("/a", "/b"), ("demo",), rules=rules), ruled, 1).rules == rules[:1]


def test_a_damaged_plan_is_refused(tmp_path):
    write_run(tmp_path, RunRecord(Plan("/base", ("/a", "/b"), ("demo",))))
    said = json.loads((tmp_path / "run.json").read_text())

    def read(**changes):
        (tmp_path / "run.json").write_text(json.dumps(said | {"plan": said["plan"] | changes}))
        read_run(tmp_path)

    with pytest.raises(KinshipError, match=r"damaged \(plan.tasks: "):
        read(tasks=3)
    with pytest.raises(UnknownNameError):
        read(rules=[{"name": "never", "parameters": []}])
