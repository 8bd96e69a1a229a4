"""Get the GramTable of a family: the stored one, or one pass over what is new (the job kind `measure`)."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from kinship.checkpoints import Alignment, Vocabulary, align, as_compared, open_checkpoint
from kinship.similarity import Device, GramTable, PassState, gram_table
from kinship.similarity.device import resolve_device
from kinship.workspace.jobs.context import JobContext
from kinship.workspace.store.gram_tables import extendable_table, load_table, store_table, table_key

__all__ = ["KeptPass", "measure", "measure_family"]


class KeptPass:
    """Watches a pass: reports its progress and keeps its state in a file, from which the next pass goes on.

    Parameters
    ----------
    report : callable
        Given the share done and what is being done; may raise to end the pass.
    file : Path, optional
        Where to keep the state; without one, nothing is kept.
    log : callable, optional
        Given a sentence where a kept state is taken up.
    """

    def __init__(
        self,
        report: Callable[[float, str], None],
        file: Path | None = None,
        log: Callable[[str], None] | None = None,
    ) -> None:
        self.report = report
        self.file = file
        self.log = log
        self.key = ""

    def progress(self, done: int, total: int) -> None:
        """Report bytes done."""
        self.report(done / max(1, total), f"read {done / 1e9:.2f} of {total / 1e9:.2f} GB")

    def keep(self, state: PassState) -> None:
        """Write the state beside its place and rename it there; a full disk costs the state, not the pass."""
        if self.file is None:
            return
        beside = self.file.with_suffix(".tmp.npz")
        with suppress(OSError):
            position = np.array([state.tensor, state.block, state.nbytes])
            np.savez(
                beside,
                key=np.array(self.key),
                position=position,
                seconds=np.array(state.seconds),
                gram=state.gram,
                sums=state.sums,
                partial=state.partial,
            )
            beside.replace(self.file)

    def take_up(self) -> PassState | None:
        """Return the state kept for the same pass, or None."""
        if self.file is None or not self.file.exists():
            return None
        try:
            with np.load(self.file, allow_pickle=False) as kept:
                if str(kept["key"]) != self.key:
                    return None
                tensor, block, nbytes = (int(n) for n in kept["position"])
                state = PassState(
                    tensor, block, kept["gram"], kept["sums"], kept["partial"], nbytes, float(kept["seconds"])
                )
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            return None
        if self.log is not None:
            self.log(f"goes on after {nbytes / 1e9:.2f} GB")
        return state


def measure(
    alignment: Alignment, device: Device = "auto", watch: KeptPass | None = None, *, fresh: bool = False
) -> GramTable:
    """Return the table of a family, reading its weights only if no stored table has the answer.

    Parameters
    ----------
    alignment : Alignment
        The family.
    device : {"auto", "cpu", "cuda"}
    watch : KeptPass, optional
        Told of progress.
    fresh : bool
        Read everything even if a table is stored.

    Raises
    ------
    WorkspaceError
        The result cannot be stored.
    """
    stored = None if fresh else load_table(alignment, device)
    if stored is not None:
        return stored
    table = _extended(alignment, device, watch) if not fresh else None
    if table is None:
        table = _pass(alignment, device, watch, None)
    store_table(alignment, table)
    return table


def measure_family(
    context: JobContext,
    base: str,
    members: list[str],
    vocabulary: Vocabulary = "common",
    device: Device = "auto",
    allow_partial: bool = False,
) -> dict[str, float]:
    """Open, align and measure a family, and store its table (the job kind `measure`)."""
    context.progress(0.0, "reading headers")
    opened = [open_checkpoint(m) for m in members]
    alignment = align(open_checkpoint(base), opened, vocabulary, allow_partial=allow_partial)

    table = measure(alignment, device, KeptPass(context.report, context.scratch / "pass.npz", context.log))
    context.log(f"{len(table.models)} models, {table.parameters:,} parameters, {table.seconds:.2f} s on {table.device}")
    return {"seconds": table.seconds, "parameters": table.parameters, "bytes_read": table.bytes_read}


def _extended(alignment: Alignment, device: Device, watch: KeptPass | None) -> GramTable | None:
    """Compute only the rows of models that no stored table has, if one has the others."""
    found = extendable_table(alignment, device)
    if found is None:
        return None
    known, positions = found
    order = [*positions, *(i for i in range(len(alignment.members)) if i not in positions)]
    members = [alignment.members[i] for i in order]
    reordered = align(alignment.base, members, alignment.vocabulary, allow_partial=True)  # as `alignment` was
    table = _pass(reordered, device, watch, known)
    table = table.select(alignment.names[1:])
    told = as_compared(alignment, dict(zip(table.tensors, table.shapes, strict=True)))
    return replace(table, left_out=told.left_out, warnings=told.warnings)


def _pass(alignment: Alignment, device: Device, watch: KeptPass | None, known: GramTable | None) -> GramTable:
    resume = None
    if watch is not None:
        # block numbers mean another place on another device ("auto" is not enough), and in another release
        after = len(known.names) if known else 0
        same = json.dumps([list(model.stamps.values()) for model in alignment.models])
        place = resolve_device(device)
        watch.key = f"{table_key(alignment)} of {same} after {after} on {place}, blocks of version 2"
        resume = watch.take_up()
    return gram_table(alignment, device, known=known, resume=resume, watch=watch)
