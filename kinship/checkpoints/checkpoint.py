"""What is known of a checkpoint from its headers alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from kinship.checkpoints.header import ITEM_BYTES, Tensor
from kinship.checkpoints.scales import Block, Scales, find_scales

__all__ = ["EMBEDDINGS", "HEAD", "Adapter", "Checkpoint", "Config", "LowRank"]

EMBEDDINGS = ("embed_tokens.weight", "wte.weight")
HEAD = "lm_head.weight"


@dataclass(frozen=True)
class Config:
    """The part of a `config.json` that decides whether two models can be compared; None where it is silent."""

    architecture: str | None = None
    layers: int | None = None
    hidden_size: int | None = None
    intermediate_size: int | None = None
    heads: int | None = None
    key_value_heads: int | None = None
    vocabulary: int | None = None
    tied: bool | None = None
    quantisation: str | None = None
    block: Block | None = None


def _is_buffer(tensor: Tensor) -> bool:
    """Tell whether a tensor is no weight: the frequencies of rotary embeddings, or a causal mask."""
    shape = tensor.shape
    mask = len(shape) == 4 and shape[:2] == (1, 1) and shape[2] == shape[3] > 1 and tensor.name.endswith(".bias")
    return mask or tensor.name.endswith(("rotary_emb.inv_freq", ".masked_bias"))


@dataclass(frozen=True)
class LowRank:
    """A delta kept as two factors: `scale * B @ A`, transposed where the layer stores its weight that way."""

    a: Tensor
    b: Tensor
    scale: float
    transposed: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the weight that it changes."""
        shape = (self.b.shape[0], self.a.shape[1])
        return shape[::-1] if self.transposed else shape


@dataclass(frozen=True)
class Adapter:
    """A LoRA adapter: low-rank deltas by the name of the weight they change, relative to the base it declares."""

    declared_base: str
    rank: int
    low_rank: Mapping[str, LowRank]
    base: Checkpoint | None


@dataclass(frozen=True)
class Checkpoint:
    """One model on disk.

    Attributes
    ----------
    name : str
        Name of its folder or file.
    path : Path
        Absolute path of the folder or the lone file.
    tensors : Mapping of str to Tensor
        All stored tensors; for an adapter only those it stores whole.
    size : int
        Bytes of its weight files.
    fingerprint : str
        Digest of the headers, sizes and modification times of its files; changes when a file does. Of files whose time
        is in whole seconds, as archives keep it, some blocks are in it too.
    licence : str or None
        As the model card says it.
    adapter : Adapter or None
        Set where the checkpoint is base + low-rank deltas.
    shared : Mapping of str to str
        Other names of stored tensors, as torch's files have them for one storage, and the name each is kept under.
    notes : tuple of str
        What was read where the files left a choice.
    """

    name: str
    path: Path
    config: Config
    tensors: Mapping[str, Tensor] = field(repr=False)
    files: tuple[Path, ...] = field(repr=False)
    size: int
    fingerprint: str
    licence: str | None = None
    adapter: Adapter | None = field(default=None, repr=False)
    shared: Mapping[str, str] = field(default_factory=dict, repr=False)
    notes: tuple[str, ...] = ()

    @cached_property
    def scales(self) -> Scales:
        """The scales of float8 weights, and what else is a scale and no weight."""
        return find_scales(self.tensors, self.config.block)

    @cached_property
    def buffers(self) -> frozenset[str]:
        """Stored tensors that are neither weights nor scales of weights: buffers, and scales of activations."""
        return self.scales.of_activations | {name for name, tensor in self.tensors.items() if _is_buffer(tensor)}

    @cached_property
    def weights(self) -> Mapping[str, Tensor]:
        """The stored tensors that are weights: floating-point, no buffer, no scale."""
        passed = self.buffers | self.scales.names
        return {n: t for n, t in self.tensors.items() if t.dtype in ITEM_BYTES and n not in passed}

    @cached_property
    def tied(self) -> bool:
        """Whether the output head is the embedding: the config says so, or is silent and no head is stored."""
        if self.shared.get(HEAD, "").endswith(EMBEDDINGS):
            return True
        if self.config.tied is not None:
            return self.config.tied
        return HEAD not in self.tensors and any(name.endswith(EMBEDDINGS) for name in self.tensors)

    @cached_property
    def parameters(self) -> int:
        """Number of weights; tied weights count once, scales and buffers not at all."""
        if self.adapter is not None:
            return sum(pair.a.elements + pair.b.elements for pair in self.adapter.low_rank.values())
        skipped = HEAD if self.tied else None
        return sum(tensor.elements for name, tensor in self.weights.items() if name != skipped)

    @cached_property
    def dtype(self) -> str:
        """The dtype that most weights are stored in, in safetensors' words, lower case."""
        stored = Counter[str]()
        for tensor in self.tensors.values():
            stored[tensor.dtype] += tensor.elements
        for pair in self.adapter.low_rank.values() if self.adapter else ():
            stored[pair.a.dtype] += pair.a.elements
        return stored.most_common(1)[0][0].lower() if stored else "none"
