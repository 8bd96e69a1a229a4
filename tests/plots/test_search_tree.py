"""The tree of a search: every model at its generation and score, every descent drawn once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kinship.evolution import Limits
from kinship.plots.search_tree import draw, search_tree_info
from tests.evolution.worlds import last, world


@pytest.fixture(scope="module")
def run():
    about = world(1)
    return last(about.search(about.begin(), limits=Limits(3)))


def test_every_model_is_a_point_and_every_descent_a_line(run):
    info = search_tree_info(run)
    figure = draw(info)
    points = {(x, y) for trace in figure.data[2:] for x, y in zip(trace.x, trace.y, strict=True)}
    assert points == {(one.generation, one.score) for one in run.population.individuals}
    lines = [
        ((trace.x[i], trace.y[i]), (trace.x[i + 1], trace.y[i + 1]), trace.line.dash)
        for trace in figure.data[:2]
        for i in range(0, len(trace.x), 3)
    ]
    known = {one.name: one for one in run.population.individuals}
    expected = [
        (
            (known[parent].generation, known[parent].score),
            (one.generation, one.score),
            "dash" if one.exploration else "solid",
        )
        for one in known.values()
        for parent in one.parents
    ]
    assert sorted(lines) == sorted(expected)


def test_the_k_best_are_told_apart(run):
    figure = draw(search_tree_info(run))
    best = figure.data[3]
    assert best.name == "the k best"
    assert sorted(best.y) == sorted(one.score for one in run.population.best(3))
    header, rows = search_tree_info(run).to_rows()
    assert [row[0] for row in rows if row[header.index("among_best")]] == [
        one.name for one in run.population.individuals if one in run.population.best(3)
    ]


def test_a_model_without_a_score_is_left_out(run):
    one = run.generations[-1][-1]
    unscored = replace(run, generations=(*run.generations[:-1], (*run.generations[-1][:-1], replace(one, score=None))))
    assert one.name not in [model.name for model in search_tree_info(unscored).models]
    draw(search_tree_info(unscored))
