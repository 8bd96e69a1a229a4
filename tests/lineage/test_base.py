"""Finding the base of small families, trained and made up, whose base is known."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from kinship.checkpoints import align, open_checkpoint
from kinship.demo import demo_path
from kinship.lineage import infer_tree
from kinship.lineage.base import find_base
from kinship.similarity import gram_table
from tests.lineage.genes import experts, table

EXPERTS = ("addition", "addition-sibling", "reversing", "shifting", "sorting", "sorting-sibling")


@pytest.fixture(scope="module")
def demo():
    """The table of the shipped family, and what its models are stored in."""
    opened = [open_checkpoint(demo_path() / name) for name in ("base", *EXPERTS)]
    measured = gram_table(align(opened[0], opened[1:]), "cpu")
    return measured, {name: one.dtype for name, one in zip(measured.names, opened, strict=True)}


@pytest.mark.parametrize("pair", combinations(EXPERTS, 2), ids="+".join)
def test_a_base_and_any_two_experts(demo, pair):
    """Whichever of the three is the row that the table has as its base."""
    measured, dtypes = demo
    for row in ("base", *pair):
        family = measured.select(list(pair)).rebased(row)
        assert find_base(family, dtypes).name == "base"
        inferred = infer_tree(family, dtypes)
        assert {(edge.child, edge.parent) for edge in inferred.edges} == {(name, "base") for name in pair}


@pytest.mark.parametrize("expert", EXPERTS)
def test_of_two_models_the_lighter_one_or_no_confidence(demo, expert):
    measured, dtypes = demo
    found = find_base(measured.select([expert]).rebased(expert), dtypes)
    assert (found.name, found.confidence) == ("base", 0.8) or (expert, found.confidence) == ("shifting", 0.5)


@pytest.mark.parametrize("seed", range(5))
def test_experts_that_learnt_the_same_are_nearer_to_each_other_than_to_their_base(seed):
    made = table(**experts(seed, "a", "b", shared=0.8, size=40_000))
    assert find_base(made.rebased("a"), dict.fromkeys(made.names, "f64")).name == "base"


def test_a_base_that_weights_decayed_from_is_found_by_distance():
    """All experts are lighter than their base, which the second cue takes for their child."""
    rows = experts(3, *"abcd")
    rows |= {name: rows[name] - 0.05 * rows["base"] for name in "abcd"}
    made = table(**rows)
    norms = {name: np.linalg.norm(rows["base"] + rows[name]) for name in "abcd"}
    assert max(norms.values()) < np.linalg.norm(rows["base"])
    found = find_base(made, dict.fromkeys(made.names, "f64"))
    assert found.name == "base"


def test_what_is_known_to_be_a_child_is_passed_over():
    """A parent, the mean with another, and no base: either could be first, until a record tells."""
    rows = experts(4, "a", "b")
    rows["mean"] = (rows["a"] + rows["b"]) / 2
    made = table(**rows).select(["a", "mean"])
    dtypes = dict.fromkeys(made.names, "f64")
    for known in ("a", "base"):
        assert find_base(made, dtypes, {known, "mean"}).name not in (known, "mean")
    assert find_base(made, dtypes, set(made.names)).name in made.names
