"""The rows of a CSV text, as spreadsheets and people write them."""

from __future__ import annotations

import csv
import io
import re

from kinship.errors import KinshipError

__all__ = ["read_csv"]

_DELIMITERS = (",", ";", "\t")
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?\s*%?")
_STATED = re.compile(r"\s*\"?sep=(.)\"?\s*\n", re.IGNORECASE)


def read_csv(text: str, source: str, error: type[KinshipError] = KinshipError) -> list[tuple[int, dict[str, str]]]:
    """Return the rows of a CSV text, each with the number of its line.

    Cells are parted by the comma, semicolon or tab that parts the most of the header; where that is no comma, a number
    may be written with one (61,5). Quoted cells may hold delimiters and line ends. Space around a cell is no part of
    it; empty lines and empty cells at the end of a line that belong to no column are passed over.

    Parameters
    ----------
    text : str
        With the names of the columns first; they are taken in small letters.
    source : str
        Where it is from, for messages.
    error : type
        Of what is raised.

    Raises
    ------
    KinshipError
        A quote is not closed, a column comes twice, or a row has more or fewer cells than the header; the message
        names the line.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    stated = _STATED.match(text)
    delimiter = stated.group(1) if stated else _delimiter(text)
    lines = _lines(text[stated.end() :] if stated else text, delimiter, source, error)
    if not lines:
        return []
    skipped = 1 if stated else 0
    header = [name.casefold() for name in _trimmed(lines[0][1])]
    for name in header:
        if header.count(name) > 1:
            raise error(f"{source}: the column {name!r} is there {header.count(name)} times; keep one")
    rows = []
    for number, (line, cells) in enumerate(lines[1:], 1):
        kept = cells[: len(header)] + _trimmed(cells[len(header) :])
        if len(kept) != len(header):
            raise error(
                f"{source}, row {number}: not as many cells as the header's {len(header)}, but {len(kept)} "
                f"(line {line + skipped}); put quotes around a cell that holds {delimiter!r}"
            )
        if delimiter != ",":
            kept = [cell.replace(",", ".") if _DECIMAL_COMMA.fullmatch(cell) else cell for cell in kept]
        rows.append((line + skipped, dict(zip(header, kept, strict=True))))
    return rows


def _lines(text: str, delimiter: str, source: str, error: type[KinshipError]) -> list[tuple[int, list[str]]]:
    """Return the lines that hold anything: number and cells."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    found = []
    try:
        for line in reader:
            cells = [cell.strip() for cell in line]
            if any(cells):
                found.append((reader.line_num, cells))
    except csv.Error as why:
        raise error(f"{source}, line {reader.line_num}: {why}; close every quote") from None
    return found


def _delimiter(text: str) -> str:
    header = next((line for line in text.split("\n") if line.strip()), "")
    unquoted = re.sub(r'"[^"]*"', "", header)
    return max(_DELIMITERS, key=unquoted.count)


def _trimmed(cells: list[str]) -> list[str]:
    """Return the cells without the empty ones at their end."""
    end = len(cells)
    while end and not cells[end - 1]:
        end -= 1
    return cells[:end]
