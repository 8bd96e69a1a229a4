"""Tell from shapes whether a layer stores its weight as (outputs, inputs) or the other way round.

PEFT asks the layer (`Conv1D` of GPT-2, `is_transposed` of experts); the files show it wherever a weight is not square,
and layers of one kind go the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kinship.checkpoints.delta import Delta, LowRank
from kinship.checkpoints.vocabulary import is_head
from kinship.errors import AlignmentError

__all__ = ["oriented"]

_TRANSPOSED_EXPERTS = ("GptOss", "Llama4", "Aria")
Shape = tuple[int, ...]


def oriented(deltas: Mapping[str, Delta], shapes: Mapping[str, Shape], architecture: str | None) -> dict[str, Delta]:
    """Return the deltas, each in the direction in which its weight is stored.

    Parameters
    ----------
    deltas : Mapping of str to Delta
    shapes : Mapping of str to tuple of int
        Of the weights, by the same names.
    architecture : str or None
        Of the base: what stacked experts go by that are all square.

    Raises
    ------
    AlignmentError
        Square weights of experts whose direction nothing tells.
    """
    directions = {name: _direction(delta, shapes[name]) for name, delta in deltas.items() if isinstance(delta, LowRank)}
    shown = {name: way for name, way in directions.items() if way is not None and not is_head(name)}
    seen = {kind: {way for name, way in shown.items() if _stacked(deltas[name]) == kind} for kind in (True, False)}
    turned = dict(deltas)
    for name, direction in directions.items():
        delta = deltas[name]
        if isinstance(delta, LowRank) and _turns(delta):
            siblings = seen[_stacked(delta)]
            way = direction if direction is not None else _guess(name, delta, siblings, architecture or "")
            turned[name] = replace(delta, transposed=way)
    return turned


def _guess(name: str, delta: LowRank, siblings: set[bool], architecture: str) -> bool:
    """Return the direction of a square weight: its siblings', or what the config says, or the kind of model."""
    if len(siblings) == 1:
        return next(iter(siblings))
    if not delta.experts:
        return delta.transposed
    if not architecture.startswith(_TRANSPOSED_EXPERTS):
        problem = f"the experts' weights {name} are square: which way round the factors go cannot be told"
        raise AlignmentError(f"{problem}; merge the adapter into its base first")
    return True


def _stacked(delta: Delta) -> bool:
    return isinstance(delta, LowRank) and delta.experts > 0


def _turns(delta: LowRank) -> bool:
    """Tell whether the direction is open; those of embeddings, convolutions and single experts are not."""
    return len(delta.a.shape) == 2 and delta.part is None and not delta.embedding


def _direction(delta: LowRank, shape: Shape) -> bool | None:
    """Return whether the weight is stored transposed; None where it could be both or neither."""
    if not _turns(delta):
        return None
    plain, turned = (replace(delta, transposed=way).shape == shape for way in (False, True))
    return turned if plain != turned else None
