"""The rows of a CSV text, as spreadsheets and people write them."""

from __future__ import annotations

import csv
import io
import re
from typing import NamedTuple

from kinship.errors import KinshipError

__all__ = ["Csv", "read_csv"]

_DELIMITERS = (",", ";", "\t")
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?\s*%?")
_STATED = re.compile(r"\s*\"?sep=(.)\"?\s*\n", re.IGNORECASE)


class Csv(NamedTuple):
    """A CSV text.

    Attributes
    ----------
    header : tuple of str
        The names of the columns, in small letters; empty for an empty text.
    rows : list of (int, dict)
        The number of each line, and its cells by column.
    decimal_comma : bool
        A number may be written with a comma (61,5), as commas part no cells.
    """

    header: tuple[str, ...]
    rows: list[tuple[int, dict[str, str]]]
    decimal_comma: bool

    def number(self, cell: str) -> str:
        """Return a cell of a column of numbers with a point for a decimal comma."""
        return cell.replace(",", ".") if self.decimal_comma and _DECIMAL_COMMA.fullmatch(cell) else cell


def read_csv(text: str, source: str, error: type[KinshipError] = KinshipError) -> Csv:
    """Return the header and the rows of a CSV text.

    Cells are parted by the comma, semicolon or tab that parts the most of the header. Quoted cells may hold delimiters
    and line ends. Space around a cell is no part of it; empty lines and empty cells at the end of a line that belong to
    no column are passed over.

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
        return Csv((), [], False)
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
        rows.append((line + skipped, dict(zip(header, kept, strict=True))))
    return Csv(tuple(header), rows, delimiter != ",")


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
