"""Say of which models only a part is compared, what is left out, and why that may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kinship.checkpoints.coverage import REFUSED, Cause, Coverage, Gap, partial_models
from kinship.errors import CoverageError

__all__ = ["check_coverage", "partial_warnings"]

_HALF = 0.5  # of a part: then its name is followed further
_LEAST = 2  # components of the name of a part, where it has so many
_ALIKE = 0.5  # what two models lack of each other differs by less: then it is the same under other names
_CAUSES: Mapping[Cause, str] = {
    "model lacks": "not there, as if saved without it or short of a file",
    "base lacks": "not in {base}: extended, or made from another base",
    "rows": "a vocabulary of another size",
}


def partial_warnings(base: str, coverage: Mapping[str, Coverage]) -> tuple[str, ...]:
    """Return a sentence for the partial models: how much is compared, the largest part left out, and the likely cause.

    Models of which the same is to be said share a sentence.
    """
    said: dict[str, list[str]] = {}
    least = min((one.common for one in coverage.values()), default=1.0)
    for name in partial_models(coverage):
        one = coverage[name]
        share = f"only {_percent(one.own)} of the weights correspond to those of {base}"
        if one.own >= least:
            share += f", and {_percent(least)} in all models"
        said.setdefault(f"{share}; the rest is not compared, most of it {_largest(base, one)}", []).append(name)
    return tuple(f"{_listed(names)}: {what}" for what, names in said.items())


def check_coverage(base: str, coverage: Mapping[str, Coverage]) -> None:
    """Refuse a family of which less than half is common to all.

    Raises
    ------
    CoverageError
        With the models that take most from it, and why.
    """
    least = min((one.common for one in coverage.values()), default=1.0)
    if least >= REFUSED:
        return
    partial = partial_models(coverage)
    names = [name for name in partial if coverage[name].own < REFUSED] or list(partial)
    worst = min(names, key=lambda name: coverage[name].own)
    raise CoverageError(
        f"only {_percent(least)} of the weights can be compared, for lack of what corresponds in {_listed(names)} and "
        f"{base}: left out is most of all {_largest(base, coverage[worst])}; check the base and how {worst} was saved, "
        "or ask for the common part alone (--allow-partial)"
    )


def _largest(base: str, one: Coverage) -> str:
    """Name the largest part that a model and the base do not share, its size, and the likely cause."""
    gaps = [gap for gap in one.gaps if gap.cause not in ("asked", "others")]
    part, chosen = _part(gaps)
    return f"{part} ({_elements(chosen):,} weights): {_cause(base, gaps, chosen)}"


def _part(gaps: Sequence[Gap]) -> tuple[str, list[Gap]]:
    """Follow the names into what holds most of the elements; return the name of that part and its gaps."""
    chosen, depth = list(gaps), 0
    while True:
        branches: dict[str, list[Gap]] = {}
        for gap in chosen:
            components = gap.tensor.split(".")
            if depth < len(components):
                here = components[depth]
                branches.setdefault("*" if here.isdecimal() else here, []).append(gap)
        biggest = max(branches.values(), key=_elements, default=[])
        if not biggest or (depth >= _LEAST and _elements(biggest) < _HALF * _elements(chosen)):
            break
        chosen, depth = biggest, depth + 1
    columns = zip(*(gap.tensor.split(".")[:depth] for gap in chosen), strict=True)
    return ".".join(column[0] if len(set(column)) == 1 else "*" for column in columns), chosen


def _cause(base: str, gaps: Sequence[Gap], chosen: Sequence[Gap]) -> str:
    """Say what most elements of a part are left out for; the same under other names is known by its size."""
    here, there = ([gap for gap in gaps if gap.cause == cause] for cause in ("base lacks", "model lacks"))
    sizes = sorted((_elements(here), _elements(there)))
    if sizes[0] > _ALIKE * sizes[1]:
        own, bases = max(here, key=_size).tensor, max(there, key=_size).tensor
        return f"other tensor names ({own}, where {base} has {bases}) or another base"
    causes: dict[Cause, int] = {}
    for gap in chosen:
        causes[gap.cause] = causes.get(gap.cause, 0) + gap.elements
    cause = max(causes, key=causes.__getitem__)
    if cause != "shape":
        return _CAUSES[cause].format(base=base)
    largest = max((gap for gap in gaps if gap.cause == "shape"), key=_size).tensor
    own_shape, base_shape = [list(gap.shape) for gap in gaps if gap.tensor == largest]
    return f"another shape ({own_shape}, not {base_shape} as in {base}), as if pruned, resized or of another base"


def _size(gap: Gap) -> int:
    return gap.elements


def _elements(gaps: Sequence[Gap]) -> int:
    return sum(gap.elements for gap in gaps)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
