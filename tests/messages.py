"""What a command says on standard error, but for how far it is: that depends on how busy the machine is."""

from __future__ import annotations

import re

PROGRESS = re.compile(r" *\d+%  .*\n")


def messages(stderr: str) -> str:
    """Return standard error without the lines of progress."""
    return PROGRESS.sub("", stderr)
