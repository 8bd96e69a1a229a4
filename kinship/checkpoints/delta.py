"""What an adapter does to one weight, as its files keep it; `kinship.similarity.adapted` makes the numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kinship.checkpoints.header import ITEM_BYTES, Tensor

__all__ = ["Delta", "LowRank", "Part", "Shift", "Start", "TokenRows", "stored_bytes"]

Start = Literal["", "pissa", "olora"]


@dataclass(frozen=True)
class Part:
    """One expert's weight that is stored alone: rows `first` to `last` of what the factors make for `expert`."""

    expert: int
    first: int
    last: int


@dataclass(frozen=True)
class LowRank:
    """Two factors: W + scale * B @ A, transposed where the layer stores its weight that way (Hu et al. 2021).

    Attributes
    ----------
    a, b : Tensor
        Shapes (r, inputs) and (outputs, r); a convolution's have its kernel behind, and ones. For E experts (E * r,
        inputs), expert by expert, and (outputs, r * E), rank by rank: PEFT's `target_parameters`.
    start : {"", "pissa", "olora"}
        The part of the weight that the factors began as and that PEFT takes out of the base: that of the r largest
        singular values (Meng et al. 2024), or scale times the projection on the span of its first r columns
        (Büyükakyüz 2024).
    magnitude : Tensor or None
        DoRA (Liu et al. 2024): every output of W + scale * B @ A is brought to this norm.
    experts : int
        Number of experts whose weights are stacked in one tensor; 0 for a plain weight.
    part : Part or None
        Set where the weights of the experts lie apart.
    embedding : bool
        The weight is looked up row by row: always transposed, and its rows are tokens.
    """

    a: Tensor
    b: Tensor
    scale: float
    transposed: bool = False
    start: Start = ""
    magnitude: Tensor | None = None
    experts: int = 0
    part: Part | None = None
    embedding: bool = False

    @property
    def rank(self) -> int:
        """Rank of the change to one matrix."""
        return self.a.shape[0] // (self.experts or 1)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the weight that it changes."""
        if self.part is not None:
            return (self.part.last - self.part.first, self.a.shape[1])
        shape = (self.b.shape[0], *self.a.shape[1:])
        shape = shape[::-1] if self.transposed else shape
        return (self.experts, *shape) if self.experts else shape

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """What is stored of it."""
        return (self.a, self.b) if self.magnitude is None else (self.a, self.b, self.magnitude)

    @property
    def needs_weight(self) -> bool:
        """Whether the change depends on the weight itself, so that it is no delta alone."""
        return bool(self.start) or self.magnitude is not None


@dataclass(frozen=True)
class TokenRows:
    """Rows of an embedding that were trained, and take the place of the base's (PEFT's trainable tokens).

    `tokens`, the rows that the embedding has, is known once the adapter is laid on its base.
    """

    rows: Tensor
    indices: tuple[int, ...]
    tokens: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the embedding that it changes."""
        return (self.tokens, *self.rows.shape[1:])

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """What is stored of it."""
        return (self.rows,)

    @property
    def needs_weight(self) -> bool:
        """True: the other rows are the base's."""
        return True


@dataclass(frozen=True)
class Shift:
    """A bias times the adapter's scale, which is added to the layer's own (PEFT's `lora_bias`)."""

    tensor: Tensor
    scale: float

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the bias that it changes."""
        return self.tensor.shape

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """What is stored of it."""
        return (self.tensor,)

    @property
    def needs_weight(self) -> bool:
        """False: it is added."""
        return False


Delta = LowRank | TokenRows | Shift


def stored_bytes(delta: Delta) -> int:
    """Return the bytes that are read for a delta; of factors for many experts, one expert's part alone."""
    size = sum(tensor.elements * ITEM_BYTES[tensor.dtype] for tensor in delta.tensors)
    return size // delta.experts if isinstance(delta, LowRank) and delta.part is not None else size
