"""Decide what of a family can be compared, tensor by tensor, before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal, NamedTuple

from kinship.checkpoints.checkpoint import EMBEDDINGS, HEAD, Checkpoint, LowRank
from kinship.checkpoints.coverage import Coverage, cover
from kinship.checkpoints.header import ITEM_BYTES, Tensor
from kinship.checkpoints.names import unique_names
from kinship.checkpoints.partial import check_coverage, partial_warnings
from kinship.errors import AlignmentError

__all__ = ["AlignedTensor", "Alignment", "LeftOut", "Row", "Vocabulary", "align"]

Vocabulary = Literal["common", "leave-out"]
_OTHER_VOCABULARY = "vocabulary of another size"
_SCALES = ("_scale", "_scale_inv")
_ACTIVATION = (".input_scale", ".output_scale", ".k_scale", ".v_scale", ".kv_scale")


class LeftOut(NamedTuple):
    """Something that is not part of the comparison, because of which model, and why."""

    tensor: str
    model: str
    reason: str


@dataclass(frozen=True)
class Row:
    """Where one model's row of one tensor comes from.

    A stored tensor (with its scale, if it is float8), a low-rank delta, or both: a delta on another base. With
    neither, the row is a delta of zero: an adapter leaves this tensor alone.
    """

    stored: Tensor | None = None
    scale: Tensor | None = None
    low_rank: LowRank | None = None

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
        pairs = [row.low_rank for row in self.rows if row.low_rank]
        return stored + sum(t.elements * ITEM_BYTES[t.dtype] for pair in pairs for t in (pair.a, pair.b))


@dataclass(frozen=True)
class Alignment:
    """A base and its members with all that can be compared between them, and what share of each member that is."""

    base: Checkpoint
    members: tuple[Checkpoint, ...]
    names: tuple[str, ...]
    tensors: tuple[AlignedTensor, ...]
    left_out: tuple[LeftOut, ...]
    warnings: tuple[str, ...]
    vocabulary: Vocabulary
    coverage: Mapping[str, Coverage]

    @property
    def parameters(self) -> int:
        """Elements compared."""
        return sum(tensor.elements for tensor in self.tensors)

    @property
    def nbytes(self) -> int:
        """Bytes that a pass reads."""
        return sum(tensor.nbytes for tensor in self.tensors)


def align(
    base: Checkpoint, members: Sequence[Checkpoint], vocabulary: Vocabulary = "common", *, allow_partial: bool = False
) -> Alignment:
    """Return what can be compared between a base and the models made from it.

    Parameters
    ----------
    base, members
        The family; `names` of the result has the base first.
    vocabulary : {"common", "leave-out"}
        For vocabularies of different size: compare the rows that all have, or leave these tensors out.
    allow_partial : bool
        Compare the common part even where it is less than half of the weights.

    Raises
    ------
    AlignmentError
        Another architecture, layer count or size (the first difference is named), or nothing in common.
    CoverageError
        Less than half of the weights are common to all, and that was not allowed.
    """
    if base.adapter is not None:
        raise AlignmentError(f"{base.name} is an adapter and cannot be the base; give the model it adapts")
    models = (base, *members)
    names = unique_names([model.path for model in models])
    for model, name in zip(models, names, strict=True):
        _same_architecture(base, names[0], model, name)
    left_out: list[LeftOut] = []
    tensors: list[AlignedTensor] = []
    for tensor in _ordered_names(models):
        found = _align_tensor(tensor, models, names, vocabulary, left_out)
        if found is not None:
            tensors.append(found)
    if not tensors:
        raise AlignmentError(f"{names[0]} and {', '.join(names[1:])} have no tensor in common; check the base")
    coverage = dict(zip(names[1:], _coverage(models, tensors, left_out), strict=True))
    if not allow_partial:
        check_coverage(names[0], coverage)
    warnings = (*_warnings(models, names), *partial_warnings(names[0], coverage))
    return Alignment(base, tuple(members), names, tuple(tensors), tuple(left_out), warnings, vocabulary, coverage)


def _coverage(models: Sequence[Checkpoint], tensors: list[AlignedTensor], left_out: list[LeftOut]) -> list[Coverage]:
    """Return the coverage of every model after the base; buffers, and what is tied in all, are no weights."""
    uncounted = {entry.tensor for entry in left_out if entry.model == "all"}
    asked = {entry.tensor for entry in left_out if entry.reason.startswith(_OTHER_VOCABULARY)}
    rows = {
        name: [row if _fault(row) is None else None for row in (_row(model, models[0], name) for model in models)]
        for name in _ordered_names(models)
        if name not in uncounted
    }
    return cover(rows, {tensor.name: tensor.shape for tensor in tensors}, asked, _common_rows)


def _same_architecture(base: Checkpoint, base_name: str, model: Checkpoint, name: str) -> None:
    if model.adapter is not None and model.adapter.base is None:
        return
    for field, word in (
        ("architecture", "architecture"),
        ("layers", "number of layers"),
        ("hidden_size", "hidden size"),
        ("intermediate_size", "MLP size"),
        ("heads", "number of attention heads"),
        ("key_value_heads", "number of key-value heads"),
    ):
        ours, theirs = getattr(base.config, field), getattr(model.config, field)
        if ours is not None and theirs is not None and ours != theirs:
            raise AlignmentError(
                f"{name} cannot be compared with {base_name}: {word} {theirs}, not {ours}; "
                "choose models made from the same base"
            )


def _ordered_names(models: Sequence[Checkpoint]) -> list[str]:
    seen: dict[str, None] = {}
    for model in models:
        adapted = model.adapter.low_rank if model.adapter else {}
        for name in (*model.tensors, *adapted):
            if not (name.endswith(_SCALES) and name.rpartition("_scale")[0] in model.tensors):
                seen.setdefault(name)
    return list(seen)


def _row(model: Checkpoint, base: Checkpoint, name: str) -> Row | None:
    """Find the row of `name`; a tied model's output head is its embedding."""
    if model.adapter is not None:
        low_rank = model.adapter.low_rank.get(name)
        if name in model.tensors:
            return Row(model.tensors[name], low_rank=low_rank)
        own_base = model.adapter.base
        if own_base is None or own_base.fingerprint == base.fingerprint:
            return Row(low_rank=low_rank)
        under = _row(own_base, base, name)
        return under and Row(under.stored, under.scale, low_rank)
    if name == HEAD and model.tied:
        name = next((n for n in model.tensors if n.endswith(EMBEDDINGS)), name)
    stored = model.tensors.get(name)
    if stored is None:
        return None
    scale = model.tensors.get(f"{name}_scale_inv") or model.tensors.get(f"{name}_scale")
    return Row(stored, scale if stored.dtype.startswith("F8_") else None)


def _ties_head(model: Checkpoint) -> bool:
    if model.adapter is None:
        return model.tied
    touched = HEAD in model.tensors or HEAD in model.adapter.low_rank
    return not touched and (model.adapter.base is None or _ties_head(model.adapter.base))


def _align_tensor(
    name: str,
    models: Sequence[Checkpoint],
    names: Sequence[str],
    vocabulary: Vocabulary,
    left_out: list[LeftOut],
) -> AlignedTensor | None:
    """Return the aligned tensor, or None with a line in `left_out`."""
    if name.endswith(("rotary_emb.inv_freq", *_ACTIVATION)):
        left_out.append(LeftOut(name, "all", "a buffer, not a weight"))
        return None
    if name == HEAD and all(_ties_head(model) for model in models):
        left_out.append(LeftOut(name, "all", "tied to the embedding, counted once"))
        return None
    rows = [_row(model, models[0], name) for model in models]
    for row, model in zip(rows, names, strict=True):
        fault = _fault(row)
        if fault:
            left_out.append(LeftOut(name, model, fault))
            return None
    present = [row for row in rows if row is not None]
    first = _shape(present[0], ())
    shapes = [_shape(row, first) for row in present]
    if any(shape != first for shape in shapes):
        common = _common_rows(name, shapes)
        odd = next(i for i, shape in enumerate(shapes) if shape != first)
        if common is None or vocabulary == "leave-out":
            reason = f"shape {list(shapes[odd])}, not {list(first)}"
            left_out.append(LeftOut(name, names[odd], f"{_OTHER_VOCABULARY}: {reason}" if common else reason))
            return None
        for model, shape in zip(names, shapes, strict=True):
            if shape[0] > common[0]:
                rest = f"rows {common[0]} to {shape[0] - 1} are beyond the common vocabulary of {common[0]}"
                left_out.append(LeftOut(name, model, rest))
        first = common
    return AlignedTensor(name, first, tuple(present))


def _fault(row: Row | None) -> str | None:
    if row is None:
        return "missing"
    if row.stored is not None and row.stored.dtype not in ITEM_BYTES:
        return f"not a floating-point weight ({row.stored.dtype.lower()})"
    if row.stored is not None and row.low_rank is not None and row.low_rank.shape != row.stored.shape:
        return f"its low-rank delta has shape {list(row.low_rank.shape)}, not {list(row.stored.shape)}"
    return None


def _shape(row: Row, default: tuple[int, ...]) -> tuple[int, ...]:
    source = row.stored or row.low_rank
    return source.shape if source else default


def _common_rows(name: str, shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...] | None:
    """Return the shape that all share, where only the number of vocabulary rows differs."""
    vocabulary = name.endswith((*EMBEDDINGS, HEAD, "lm_head.bias"))
    if not vocabulary or len({shape[1:] for shape in shapes}) > 1:
        return None
    return (min(shape[0] for shape in shapes), *shapes[0][1:])


def _warnings(models: Sequence[Checkpoint], names: Sequence[str]) -> tuple[str, ...]:
    found = []
    for model, name in zip(models, names, strict=True):
        if model.adapter is None:
            continue
        if model.adapter.base is None:
            declared = model.adapter.declared_base or "no base"
            found.append(f"{name} is an adapter that names {declared}; it is taken as a delta on {names[0]}")
        elif model.adapter.base.fingerprint != models[0].fingerprint:
            found.append(f"{name} is an adapter on {model.adapter.base.path}, not on {names[0]}; both are read")
    return tuple(found)
