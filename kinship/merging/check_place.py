"""Whether the child fits where it shall go: the output folder, the disk and the memory."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from kinship.checkpoints import ITEM_BYTES
from kinship.checkpoints.files import choose_files
from kinship.merging.check_recipe import DTYPES
from kinship.merging.child_tensors import Layout
from kinship.merging.finding import Finding
from kinship.merging.inputs import Input
from kinship.merging.recipe import Recipe
from kinship.paths import expanded

__all__ = ["check_place", "expected_bytes"]

_SHARD = 5_000_000_000
"""mergekit keeps this much of the child in memory before it writes."""
_PROGRAM = 400_000_000
"""What Python, torch and mergekit hold before the first tensor (measured 313 MB)."""
_SORTING = 16
"""Bytes an element that methods need which rank a tensor's changes (measured with TIES and DELLA)."""


def check_place(
    recipe: Recipe, layout: Layout | None, inputs: Mapping[str, Input], out: Path | None
) -> Iterator[Finding]:
    """Yield what the output folder, the disk and the memory say; without `out`, of the working directory's disk."""
    if out is not None:
        yield from _output(out)
    size, largest = expected_bytes(recipe, layout, inputs)
    if not size:
        return
    place = _existing(out or Path.cwd())
    free = shutil.disk_usage(place).free
    told = f"the child takes {_gigabytes(size)}, {_gigabytes(free)} are free at {place}"
    if free < size:
        yield Finding("error", "disk", f"{told}; make room or choose another place")
    else:
        yield Finding("ok", "disk", told)
    memory = _PROGRAM + min(size, _SHARD) + largest
    available = _available()
    told = f"the merge takes up to {_gigabytes(memory)}"
    if available is None:
        yield Finding("ok", "memory", told)
    elif available < memory:
        mend = "close other programs or merge on a larger machine"
        yield Finding("warning", "memory", f"{told}, {_gigabytes(available)} are free; {mend}")
    else:
        yield Finding("ok", "memory", f"{told}, {_gigabytes(available)} are free")


def expected_bytes(recipe: Recipe, layout: Layout | None, inputs: Mapping[str, Input]) -> tuple[int, int]:
    """Return the bytes of the child's weights, and those that merging its largest tensor takes at most.

    The second was measured on models of 267M parameters: all inputs and one more of their size, and what ranking
    takes. Where nothing is known of the child's tensors, the first model's weights stand for the former, 0 for the
    latter; both are 0 without any model.
    """
    if layout is None:
        first = next(iter(inputs.values()), None)
        return (sum(file.stat().st_size for file in choose_files(first.folder).read.files) if first else 0), 0
    asked = (recipe.raw or {}).get("out_dtype") or recipe.dtype
    item = DTYPES.get(str(asked).removeprefix("torch."))
    size = largest = 0
    for made in layout.made:
        dtypes = {tensor.dtype for tensor in made.sources.values()}
        if not dtypes:
            continue
        elements = next(iter(made.sources.values())).elements
        each = item or (4 if dtypes == {"BF16", "F16"} else max(ITEM_BYTES.get(dtype, 8) for dtype in dtypes))
        size += elements * each
        largest = max(largest, elements * (each * (len(made.sources) + 1) + _SORTING))
    return size, largest


def _output(out: Path) -> Iterator[Finding]:
    place = _existing(out)
    if place == out and (not out.is_dir() or any(out.iterdir())):
        yield Finding("error", "output", f"{out} exists already; remove it or choose another name")
    elif not place.is_dir() or not os.access(place, os.W_OK):
        yield Finding("error", "output", f"{place} cannot be written; choose another place")
    else:
        yield Finding("ok", "output", f"goes to {out}")


def _existing(path: Path) -> Path:
    """Return the path itself, or the nearest folder above it that is there."""
    path = expanded(path).absolute()
    return next(place for place in (path, *path.parents) if place.exists())


def _available() -> int | None:
    """Return the bytes of memory that are free, or None where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, StopIteration):
        return None


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.2f} GB" if size >= 1e7 else f"{size / 1e6:.2f} MB" if size else "no bytes"
