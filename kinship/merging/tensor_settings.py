"""A method's parameters for every tensor at once, resolved from the recipe's filters and gradients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from kinship.merging.method import Method
from kinship.merging.settings import Scope, resolve
from kinship.merging.slices import Slice

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
    positions : sequence of float
        Where each tensor's gradient is read, 0 to 1.
    chosen : tuple of int
        The sources that `each` tells of, in its order.
    """

    method: Method
    slice: Slice
    tensors: Sequence[str]
    positions: Sequence[float]
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
        places = zip(self.tensors, self.positions, strict=True)
        return np.array([self._value(name, self.slice.shared, *place) for place in places])

    def each(self, name: str) -> Floats:
        """Return the values of a parameter of the parents, shape (T, k), NaN where it is not set; see `all`."""
        scopes = [self.slice.scopes(self.slice.sources[i]) for i in self.chosen]
        places = zip(self.tensors, self.positions, strict=True)
        return np.array([[self._value(name, scope, *place) for scope in scopes] for place in places])

    def _value(self, name: str, scopes: Sequence[Scope], tensor: str, position: float) -> float:
        parameter = self.method.parameter(name)
        if parameter is None:
            raise LookupError(f"{self.method.name} has no parameter {name}")
        value = resolve(parameter, scopes, tensor, position)
        return float("nan") if value is None else float(value)
