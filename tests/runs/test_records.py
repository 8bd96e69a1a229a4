"""Files that runs leave: each of a version; older ones are read, newer ones refused as newer, unknown fields kept."""

from __future__ import annotations

import json

import pytest

from kinship.errors import KinshipError
from kinship.evolution import Individual, Run, stopping_rule
from kinship.runs.fusion.fusion_record import FUSIONS, FusionPlan, FusionRecord
from kinship.runs.pairs.pair_plan import Plan
from kinship.runs.pairs.pair_record import RUNS, RunRecord
from kinship.runs.recipes.recipe_plan import RecipePlan, RecipeRecord
from kinship.runs.recipes.recipe_record import RECIPE_RUNS

PLAN = Plan("/base", ("/a", "/b"), ("demo",), rules=(stopping_rule("no-gain", patience=3),))
RUN = Run("kinship", 3, 0, ((Individual("a", 0, score=60.0), Individual("b", 0, score=60.5)),), (0.25,))
KINDS = [
    (RUNS, RunRecord(PLAN, RUN)),
    (FUSIONS, FusionRecord(FusionPlan("/base", ("left", "right"), ("demo",)))),
    (RECIPE_RUNS, RecipeRecord(RecipePlan("/base", ("/a", "/b"), ("demo",)), over=True)),
]


def file_of(records, folder):
    return folder / f"{records.kind}.json"


def said(records, folder):
    return json.loads(file_of(records, folder).read_text())


def say(records, folder, data):
    file_of(records, folder).write_text(json.dumps(data))


@pytest.mark.parametrize(("records", "record"), KINDS)
def test_a_newer_file_is_refused_as_newer_and_left_alone(home, records, record):
    folder = records.folder("one")
    records.write(folder, record)
    version = said(records, folder)["version"]
    newer = said(records, folder) | {"version": version + 1, "plan": "in words of its own"}
    say(records, folder, newer)
    for act in (lambda: records.read(folder), lambda: records.load("one"), lambda: records.write(folder, record)):
        with pytest.raises(
            KinshipError, match=rf"newer release of kinship \(version {version + 1} .*upgrade"
        ) as caught:
            act()
        assert "damaged" not in str(caught.value)
        assert "remove" not in str(caught.value)
    assert said(records, folder) == newer
    assert records.readable() == {}


@pytest.mark.parametrize(("records", "record"), KINDS)
def test_fields_that_nobody_knows_survive_a_rewrite(tmp_path, records, record):
    records.write(tmp_path, record)
    data = said(records, tmp_path)
    data["colour"], data["plan"]["colour"], data["plan"]["options"]["colour"] = "red", "blue", ["green"]
    say(records, tmp_path, data)
    assert records.read(tmp_path) == record
    records.write(tmp_path, records.read(tmp_path))
    assert said(records, tmp_path) == data


def test_those_of_a_model_stay_with_that_model_alone(tmp_path):
    RUNS.write(tmp_path, RunRecord(PLAN, RUN))
    data = said(RUNS, tmp_path)
    data["run"]["generations"][0][0]["colour"] = "red"
    say(RUNS, tmp_path, data)
    child = Individual("model-1-1", 1, ("b", "a"), 61.0)
    RUNS.write(tmp_path, RunRecord(PLAN, RUN.grown(child)))
    first, second = said(RUNS, tmp_path)["run"]["generations"]
    assert [one.get("colour") for one in (*first, *second)] == ["red", None, None]
    anew = Run("kinship", 3, 0, ((Individual("a", 0, score=50.0), *RUN.generations[0][1:]),), (0.25,))
    RUNS.write(tmp_path, RunRecord(PLAN, anew))
    assert "colour" not in said(RUNS, tmp_path)["run"]["generations"][0][0], "scored anew, it is another"


@pytest.mark.parametrize(("records", "record"), KINDS)
def test_a_missing_column_is_said_in_one_line(tmp_path, records, record):
    records.write(tmp_path, record)
    data = said(records, tmp_path)
    del data["plan"]["base"]
    say(records, tmp_path, data)
    with pytest.raises(KinshipError, match=r"is damaged \(plan.base: Field required\); remove") as caught:
        records.read(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("version", ["2", None, [2]])
def test_a_version_that_is_no_number_is_damage(tmp_path, version):
    RUNS.write(tmp_path, RunRecord(PLAN))
    say(RUNS, tmp_path, said(RUNS, tmp_path) | {"version": version})
    with pytest.raises(KinshipError, match="damaged"):
        RUNS.read(tmp_path)


def first_version(records, folder):
    """Return what a file of version 1 said: no version, and nothing of what stays."""
    data = said(records, folder)
    del data["version"], data["plan"]["keep"]
    return data


def test_a_run_of_version_1_keeps_all_and_its_rules(tmp_path):
    RUNS.write(tmp_path, RunRecord(PLAN))
    data = first_version(RUNS, tmp_path)
    data["plan"]["rules"] = [{"name": "no-gain", "parameters": {"patience": 3}}]
    say(RUNS, tmp_path, data)
    plan = RUNS.read(tmp_path).plan
    assert (plan.keep, plan.rules) == ("all", PLAN.rules)


def test_a_fusion_of_version_1_is_done_where_now_it_is_over(tmp_path):
    FUSIONS.write(tmp_path, KINDS[1][1])
    data = first_version(FUSIONS, tmp_path)
    del data["over_base"]
    data |= {"done": True, "over": {"search": {"points": 1.5, "stderr": None}}}
    say(FUSIONS, tmp_path, data)
    record = FUSIONS.read(tmp_path)
    assert (record.plan.keep, record.over, record.over_base["search"].points) == ("all", True, 1.5)
    FUSIONS.write(tmp_path, record)
    assert "done" not in said(FUSIONS, tmp_path)


def test_a_recipe_search_of_version_1_keeps_its_best_child(tmp_path):
    RECIPE_RUNS.write(tmp_path, KINDS[2][1])
    say(RECIPE_RUNS, tmp_path, first_version(RECIPE_RUNS, tmp_path))
    assert RECIPE_RUNS.read(tmp_path).plan.keep == "best"


def places(data, path=()):
    """Yield the way to every entry of JSON-able data."""
    entries = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, one in entries:
        yield (*path, key)
        yield from places(one, (*path, key))


@pytest.mark.parametrize(("records", "record"), KINDS)
@pytest.mark.parametrize("odd", [None, -1, 10**400, "", [], {}, [None], True])
def test_whatever_an_entry_holds_is_read_or_said_in_one_line(tmp_path, records, record, odd):
    records.write(tmp_path, record)
    whole, refused = said(records, tmp_path), []
    for *way, last in places(whole):
        data = json.loads(json.dumps(whole))
        holder = data
        for key in way:
            holder = holder[key]
        holder[last] = odd
        say(records, tmp_path, data)
        try:
            assert records.read(tmp_path).warnings == [*record.noted]
        except KinshipError as error:
            refused.append(str(error))
    assert refused
    assert not any("\n" in one for one in refused)


def test_a_file_that_never_ends_to_open_is_damaged(tmp_path):
    (tmp_path / "run.json").write_text("[" * 100_000)
    with pytest.raises(KinshipError, match="damaged"):
        RUNS.read(tmp_path)
