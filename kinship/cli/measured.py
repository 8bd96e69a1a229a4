"""The table of a family, from the workspace where it is there, else from the weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kinship.checkpoints import Alignment, align, coverage_data, open_checkpoint
from kinship.cli.program import say
from kinship.errors import WorkspaceError
from kinship.report import Report
from kinship.similarity import Device, GramTable, gram_table, suspicious_models

__all__ = ["compared", "measured", "warned"]


def measured(alignment: Alignment, report: Report, device: Device = "auto") -> GramTable:
    """Return the family's table, stored or measured now; without a workspace it is not kept."""
    from kinship.workspace.work.measure import KeptPass, measure

    try:
        return measure(alignment, device, KeptPass(report))
    except WorkspaceError as error:
        say(f"warning: the table is not kept: {error}")
        return gram_table(alignment, device, watch=KeptPass(report))


def warned(table: GramTable) -> list[str]:
    """Say what is doubtful about a family, a base that is probably none of its among it; return the sentences."""
    warnings = [*table.warnings, *suspicious_models(table)]
    for warning in warnings:
        say(f"warning: {warning}")
    return warnings


def compared(base: str, models: Sequence[str], allow_partial: bool) -> dict[str, Any]:
    """Say how much of a search's models can be compared, from headers, before it begins; return that for its answer.

    Raises
    ------
    AlignmentError
        They cannot be compared.
    """
    opened = [open_checkpoint(path) for path in models]
    alignment = align(open_checkpoint(base), opened, allow_partial=allow_partial)
    for warning in alignment.warnings:
        say(f"warning: {warning}")
    return coverage_data(alignment.coverage) | {"warnings": list(alignment.warnings)}
