"""What share of each model was compared, from headers alone.

The weights of a base and a model made from it are counted as a union: what corresponds counts once, and so does what
only one of them has. Two names of one stored tensor, a tied head's, are one weight. An adapter is its base with the
adapter's changes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from kinship.checkpoints.alignment import Row

__all__ = ["PARTIAL", "REFUSED", "Coverage", "Gap", "cover", "coverage_data", "partial_models"]

PARTIAL = 0.95
"""A model of which less corresponds to the base is named."""

REFUSED = 0.5
"""A family of which less is common to all is compared only on request."""

Shape = tuple[int, ...]
Cause = Literal["model lacks", "base lacks", "shape", "rows", "others", "asked"]


Common = Callable[[str, Sequence[Shape], int], Shape | None]


class Gap(NamedTuple):
    """Elements `start` to `stop` of a weight, flattened row by row, that are not compared.

    `row` says where they are stored. The causes: the model or the base lacks the tensor, their shapes differ, one
    has more rows of vocabulary, another model of the family lacks what these two share, or it was asked for.
    """

    tensor: str
    row: Row
    shape: Shape
    start: int
    stop: int
    cause: Cause

    @property
    def elements(self) -> int:
        """Number of elements."""
        return self.stop - self.start


@dataclass(frozen=True)
class Coverage:
    """What of a base and one model was compared.

    Attributes
    ----------
    union : int
        Distinct weights of the two.
    gaps : tuple of Gap
        What of them is not compared.
    repeated : frozenset of str
        Names under which weights that count already are stored again.
    norm : float or None
        Square root of the compared weights' share of the sum of squares; None where the rest was not read.
    """

    union: int
    gaps: tuple[Gap, ...] = field(default=(), repr=False)
    repeated: frozenset[str] = frozenset()
    norm: float | None = None

    @property
    def elements(self) -> float:
        """Share of the distinct weights that was compared."""
        return self._share(set())

    @property
    def common(self) -> float:
        """The same, what was left out on request apart."""
        return self._share({"asked"})

    @property
    def own(self) -> float:
        """Share that base and model have in common, whatever other models lack; what was asked for apart."""
        return self._share({"asked", "others"})

    def _share(self, forgiven: Collection[Cause]) -> float:
        counted = [gap for gap in self.gaps if gap.cause not in forgiven]
        uncounted = sum(gap.elements for gap in self.gaps if gap.cause == "asked" and "asked" in forgiven)
        union = self.union - uncounted
        return 1.0 - sum(gap.elements for gap in counted) / union if union else 1.0


def cover(
    rows: Mapping[str, Sequence[Row | None]],
    compared: Mapping[str, Shape],
    asked: Collection[str],
    common: Common,
) -> list[Coverage]:
    """Return the coverage of each model after the base.

    Parameters
    ----------
    rows : Mapping of str to sequence of Row or None
        By tensor, where every model has it, the base first; None where one has no such weight.
    compared : Mapping of str to tuple
        Shapes of the tensors of the comparison.
    asked : collection of str
        Tensors that were left out on request.
    common : callable
        Given a tensor's name, two unlike shapes, the base's and that of a model, and which model, the shape that they
        share, or None.
    """
    models = len(next(iter(rows.values()), ())) - 1
    first = {
        name: rows[name] for name in sorted(rows, key=lambda name: name not in compared)
    }  # of two names of a weight
    return [_pair(first, 1 + i, compared, asked, common) for i in range(models)]


def _pair(
    rows: Mapping[str, Sequence[Row | None]],
    model: int,
    compared: Mapping[str, Shape],
    asked: Collection[str],
    common: Common,
) -> Coverage:
    union, gaps, repeated = 0, list[Gap](), set[str]()
    seen: set[Hashable] = set()
    for name, row in rows.items():
        base, own = _weight(row[0], None), _weight(row[model], row[0])
        places = _source(base), _source(own)
        if places in seen:
            repeated.add(name)
            continue
        seen.update((places, (places[0], None), (None, places[1])))  # under another name that only one has, too
        shape = compared.get(name)
        in_table = 0 if shape is None else prod(shape)
        if shape is not None and base is not None and own is not None and _shape(base) == _shape(own) == shape:
            union += in_table
            continue
        left_out = list(_gaps(name, base, own, in_table, lambda name, shapes: common(name, shapes, model)))
        union += in_table + sum(gap.elements for gap in left_out)
        gaps += [gap._replace(cause="asked") for gap in left_out] if name in asked else left_out
    return Coverage(union, tuple(gaps), frozenset(repeated), None if gaps else 1.0)


def _gaps(
    name: str,
    base: Row | None,
    own: Row | None,
    in_table: int,
    common: Callable[[str, Sequence[Shape]], Shape | None],
) -> Iterator[Gap]:
    """Yield what of one tensor of a base and a model is not compared."""
    both = None
    if base is not None and own is not None:
        both = _shape(base) if _shape(base) == _shape(own) else common(name, [_shape(base), _shape(own)])
    if both is not None and own is not None and in_table < prod(both):
        yield Gap(name, own, _shape(own), in_table, prod(both), "others")
    lacking: tuple[tuple[Row | None, Row | None, Cause], ...] = ((own, base, "base lacks"), (base, own, "model lacks"))
    for row, other, missing in lacking:
        if row is None:
            continue
        start, elements = prod(both) if both is not None else 0, prod(_shape(row))
        if start < elements:
            cause = missing if other is None else "shape" if both is None else "rows"
            yield Gap(name, row, _shape(row), start, elements, cause)


def _weight(row: Row | None, base: Row | None) -> Row | None:
    """Return where a whole weight is: what an adapter changes, or leaves alone, lies in the base too."""
    if row is None or row.stored is not None:
        return row
    if base is None or base.stored is None:
        return row if row.low_rank is not None else None
    if row.low_rank is not None and row.low_rank.shape != base.stored.shape:
        return row
    return replace(row, stored=base.stored, scale=base.scale)


def _shape(row: Row | None) -> Shape:
    source = row and (row.stored or row.low_rank)
    return source.shape if source else ()


def _source(row: Row | None) -> Hashable:
    """Return what is the same for two names of one weight; empty tensors may begin where another does."""
    if row is None:
        return None
    return row.stored and row.stored.storage, id(row.low_rank) if row.low_rank is not None else None


def partial_models(coverage: Mapping[str, Coverage]) -> tuple[str, ...]:
    """Name the models that share less than `PARTIAL` with the base; without one, all that take from a common part so
    small.
    """
    below = tuple(name for name, one in coverage.items() if one.own < PARTIAL)
    if below or all(one.common >= PARTIAL for one in coverage.values()):
        return below
    return tuple(name for name, one in coverage.items() if one.own < 1.0)


def coverage_data(coverage: Mapping[str, Coverage]) -> dict[str, Any]:
    """Return what every `--json` says of the coverage."""
    shares = {name: {"elements": one.elements, "norm": one.norm} for name, one in coverage.items()}
    return {"coverage": shares, "partial": list(partial_models(coverage))}
