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
        lines += ["", f"{metric.title} (mean over pairs {_cell(report['mean'][name])})"]
        lines += _table(names, report[name], width)
    for label, values in report["groups"].items():
        for name, metric in METRICS.items():
            lines += ["", f"{label}: {metric.title}", *_table(names, values[name], width)]
    lines += [f"undefined: {u['metric']} of {' and '.join(u['models'])} ({u['reason']})" for u in report["undefined"]]
    lines += [f"left out: {entry['tensor']} ({entry['model']}: {entry['reason']})" for entry in report["left_out"]]
    return "\n".join(lines)


def _table(names: list[str], rows: list[list[float | None]], width: int) -> list[str]:
    columns = [max(10, len(name) + 1) for name in names]
    head = " " * (width + 1) + "".join(f"{name:>{room}s}" for name, room in zip(names, columns, strict=True))
    return [
        head,
        *(
            f"{name:{width}s} " + "".join(f"{_cell(v):>{room}s}" for v, room in zip(row, columns, strict=True))
            for name, row in zip(names, rows, strict=True)
        ),
    ]


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}" if abs(value) >= 10 else f"{value:.4f}"
