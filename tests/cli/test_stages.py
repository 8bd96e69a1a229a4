"""`kinship stages` and `kinship correlate` as a person types them."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict

import numpy as np
import pytest
from scipy.stats import pearsonr

from kinship.published import lineages


@pytest.fixture
def kinship(program):
    return program


@pytest.fixture
def path_file(tmp_path):
    """A published lineage as a CSV file, and its steps."""

    def write(number):
        steps = lineages()[number - 1].steps
        file = tmp_path / f"path-{number}.csv"
        with file.open("w", newline="") as out:
            writer = csv.DictWriter(out, list(asdict(steps[0])))
            writer.writeheader()
            writer.writerows(asdict(step) for step in steps)
        return file, steps

    return write


def fails(result, *words):
    assert result.returncode == 2, result.stderr
    assert result.stdout == ""
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    for word in words:
        assert word in result.stderr


@pytest.mark.parametrize(("path", "threshold"), [(1, 0.9), (1, 0.95), (2, 0.8)])
def test_stages_prints_json_alone(kinship, path_file, path, threshold):
    file, steps = path_file(path)
    result = kinship("stages", file, "--threshold", threshold, "--json")
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)
    gains = np.array([step.merge_gain for step in steps])
    pcc = np.array([step.pcc for step in steps])
    expected = next(g for g in range(1, len(steps) + 1) if (pcc[g - 1 :] >= threshold).all())
    assert answer["saturation_generation"] == expected
    assert answer["mean_gain_learning"] == pytest.approx(gains[: expected - 1].mean())
    assert answer["mean_gain_saturation"] == pytest.approx(gains[expected - 1 :].mean())
    assert answer["change_point"] == 10
    assert answer["change_point_evidence"]["p"] > 0.1


def test_no_saturation_is_null(kinship, path_file):
    file, steps = path_file(1)
    answer = json.loads(kinship("stages", file, "--threshold", "0.99", "--json").stdout)
    assert answer["saturation_generation"] is answer["mean_gain_saturation"] is None
    assert answer["mean_gain_learning"] == pytest.approx(np.mean([step.merge_gain for step in steps]))
    assert "no saturation yet" in kinship("stages", file, "--threshold", "0.99").stdout


def test_few_generations_have_no_change_point(kinship, tmp_path):
    file = tmp_path / "short.csv"
    file.write_text("generation,average_score,merge_gain,pcc\n1,70,1,0.5\n2,71,.5,0.95\n")
    answer = json.loads(kinship("stages", file, "--json").stdout)
    assert (answer["change_point"], answer["change_point_evidence"]) == (None, None)
    assert answer["saturation_generation"] == 2


def test_stages_prints_sentences_to_read(kinship, path_file):
    text = kinship("stages", path_file(1)[0]).stdout
    for words in ("saturation from generation 9 on", "+0.367 while learning", "generation 10"):
        assert words in text


def test_correlate_prints_json_alone(kinship, path_file):
    file, steps = path_file(1)
    answer = json.loads(kinship("correlate", file, "--json").stdout)
    gain = np.array([step.merge_gain for step in steps])
    for name, taken in (("signed", gain), ("absolute", np.abs(gain))):
        assert answer[name].keys() == {"pcc", "cosine", "euclidean"}
        for metric, found in answer[name].items():
            expected = pearsonr([getattr(step, metric) for step in steps], taken)
            assert (found["r"], found["p"]) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-9)
            assert found["low"] < found["r"] < found["high"]
            assert found["spearman"].keys() == {"rho", "p", "low", "high"}
    assert (answer["n"], answer["warnings"]) == (14, [])


def test_correlate_prints_a_table_to_read(kinship, path_file):
    text = kinship("correlate", path_file(1)[0]).stdout
    assert "-0.5108" in text
    assert text.splitlines()[7:] == ["n = 14 merges"]


@pytest.mark.parametrize("rows", [9, 10])
def test_few_merges_are_told(kinship, path_file, tmp_path, rows):
    lines = path_file(1)[0].read_text().splitlines()
    file = tmp_path / "few.csv"
    file.write_text("\n".join(lines[: 1 + rows]))
    answer = json.loads(kinship("correlate", file, "--json").stdout)
    assert answer["n"] == rows
    assert bool(answer["warnings"]) == (rows < 10)
    text = kinship("correlate", file).stdout
    assert f"n = {rows} merges" in text
    assert ("are few" in text) == (rows < 10)


def test_a_gain_that_never_varies_is_null(kinship, tmp_path):
    file = tmp_path / "flat.csv"
    file.write_text("merge_gain,pcc,cosine,euclidean\n1,.1,.1,3\n1,.2,.3,2\n1,.3,.2,1\n")
    result = kinship("correlate", file, "--json")
    assert json.loads(result.stdout)["signed"]["pcc"]["r"] is None
    assert "same value" in kinship("correlate", file).stdout


def test_bad_files_are_one_line_and_status_2(kinship, path_file, tmp_path):
    file, _ = path_file(1)
    fails(kinship("stages", tmp_path / "nowhere.csv"), "nowhere.csv", "No such file")
    fails(kinship("stages", tmp_path), "directory")
    fails(kinship("stages", file, "--threshold", "2"), "--threshold")
    broken = tmp_path / "broken.csv"
    broken.write_text(file.read_text().replace("0.93", "close", 1))
    fails(kinship("stages", broken), "broken.csv", "row 3", "column pcc", "close")
    fails(kinship("correlate", broken, "--json"), "row 3", "column pcc")
    broken.write_text("generation,average_score\n1,2\n")
    fails(kinship("stages", broken), "no column 'merge_gain'")
    fails(kinship("correlate", broken), "no column 'merge_gain'")
    broken.write_bytes(b"\x7fELF\xff\xfe")
    fails(kinship("stages", broken), "not a text file")
    broken.write_text("merge_gain,pcc,cosine,euclidean\n1,.1,.1,3\n")
    fails(kinship("correlate", broken), "broken.csv", "give 3")


def test_a_bend_that_chance_makes_as_often_is_not_told_as_a_finding(kinship, path_file, tmp_path):
    said = kinship("stages", path_file(1)[0]).stdout
    assert "change point of the score: none that the scores show; the best bend is at generation 10" in said
    bent = tmp_path / "bent.csv"
    scores = [10.0, 20.0, 30.0, 40.0, 50.0, 50.1, 50.0, 50.2, 50.1, 50.2]
    rows = [f"{i},{score},1.0,0.5" for i, score in enumerate(scores, 1)]
    bent.write_text("\n".join(["generation,average_score,merge_gain,pcc", *rows]))
    assert "change point of the score: generation 5, +10 points" in kinship("stages", bent).stdout
