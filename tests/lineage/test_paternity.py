"""The paternity test on models that mergekit made."""

import pytest

from kinship.errors import LineageError, UnknownNameError
from kinship.lineage import paternity
from kinship.lineage.examine import examine
from tests.lineage.genes import experts, residual, table

# SCE keeps little of one parent here, and cousins of a TIES merge of three know of its trimmed elements.
HARD = {"sce"}
EXACT = {
    "linear": ("linear", {"weight": (0.5, 0.5)}),
    "linear-of-three": ("linear", {"weight": (0.4, 0.3, 0.3)}),
    "slerp": ("SLERP", {"t": 0.4}),
    "nuslerp": ("NuSLERP", {"t": 0.6}),
    "multislerp": ("Multi-SLERP", {"t": 0.5}),
    "karcher": ("Karcher mean", {}),
    "model_stock": ("Model Stock", {}),
    "task_arithmetic": ("task arithmetic", {"weight": (0.6, 0.8)}),
    "fresh-linear": ("linear", {"weight": (0.3, 0.7)}),
}


def test_the_true_parents_come_first_among_all_older_models(made):
    wrong = []
    for birth in made.births:
        seen = examine(made.table, birth.name, made.older(birth.name), made.dtype)
        best = {seen.problem.names[m] for m in seen.sets[len(birth.parents) - 1][0].members}
        if best != set(birth.parents) and birth.name not in HARD:
            wrong.append((birth.name, best))
    assert wrong == []


def test_believed_parents_are_the_true_ones(made):
    believed = {b.name: paternity(made.table, b.name, made.older(b.name), made.dtype) for b in made.births}
    true = {b.name: set(b.parents) for b in made.births}
    wrong = {name for name, one in believed.items() if one.parents and set(one.parents) != true[name]}
    assert wrong <= HARD
    silent = {name for name, one in believed.items() if one.verdict == "none"}
    assert silent <= HARD | {"della", "grand-dare-ties", "arcee_fusion"}
    for one in believed.values():
        assert one.verdict == {0: "none", 1: "one parent"}.get(len(one.parents), "parents")


def test_none_where_the_parents_are_not_there(made):
    """Only candidates that share no ancestor but the base with the child."""
    for birth in made.births:
        if not set(birth.parents) <= set(made.experts):
            continue
        others = [name for name in made.experts if name not in birth.parents]
        assert paternity(made.table, birth.name, others, made.dtype).verdict == "none", birth.name
    for expert in made.experts:
        assert paternity(made.table, expert, made.older(expert), made.dtype).verdict == "none", expert


@pytest.mark.parametrize("kept", [0, 1])
def test_one_parent_where_the_other_is_not_there(kept):
    """Merges with weights of a half; parents of one length that share a fifth, and strangers that share as much."""
    rows = experts(5, *"abcd", shared=0.2)
    rows["child"] = (rows["a"] + rows["b"]) / 2
    parent = "ab"[kept]
    found = paternity(table(**rows), "child", [parent, "c", "d"], "f64")
    assert (found.verdict, found.parents) == ("one parent", (parent,))
    assert found.ranked[0].parents == (parent,)
    assert found.ranked[0].method.name == "merge with others"
    assert "not among the candidates" in found.reason
    assert paternity(table(**rows), "child", ["c", "d"], "f64").verdict == "none"
    assert paternity(table(**rows), "child", ["a", "b", "c", "d"], "f64").parents == ("a", "b")


@pytest.mark.parametrize("shared", [0.3, 0.6, 0.85])
def test_a_sibling_is_not_one_parent_however_alike(shared):
    made = table(**experts(6, "child", "a", shared=shared))
    assert paternity(made, "child", ["a"], "f64").verdict == "none"


def test_one_parent_among_strangers_that_mergekit_merged(made):
    """The verdict is the parent or none, and the parent where it is most of the child.

    What DARE leaves of one parent and what strangers share are constant both.
    """
    right, wrong = 0, set()
    for birth in made.births:
        if len(birth.parents) != 2 or not set(birth.parents) <= set(made.experts):
            continue
        for parent in birth.parents:
            strangers = [name for name in made.experts if name not in birth.parents]
            found = paternity(made.table, birth.name, [parent, *strangers], made.dtype)
            right += found.parents == (parent,)
            wrong |= {birth.name} if set(found.parents) - {parent} else set()
    assert wrong <= {"dare_ties", "dare_linear"}
    assert right >= 4


@pytest.mark.parametrize("name", EXACT)
def test_method_and_recipe_of_combinations(made, name):
    method, recipe = EXACT[name]
    found = paternity(made.table, name, made.older(name), made.dtype)
    best = found.ranked[0]
    named = best.method.name.split(" or ")
    if made.dtype == "f32":
        assert named[0] == method
    else:  # rounding hides the difference between some of them
        assert method in named or "tensor" in best.method.name
    if named[0] == method:
        order = [best.parents.index(parent) for parent in next(b for b in made.births if b.name == name).parents]
        for key, value in recipe.items():
            got = best.method.recipe[key]
            if key == "weight":
                got = tuple(got[i] for i in order)
            elif order == [1, 0]:
                got = 1 - got
            assert got == pytest.approx(value, abs=1e-3 if made.dtype == "f32" else 0.02)


def test_slerp_between_near_models_is_linear_and_both_are_named(made):
    """mergekit goes straight where the cosine of the weights is above 0.9995."""
    method = paternity(made.table, "grand-slerp", made.older("grand-slerp"), made.dtype).ranked[0].method
    assert {"linear", "SLERP"} <= set(method.name.split(" or "))


@pytest.mark.parametrize(("name", "density"), [("dare_linear", 0.6), ("grand-dare", 0.5), ("dare_ties", 0.5)])
def test_random_dropping_tells_its_density(made, name, density):
    method = paternity(made.table, name, made.older(name), made.dtype).ranked[0].method
    assert method.name == "DARE or DELLA"
    assert method.recipe["density"] == pytest.approx(density, abs=0.04)
    assert method.recipe["weight"] == pytest.approx((0.5, 0.5), abs=0.04)


def test_the_residual_is_that_of_least_squares_and_the_floor_is_reached(made):
    found = paternity(made.table, "linear", made.older("linear"), made.dtype)
    best = found.ranked[0]
    assert best.residual == pytest.approx(found.floor, rel=0.6)
    assert found.margin > 0.5
    assert best.coefficients == pytest.approx((0.5, 0.5), abs=0.01)
    assert set(best.by_layer) == {"embeddings", "layer 0", "layer 1", "layer 2", "layer 3", "final norm", "output head"}
    by_layer = paternity(made.table, "grand-slerp-by-layer", ["multislerp", "tuned-d"], made.dtype).ranked[0].by_layer
    assert by_layer["layer 0"] != pytest.approx(by_layer["layer 3"], abs=0.1)


def test_ranks_and_sizes():
    rows = experts(0, *"abcd", shared=0.3)
    rows["child"] = 0.5 * (rows["a"] + rows["b"])
    found = paternity(table(**rows), "child", list("abcd"), "f64")
    assert (found.verdict, found.parents, found.child) == ("parents", ("a", "b"), "child")
    assert found.sizes[0] == pytest.approx(min(residual(rows, "child", [name]) for name in "ab"), rel=1e-6)
    for one in found.ranked[1:]:
        assert one.residual == pytest.approx(residual(rows, "child", one.parents), rel=1e-6)
        assert one.method is None
    assert [one.residual for one in found.ranked] == sorted(one.residual for one in found.ranked)


@pytest.mark.parametrize("factor", [1.0, 0.7])
def test_a_copy_and_a_scaled_delta_have_one_parent(factor):
    rows = experts(1, "a", "b", shared=0.5)
    rows["child"] = factor * rows["a"]
    found = paternity(table(**rows), "child", ["a", "b"], "f64")
    assert (found.verdict, found.parents) == ("one parent", ("a",))
    assert found.ranked[0].method.name == ("copy" if factor == 1.0 else "task arithmetic")


def test_the_base_itself():
    rows = experts(2, "a", "b")
    rows["child"] = 0 * rows["a"]
    found = paternity(table(**rows), "child", ["a", "b"], "f32")
    assert (found.verdict, found.parents, found.ranked) == ("none", (), ())
    assert "base" in found.reason


def test_one_candidate_that_is_no_relative():
    rows = experts(3, "child", "a", shared=0.2)
    found = paternity(table(**rows), "child", ["a", "base"], "f64")
    assert (found.verdict, found.margin) == ("none", 1.0)


def test_what_cannot_be_asked():
    made = table(**experts(4, "child", "a"))
    for candidates in ([], ["base"], ["child", "a"]):
        with pytest.raises(LineageError, match="child needs candidates other than itself and the base base"):
            paternity(made, "child", candidates, "f32")
    with pytest.raises(UnknownNameError, match="'z'"):
        paternity(made, "child", ["z"], "f32")
    with pytest.raises(UnknownNameError, match="no floating-point dtype"):
        paternity(made, "child", ["a"], "i8")


def test_the_answer_counts_what_explains_the_child_as_well():
    rows = experts(3, "a", "b", "c")
    rows |= {"twin": rows["a"].copy(), "child": rows["a"].copy()}
    found = paternity(table(**rows), "child", ["a", "twin", "b", "c"], "f64")
    assert (found.verdict, found.tied) == ("one parent", 1)
    rows |= {"mean": (rows["a"] + rows["b"]) / 2}
    rows["child"] = (rows["a"] + rows["mean"]) / 2
    found = paternity(table(**rows), "child", ["a", "b", "c", "mean"], "f64")
    assert (found.verdict, set(found.parents), found.tied, found.margin) == ("parents", {"a", "mean"}, 1, 0.0)
    rows["child"] = rows["b"] + rows["c"]
    assert paternity(table(**rows), "child", ["a", "b", "c"], "f64").tied == 0
