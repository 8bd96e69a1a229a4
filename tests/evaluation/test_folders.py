"""Scores of a model that a result file names by its path belong to the model with the name of that folder."""

from __future__ import annotations

import pytest

from kinship.evaluation import by_folder


@pytest.mark.parametrize("path", ["/data/models/a", "./a/", "./a", "a/", "../x/a", "~/a", "C:\\models\\a", "x/y/a"])
def test_a_path_is_the_model_that_is_called_like_its_folder(path):
    assert by_folder({path: 1, "b": 2}, ["a", "b"]) == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    "names", [["org/a"], ["/data/aa"], ["/data/a/checkpoint-10"], ["/data/a", "a"], ["/data/a", "/other/a"], ["", "/"]]
)
def test_what_is_another_model_or_may_be_keeps_its_name(names):
    found = {name: place for place, name in enumerate(names)}
    assert by_folder(found, ["a", "b"]) == found
