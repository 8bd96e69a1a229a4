"""A matrix report as text to read in a terminal."""

from __future__ import annotations

from typing import Any

from kinship.similarity.metrics import METRICS

__all__ = ["matrix_text"]


def matrix_text(report: dict[str, Any]) -> str:
    """Return the report of `matrix_report` as tables, one a metric, then what was left out."""
    names: list[str] = report["models"]
    lines = [
        f"base {report['base']}, {report['parameters']:,} parameters in {report['tensors']} tensors, "
        f"{report['seconds']:.2f} s on {report['device']}"
    ]
    width = max(len(name) for name in names)
    for name, metric in METRICS.items():
        lines += ["", f"{metric.title} (mean over pairs {_cell(report['mean'][name]).strip()})"]
        lines += _table(names, report[name], width)
    for label, values in report["groups"].items():
        for name, metric in METRICS.items():
            lines += ["", f"{label}: {metric.title}", *_table(names, values[name], width)]
    lines += [f"undefined: {u['metric']} of {' and '.join(u['models'])} ({u['reason']})" for u in report["undefined"]]
    lines += [f"left out: {entry['tensor']} ({entry['model']}: {entry['reason']})" for entry in report["left_out"]]
    return "\n".join(lines)


def _table(names: list[str], rows: list[list[float | None]], width: int) -> list[str]:
    head = " " * (width + 1) + "".join(f"{name[:9]:>10s}" for name in names)
    return [
        head,
        *(f"{name:{width}s} " + "".join(_cell(v) for v in row) for name, row in zip(names, rows, strict=True)),
    ]


def _cell(value: float | None) -> str:
    return f"{'-':>10s}" if value is None else f"{value:10.4g}" if abs(value) >= 10 else f"{value:10.4f}"
