"""What is known of a checkpoint from its headers alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from kinship.checkpoints.buffers import is_buffer
from kinship.checkpoints.delta import Delta
from kinship.checkpoints.header import ITEM_BYTES, Tensor
from kinship.checkpoints.scales import Block, Scales, find_scales
from kinship.checkpoints.spelling import spellings
from kinship.checkpoints.vocabulary import is_embedding, is_head

__all__ = ["Adapter", "Checkpoint", "Config"]

_WITH_HEAD = re.compile(r"(?:For[A-Z]\w*|LMHeadModel|DoubleHeadsModel|EncoderModel|Model)$")


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

    @property
    def backbone(self) -> str | None:
        """The architecture without its head, in small letters: `LlamaForCausalLM` and `llama` are the same."""
        if self.architecture is None:
            return None
        return re.sub(r"[^a-z0-9]", "", _WITH_HEAD.sub("", self.architecture).lower())


@dataclass(frozen=True)
class Adapter:
    """An adapter: what it does to weights, by their names, relative to the base it declares.

    Attributes
    ----------
    declared_base : str
        As its config says it: a path, a Hub id, or nothing.
    rank : int
        The largest of its factors.
    low_rank : Mapping of str to Delta
    base : Checkpoint or None
        The declared base where it is on this machine and can be read, with its layers replicated as the config says.
    fault : str
        Why the declared base, which is on this machine, cannot be read; empty where it can be, or is not there.
    saved_modules : tuple of str
        Modules that it may have added to the model.
    replication : tuple of (int, int)
        Ranges of the base's layers, end not included, that make the layers of the adapter's model; empty for the
        base's own.
    """

    declared_base: str
    rank: int
    low_rank: Mapping[str, Delta]
    base: Checkpoint | None
    fault: str = ""
    saved_modules: tuple[str, ...] = ()
    replication: tuple[tuple[int, int], ...] = ()


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
    ties : Mapping of str to str
        Stored tensors that repeat another one, by what they hold (`kinship.checkpoints.ties`), with its name.
    notes : tuple of str
        What was read where the files left a choice.
    stamps : Mapping of Path to str
        Each weight file's size, times and inode just before it was opened (`kinship.checkpoints.stamps`).
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
    ties: Mapping[str, str] = field(default_factory=dict, repr=False)
    notes: tuple[str, ...] = ()
    stamps: Mapping[Path, str] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def tied(self) -> bool:
        """Whether the output head is the embedding: a stored one by what it holds, else as the config has it."""
        heads = [name for name in self.tensors if is_head(name)]
        embedded = any(map(is_embedding, self.tensors))
        if heads and embedded:
            return all(name in self.ties for name in heads)
        return (embedded and self.config.tied is not False) or bool(heads and self.config.tied)

    @cached_property
    def spelled(self) -> Mapping[str, str]:
        """The plain spelling of each stored tensor's name."""
        return spellings(self.tensors)

    @cached_property
    def scales(self) -> Scales:
        """The scales of float8 weights, and what else is a scale and no weight."""
        return find_scales(self.tensors, self.config.block)

    @cached_property
    def buffers(self) -> frozenset[str]:
        """Stored tensors that are neither weights nor scales of weights: buffers, and scales of activations."""
        return self.scales.of_activations | {n for n, tensor in self.tensors.items() if is_buffer(n, tensor.shape)}

    @cached_property
    def weights(self) -> Mapping[str, Tensor]:
        """The stored tensors that are weights: floating-point, no buffer, no scale."""
        passed = self.buffers | self.scales.names
        return {n: t for n, t in self.tensors.items() if t.dtype in ITEM_BYTES and n not in passed}

    @cached_property
    def parameters(self) -> int:
        """Number of weights; tied weights count once, scales and buffers not at all."""
        if self.adapter is not None:
            return sum(t.elements for delta in self.adapter.low_rank.values() for t in delta.tensors)
        return sum(tensor.elements for name, tensor in self.weights.items() if name not in self.ties)

    @cached_property
    def dtype(self) -> str:
        """The dtype that most weights are stored in, in safetensors' words, lower case."""
        stored = Counter[str]()
        for tensor in self.tensors.values():
            stored[tensor.dtype] += tensor.elements
        for delta in self.adapter.low_rank.values() if self.adapter else ():
            stored[delta.tensors[0].dtype] += delta.tensors[0].elements
        return stored.most_common(1)[0][0].lower() if stored else "none"
