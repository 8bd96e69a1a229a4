"""CSV texts as spreadsheets and people write them, against Python's own writer."""

from __future__ import annotations

import csv
import io

import pytest

from kinship.csv_rows import read_csv
from kinship.errors import KinshipError

ROWS = [
    {"model": "a, the first", "note": 'it is "good"', "score": "61.5"},
    {"model": "b", "note": "two\nlines; and more", "score": "58"},
]


def written(delimiter=",", ends="\r\n", quoting=csv.QUOTE_MINIMAL):
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(ROWS[0]), delimiter=delimiter, lineterminator=ends, quoting=quoting)
    writer.writeheader()
    writer.writerows(ROWS)
    return out.getvalue()


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize(
    ("ends", "quoting"),
    [("\n", csv.QUOTE_MINIMAL), ("\r\n", csv.QUOTE_MINIMAL), ("\n", csv.QUOTE_ALL), ("\r", csv.QUOTE_ALL)],
)
def test_what_was_written_is_read(delimiter, ends, quoting):
    assert [row for _, row in read_csv(written(delimiter, ends, quoting), "file").rows] == ROWS


def test_lines_are_those_of_the_text():
    assert [line for line, _ in read_csv("a,b\n\n1,2\n,\n3,4\n", "file").rows] == [3, 5]
    assert [line for line, _ in read_csv("sep=;\na;b\n1;2\n", "file").rows] == [3]


def test_a_line_that_states_the_delimiter_is_believed():
    assert read_csv("sep=|\na|b\n1,5|2\n", "file").rows == [(3, {"a": "1,5", "b": "2"})]


def test_space_and_capitals_in_the_header_are_no_part_of_a_name():
    assert read_csv(' Model , "SCORE"\n x , 1 \n'.replace(', "', ',"'), "file").rows == [
        (2, {"model": "x", "score": "1"})
    ]


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_decimal_comma_is_read_in_numbers_where_it_parts_no_cells(delimiter):
    read = read_csv(delimiter.join("mn") + "\n" + delimiter.join(["61,5", "x"]), "file")
    assert read.rows == [(2, {"m": "61,5", "n": "x"})]  # a name may look like a number
    numbers = {"61,5": "61.5", "-0,25": "-0.25", "1,2,3": "1,2,3", "1.234,5": "1.234,5"}
    assert {cell: read.number(cell) for cell in numbers} == numbers
    assert read_csv('m,n\n"61,5",x\n', "file").number("61,5") == "61,5"


def test_empty_columns_at_the_end_belong_to_nothing():
    assert read_csv("a,b,,\n1,2,,\n3,4\n", "file").rows == [(2, {"a": "1", "b": "2"}), (3, {"a": "3", "b": "4"})]


def test_without_rows_there_is_the_header():
    assert read_csv("a,B\n", "file")[:2] == (("a", "b"), [])
    assert read_csv("", "file")[:2] == read_csv("\n\n", "file")[:2] == ((), [])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,2\n3,4,5\n", r"file, row 2: not as many cells as the header's 2, but 3 \(line 3\)"),
        ("a,b\n1\n", "row 1: not as many cells as the header's 2, but 1"),
        ("a, A \n1,2\n", "the column 'a' is there 2 times"),
        ('a,b\n1,"2\n', "line 2: unexpected end of data; close every quote"),
    ],
)
def test_what_is_no_table_is_named(text, words):
    with pytest.raises(KinshipError, match=words):
        read_csv(text, "file")
