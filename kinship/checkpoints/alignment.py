"""What of a family can be compared, tensor by tensor: the answer of `kinship.checkpoints.align`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Literal, NamedTuple

from kinship.checkpoints.checkpoint import Checkpoint
from kinship.checkpoints.coverage import Coverage
from kinship.checkpoints.delta import Delta, stored_bytes
from kinship.checkpoints.header import ITEM_BYTES, Tensor
from kinship.checkpoints.scales import Scale

__all__ = ["AlignedTensor", "Alignment", "LeftOut", "Row", "Vocabulary"]

Vocabulary = Literal["common", "leave-out"]


class LeftOut(NamedTuple):
    """Something that is not part of the comparison, because of which model, and why."""

    tensor: str
    model: str
    reason: str


@dataclass(frozen=True)
class Row:
    """Where one model's row of one tensor comes from.

    A stored tensor (with its scale, if it is float8), an adapter's delta, or both: a delta on another base, or one that
    depends on the weight. With neither, the row is a delta of zero: an adapter leaves this tensor alone.
    """

    stored: Tensor | None = None
    scale: Scale | None = None
    low_rank: Delta | None = None

    @property
    def is_delta(self) -> bool:
        """True where the row is a delta from the base already."""
        return self.stored is None


@dataclass(frozen=True)
class AlignedTensor:
    """One tensor that all models have: the shape compared, and every model's row, the base's first."""

    name: str
    shape: tuple[int, ...]
    rows: tuple[Row, ...]

    @property
    def elements(self) -> int:
        """Number of elements compared."""
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes that a pass reads for it."""
        stored = sum(ITEM_BYTES[row.stored.dtype] for row in self.rows if row.stored) * self.elements
        return stored + sum(stored_bytes(row.low_rank) for row in self.rows if row.low_rank)


@dataclass(frozen=True)
class Alignment:
    """A base and its members with all that can be compared between them.

    Attributes
    ----------
    tensors : tuple of AlignedTensor
        What all have, under the base's names.
    renamed : Mapping of str to (Mapping of str to str)
        For models that call their tensors otherwise: what prefixes become (`kinship.checkpoints.prefixes`).
    models : tuple of Checkpoint
        The base and the members with all their tensors under the base's names, also those that have no partner.
    coverage : Mapping of str to Coverage
        What share of each member is compared.
    """

    base: Checkpoint
    members: tuple[Checkpoint, ...]
    names: tuple[str, ...]
    tensors: tuple[AlignedTensor, ...]
    left_out: tuple[LeftOut, ...]
    warnings: tuple[str, ...]
    vocabulary: Vocabulary = "common"
    renamed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    models: tuple[Checkpoint, ...] = field(default=(), repr=False)
    coverage: Mapping[str, Coverage] = field(default_factory=dict)

    @property
    def parameters(self) -> int:
        """Elements compared."""
        return sum(tensor.elements for tensor in self.tensors)

    @property
    def nbytes(self) -> int:
        """Bytes that a pass reads."""
        return sum(tensor.nbytes for tensor in self.tensors)
