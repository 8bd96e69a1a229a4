"""Where the shipped demo family lies, and what was measured of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["demo_path", "demo_scores"]


def demo_path() -> Path:
    """Return the folder with the shipped checkpoints: `base/`, every expert directly beside it, and `tasks/`."""
    return Path(__file__).parent / "family"


def demo_scores() -> dict[str, dict[str, dict[str, float]]]:
    """Return what the build measured: model -> task -> score and stderr in percent, number of questions."""
    scores: dict[str, Any] = json.loads((demo_path() / "scores.json").read_text(encoding="utf-8"))
    return scores
