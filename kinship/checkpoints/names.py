"""Give every model of a family a name of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from kinship.checkpoints.open import default_name
from kinship.errors import AlignmentError

__all__ = ["unique_names"]


def unique_names(paths: Sequence[Path]) -> tuple[str, ...]:
    """Return the folder names, lengthened by parent folders until no two are the same.

    Raises
    ------
    AlignmentError
        The same path was given twice.
    """
    for path, times in Counter(paths).items():
        if times > 1:
            mend = "name every model once; the base need not be listed among the others"
            raise AlignmentError(f"{path} was given {times} times; {mend}")
    names = [default_name(path) for path in paths]
    for depth in range(1, max((len(path.parts) for path in paths), default=1) - 1):
        clashing = {name for name, times in Counter(names).items() if times > 1}
        if not clashing:
            break
        for i, name in enumerate(names):
            if name in clashing:
                above = paths[i].parts[1:][-1 - depth : -depth]
                names[i] = "/".join((*above, name))
    taken = Counter(names)  # a folder and a file beside it may differ in the suffix alone
    return tuple(str(path) if taken[name] > 1 else name for path, name in zip(paths, names, strict=True))
