"""The text of a model card (`README.md`) and its front matter, whatever the editor that saved it put before it."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

__all__ = ["CARD", "decoded", "front_matter", "read_text"]

CARD = "README.md"
_LONGEST = 200_000  # bytes
_FRONT = re.compile(r"\s*---[ \t]*\n(.*?)(?<=\n)---[ \t]*(?:\n|$)", re.DOTALL)
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_text(file: Path) -> str:
    """Return the text of a file, "" where there is none; what is beyond 200,000 bytes is left out."""
    try:
        with file.open("rb") as handle:
            return decoded(handle.read(_LONGEST))
    except OSError:
        return ""


def decoded(content: bytes) -> str:
    """Return a text as its byte-order mark says or in UTF-8, with plain line ends; what is no text is replaced."""
    text = content.decode("utf-16" if content.startswith(_UTF_16) else "utf-8-sig", errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def front_matter(text: str) -> str | None:
    """Return the YAML between two lines of dashes at the head of a card, or None; empty lines may stand before it."""
    found = _FRONT.match(text.removeprefix("\ufeff").replace("\r\n", "\n"))
    return found[1] if found else None
