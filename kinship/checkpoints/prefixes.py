"""Find under which prefixes a base holds the weights that an adapter calls by other ones.

Libraries rename the parts of a model from one release to the next (`model.layers` became `model.language_model.layers`,
`visual` became `model.visual`), wrap it, or leave its head away; what is behind the prefix stays.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

from kinship.errors import AlignmentError

__all__ = ["Names"]

_OTHER_TOWERS = ("vision", "visual", "image", "audio", "speech", "video")


@dataclass(frozen=True)
class Names:
    """The names of a base's tensors, found by their ends."""

    names: Collection[str]

    @cached_property
    def ends(self) -> dict[str, list[str]]:
        """The names that have each end."""
        found: dict[str, list[str]] = {}
        for name in self.names:
            for end in _ends(name):
                found.setdefault(end, []).append(name)
        return found

    def has(self, name: str) -> bool:
        """Tell whether there is a tensor of this name, under whatever prefix."""
        return name in self.names or self._end(name) is not None

    def landed(self, wanted: Sequence[str], fits: Callable[[str, str], bool]) -> dict[str, str]:
        """Return the base's name for each of `wanted` that has one: one prefix for all that share theirs.

        Parameters
        ----------
        wanted : sequence of str
            Names of tensors that an adapter changes.
        fits : callable
            Told a wanted name and one of the base: whether their shapes go together.

        Raises
        ------
        AlignmentError
            Two prefixes would do equally well.
        """
        if all(name in self.names for name in wanted):
            return {name: name for name in wanted}
        groups: dict[str, list[str]] = {}
        for name in wanted:
            end = self._end(name)
            if end is not None:
                groups.setdefault(name.removesuffix(end), []).append(end)
        landed: dict[str, str] = {}
        for before, ends in groups.items():
            after = self._prefix(before, ends, fits)
            landed |= {before + end: after + end for end in ends if after + end in self.ends.get(end, ())}
        return landed

    def _end(self, name: str) -> str | None:
        """Return the longest end that a name of the base has too."""
        return next((end for end in _ends(name) if end in self.ends), None)

    def _prefix(self, before: str, ends: Sequence[str], fits: Callable[[str, str], bool]) -> str:
        found: dict[str, int] = {}
        for end in ends:
            for name in self.ends[end]:
                prefix = name.removesuffix(end)
                found[prefix] = found.get(prefix, 0) + (2 if fits(before + end, name) else 1)
        most = max(found.values())
        best = sorted(prefix for prefix, count in found.items() if count == most)
        if len(best) > 1 and not _in_other_tower(before):
            best = [prefix for prefix in best if not _in_other_tower(prefix)] or best
        if before in best:
            return before
        if len(best) > 1:
            name = before + ends[0]
            raise AlignmentError(f"{name} could be {best[0]}{ends[0]} or {best[1]}{ends[0]} of the base")
        return best[0]


def _ends(name: str) -> list[str]:
    """Return a name's ends at dots, longest first, that still say which weight it is: `layers.0.` and what follows."""
    parts = name.split(".")
    number = next((place for place, part in enumerate(parts) if part.isdigit()), len(parts) - 1)
    return [".".join(parts[place:]) for place in range(max(number, 1))]


def _in_other_tower(prefix: str) -> bool:
    return any(word in prefix for word in _OTHER_TOWERS)
