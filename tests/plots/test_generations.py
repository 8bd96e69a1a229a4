from __future__ import annotations

import csv
import io

import pytest

from kinship.evolution import Evaluation, Fusion, Individual, Round, Run
from kinship.plots.generations import draw, generations_info
from kinship.plots.rows import to_csv
from kinship.published import evolution_run


def made(name, generation, score, **more):
    return Individual(name, generation, ("a", "b"), score, **more)


RUN = Run(
    "kinship", 2, 0,
    (
        (Individual("a", 0, score=50.0), Individual("b", 0, score=52.0)),
        (made("model-1-1", 1, 51.0, gain=0.0, kinship=-0.2),),
        (
            made("model-2-1", 2, 55.0, gain=3.5),
            made("model-2-2", 2, None),
            made("model-2-exp", 2, 57.0, exploration=True, gain=5.0),
        ),
        (made("model-3-1", 3, 54.0),),
    ),
    (None,) * 4,
)  # fmt: skip


def lines(figure):
    return {t.name: list(zip(t.x, t.y, strict=True)) for t in figure.data if t.mode == "lines"}


def points(figure, name):
    return next(t for t in figure.data if t.mode == "markers" and t.name == name)


def test_best_so_far_against_generation_and_against_merges_spent() -> None:
    info = generations_info({"mine": RUN})
    assert lines(draw(info, "generation")) == {"mine": [(0, 52), (1, 52), (2, 57), (3, 57)]}
    spent = [(0, 52), (1, 52), (2, 55), (4, 57), (5, 57)]
    assert lines(draw(info, "merges")) == {"mine": spent}, "a merge without a score is spent all the same"
    assert all(t.line.shape == "hv" for t in draw(info, "merges").data if t.mode == "lines")


def test_every_merge_is_a_point_and_exploration_is_open() -> None:
    figure = draw(generations_info({"mine": RUN}), "generation")
    regular, explored = points(figure, "mine, merges"), points(figure, "mine, exploration")
    assert list(zip(regular.x, regular.y, strict=True)) == [(1, 51), (2, 55), (3, 54)]
    assert list(zip(explored.x, explored.y, strict=True)) == [(2, 57)]
    assert explored.marker.symbol == f"{regular.marker.symbol}-open"
    assert "exploration step" in explored.hovertext[0]
    assert "+5.00" in explored.hovertext[0]
    assert "kinship of its parents −0.20" in regular.hovertext[0]  # noqa: RUF001


def test_baselines_are_dotted_lines_with_their_names() -> None:
    figure = draw(generations_info({"mine": RUN}, {"uniform soup": 56.25}), "merges")
    (line,) = figure.layout.shapes
    assert (line.y0, line.y1, line.line.dash) == (56.25, 56.25, "dot")
    assert "uniform soup" in figure.layout.annotations[0].text


def test_labels_of_close_baselines_do_not_lie_on_each_other() -> None:
    close = {"one": 56.0, "two": 55.99, "three": 55.98, "four": 55.97}
    figure = draw(generations_info({"mine": RUN}, close), "merges")
    places = {(one.x, round(one.y, 6)): one.text for one in figure.layout.annotations}
    assert len(places) == 4
    for side in (0, 1):
        first, second = sorted(y for x, y in places if x == side)
        assert second - first > 0.2
    assert sorted(line.y0 for line in figure.layout.shapes) == sorted(close.values())


def test_the_published_searches_are_compared() -> None:
    info = generations_info({name: evolution_run(name) for name in ("greedy", "kinship")})
    best = lines(draw(info, "generation"))
    assert best["greedy"][-1] == (4, 68.72)
    assert best["kinship"][-1] == (5, 69.13)
    assert lines(draw(info, "merges"))["kinship"][-1] == (19, 69.13)
    widths = [t.line.width for t in draw(info, "merges").data if t.mode == "lines"]
    assert widths[0] > widths[1], "the line below shows where the two run together"


def test_a_run_that_has_just_begun_and_none_at_all_can_be_drawn() -> None:
    info = generations_info({"new": RUN.until(0)})
    assert lines(draw(info, "merges")) == {"new": [(0, 52)]}
    for against in ("generation", "merges"):
        assert draw(generations_info({}), against).data == ()


@pytest.mark.parametrize("against", ["generation", "merges"])
def test_titles_say_against_what(against) -> None:
    figure = draw(generations_info({"mine": RUN}), against)
    assert against in figure.layout.xaxis.title.text
    assert figure.layout.yaxis.title.text == "average score (percent)"
    text = draw(generations_info({"mine": RUN}, unit="bits per byte"), against)
    assert text.layout.yaxis.title.text == "average score (bits per byte)"
    assert figure.layout.xaxis.dtick == 1


def test_csv_has_every_merge_and_baseline() -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(generations_info({"mine": RUN}, {"soup": 1 / 3}).to_rows()))))
    assert [row["model"] for row in rows] == ["model-1-1", "model-2-1", "model-2-exp", "model-3-1", "soup"]
    assert [row["merges_spent"] for row in rows] == ["1", "2", "4", "5", ""]
    assert (rows[2]["exploration"], rows[2]["kinship"], rows[-1]["score"]) == ("1", "", str(1 / 3))


def test_a_fusion_stands_round_by_round_beside_generations_alone() -> None:
    rounds = tuple(Round(Evaluation(score, None, {})) for score in (50.0, 53.5, 52.0, 51.0, 54.0))
    info = generations_info({"mine": RUN}, fusions={"fused": Fusion(("x", "y"), 0, rounds)})
    figure = draw(info, "generation")
    drawn = next(t for t in figure.data if t.name == "fused (by round)")
    assert list(zip(drawn.x, drawn.y, strict=True)) == list(enumerate((50.0, 53.5, 52.0, 51.0, 54.0)))
    assert drawn.line.dash == "dash"
    assert "round of a fusion" in figure.layout.xaxis.title.text
    spent = draw(info, "merges")
    assert not any("fused" in t.name for t in spent.data), "a round costs more than its merge"
    assert spent.layout.xaxis.title.text == "merges spent"
    rows = list(csv.DictReader(io.StringIO(to_csv(info.to_rows()))))
    kept = [row for row in rows if row["search"] == "fused"]
    assert [(row["model"], row["generation"], row["score"]) for row in kept[:2]] == [
        ("base", "0", "50.0"), ("fused-1", "1", "53.5")
    ]  # fmt: skip
