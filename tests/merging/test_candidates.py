"""Candidates: every pair, ranked, with the reason and with what the child would be."""

from __future__ import annotations

from dataclasses import asdict
from itertools import combinations

import numpy as np
import pytest

from kinship.checkpoints import align, open_checkpoint
from kinship.demo import demo_path, demo_scores
from kinship.merging import Parent, Recipe, candidates, merge
from kinship.merging.pair_scores import pair_scores
from kinship.merging.step_kind import step_kind
from kinship.similarity import GramTable, gram_table, kinship_matrix
from tests.merging.models import save_family, weights

SIZE = 4000
EXPERTS = ["addition", "addition-sibling", "reversing", "shifting", "sorting", "sorting-sibling"]


def table_of(deltas):
    """A table of models by name with these deltas, over two tensors."""
    rng = np.random.default_rng(0)
    rows = np.vstack([rng.normal(0, 20, SIZE), *deltas.values()])
    parts = np.array_split(rows, 2, axis=1)
    return GramTable(
        ("base", *deltas),
        ("t0", "t1"),
        tuple((part.shape[1],) for part in parts),
        np.stack([part @ part.T for part in parts]),
        np.stack([part.sum(axis=1) for part in parts]),
    )


def related(rng, other, share):
    """A delta whose correlation with another is `share`."""
    own = rng.normal(size=SIZE)
    return share * other + np.sqrt(1 - share**2) * own


@pytest.fixture
def family():
    """Two twins, a half sibling of theirs, and a stranger."""
    rng = np.random.default_rng(1)
    one = rng.normal(size=SIZE)
    deltas = {"one": one, "twin": related(rng, one, 0.97), "half": related(rng, one, 0.6), "far": rng.normal(size=SIZE)}
    return table_of(deltas)


SCORES = {
    "one": {"x": 80.0, "y": 40.0},
    "twin": {"x": 70.0, "y": 40.0},
    "half": {"x": 60.0, "y": 70.0},
    "far": {"x": 30.0, "y": 95.0},
}


def by_pair(found):
    return {one.parents: one for one in found}


def test_all_pairs_with_their_kinship(family):
    found = candidates(family)
    assert {frozenset(one.parents) for one in found} == {frozenset(p) for p in combinations(family.models, 2)}
    for metric in ("pcc", "cosine", "euclidean"):
        values = kinship_matrix(family, metric).values
        for one in found:
            i, j = (family.models.index(name) for name in one.parents)
            assert getattr(one, metric) == values[i, j]


def test_the_best_pair_comes_first_and_the_twins_last(family):
    found = candidates(family, SCORES)
    assert [(one.parents, one.kind) for one in found] == [
        (("half", "far"), "exploit"),  # 65 and 62.5 on average
        (("one", "half"), "ordinary"),  # 60 and 65: their PCC is above 0.5
        (("one", "far"), "ordinary"),  # 60 and 62.5: strangers, but one is not in the better half
        (("twin", "half"), "ordinary"),
        (("twin", "far"), "ordinary"),
        (("one", "twin"), "nothing to gain"),
    ]


def test_a_distant_pair_of_strong_parents_is_to_be_explored():
    rng = np.random.default_rng(3)
    one = rng.normal(size=SIZE)
    deltas = {"one": one, "half": related(rng, one, 0.6), "far": rng.normal(size=SIZE), "low": rng.normal(size=SIZE)}
    scores = {
        "one": {"x": 90.0, "y": 70.0},
        "half": {"x": 75.0, "y": 70.0},
        "far": {"x": 50.0, "y": 92.0},
        "low": {"x": 20.0, "y": 20.0},
    }
    table = table_of(deltas | {"lower": rng.normal(size=SIZE)})
    found = candidates(table, scores | {"lower": {"x": 10.0, "y": 10.0}})
    assert [(one.parents, one.kind) for one in found[:4]] == [
        (("one", "half"), "exploit"),
        (("one", "far"), "explore"),
        (("half", "far"), "explore"),
        (("one", "low"), "ordinary"),
    ]
    assert found[1].reason.startswith("distant and strong: PCC ")
    told = " is below 0.50; one 80.0 and far 71.0 on average, 91.0 with the better parent on every task"
    assert found[1].reason.endswith(told)
    assert "distant, but not both strong" in found[3].reason


def test_without_scores_distance_decides(family):
    found = candidates(family)
    assert [one.kind for one in found] == ["explore", "explore", "explore", "ordinary", "ordinary", "nothing to gain"]
    assert [one.pcc for one in found] == sorted(one.pcc for one in found)
    assert all("no common scores" in one.reason for one in found[:-1])


def test_averages_are_of_the_common_tasks_and_the_missing_are_named():
    scores = {"a": {"x": 10.0, "y": 30.0, "z": 99.0}, "b": {"y": 50.0, "x": 20.0, "w": 1.0}}
    found = pair_scores(("a", "b"), scores)
    assert found.averages == (20.0, 35.0)
    assert (found.mean, found.ceiling, found.tasks) == (27.5, 35.0, ("x", "y"))
    assert found.missing == {"a": ("w",), "b": ("z",)}
    apart = pair_scores(("a", "c"), scores | {"c": {"v": 1.0}})
    assert (apart.averages, apart.mean, apart.ceiling) == ((None, None), None, None)
    assert apart.missing == {"a": ("v",), "c": ("x", "y", "z")}
    assert pair_scores(("a", "nobody"), scores).averages == (None, None)


def test_a_model_without_scores_does_not_stop_the_others(family):
    found = by_pair(candidates(family, {name: tasks for name, tasks in SCORES.items() if name != "half"}))
    assert found["one", "far"].kind == "exploit"
    assert "no common scores" in found["one", "half"].reason
    assert found["one", "half"].scores.missing == {"half": ("x", "y")}


def test_a_copy_of_the_base_has_no_kinship_and_a_reason():
    rng = np.random.default_rng(2)
    found = candidates(table_of({"a": rng.normal(size=SIZE), "b": rng.normal(size=SIZE), "copy": np.zeros(SIZE)}))
    assert found[0].parents == ("a", "b")
    assert all("no kinship is defined" in one.reason for one in found[1:])
    assert all(np.isnan(one.pcc) for one in found[1:])


def test_licences_and_vocabularies_that_differ_are_named(family):
    licences = {"one": "mit", "twin": "mit", "half": "apache-2.0", "far": None}
    vocabularies = {"one": 10, "twin": 10, "half": 12, "far": None}
    found = by_pair(candidates(family, licences=licences, vocabularies=vocabularies))
    assert found["one", "twin"].conflicts == ()
    assert found["one", "half"].conflicts == (
        "licences differ: mit (one), apache-2.0 (half); the child has to keep to both",
        "vocabularies differ: 10 tokens (one), 12 (half); set tokenizer_source",
    )
    assert found["one", "far"].conflicts == (
        "licences differ: mit (one), none stated (far); the child has to keep to both",
    )


def test_the_child_s_kinship_is_what_the_merge_then_has(tmp_path):
    paths = save_family(tmp_path, members=3, hidden=32, mlp=48)
    opened = [open_checkpoint(path) for path in paths]
    found = by_pair(candidates(gram_table(align(opened[0], opened[1:]), "cpu"), dtype="f32"))
    parents = tuple(Parent(str(path), {"weight": 1.0}) for path in paths[1:3])
    merge(Recipe("linear", parents), tmp_path / "linear")
    slerp = Recipe("slerp", tuple(Parent(one.path) for one in parents), parents[0].path, {"t": 0.5})
    merge(slerp, tmp_path / "slerp")

    def vector(path):
        return np.concatenate([values.ravel() for _, values in sorted(weights(path).items())])

    base = vector(paths[0])
    for child in found["m1", "m2"].children:
        deltas = [vector(path) - base for path in (*paths[1:], tmp_path / child.method)]
        expected = dict(zip(("m1", "m2", "m3"), np.corrcoef(deltas)[-1], strict=False))
        assert child.kinship == pytest.approx(expected, abs=1e-5)
        assert child.stored == pytest.approx(expected, abs=1e-5)
        assert child.rounding < 1e-5


def test_rounding_is_shown_beside_the_exact_kinship(family):
    rows = np.array([20.0**2 * SIZE, SIZE * 0.5])  # squares: of the base, of the mean of two strangers
    share = 4.0**-7 / (32 * np.log(2))
    ((linear, _),) = (one.children for one in candidates(family, dtype="bf16") if one.parents == ("one", "far"))
    noise = rows[0] * share
    assert linear.rounding == pytest.approx(np.sqrt(noise / (rows[1] + noise)), rel=0.05)
    smaller = np.sqrt(rows[1] / (rows[1] + noise))
    assert linear.stored["one"] == pytest.approx(linear.kinship["one"] * smaller, rel=0.01)
    exact = np.cos(np.pi / 4)
    assert linear.kinship["one"] == pytest.approx(exact, abs=0.05)


@pytest.mark.parametrize("pcc", [0.9, 0.95, 1.0])
def test_the_paper_s_threshold_means_nothing_to_gain(pcc):
    scores = pair_scores(("a", "b"), {"a": {"x": 1.0}, "b": {"x": 2.0}})
    assert step_kind(pcc, scores, 0.5, 1.0, True)[0] == "nothing to gain"
    assert step_kind(0.799, scores, 0.5, 1.0, True)[0] == "exploit"


@pytest.mark.parametrize(
    ("pcc", "second", "kind"),
    [
        (0.86, {"x": 55.0, "y": 60.0}, "nothing to gain"),  # no task on which the second is the better one
        (0.86, {"x": 61.8, "y": 60.0}, "nothing to gain"),  # ceiling 65.9, the better one 65
        (0.86, {"x": 62.0, "y": 60.0}, "exploit"),  # ceiling 66
        (0.79, {"x": 55.0, "y": 60.0}, "exploit"),
    ],
)
def test_near_copies_need_a_task_on_which_the_other_is_better(pcc, second, kind):
    scores = pair_scores(("a", "b"), {"a": {"x": 60.0, "y": 70.0}, "b": second})
    found, reason = step_kind(pcc, scores, 0.5, 1.0, True)
    assert found == kind
    assert ("near-copies" in reason) == (kind == "nothing to gain")


def test_near_copies_without_scores_are_related():
    assert step_kind(0.86, pair_scores(("a", "b"), {}), 0.5, None, False)[0] == "ordinary"


def test_the_demo_s_best_merge_comes_first():
    """Of all means of two experts sorting with shifting scores best (the demo's card); the pair of near-copies last."""
    opened = [open_checkpoint(demo_path() / name) for name in ("base", *EXPERTS)]
    table = gram_table(align(opened[0], opened[1:]), "cpu")
    scores = {model: {t: s["score"] for t, s in tasks.items()} for model, tasks in demo_scores().items()}
    found = candidates(table, scores)
    assert set(found[0].parents) == {"sorting", "shifting"}
    assert found[0].kind == "exploit"
    assert asdict(found[0])["scores"]["tasks"] == ("addition", "sorting", "reversing", "shifting")
    assert found[-1].parents == ("sorting", "sorting-sibling")
    assert found[-1].kind == "nothing to gain"
