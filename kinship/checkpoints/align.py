"""Decide what of a family can be compared, tensor by tensor, before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from kinship.checkpoints.alignment import AlignedTensor, Alignment, LeftOut, Row, Vocabulary
from kinship.checkpoints.checkpoint import Checkpoint
from kinship.checkpoints.copies import is_copy, stands_for
from kinship.checkpoints.coverage import Coverage, cover
from kinship.checkpoints.header import ITEM_BYTES
from kinship.checkpoints.landing import landed
from kinship.checkpoints.names import unique_names
from kinship.checkpoints.odd import nothing_in_common, same_architecture
from kinship.checkpoints.partial import check_coverage, partial_warnings
from kinship.checkpoints.renaming import in_terms_of
from kinship.checkpoints.vocabulary import in_layer, is_embedding, is_head
from kinship.errors import AlignmentError

__all__ = ["TIED", "align", "as_compared", "realigned"]

TIED = "tied to the embedding, counted once"
_OTHER_VOCABULARY = "vocabulary of another size"


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
    CheckpointError
        The content of tensors has to tell what their names do not, and a file cannot be read.
    CoverageError
        Less than half of the weights are common to all, and that was not allowed.

    Examples
    --------
    >>> from kinship import open_checkpoint
    >>> from kinship.demo import demo_path
    >>> base, *experts = (open_checkpoint(demo_path() / name) for name in ("base", "addition", "sorting"))
    >>> family = align(base, experts)
    >>> family.names, len(family.tensors), family.left_out
    (('base', 'addition', 'sorting'), 39, ())
    """
    if base.adapter is not None:
        raise AlignmentError(f"{base.name} is an adapter and cannot be the base; give the model it adapts")
    names = unique_names([model.path for model in (base, *members)])
    laid = [landed(member, name, base, names[0]) for member, name in zip(members, names[1:], strict=True)]
    same_architecture((base, *(one.model for one in laid)), names)
    named = [in_terms_of(base, one.model) for one in laid]
    models = (base, *(one.model for one in named))
    rules = {name: on.rules | to.rules for name, on, to in zip(names[1:], laid, named, strict=True)}
    renamed = {name: found for name, found in rules.items() if found}
    told = [one for landing in laid for one in landing.said]
    warnings = (*_warnings(models, names), *(_said(name, found) for name, found in renamed.items()), *told)
    empty = Alignment(base, tuple(members), names, (), (), warnings, vocabulary, renamed)
    alignment = realigned(empty, models)
    if not allow_partial:
        check_coverage(names[0], alignment.coverage)
    return alignment


def realigned(alignment: Alignment, models: Sequence[Checkpoint]) -> Alignment:
    """Return what can be compared where more is known of the models, which have their tensors under one name."""
    left_out: list[LeftOut] = []
    tensors: list[AlignedTensor] = []
    for tensor in _ordered_names(models):
        found = _align_tensor(tensor, models, alignment.names, alignment.vocabulary, left_out)
        if found is not None:
            tensors.append(found)
    if not tensors:
        raise nothing_in_common(models, alignment.names)
    changed = replace(alignment, tensors=tuple(tensors), left_out=tuple(left_out), models=tuple(models))
    return _covered(changed, {tensor.name: tensor.shape for tensor in tensors})


def as_compared(alignment: Alignment, compared: Mapping[str, tuple[int, ...]]) -> Alignment:
    """Return what an alignment reports where a pass compared these tensors: copies may have turned out to be none."""
    if compared.keys() == {tensor.name for tensor in alignment.tensors}:
        return alignment
    left_out = tuple(one for one in alignment.left_out if one.reason != TIED or one.tensor not in compared)
    return _covered(replace(alignment, left_out=left_out), compared)


def _covered(alignment: Alignment, compared: Mapping[str, tuple[int, ...]]) -> Alignment:
    """Return the alignment with the coverage by what is compared, and the warnings of it."""
    base = alignment.names[0]
    found = _coverage(alignment.models, compared, alignment.left_out)
    coverage = dict(zip(alignment.names[1:], found, strict=True))
    before = partial_warnings(base, alignment.coverage)
    warnings = (*(one for one in alignment.warnings if one not in before), *partial_warnings(base, coverage))
    return replace(alignment, coverage=coverage, warnings=warnings)


def _coverage(
    models: Sequence[Checkpoint], compared: Mapping[str, tuple[int, ...]], left_out: Sequence[LeftOut]
) -> list[Coverage]:
    """Return the coverage of every model after the base; buffers, and what is tied in all, are no weights."""
    uncounted = {entry.tensor for entry in left_out if entry.model == "all"}
    asked = {entry.tensor for entry in left_out if entry.reason.startswith(_OTHER_VOCABULARY)}
    rows = {
        name: [row if _fault(row) is None else None for row in (_row(models, model, name) for model in models)]
        for name in _ordered_names(models)
        if name not in uncounted
    }
    return cover(rows, compared, asked, lambda name, pair, i: _common_rows(name, pair, (models[0], models[i])))


def _ordered_names(models: Sequence[Checkpoint]) -> list[str]:
    seen: dict[str, None] = {}
    for model in models:
        adapted = model.adapter.low_rank if model.adapter else {}
        for name in (*model.tensors, *adapted):
            if name not in model.scales.names or name in model.scales.of_activations:
                seen.setdefault(name)
    return list(seen)


def _row(models: Sequence[Checkpoint], model: Checkpoint, name: str) -> Row | None:
    """Find the row of `name` in one of the models; a tied model's output head is its embedding."""
    base = models[0]
    if model.adapter is not None:
        own_base = model.adapter.base or base
        if name not in model.tensors and name not in model.adapter.low_rank:
            stand_in = None if name in own_base.tensors else stands_for(models, own_base, name)
            name = own_base.ties.get(name) or stand_in or name
        low_rank = model.adapter.low_rank.get(name)
        if name in model.tensors:
            return Row(model.tensors[name], low_rank=low_rank)
        if own_base.fingerprint == base.fingerprint and not (low_rank and low_rank.needs_weight):
            return Row(low_rank=low_rank)
        under = _row(models, own_base, name)
        return under and Row(under.stored, under.scale, low_rank)
    if name not in model.tensors:
        name = stands_for(models, model, name) or name
    stored = model.tensors.get(name)
    if stored is None or name in model.scales.names:
        return None
    return Row(stored, model.scales.of.get(name))


def _align_tensor(
    name: str,
    models: Sequence[Checkpoint],
    names: Sequence[str],
    vocabulary: Vocabulary,
    left_out: list[LeftOut],
) -> AlignedTensor | None:
    """Return the aligned tensor, or None with a line in `left_out`."""
    if any(name in model.buffers for model in models):
        left_out.append(LeftOut(name, "all", "a buffer, not a weight"))
        return None
    if all(is_copy(models, model, name) for model in models):
        left_out.append(LeftOut(name, "all", TIED))
        return None
    rows = [_row(models, model, name) for model in models]
    for row, model in zip(rows, names, strict=True):
        fault = _fault(row)
        if fault:
            left_out.append(LeftOut(name, model, fault))
            return None
    present = [row for row in rows if row is not None]
    first = _shape(present[0], ())
    shapes = [_shape(row, first) for row in present]
    if any(shape != first for shape in shapes):
        common = _common_rows(name, shapes, models)
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
    return None


def _shape(row: Row, default: tuple[int, ...]) -> tuple[int, ...]:
    source = row.stored or row.low_rank
    return source.shape if source else default


def _common_rows(name: str, shapes: Sequence[tuple[int, ...]], models: Sequence[Checkpoint]) -> tuple[int, ...] | None:
    """Return the shape that all share, where only the number of vocabulary rows differs."""
    if in_layer(name) or not all(shapes) or len({shape[1:] for shape in shapes}) > 1:
        return None
    sizes = [_vocabulary_sizes(model) for model in models]
    by_size = all(shape[0] in known for shape, known in zip(shapes, sizes, strict=True))
    if not (by_size or is_embedding(name) or is_head(name)):
        return None
    return (min(shape[0] for shape in shapes), *shapes[0][1:])


def _vocabulary_sizes(model: Checkpoint) -> set[int]:
    """Return how many rows what has one for each token has: as the config says it, and the embeddings."""
    rows = {t.shape[0] for name, t in model.tensors.items() if is_embedding(name) and t.shape}
    return rows | ({model.config.vocabulary} if model.config.vocabulary else set())


def _warnings(models: Sequence[Checkpoint], names: Sequence[str]) -> tuple[str, ...]:
    found = []
    for model, name in zip(models, names, strict=True):
        found += [f"{name}: {note}" for note in model.notes]
        if model.adapter is None:
            continue
        if model.adapter.base is None:
            fault, declared = model.adapter.fault, model.adapter.declared_base or "no base"
            told = f"that names {declared}" if not fault else f"on {declared}, which cannot be read ({fault})"
            found.append(f"{name} is an adapter {told}; it is taken as a delta on {names[0]}")
        elif model.adapter.base.fingerprint != models[0].fingerprint:
            found.append(f"{name} is an adapter on {model.adapter.base.path}, not on {names[0]}; both are read")
    return tuple(found)


def _said(name: str, rules: Mapping[str, str]) -> str:
    told = ", ".join(f"{prefix}* as {becomes}*" for prefix, becomes in rules.items())
    return f"{name} gives its tensors other names than the base; read {told}"
