"""The table of a family, from the workspace where it is there, else from the weights."""

from __future__ import annotations

from kinship.checkpoints import Alignment
from kinship.cli.program import say
from kinship.errors import WorkspaceError
from kinship.report import Report
from kinship.similarity import Device, GramTable, gram_table, suspicious_models

__all__ = ["measured", "warned"]


def measured(alignment: Alignment, report: Report, device: Device = "auto") -> GramTable:
    """Return the family's table, stored or measured now; without a workspace it is not kept."""
    from kinship.workspace.measure import KeptPass, measure

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
