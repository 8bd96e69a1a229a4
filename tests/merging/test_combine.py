"""Coefficients from inner products: the same merge as mergekit's own functions make from the vectors, in float64."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinship.merging import combine


def vectors_of(seed, count, apart=1.0, size=60):
    """Vectors that share a part; `apart` says how much of each is its own."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=size) + apart * rng.normal(size=(count, size))


def mergekit(method, vectors, weight=None, **parameters):
    import torch
    from mergekit.merge_methods.api import merge_tensors

    base = parameters.pop("base", None)
    if weight is not None:
        parameters["weight"] = list(weight)
    tensors = [torch.from_numpy(v.copy()) for v in vectors]
    return merge_tensors(tensors, method, parameters=parameters, base_index=base).numpy()


def made(coefficients, vectors):
    return coefficients[0] @ vectors


def gram(vectors):
    return (vectors @ vectors.T)[None]


APART = pytest.mark.parametrize("apart", [1e-4, 0.02, 0.3, 3.0])
close = {"rel": 1e-9, "abs": 1e-9}


@APART
@given(seed=st.integers(0, 500), t=st.floats(0, 1))
def test_slerp(apart, seed, t):
    vectors = vectors_of(seed, 2, apart)
    expected = mergekit("slerp", vectors, t=t, base=0)
    assert made(combine.slerp(gram(vectors), np.array([t])), vectors) == pytest.approx(expected, **close)


@APART
@given(seed=st.integers(0, 500), weight=st.tuples(st.floats(0.1, 2), st.floats(0.1, 2)))
def test_nuslerp(apart, seed, weight):
    vectors = vectors_of(seed, 2, apart)
    expected = mergekit("nuslerp", vectors, weight)
    found = made(combine.nuslerp(gram(vectors), np.array([weight])), vectors)
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-7)  # the angle of near parallels costs digits in both


@APART
@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("normalize", [True, False])
def test_multislerp(apart, count, normalize):
    for seed in range(20):
        vectors, weight = vectors_of(seed, count, apart), np.random.default_rng(seed).uniform(0.2, 1.0, count)
        expected = mergekit("multislerp", vectors, weight, normalize_weights=normalize)
        found = combine.multislerp(gram(vectors), weight[None], np.array([normalize]), np.array([1e-8]))
        assert made(found, vectors) == pytest.approx(expected, rel=1e-6, abs=1e-7)


@APART
@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize(("max_iter", "tol"), [(10, 1e-5), (1, 1e-5), (50, 1e-12)])
def test_karcher(apart, count, max_iter, tol):
    for seed in range(10):
        vectors = vectors_of(seed, count, apart) * np.random.default_rng(seed).uniform(0.5, 2.0, (count, 1))
        expected = mergekit("karcher", vectors, max_iter=max_iter, tol=tol)
        found = made(combine.karcher(gram(vectors), np.array([max_iter]), np.array([tol])), vectors)
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-6)


@APART
@given(seed=st.integers(0, 500), count=st.integers(2, 5))
def test_model_stock(apart, seed, count):
    vectors = vectors_of(seed, count + 1, apart)
    expected = mergekit("model_stock", vectors, base=0) - vectors[0]
    deltas = vectors[1:] - vectors[0]
    assert made(combine.model_stock(gram(deltas)), deltas) == pytest.approx(expected, rel=1e-7, abs=1e-9)


ODD = {
    "opposite": np.array([[1.0, 2.0, 0.0], [-1.0, -2.0, 0.0]]),
    "equal": np.array([[1.0, 2.0, 0.0], [1.0, 2.0, 0.0]]),
    "one zero": np.array([[1.0, 2.0, 0.0], [0.0, 0.0, 0.0]]),
    "both zero": np.zeros((2, 3)),
}


@pytest.mark.parametrize("vectors", ODD.values(), ids=ODD)
def test_odd_pairs_are_merged_as_mergekit_merges_them(vectors):
    K, half = gram(vectors), np.array([0.3])
    weight = np.array([[0.7, 0.3]])
    pairs = [
        (combine.slerp(K, half), mergekit("slerp", vectors, t=0.3, base=0)),
        (combine.nuslerp(K, weight), mergekit("nuslerp", vectors, weight[0])),
        (combine.karcher(K, np.array([10]), np.array([1e-5])), mergekit("karcher", vectors)),
        (
            combine.multislerp(K, weight, np.array([True]), np.array([1e-8])),
            mergekit("multislerp", vectors, weight[0]),
        ),
        (combine.model_stock(K), mergekit("model_stock", np.vstack([np.zeros(3), vectors]), base=0)),
    ]
    for found, expected in pairs:
        assert made(found, vectors) == pytest.approx(expected, rel=1e-6, abs=1e-7)


def test_tensors_are_merged_each_for_itself():
    pairs = [vectors_of(seed, 2, apart) for seed, apart in enumerate((0.01, 0.5, 2.0))]
    t = np.array([0.0, 0.4, 1.0])
    together = combine.slerp(np.concatenate([gram(v) for v in pairs]), t)
    alone = [combine.slerp(gram(v), t[i : i + 1])[0] for i, v in enumerate(pairs)]
    assert together == pytest.approx(np.array(alone))
