"""Cards against weights."""

import pytest

from kinship.lineage import Claim, Declaration, audit, genealogy
from tests.lineage.genes import experts, table


@pytest.fixture(scope="module")
def rows():
    rows = experts(0, *"abcd", shared=0.2)
    return rows | {"mean": (rows["a"] + rows["b"]) / 2}


def _audit(rows, *said):
    claims = [
        Declaration(child, tuple(Claim(p, relation) for p in parents), "card") for child, relation, *parents in said
    ]
    found = audit(genealogy([], claims), table(**rows), dict.fromkeys(rows, "f64"))
    return {one.child: one for one in found}


def test_a_true_claim_agrees(rows):
    found = _audit(rows, ("mean", "merge parent", "a", "b"), ("a", "fine-tune", "base"))
    assert (found["mean"].outcome, found["mean"].found) == ("agree", ("a", "b"))
    assert (found["a"].outcome, found["a"].found) == ("agree", ("base",))
    assert set(found) == {"mean", "a"}


def test_a_wrong_parent_is_named(rows):
    one = _audit(rows, ("mean", "merge parent", "a", "c"))["mean"]
    assert (one.outcome, one.declared, one.found) == ("disagree", ("a", "c"), ("a", "b"))
    assert one.reason.startswith("the weights say a and b, which leaves 100% less unexplained")


def test_a_merge_that_calls_itself_a_fine_tune_of_the_base(rows):
    one = _audit(rows, ("mean", "fine-tune", "base"))["mean"]
    assert (one.outcome, one.found) == ("disagree", ("a", "b"))
    assert "made from a and b" in one.reason


def test_a_claim_that_the_weights_do_not_bear_out_is_undecided(rows):
    one = _audit(rows, ("d", "merge parent", "a", "b"))["d"]
    assert (one.outcome, one.found) == ("undecided", ("base",))


def test_a_parent_that_was_not_measured_is_undecided(rows):
    one = _audit(rows, ("mean", "merge parent", "a", "elsewhere"))["mean"]
    assert (one.outcome, one.reason) == ("undecided", "elsewhere is not among the models measured")


def test_the_base_of_a_recipe_is_no_parent(rows):
    claims = (Claim("a", "merge parent"), Claim("b", "merge parent"), Claim("base", "base"))
    (one,) = audit(genealogy([], [Declaration("mean", claims, "recipe")]), table(**rows), dict.fromkeys(rows, "f64"))
    assert one.outcome == "agree"


def test_what_was_made_from_a_model_is_not_asked_about_its_parents(rows):
    made = rows | {"late": 0.5 * rows["mean"] + 0.5 * rows["c"]}
    found = _audit(made, ("mean", "merge parent", "a", "b"), ("late", "merge parent", "mean", "c"))
    assert {one.outcome for one in found.values()} == {"agree"}


def test_a_lone_model_cannot_be_compared():
    assert _audit(experts(1, "a"), ("a", "fine-tune", "base")) == {}
