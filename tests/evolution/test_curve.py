"""Rows and CSV texts: what is read, and what is refused with the row and the column."""

from __future__ import annotations

import pytest

from kinship.errors import CurveError
from kinship.evolution import curve, read_columns, read_rows

HEADER = "generation,average_score,merge_gain,pcc"


def read(*lines):
    text = "\n".join(lines)
    return curve(read_rows(text, "mine.csv"), "mine.csv")


def test_rows_are_put_in_order_of_generation():
    found = read("pcc,generation,average_score,merge_gain,model,note", "0.9,3,71.5,-0.2,late,x", "0.1,1,70,1.25,early,")
    assert found.generations == (1, 3)
    assert found.average_scores == (70.0, 71.5)
    assert found.merge_gains == (1.25, -0.2)
    assert found.kinship == {"pcc": (0.1, 0.9)}
    assert found.models == ("early", "late")


def test_other_metrics_are_kept_where_they_are():
    found = read(f"{HEADER},euclidean,cosine", "1,70,1,.5,12,.4")
    assert found.kinship == {"pcc": (0.5,), "cosine": (0.4,), "euclidean": (12.0,)}
    assert found.models == ()


def test_rows_may_be_numbers_as_well():
    row = {"generation": 2, "average_score": 70.5, "merge_gain": 0.0, "pcc": -1}
    assert curve([row], "a run").kinship["pcc"] == (-1.0,)


def test_windows_line_ends_quotes_and_spaces_are_read():
    found = read('"generation", average_score,merge_gain,pcc\r', '1, 70.5 ,"0.5",0.9\r', "")
    assert (found.generations, found.average_scores) == ((1,), (70.5,))


def test_a_spreadsheet_s_semicolons_and_decimal_commas_are_read():
    found = read("Generation; Average_Score ;merge_gain;PCC;", "1;73,63;0,55;0,82;", ";;;;")
    assert (found.average_scores, found.merge_gains, found.kinship) == ((73.63,), (0.55,), {"pcc": (0.82,)})


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "no rows"),
        ([HEADER], "no rows"),
        ([HEADER, "1,2,3"], "row 1: not as many cells"),
        ([HEADER, "1,2,3,.4", "2,2,3,.4,5"], "row 2: not as many cells"),
        (["generation,average_score,pcc", "1,2,3"], "no column 'merge_gain'"),
        ([HEADER, "1,2,3,.4", "2,2,high,.4"], "row 2, column merge_gain: 'high' is not a number"),
        ([HEADER, "1,2,,.4"], "row 1, column merge_gain: '' is not a number"),
        ([HEADER, "1,2,3,nan"], "row 1, column pcc: 'nan' is not a finite"),
        ([HEADER, "1,inf,3,.4"], "column average_score: 'inf' is not a finite"),
        ([HEADER, "1.5,2,3,.4"], "column generation: 1.5 is not a whole number"),
        ([HEADER, "1,2,3,.4", "2,2,3,.4", "1,2,3,.4"], "row 3, column generation: 1 is in row 1 already"),
        (["generation,pcc,pcc,merge_gain,average_score", "1,2,3,4,5"], "'pcc' is there 2 times"),
        ([HEADER, '1,2,3,".4'], "unexpected end of data"),
        ([HEADER, "1,2,3,.4", "2,2,3,95"], "row 2, column pcc: '95' is no correlation, which lies between -1 and 1"),
        ([f"{HEADER},cosine", "1,2,3,.4,-1.5"], "row 1, column cosine: '-1.5' is no correlation"),
        ([f"{HEADER},euclidean", "1,2,3,.4,-1"], "row 1, column euclidean: '-1' is no distance"),
        ([HEADER, '1,"61,5",3,.4'], "row 1, column average_score: '61,5' is not a number"),
        (["generation,pcc, PCC,merge_gain,average_score", "1,2,3,4,5"], "'pcc' is there 2 times"),
    ],
)
def test_what_cannot_be_read_is_named(lines, words):
    with pytest.raises(CurveError, match=words) as error:
        read(*lines)
    assert "mine.csv" in str(error.value)
    assert "\n" not in str(error.value)


def test_columns_are_read_on_their_own():
    rows = read_rows("a,b\n1,x\n2,y", "file")
    assert read_columns(rows, ["a"], "file") == {"a": (1.0, 2.0)}
    with pytest.raises(CurveError, match="file: the number of rows is 0; give 1"):
        read_columns([], ["a"], "file")
    with pytest.raises(CurveError, match="give 3 or more"):
        read_columns(rows, ["a"], "file", fewest=3)


def test_a_name_that_looks_like_a_number_keeps_its_comma():
    found = read(f"{HEADER},model".replace(",", ";"), "1;61,5;0,5;0,9;7,5")
    assert (found.average_scores, found.kinship["pcc"]) == ((61.5,), (0.9,))
    assert found.models == ("7,5",)
