"""The algebra on the rows of a table: sums over tensors, a choice of models, another base."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinship.checkpoints import align
from kinship.errors import UnknownNameError
from kinship.similarity import METRICS, gram_table, group_tensors, kinship_matrix
from tests.contracts.test_metrics import random_rows, table
from tests.families import llama, tuned
from tests.similarity.test_gram import family

SEEDS = st.integers(0, 10_000)
MODELS = ["m1", "m2", "m3", "m4", "m5"]


def _scale(gram):
    norms = np.sqrt(np.einsum("tii->ti", gram))
    return norms[:, :, None] * norms[:, None, :]


@given(seed=SEEDS)
def test_every_tensor_is_symmetric_and_positive_semidefinite(seed):
    made = table(random_rows(seed)).rebased("m2")
    for gram in (*made.gram, made.totals().gram):
        assert np.array_equal(gram, gram.T)
        assert np.linalg.eigvalsh(gram).min() >= -1e-13 * np.trace(gram)


@given(seed=SEEDS, by=st.sampled_from(["layer", "module", "tensor"]))
def test_the_whole_is_the_sum_of_its_groups(seed, by):
    made = table(random_rows(seed))
    parts = [made.totals(tensors) for tensors in group_tensors(made.tensors, by).values()]
    whole = made.totals()
    assert sum(part.elements for part in parts) == whole.elements == made.parameters == 40
    assert sum(part.gram for part in parts) == pytest.approx(whole.gram, rel=1e-13, abs=1e-13)
    assert sum(part.sums for part in parts) == pytest.approx(whole.sums, rel=1e-13, abs=1e-13)


def test_totals_lose_nothing_in_their_sums():
    made = table(random_rows(0, models=1), tensors=3)
    made.gram[:, 0, 0] = 1e30, 1.0, -1e30
    assert made.totals().gram[0, 0] == 1.0


@given(seed=SEEDS, chosen=st.lists(st.sampled_from(MODELS), min_size=1, unique=True))
def test_some_models_in_any_order(seed, chosen):
    made = table(random_rows(seed))
    part = made.select(chosen)
    assert (part.base, part.models) == (made.base, tuple(chosen))
    for name in METRICS:
        whole = kinship_matrix(made, name).values
        rows = [MODELS.index(model) for model in chosen]
        assert np.array_equal(kinship_matrix(part, name).values, whole[np.ix_(rows, rows)])


@pytest.mark.parametrize("name", ["m0", "m9"])
def test_only_models_are_selected(name):
    with pytest.raises(UnknownNameError, match="no model of this family is called"):
        table(random_rows(0)).select(["m1", name])


@given(seed=SEEDS, base=st.sampled_from(MODELS))
def test_there_and_back_again(seed, base):
    made = table(random_rows(seed))
    back = made.rebased(base).rebased("m0").select(MODELS)
    assert back.names == made.names
    assert (np.abs(back.gram - made.gram) <= 1e-12 * _scale(made.gram).max()).all()
    assert back.sums == pytest.approx(made.sums, abs=1e-12)


@given(seed=SEEDS, path=st.lists(st.sampled_from(["m0", *MODELS]), min_size=1, max_size=4))
def test_the_way_to_a_base_does_not_matter(seed, path):
    made = table(random_rows(seed))
    direct, stepped = made.rebased(path[-1]), made
    for base in path:
        stepped = stepped.rebased(base)
    stepped = stepped.select(direct.models)
    assert (np.abs(stepped.gram - direct.gram) <= 1e-12 * _scale(direct.gram).max()).all()


@given(seed=SEEDS, base=st.sampled_from(MODELS))
def test_distances_do_not_depend_on_the_base(seed, base):
    made = table(random_rows(seed))
    before, moved = kinship_matrix(made, "euclidean"), made.rebased(base)
    after = kinship_matrix(moved, "euclidean")
    rows = [after.names.index(model) for model in MODELS if model != base]
    kept = [MODELS.index(model) for model in MODELS if model != base]
    assert after.values[np.ix_(rows, rows)] == pytest.approx(before.values[np.ix_(kept, kept)], rel=1e-9)


def test_the_same_base_changes_nothing():
    made = table(random_rows(0))
    assert made.rebased("m0") is made


def test_an_unknown_base_gets_the_close_ones():
    with pytest.raises(UnknownNameError, match="no model of this family is called 'm12'; did you mean m2 or m1"):
        table(random_rows(0, models=2)).rebased("m12")


@pytest.mark.parametrize("base", [1, 3])
def test_another_base_is_as_a_fresh_pass_with_it(tmp_path, base):
    rows = [llama(0), *(tuned(llama(0), seed) for seed in range(1, 4))]
    alignment, _ = family(tmp_path, rows, ["F32", "BF16", "F64", "F16"])
    models = [alignment.base, *alignment.members]
    fresh = gram_table(align(models[base], [m for i, m in enumerate(models) if i != base]), "cpu")
    moved = gram_table(alignment, "cpu").rebased(f"m{base}")
    assert moved.names == fresh.names
    assert moved.base == fresh.base == f"m{base}"
    assert (np.abs(moved.gram - fresh.gram) <= 1e-12 * _scale(fresh.gram).max(axis=(1, 2), keepdims=True)).all()
    for name in METRICS:
        expected = kinship_matrix(fresh, name).values
        assert kinship_matrix(moved, name).values == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_equal_models_stay_equal_under_another_base(tmp_path):
    twin = tuned(llama(0), 1)
    alignment, _ = family(tmp_path, [llama(0), twin, tuned(llama(0), 2), twin])
    for base in ("m2", "m1"):
        moved = gram_table(alignment, "cpu").rebased(base)
        matrix = kinship_matrix(moved, "euclidean")
        if base == "m2":
            assert matrix.values[matrix.names.index("m1"), matrix.names.index("m3")] == 0.0
        else:
            assert moved.totals().gram[moved.row("m3"), moved.row("m3")] == 0.0
            assert "m3: equal to the base" in kinship_matrix(moved, "cosine").undefined["m2", "m3"]
            assert "m3: equal to the base" in kinship_matrix(moved, "pcc").undefined["m2", "m3"]


def test_what_cancels_below_zero_is_zero():
    """Near-duplicates closer than rounding: their difference must not come out with a negative square."""
    made = table(random_rows(3, models=2), tensors=1)
    made.gram[0, 1:, 1:] = [[1.0, 1.0 + 1e-15], [1.0 + 1e-15, 1.0]]
    moved = made.rebased("m1")
    assert moved.gram[0, 2, 2] == 0.0
    assert "equal to the base" in kinship_matrix(moved, "cosine").undefined["m0", "m2"]
