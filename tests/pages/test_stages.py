"""The page Stages: published lineages from the first start, own ones from a file, the threshold in the link."""

from __future__ import annotations

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from kinship.published import lineages
from tests.pages import driving
from tests.pages.driving import words

HEADER = "generation,average_score,merge_gain,pcc\n"


def run(**link: str) -> AppTest:
    app = driving.run("pages/stages.py", **link)
    assert not app.exception
    return app


def uploaded(text: str | bytes) -> AppTest:
    app = run()
    content = text if isinstance(text, bytes) else text.encode()
    app.file_uploader[0].set_value(("mine.csv", content, "text/csv")).run()
    assert not app.exception
    return app


def numbers(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


@pytest.mark.parametrize(("path", "starts"), [(1, 9), (2, 10)])
def test_published_lineages_are_there_from_the_first_start(path, starts):
    app = run(family=f"paper-path-{path}")
    gains = [step.merge_gain for step in lineages()[path - 1].steps]
    assert numbers(app) == {
        "Saturation begins": f"generation {starts}",
        "Mean gain, learning": f"+{np.mean(gains[: starts - 1]):.2f}",
        "Mean gain, saturation": f"+{np.mean(gains[starts - 1 :]):.2f}",
        "Score bends at": "generation 10",
    }
    assert f"stays at or above 0.90 (the paper's rule, at 0.9): here generation {starts}" in words(app)
    assert "the scores alone do not show it" in words(app)
    assert (
        f"Published: Hu et al., Exploring Model Kinship for Merging LLMs, arXiv 2410.12613, Table {4 + path}"
        in words(app)
    )


def test_the_threshold_is_in_the_link():
    app = run(family="paper-path-1", threshold="0.99")
    assert app.slider(key="threshold").value == 0.99
    assert numbers(app)["Saturation begins"] == "not yet"
    assert numbers(app)["Mean gain, saturation"] == "-"
    assert "no saturation yet" in words(app)
    app.slider(key="threshold").set_value(0.8).run()
    assert not app.exception
    assert numbers(app)["Saturation begins"] == "generation 6"


def test_the_correlation_table_stands_beside_what_the_paper_prints():
    table = run(family="paper-path-1").dataframe[0].value
    assert table["r"].round(3).tolist() == [-0.511, -0.451, 0.468, -0.598, -0.671, 0.679]
    assert table["p"].tolist() == ["0.062", "0.106", "0.091", "0.024", "0.009", "0.008"]
    assert table["printed_r"].tolist() == [-0.50, -0.45, 0.46, -0.59, -0.66, 0.67]
    assert table["printed_p"].tolist() == [0.063, 0.098, 0.091, 0.023, 0.008, 0.007]
    other = run(family="paper-path-2").dataframe[0].value
    assert "printed_r" not in other
    assert other["p"].tolist()[0] == "< 0.001"


def test_the_metric_of_the_scatter_is_in_the_link():
    app = run(family="paper-path-1", kinship_by="Euclidean")
    assert app.segmented_control(key="kinship_by").value == "euclidean"


def test_a_family_without_a_lineage_offers_a_file_and_the_published_ones():
    app = run()
    assert "no lineage of **demo** yet" in words(app)
    assert len(app.metric) == 0
    next(button for button in app.button if button.label == "Look at paper-path-2").click().run()
    assert not app.exception
    assert app.sidebar.selectbox(key="family").value == "paper-path-2"
    assert "The lineage paper-path-2" in words(app)


def test_a_lineage_is_read_from_a_file():
    app = uploaded(HEADER + "1,70,1.5,.2\n2,71,0.5,.95\n3,71.2,-0.1,.96\n")
    assert numbers(app) == {
        "Saturation begins": "generation 2",
        "Mean gain, learning": "+1.50",
        "Mean gain, saturation": "+0.20",
        "Score bends at": "-",
    }
    assert "Read from mine.csv." in words(app)
    assert app.dataframe[0].value["metric"].tolist() == ["PCC", "PCC"], "no metric that the file has not"


def test_a_lineage_of_two_is_too_short_for_a_correlation():
    app = uploaded(HEADER + "1,70,1.5,.2\n2,71,0.5,.95\n")
    assert "A correlation needs 3 merges or more" in words(app)


def test_a_gain_that_never_varies_has_no_correlation():
    app = uploaded(HEADER + "1,70,1,.2\n2,71,1,.95\n3,72,1,.96\n")
    assert "r" not in app.dataframe[0].value or app.dataframe[0].value["r"].isna().all()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEADER + "1,70,much,.2\n", "mine.csv, row 1, column merge_gain: 'much' is not a number"),
        ("a,b\n1,2\n", "no column 'generation'"),
        ("", "no rows"),
        (b"\xff\xfe\x00", "not a text file in UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(text, said):
    app = uploaded(text)
    assert said in words(app)
    assert len(app.metric) == 0


def test_the_papers_own_search_can_be_looked_at():
    app = run()
    table = app.dataframe[0].value
    assert len(table) == 22
    assert table.loc[table["score"].idxmax(), "model"] == "model-5-1"
    assert table["step"].tolist().count("exploration") == 4
    app.segmented_control(key="paper_run").set_value("Top-k greedy (paper)").run()
    assert not app.exception
    assert len(app.dataframe[0].value) == 14
    assert "arXiv 2410.12613, Table 2" in words(app)


def test_a_bend_beyond_doubt_is_said_to_be_one():
    scores = [min(t, 7) + 0.01 * (-1) ** t for t in range(1, 13)]
    app = uploaded(HEADER + "".join(f"{g},{score},0.1,0.5\n" for g, score in enumerate(scores, 1)))
    assert numbers(app)["Score bends at"] == "generation 7"
    assert "flattens at generation 7" in words(app)
    assert "bends as much in 0.1 % of cases" in words(app)
    assert "do not show it" not in words(app)
