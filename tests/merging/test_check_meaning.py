"""Settings that mergekit reads otherwise than they look: what it makes of them is in `kinship.merging.settings`."""

from __future__ import annotations

import pytest

from kinship.merging import Parent, Recipe, preflight
from tests.merging.models import save_family


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    return save_family(tmp_path_factory.mktemp("family"))


def warned(family, parameters, own=(), method="linear", base=None):
    parents = tuple(Parent(str(path), dict(own)) for path in family[1:3])
    findings = preflight(Recipe(method, parents, base=base and str(family[0]), parameters=parameters))
    assert not [one for one in findings if one.severity == "error"]
    return [one.message for one in findings if one.severity == "warning" and one.what == "parameters"]


@pytest.mark.parametrize("base", [None, "its own"])
def test_a_list_as_long_as_the_models_is_a_gradient_all_the_same(family, base):
    method = "task_arithmetic" if base else "linear"
    (message,) = warned(family, {"weight": [0.6, 0.4]}, method=method, base=base)
    assert "weight: [0.6, 0.4] as a gradient over the layers" in message


@pytest.mark.parametrize(
    ("parameters", "own"),
    [
        ({"weight": [0.6, 0.5, 0.3, 0.2]}, {}),
        ({"weight": [0.5, 0.5]}, {}),
        ({"weight": 1}, {"weight": [0.6, 0.4]}),
        ({"weight": [{"filter": "self_attn", "value": 1}, {"filter": "*", "value": 0.5}]}, {}),
    ],
)
def test_what_means_what_it_looks_like_is_not_warned_of(family, parameters, own):
    assert warned(family, parameters, own) == []


def test_a_filter_that_fits_no_tensor_is_named(family):
    (message,) = warned(family, {"weight": [{"filter": "self_atn", "value": [0, 1]}, {"value": 0.5}]})
    assert "the filter self_atn of weight is part of no tensor's name" in message
    assert "q_proj" in message
