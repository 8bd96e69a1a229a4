"""Which tensors are scales: those that float8 weights are multiplied by, and those of activations.

A float8 tensor's scale is found by where it lies, what its name shares with the weight's, and its shape: it stands
beside the weight (`m.weight_scale`, `m.weight_scale_inv`, `m.qscale_weight`, `m.scale`) or below it (`m.weight.scale`),
and fits. Under a name that tells nothing (`m.dequant_factor`) it is the only other tensor there, a guess that is told.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import NamedTuple

from kinship.checkpoints.header import ITEM_BYTES, Tensor

__all__ = ["Block", "Scale", "Scales", "cells_of", "find_scales"]

Block = tuple[int, int]
"""Rows and columns that one scale covers, as a config.json says it (`weight_block_size`)."""

_FLOAT8 = ("F8_E4M3", "F8_E5M2")
_SCALE_WORDS = {"scale", "scales", "qscale", "amax"}
_NO_WEIGHT = _SCALE_WORDS | {"zero"}  # zero points, which stand beside scales
_PLAIN = _SCALE_WORDS | {"inv", ""}
_OF_ACTIVATIONS = {
    "a", "act", "activation", "activations", "in", "input", "output", "out", "x", "q", "k", "v", "kv", "qkv", "prob"
}  # fmt: skip
_KNOWN = {
    "biases", "norm", "weight", "weights", "sinks", "lora", "gate", "gamma", "beta", "mean", "var", "alpha"
}  # fmt: skip
"""Words of tensors that stand beside weights and are no scales, whatever their shape."""
_CACHES = re.compile(r"(^|\.)(input|output|q|k|v|kv|prob|prob_output)_scale$")
_OF_LOGITS = {"logit", "logits"}  # a temperature that is trained, as CLIP has it


class Scale(NamedTuple):
    """The scales of one float8 tensor, and how many of its elements along each axis one of them covers."""

    tensor: Tensor
    cells: tuple[int, ...]


@dataclass(frozen=True)
class Scales:
    """Scales by the name of the weight they belong to, names of scales of either sort, and what is wrong.

    `guessed` are those of the weights' scales that no name tells, only their place and shape.
    """

    of: Mapping[str, Scale]
    of_activations: frozenset[str]
    of_weights: frozenset[str]
    faults: tuple[str, ...]
    guessed: tuple[str, ...] = ()

    @cached_property
    def names(self) -> frozenset[str]:
        """Names of all tensors that are scales."""
        return self.of_activations | self.of_weights


def find_scales(tensors: Mapping[str, Tensor], block: Block | None = None) -> Scales:
    """Return the scale of every float8 tensor, and all other scales; a sentence for each weight without one.

    A scale of activations is what looks like a scale beside a float8 weight, or has one element and lies in the
    same layer as one or, anywhere in such a model, is called as those of key-value caches are.
    """
    if not any(tensor.dtype in _FLOAT8 for tensor in tensors.values()):
        return Scales({}, frozenset(), frozenset(), ())
    stored, tensors = tensors, {name: tensor._replace(name=name) for name, tensor in tensors.items()}
    candidates: dict[str, list[Tensor]] = defaultdict(list)
    for name, tensor in tensors.items():
        if _words(name) & _NO_WEIGHT and not _words(name) & _OF_LOGITS:
            candidates[name.rpartition(".")[0]].append(tensor)
    weights = [t for n, t in tensors.items() if t.dtype in _FLOAT8 and not _words(n) & _NO_WEIGHT]
    named: dict[str, list[set[str]]] = defaultdict(list)
    for weight in weights:
        named[weight.name.rpartition(".")[0]].append(_words(weight.name))
    of: dict[str, Scale] = {}
    of_weights, faults, guessed = set[str](), list[str](), list[str]()
    lone = _lone(tensors, weights)
    for weight in weights:
        module = weight.name.rpartition(".")[0]
        found = _partner(weight, [*candidates[module], *candidates[weight.name]], named[module], block)
        if found is None and (other := lone.get(module)) and cells_of(weight.shape, other.shape, block):
            found = other
            guessed.append(other.name)
        fault = _fault(weight, found, block)
        if fault:
            faults.append(fault)
        elif found is not None:
            of[weight.name] = Scale(stored[found.name], cells_of(weight.shape, found.shape, block) or ())
            of_weights.add(found.name)
    modules = {weight.name.rpartition(".")[0] for weight in weights} | {weight.name for weight in weights}
    layers = {_layer(weight.name) for weight in weights}
    rest = [(module, t) for module, beside in candidates.items() for t in beside if t.name not in of_weights]
    of_activations = {
        t.name
        for module, t in rest
        if module in modules or (t.elements == 1 and (_layer(t.name) in layers or _CACHES.search(t.name)))
    }
    return Scales(of, frozenset(of_activations), frozenset(of_weights), tuple(faults), tuple(guessed))


def _lone(tensors: Mapping[str, Tensor], weights: Sequence[Tensor]) -> dict[str, Tensor]:
    """Return the one tensor beside each lone float8 weight, biases aside, where it is a float of an unknown name."""
    beside: dict[str, list[Tensor]] = {weight.name.rpartition(".")[0]: [] for weight in weights}
    for name, tensor in tensors.items():
        module = name.rpartition(".")[0]
        if module in beside and "bias" not in _words(name):
            beside[module].append(tensor)
    lone = {}
    for module, held in beside.items():
        others = [tensor for tensor in held if tensor.dtype not in _FLOAT8]
        if len(held) == 2 and len(others) == 1 and others[0].dtype in ITEM_BYTES:
            lone[module] = others[0]
    return {module: one for module, one in lone.items() if not _words(one.name) & (_KNOWN | _NO_WEIGHT)}


def cells_of(shape: Sequence[int], scales: Sequence[int], block: Block | None = None) -> tuple[int, ...] | None:
    """Return how many elements along each axis of a tensor one scale covers, or None where the shapes do not fit.

    One scale covers all of an axis, one element of it, or a block: the one that `block` names for the last two axes,
    else the power of two that gives as many blocks, else equal parts. Fewer axes than the tensor's are its first ones,
    element by element (a scale a row, a scale an expert).
    """
    if prod(scales) == 1:
        return tuple(max(1, side) for side in shape)
    counts = tuple(scales)
    if len(counts) < len(shape) and counts == tuple(shape[: len(counts)]):
        counts += (1,) * (len(shape) - len(counts))
    if len(counts) != len(shape):
        return None
    named = (0,) * (len(shape) - 2) + (block or (0, 0)) if len(shape) > 1 else (0,)
    cells = tuple(_cell(*axis) for axis in zip(shape, counts, named, strict=True))
    return None if 0 in cells else cells


def _cell(side: int, count: int, named: int) -> int:
    """Return the elements of one block, 0 where `count` blocks cannot cover the side."""
    if count == 1:
        return max(1, side)
    if count == side:
        return 1
    if count == 0:
        return 0
    each = -(-side // count)
    sizes = (named, 1 << (each - 1).bit_length(), each if side % count == 0 else 0)
    return next((size for size in sizes if size and -(-side // size) == count), 0)


def _partner(
    weight: Tensor, candidates: Sequence[Tensor], named: Sequence[set[str]], block: Block | None
) -> Tensor | None:
    """Return the scale of a weight: by name, else the only one that fits and is not `named` after another weight."""
    own = _words(weight.name)
    ranked: dict[int, list[Tensor]] = defaultdict(list)
    for tensor in candidates:
        rest = _words(tensor.name) - _PLAIN
        if "zero" in rest:
            continue
        if rest == own or rest - {"weight"} == own:
            ranked[0 if "inv" in _words(tensor.name) else 1].append(tensor)
        elif not rest:
            ranked[2].append(tensor)
        elif not rest & _OF_ACTIVATIONS and rest not in named and cells_of(weight.shape, tensor.shape, block):
            ranked[3].append(tensor)
    for rank in range(3):
        if ranked[rank]:
            return ranked[rank][0]
    return ranked[3][0] if len(ranked[3]) == 1 else None


def _fault(weight: Tensor, scale: Tensor | None, block: Block | None) -> str | None:
    where = f"float8 tensor {weight.name} has"
    if scale is None:
        return f"{where} no scale (such as {weight.name}_scale or {weight.name}_scale_inv)"
    if scale.dtype not in ITEM_BYTES or scale.dtype in _FLOAT8:
        return f"{where} a scale that is not a float ({scale.dtype.lower()})"
    if cells_of(weight.shape, scale.shape, block) is None:
        return f"scale {list(scale.shape)} does not fit {weight.name}, which is {list(weight.shape)}"
    return None


def _words(name: str) -> set[str]:
    return set(re.split(r"[._]", name.rpartition(".")[2].lower()))


def _layer(name: str) -> str:
    """Return the name up to the number of the layer, all of it where there is none."""
    found = re.match(r".*?\.\d+(?=\.)", f".{name}")
    return found.group() if found else name
