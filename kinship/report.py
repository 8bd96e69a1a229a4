"""How work says how far it is."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Report"]

Report = Callable[[float, str], None]
"""Given the share done, 0 to 1, and what is being done; what it raises ends the work."""
