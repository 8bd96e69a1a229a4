"""Which combination of the table's rows a recipe makes, so that the child's kinship is known before the merge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from kinship.errors import UnknownNameError
from kinship.merging import combine
from kinship.merging.methods import merge_method
from kinship.merging.recipe import Recipe
from kinship.merging.slices import layer_number, positions, recipe_slices
from kinship.merging.tensor_settings import TensorSettings
from kinship.similarity import GramTable
from kinship.similarity.children import with_child
from kinship.similarity.rounding import rounding_noise

__all__ = ["Prediction", "predict", "predicted_table"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Prediction:
    """Coefficients of a child's weights over the rows of a table, shape (T, R); None with the reason why not."""

    coefficients: Floats | None = field(repr=False)
    reason: str = ""


class _Unpredictable(Exception):  # noqa: N818 - it never leaves this file
    """The merge is no combination of the rows; the message says why."""


def predict(recipe: Recipe, table: GramTable, rows: Mapping[str, str]) -> Prediction:
    """Return the combination of rows that the recipe's child is.

    Parameters
    ----------
    recipe : Recipe
        What will be merged.
    table : GramTable
        Of a family with all models of the recipe, T tensors and R rows.
    rows : Mapping of str to str
        The name in the table of every model, by its path in the recipe.

    Raises
    ------
    UnknownNameError
        No merge method has the recipe's name, or a model is not in the table.
    """
    merge_method(recipe.method)
    try:
        with np.errstate(divide="ignore", invalid="ignore"):
            coefficients = _coefficients(recipe, table, rows)
    except _Unpredictable as why:
        return Prediction(None, str(why))
    except (LookupError, ValueError) as fault:
        return Prediction(None, f"the recipe is at fault: {fault}")
    if not np.isfinite(coefficients).all():
        return Prediction(None, "the recipe is at fault: its weights cancel out")
    return Prediction(coefficients)


def predicted_table(prediction: Prediction, table: GramTable, name: str, dtype: str | None = None) -> GramTable | None:
    """Return the table with the predicted child as one more model, or None where none is predicted.

    Parameters
    ----------
    dtype : str, optional
        What the child is stored in: the expected square of the rounding error is added to the child's own, so that
        its kinship comes out as low as rounding is expected to make it. An estimate: for the mean of models stored
        in the same dtype the error's square is up to half as large again, and where deltas are below one step of
        the dtype, an uneven mix is rounded towards the nearer parent.
    """
    if prediction.coefficients is None:
        return None
    noise = rounding_noise(table, dtype) if dtype else None
    return with_child(table, name, prediction.coefficients, noise)


def _coefficients(recipe: Recipe, table: GramTable, rows: Mapping[str, str]) -> Floats:
    method, slices = merge_method(recipe.method), recipe_slices(recipe)
    layers = 1 + max((n for n in map(layer_number, table.tensors) if n is not None), default=-1)
    one = slices[0]
    if len(slices) > 1 or any(source.layers not in (None, (0, layers)) for source in one.sources):
        raise _Unpredictable("it stacks slices of layers")
    if recipe.tokenizer is not None or (recipe.raw or {}).get("tokenizer"):
        raise _Unpredictable("it rearranges the vocabulary")
    if method.name not in _RULES:
        raise _Unpredictable(f"what {method.title} makes depends on single weights, not on products of models")
    weights = np.stack([_weights(table, rows, source.model) for source in one.sources])
    settings = TensorSettings(method, one, table.tensors, positions(table.tensors))
    bases = [i for i, source in enumerate(one.sources) if source.model == one.base]
    others = [i for i in range(len(weights)) if i not in bases]
    if method.base == "required" and not bases:
        raise ValueError(f"{method.name} needs a base")
    if method.base == "ignored" or method.base_is_parent:
        order = [*bases, *others] if method.base_is_parent else list(range(len(weights)))
        return _combined(table, weights[order], settings.of(order))
    origin = weights[bases].sum(axis=0)  # of the deltas: the base's weights, or zero without one
    coefficients: Floats = origin + _combined(table, weights[others] - origin, settings.of(others))
    return coefficients


def _weights(table: GramTable, rows: Mapping[str, str], model: str) -> Floats:
    """A model's weights over the rows: the base's row and its own delta."""
    if model not in rows:
        raise UnknownNameError("model of the table", model, rows)
    weights = np.zeros(len(table.names))
    weights[[0, table.row(rows[model])]] = 1.0
    return weights


def _combined(table: GramTable, vectors: Floats, settings: TensorSettings) -> Floats:
    """Return the coefficients (T, R) of the method applied to k vectors given over the rows, shape (k, R)."""
    K = vectors @ table.gram @ vectors.T
    combined: Floats = _RULES[settings.method.name](K, settings) @ vectors
    return combined


def _linear(K: Floats, settings: TensorSettings) -> Floats:
    weight = settings.each("weight")
    total = weight.sum(axis=1, keepdims=True)
    return np.where(settings.all("normalize")[:, None] > 0, weight / total, weight)


def _task_arithmetic(K: Floats, settings: TensorSettings) -> Floats:
    weight = settings.each("weight")
    total = weight.sum(axis=1, keepdims=True)
    divisor = np.where(np.abs(total) < 1e-8, 1.0, total)
    shares = np.where(settings.all("normalize")[:, None] > 0, weight / divisor, weight)
    return settings.all("lambda")[:, None] * shares


def _thinned(K: Floats, settings: TensorSettings) -> Floats:
    if (settings.each("density") < 1.0).any():
        raise _Unpredictable(f"{settings.method.title} thins the deltas out")
    return _task_arithmetic(K, settings)


def _nuslerp(K: Floats, settings: TensorSettings) -> Floats:
    if not settings.all("nuslerp_flatten").all():
        raise _Unpredictable("it turns row by row")
    return combine.nuslerp(K, settings.each("weight"))


def _multislerp(K: Floats, settings: TensorSettings) -> Floats:
    normalize = settings.all("normalize_weights") > 0
    return combine.multislerp(K, settings.each("weight"), normalize, settings.all("eps"))


def _karcher(K: Floats, settings: TensorSettings) -> Floats:
    return combine.karcher(K, settings.all("max_iter"), settings.all("tol"))


def _model_stock(K: Floats, settings: TensorSettings) -> Floats:
    if settings.all("filter_wise").any():
        raise _Unpredictable("it decides row by row")
    return combine.model_stock(K)


_RULES: dict[str, Callable[[Floats, TensorSettings], Floats]] = {
    "linear": _linear,
    "passthrough": lambda K, settings: np.nan_to_num(settings.each("scale"), nan=1.0),
    "slerp": lambda K, settings: combine.slerp(K, settings.all("t")),
    "nuslerp": _nuslerp,
    "multislerp": _multislerp,
    "karcher": _karcher,
    "model_stock": _model_stock,
    "task_arithmetic": _task_arithmetic,
    "dare_linear": _thinned,
    "della_linear": _thinned,
    "breadcrumbs": _thinned,
}
"""From the inner products (T, k, k) of what is merged to its coefficients (T, k)."""
