"""Tables of made-up families, and what numpy says about their rows."""

from __future__ import annotations

import numpy as np

from kinship.similarity import GramTable

SIZE = 3000
TENSORS = 4


def table(**rows):
    """The table of rows given by name, the base's weights first and then deltas, cut into tensors."""
    stacked = np.stack([np.asarray(row, dtype=np.float64) for row in rows.values()])
    parts = np.array_split(stacked, TENSORS, axis=1)
    return GramTable(
        names=tuple(rows),
        tensors=tuple(f"model.layers.{i}.mlp.up_proj.weight" for i in range(len(parts))),
        shapes=tuple((part.shape[1],) for part in parts),
        gram=np.stack([part @ part.T for part in parts]),
        sums=np.stack([part.sum(axis=1) for part in parts]),
    )


def experts(seed, *names, shared=0.0, size=SIZE):
    """A base and unit-variance deltas of which the part `shared` of the square is common to all."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=size)
    rows = {"base": 10 * rng.normal(size=size)}
    for name in names:
        rows[name] = np.sqrt(1 - shared) * rng.normal(size=size) + np.sqrt(shared) * common
    return rows


def residual(rows, child, names):
    """Norm of what least squares on base and parents leaves of the child in each tensor, all over the child's norm."""
    left = 0.0
    parts = [np.array_split(np.asarray(rows[name]), TENSORS) for name in ("base", *names)]
    for tensor, target in enumerate(np.array_split(np.asarray(rows[child]), TENSORS)):
        design = np.stack([part[tensor] for part in parts], axis=1)
        fitted = np.linalg.lstsq(design, target, rcond=None)[0]
        left += ((target - design @ fitted) ** 2).sum()
    return np.sqrt(left / (np.asarray(rows[child]) ** 2).sum())
