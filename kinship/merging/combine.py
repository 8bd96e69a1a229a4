"""The merges that are combinations of their inputs, as coefficients that follow from the inputs' Gram matrix.

Every function takes, for T tensors at once, the inner products K of k vectors (weights, or deltas from a base), shape
(T, k, k), and returns the coefficients a, shape (T, k): the merge is the sum of a_i times vector i. They follow
mergekit 0.1.5 step by step, its thresholds included.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
import numpy.typing as npt

__all__ = ["karcher", "model_stock", "multislerp", "nuslerp", "slerp"]

Floats = npt.NDArray[np.float64]

_PARALLEL = 0.9995
"""Above this cosine slerp goes straight."""


def slerp(K: Floats, t: Floats) -> Floats:
    """Go from vector 0 to vector 1 along the arc (Shoemake 1985); straight where they are nearly parallel."""
    norms = _norms(K)
    norms = np.where(norms > 1e-8, norms, 1.0)
    dot = np.clip(K[:, 0, 1] / (norms[:, 0] * norms[:, 1]), -1.0, 1.0)
    return _arc(dot, t, np.abs(dot) > _PARALLEL)


def nuslerp(K: Floats, weight: Floats) -> Floats:
    """Go from vector 0 to vector 1 by their weights, shape (T, 2); straight only where they are parallel."""
    total = weight.sum(axis=1)
    even = np.abs(total) < 1e-6
    t = np.where(even, 0.5, weight[:, 1] / np.where(even, 1.0, total))
    norms = np.maximum(_norms(K), 1e-7)
    dot = np.clip(K[:, 0, 1] / (norms[:, 0] * norms[:, 1]), -1.0, 1.0)
    return _arc(dot, t, 1.0 - dot**2 <= 1e-16)


def multislerp(K: Floats, weight: Floats, normalize: npt.NDArray[np.bool_], eps: Floats) -> Floats:
    """Average on the sphere, in the tangent plane at the weighted mean of directions; weights of shape (T, k).

    The coefficients are NaN where the mean direction is zero, which mergekit refuses for more than two vectors.
    """
    weight = np.where(normalize[:, None], weight / weight.sum(axis=1, keepdims=True), weight)
    if K.shape[1] == 1:
        return np.ones_like(weight)
    norms = _norms(K) + eps[:, None]
    unit = K / (norms[:, :, None] * norms[:, None, :])
    length = np.sqrt(_square(unit, weight))
    lost = length < eps
    mean = weight / np.where(lost, 1.0, length)[:, None]
    dots = np.einsum("tij,tj->ti", unit, mean)
    tangent = weight - np.einsum("ti,ti->t", weight, dots)[:, None] * mean
    angle = np.sqrt(_square(unit, tangent)) + eps
    turned = np.cos(angle)[:, None] * mean + (np.sin(angle) / angle)[:, None] * tangent
    scale = np.einsum("ti,ti->t", _norms(K), weight)
    merged = scale[:, None] * turned / norms
    straight = weight if K.shape[1] == 2 else np.full_like(weight, np.nan)
    return np.where(lost[:, None], straight, merged)


def model_stock(K: Floats) -> Floats:
    """Scale the mean of deltas by k cos / (1 + (k - 1) cos), cos being their mean cosine (Jang et al. 2024)."""
    count = K.shape[1]
    first, second = np.triu_indices(count, k=1)
    norms = _norms(K)
    cosines = np.clip(K[:, first, second] / np.maximum(norms[:, first] * norms[:, second], 1e-6), -1.0, 1.0)
    cosine = cosines.mean(axis=1)
    below = 1.0 + (count - 1) * cosine
    singular = np.abs(below) < 1e-6
    t = np.where(singular, 0.0, count * cosine / np.where(singular, 1.0, below))
    return np.repeat(t[:, None] / count, count, axis=1)


def karcher(K: Floats, max_iter: Floats, tol: Floats) -> Floats:
    """Find the Karcher mean of the directions, all counted alike, and scale it by the mean norm."""
    if K.shape[1] == 1:
        return np.ones(K.shape[:2])
    return np.stack([_karcher(k, int(n), float(e)) for k, n, e in zip(K, max_iter, tol, strict=True)])


def _karcher(K: Floats, max_iter: int, tol: float) -> Floats:
    norms = np.sqrt(np.maximum(np.diagonal(K), 0.0))
    valid = norms > tol
    if not valid.any():
        return np.zeros(len(K))
    safe = np.where(norms > 0.0, norms, 1.0)
    unit = K / np.outer(safe, safe)
    weight = valid / valid.sum()
    mean = weight.astype(np.float64)
    length = _length(unit, mean)
    mean = np.eye(len(K))[np.argmax(valid)] if length < tol else mean / length
    for _ in range(max_iter):
        dots = np.clip(unit @ mean, -1.0, 1.0)
        angles = np.arccos(dots)
        far = valid & (angles >= tol)
        pull = np.where(far, weight * angles / np.where(far, np.sin(angles), 1.0), 0.0)
        tangent = pull - (pull @ dots) * mean
        step = _length(unit, tangent)
        if step < tol:
            break
        mean = np.cos(step) * mean + np.sin(step) / step * tangent
        length = _length(unit, mean)
        if length > tol:
            mean = mean / length
    merged: Floats = norms.mean() * mean / safe
    return merged


def _arc(dot: Floats, t: Floats, straight: npt.NDArray[np.bool_]) -> Floats:
    angle = np.arccos(np.where(straight, 0.0, dot))
    sine = np.sin(angle)
    first = np.where(straight, 1.0 - t, np.sin((1.0 - t) * angle) / sine)
    second = np.where(straight, t, np.sin(t * angle) / sine)
    return np.stack([first, second], axis=1)


def _norms(K: Floats) -> Floats:
    norms: Floats = np.sqrt(np.maximum(np.einsum("tii->ti", K), 0.0))
    return norms


def _square(K: Floats, a: Floats) -> Floats:
    square: Floats = np.maximum(np.einsum("ti,tij,tj->t", a, K, a), 0.0)
    return square


def _length(K: Floats, a: Floats) -> float:
    return sqrt(max(0.0, float(a @ K @ a)))
