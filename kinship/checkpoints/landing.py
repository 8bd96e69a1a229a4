"""Lay an adapter on its base: everything that it holds must land on a weight of the base, or it is said by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from kinship.checkpoints.checkpoint import Adapter, Checkpoint
from kinship.checkpoints.delta import Delta, LowRank, TokenRows
from kinship.checkpoints.experts import taken_apart
from kinship.checkpoints.orientation import oriented
from kinship.checkpoints.peft_config import matches
from kinship.checkpoints.prefixes import Rules, fit_prefixes, renamed
from kinship.checkpoints.replicate import replicated_layers
from kinship.checkpoints.spelling import respelled, spellings
from kinship.checkpoints.vocabulary import in_layer, is_embedding, is_head
from kinship.errors import AlignmentError

__all__ = ["Landed", "landed"]

_MEND = "give the base that the adapter was trained on"
Shape = tuple[int, ...]


class Landed(NamedTuple):
    """An adapter by the names of the weights that it changes, what its prefixes became, and what has to be said."""

    model: Checkpoint
    rules: Rules
    said: tuple[str, ...]


def landed(model: Checkpoint, name: str, base: Checkpoint, base_name: str) -> Landed:
    """Lay an adapter on its own base, where that can be read, or else on the family's; a whole model stays as it is.

    Parameters
    ----------
    model, base : Checkpoint
        A member of a family, and the family's base.
    name, base_name : str
        For messages.

    Raises
    ------
    AlignmentError
        The adapter changes a weight that the base does not have, or has in another shape.
    """
    adapter = model.adapter
    if adapter is None:
        return Landed(model, {}, ())
    _refuse_replicated(adapter, name, base, base_name)
    under, under_name = (base, base_name) if adapter.base is None else (adapter.base, adapter.base.name)
    spelled = under.spelled
    back = {plain: one for one, plain in spelled.items()}
    deltas = taken_apart(adapter.low_rank, back)
    whole = {one: stored.shape for one, stored in model.tensors.items()}
    sides = whole | {one: _sides(delta) for one, delta in deltas.items() if one not in whole}
    own = spellings(sides)
    plain = _shapes(under, spelled, own.values())
    rules = fit_prefixes(_either_way(plain), _either_way({own[one]: shape for one, shape in sides.items()}))
    places = {one: back.get(to, to) for one in sides if (to := renamed(rules, own[one])) in plain}
    shapes = {back.get(one, one): shape for one, shape in plain.items()}
    added = [one for one in whole if one not in places and _is_saved(adapter, one)]
    lost = [one for one in sides if one not in places and one not in added]
    if lost:
        told = f"{name} holds {lost[0]}, which is no weight of {under_name} ({len(lost)} of {len(sides)} are not)"
        raise AlignmentError(f"{told}; {_MEND}")
    tensors = {places.get(one, one): stored for one, stored in model.tensors.items()}
    for one in places.keys() & whole.keys():
        _refuse_shape(name, under_name, places[one], whole[one], shapes[places[one]])
    shapes |= {one: stored.shape for one, stored in tensors.items()}
    found = {places[one]: _on(delta, shapes[places[one]]) for one, delta in deltas.items() if one in places}
    laid = oriented(found, shapes, under.config.architecture)
    said = [_check(name, under_name, one, delta, shapes[one]) for one, delta in laid.items()]
    said += [
        f"{name} changes {one} alone, which {under_name} ties to its embedding; it is compared so, but PEFT's merge "
        "would change both"
        for one in laid
        if one not in under.tensors and is_head(one)
    ]
    said += [f"{name} adds {one}, which {under_name} does not have; it is left out" for one in added]
    changed = replace(model, tensors=tensors, adapter=replace(adapter, low_rank=laid))
    used = respelled(own, {one: spelled[one] for one in places.values() if one in spelled})
    used |= {prefix: becomes for prefix, becomes in rules.items() if prefix != becomes}
    return Landed(changed, used, tuple(one for one in said if one))


def _refuse_replicated(adapter: Adapter, name: str, base: Checkpoint, base_name: str) -> None:
    layers = len(replicated_layers(adapter.replication))
    if layers and base.config.layers not in (None, layers):
        told = f"{name} cannot be compared with {base_name}: its layer_replication makes {layers} layers"
        raise AlignmentError(f"{told}, not {base.config.layers}; choose models made from the same base")


def _shapes(under: Checkpoint, spelled: Mapping[str, str], wanted: Iterable[str]) -> dict[str, Shape]:
    """Return the shapes of the base's tensors, by plain names; a tied head, which an adapter may change on its own,
    is among them.
    """
    shapes = {spelled[one]: stored.shape for one, stored in under.tensors.items()}
    embedding = next((shape for one, shape in shapes.items() if is_embedding(one)), None)
    if embedding is not None and under.tied and not any(map(is_head, shapes)):
        shapes |= {one: embedding for one in wanted if is_head(one)}
    return shapes


def _either_way(shapes: Mapping[str, Shape]) -> dict[str, Shape]:
    """Return the shapes with sides by size: which way round a layer stores its weight is no difference."""
    return {one: tuple(sorted(shape)) if in_layer(one) else shape for one, shape in shapes.items()}


def _sides(delta: Delta) -> Shape:
    return delta.rows.shape if isinstance(delta, TokenRows) else delta.shape


def _on(delta: Delta, shape: Shape) -> Delta:
    """Tell trained rows of how many they are."""
    return replace(delta, tokens=shape[0]) if isinstance(delta, TokenRows) and shape else delta


def _is_saved(adapter: Adapter, name: str) -> bool:
    """Tell whether a tensor is of a module that the adapter may have added to the model: a head to classify with."""
    parts = name.split(".")
    modules = (".".join(parts[:end]) for end in range(1, len(parts)))
    return any(matches(module, saved) for module in modules for saved in adapter.saved_modules)


def _check(name: str, under_name: str, weight: str, delta: Delta, shape: Shape) -> str | None:
    """Refuse a delta of another shape than its weight; return what has to be said of one that lands in part."""
    if isinstance(delta, TokenRows):
        _refuse_shape(name, under_name, weight, delta.shape, shape)
        beyond = sum(index >= shape[0] for index in delta.indices)
        if not beyond:
            return None
        told = f"{beyond} of the {len(delta.indices)} rows of {weight} that {name} trained"
        return f"{told} are beyond the {shape[0]} of {under_name}; they are left out"
    if delta.needs_weight and delta.shape != shape:
        raise AlignmentError(_other_shape(name, under_name, weight, delta.shape, shape))
    if isinstance(delta, LowRank) and delta.start == "olora" and delta.transposed:
        told = f"{name} is OLoRA on {weight}, which is stored transposed; PEFT does not define that"
        raise AlignmentError(f"{told}; merge it into its base first")
    _refuse_shape(name, under_name, weight, delta.shape, shape)
    return None


def _refuse_shape(name: str, under_name: str, weight: str, ours: Shape, theirs: Shape) -> None:
    """Refuse another shape; of embeddings and heads, `align` takes the rows that all have."""
    vocabulary = is_embedding(weight) or is_head(weight) or is_head(f"{weight.removesuffix('bias')}weight")
    if ours != theirs and not (vocabulary and ours[1:] == theirs[1:]):
        raise AlignmentError(_other_shape(name, under_name, weight, ours, theirs))


def _other_shape(name: str, under_name: str, weight: str, ours: Shape, theirs: Shape) -> str:
    return f"{name} changes {weight} as one of shape {list(ours)}, which in {under_name} is {list(theirs)}; {_MEND}"
