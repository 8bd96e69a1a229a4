"""A method's parameters for every tensor at once, resolved from the recipe's filters and gradients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from kinship.merging.method import Method
from kinship.merging.settings import Scope, resolve
from kinship.merging.slices import Slice, layer_number

__all__ = ["TensorSettings"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class TensorSettings:
    """The settings of one slice for T tensors.

    Attributes
    ----------
    method : Method
    slice : Slice
    tensors : sequence of str
        Their names.
    layers : int
        Of the model.
    chosen : tuple of int
        The sources that `each` tells of, in its order.
    """

    method: Method
    slice: Slice
    tensors: Sequence[str]
    layers: int
    chosen: tuple[int, ...] = ()

    def of(self, sources: Sequence[int]) -> TensorSettings:
        """Return the settings with these sources chosen."""
        return replace(self, chosen=tuple(sources))

    def all(self, name: str) -> Floats:
        """Return the values of a parameter of the merge, shape (T,); switches are 0 and 1.

        Raises
        ------
        LookupError
            It is required and not set.
        ValueError
            A value is not of its type.
        """
        return np.array([self._value(name, self.slice.shared, tensor) for tensor in self.tensors])

    def each(self, name: str) -> Floats:
        """Return the values of a parameter of the parents, shape (T, k), NaN where it is not set; see `all`."""
        scopes = [self.slice.scopes(self.slice.sources[i]) for i in self.chosen]
        return np.array([[self._value(name, scope, tensor) for scope in scopes] for tensor in self.tensors])

    def _value(self, name: str, scopes: Sequence[Scope], tensor: str) -> float:
        parameter = self.method.parameter(name)
        if parameter is None:
            raise LookupError(f"{self.method.name} has no parameter {name}")
        value = resolve(parameter, scopes, tensor, self._position(tensor))
        return float("nan") if value is None else float(value)

    def _position(self, tensor: str) -> float:
        """From 0 for the first layer to 1 for the last; mergekit has 0 outside the layers and 1 for a lone one."""
        number = layer_number(tensor)
        if number is None:
            return 0.0
        return number / (self.layers - 1) if self.layers > 1 else 1.0
