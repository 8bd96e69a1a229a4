"""Put the tensors of a model under the names that its base gives them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from kinship.checkpoints.checkpoint import Checkpoint
from kinship.checkpoints.content import PLAIN, likeness
from kinship.checkpoints.header import Tensor
from kinship.checkpoints.prefixes import Rules, fit_prefixes, renamed
from kinship.checkpoints.spelling import respelled, spellings
from kinship.checkpoints.vocabulary import in_layer, is_embedding, is_head
from kinship.errors import AlignmentError

__all__ = ["Named", "in_terms_of"]

_ALIKE = 0.5  # correlation; a delta twice as large as the weights lies below, and is no fine-tune's
_COMPARED = 8  # pairs of tensors that speak for a rule


class Named(NamedTuple):
    """A model with its tensors under its base's names, and the rules for those that it calls otherwise."""

    model: Checkpoint
    rules: Rules


def in_terms_of(base: Checkpoint, model: Checkpoint) -> Named:
    """Return a model with its tensors under the names of the base, as far as names, shapes and content tell them.

    Raises
    ------
    AlignmentError
        It holds a tensor of the base twice, under two names.
    CheckpointError
        A file cannot be read.
    """
    spelled, own_spelled = base.spelled, spellings(_own(model))
    plain_base, plain = _under(base, spelled), _under(model, own_spelled)
    rules = _rules(plain_base, plain)
    plain = _under(plain, _names(plain_base, plain, rules))
    back = {plain_name: name for name, plain_name in spelled.items()}
    found = _under(plain, {name: back.get(name, name) for name in _own(plain)})
    shared = {name: spelled[name] for name in _own(found) if name in spelled}
    said = respelled(own_spelled, shared) | {before: after for before, after in rules.items() if before != after}
    if found.adapter is not None and found.adapter.base is not None:
        own_base = in_terms_of(base, found.adapter.base).model
        found = replace(found, adapter=replace(found.adapter, base=own_base))
    return Named(replace(found, ties=_ties(base, found.ties)), said)


def _own(model: Checkpoint) -> list[str]:
    """Return all names that a model has a tensor for, or an adapter a delta."""
    return list(dict.fromkeys([*model.tensors, *(model.adapter.low_rank if model.adapter else ())]))


def _under(model: Checkpoint, names: Mapping[str, str]) -> Checkpoint:
    """Return a model with its tensors under other names."""
    if all(name == other for name, other in names.items()):
        return model
    tensors = {names[name]: tensor for name, tensor in model.tensors.items()}
    ties = {names[name]: names[original] for name, original in model.ties.items()}
    adapter = model.adapter and replace(
        model.adapter, low_rank={names[name]: pair for name, pair in model.adapter.low_rank.items()}
    )
    return replace(model, tensors=tensors, ties=ties, adapter=adapter)


def _rules(base: Checkpoint, model: Checkpoint) -> Rules:
    """Return what prefixes become; an adapter has the names of what it landed on (`kinship.checkpoints.landing`)."""
    if model.adapter is not None:
        own = model.adapter.base
        return {} if own is None else _rules(base, _under(own, own.spelled))
    ours, theirs = ({name: tensor.shape for name, tensor in one.tensors.items()} for one in (base, model))
    rules = fit_prefixes(ours, theirs, lambda pairs: _alike(base, model, pairs))
    return rules | _other_vocabulary(base, model, rules)


def _alike(base: Checkpoint, model: Checkpoint, names: Mapping[str, str]) -> bool:
    """Whether weights paired by name are alike in content, the matrices first; quantised ones are left to names."""
    pairs = [(model.tensors[own], base.tensors[name]) for own, name in names.items()]
    pairs = sorted((one for one in pairs if _plain(*one)), key=lambda one: len(one[0].shape), reverse=True)
    pairs = [one for one in pairs if len(one[0].shape) == len(pairs[0][0].shape)][:_COMPARED]
    return not pairs or (likeness(pairs, blocks=4) or 0.0) > _ALIKE


def _plain(*tensors: Tensor) -> bool:
    return all(tensor.dtype in PLAIN for tensor in tensors)


def _other_vocabulary(base: Checkpoint, model: Checkpoint, rules: Rules) -> Rules:
    """Return the rule for an embedding that the model stores under another name, if its content is like the base's.

    Where tensors are tied, libraries differ in which of their names they keep.
    """
    taken = {renamed(rules, name) for name in model.tensors} if rules else model.tensors.keys()
    lacking = _matrices(base, (n for n in base.tensors if n not in taken and (is_embedding(n) or is_head(n))))
    if not lacking:
        return {}
    spare = _matrices(model, (name for name in model.tensors if renamed(rules, name) not in base.tensors))
    found = [
        (own, name)
        for name in lacking
        for own in spare
        if model.tensors[own].shape[1:] == base.tensors[name].shape[1:]
        and (likeness([(model.tensors[own], base.tensors[name])], blocks=4) or 0.0) > _ALIKE
    ]
    return dict(found) if len(found) == 1 else {}


def _matrices(model: Checkpoint, names: Iterable[str]) -> list[str]:
    """Return those of the names that are of matrices outside the layers and of no copies."""
    stored = ((name, model.tensors[name]) for name in names)
    return [
        name
        for name, tensor in stored
        if len(tensor.shape) == 2 and tensor.dtype in PLAIN and not in_layer(name) and name not in model.ties
    ]


def _names(base: Checkpoint, model: Checkpoint, rules: Rules) -> dict[str, str]:
    """Return the name under the rules for each name of the model."""
    known = base.tensors
    if not rules:
        return {name: name for name in _own(model)}
    names = {name: renamed(rules, name) for name in _own(model)}
    times = Counter(names.values())
    twice = next((name for name, count in times.items() if count > 1 and name in known), None)
    if twice is not None:
        first, second, *_ = (name for name, image in names.items() if image == twice)
        raise AlignmentError(f"{model.name} holds {twice} twice, as {first} and as {second}; save one of them alone")
    return {name: image if times[image] == 1 else name for name, image in names.items()}


def _ties(base: Checkpoint, ties: Mapping[str, str]) -> dict[str, str]:
    """Return the ties with an original that the base has, where it has one of the names that are tied."""
    groups: dict[str, list[str]] = {}
    for name, original in ties.items():
        groups.setdefault(original, [original]).append(name)
    found: dict[str, str] = {}
    for original, names in groups.items():
        first = next((name for name in names if name in base.tensors and name not in base.ties), original)
        found |= {name: first for name in names if name != first}
    return found
