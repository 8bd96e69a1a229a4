"""Filters and gradients: for every tensor the value that mergekit would use."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinship.merging import merge_method
from kinship.merging.settings import evaluate, leaves, resolve

TENSORS = ["model.layers.0.mlp.up_proj.weight", "model.layers.3.self_attn.q_proj.weight", "model.norm.weight"]
T = merge_method("slerp").parameter("t")
NORMALIZE = merge_method("linear").parameter("normalize")
ITERATIONS = merge_method("karcher").parameter("max_iter")

numbers = st.one_of(st.floats(-5, 5), st.integers(-5, 5), st.sampled_from(["1e-3", "2"]))
switches = st.sampled_from([True, False, "true", "no", 0, 1])


def settings_of(values):
    plain = st.one_of(values, st.lists(values, max_size=6))
    filters = st.sampled_from(["mlp", "self_attn", "norm", "layers.3.", "*", None])
    entry = st.builds(lambda value, filter: {"value": value, "filter": filter}, plain, filters)
    return st.one_of(plain, entry, st.lists(entry, min_size=1, max_size=4))


def theirs(parameter, setting, tensor, position):
    from mergekit.config import MergeConfiguration, evaluate_setting
    from mergekit.merge_methods import get

    name = {T.name: "slerp", NORMALIZE.name: "linear", ITERATIONS.name: "karcher"}[parameter.name]
    spec = next(p for p in get(name).spec.parameters if p.name == parameter.name)
    config = {"merge_method": name, "models": [{"model": "a"}], "parameters": {parameter.name: setting}}
    read = MergeConfiguration.model_validate(config).parameters[parameter.name]
    return evaluate_setting(tensor, read, position, validate=spec.validate)


@pytest.mark.parametrize(("parameter", "values"), [(T, numbers), (NORMALIZE, switches)], ids=["number", "switch"])
def test_a_setting_means_what_mergekit_takes_it_for(parameter, values):
    @given(setting=settings_of(values), tensor=st.sampled_from(TENSORS), position=st.floats(0, 1))
    def agrees(setting, tensor, position):
        expected, found = theirs(parameter, setting, tensor, position), evaluate(parameter, setting, tensor, position)
        assert (found is None) == (expected is None)
        assert found is None or found == pytest.approx(expected, rel=1e-12, abs=1e-12)

    agrees()


@pytest.mark.parametrize("value", ["x", None, [1, "x"], {"value": "x"}, 1.5])
def test_a_value_of_another_type_is_refused_as_mergekit_refuses_it(value):
    with pytest.raises((ValueError, TypeError)):
        evaluate(ITERATIONS, value, TENSORS[0], 0.5)
    with pytest.raises(Exception, match=r"validation error|Unexpected setting"):
        theirs(ITERATIONS, value, TENSORS[0], 0.5)


def test_the_first_scope_that_says_something_wins():
    scopes = ({"t": [{"filter": "mlp", "value": 0.1}]}, {"t": 0.2}, {"t": 0.3})
    assert [resolve(T, scopes, tensor, 0.0) for tensor in TENSORS] == [0.1, 0.2, 0.2]
    assert resolve(NORMALIZE, scopes, TENSORS[0], 0.0) is True
    with pytest.raises(LookupError, match=r"t is not set for model\.norm\.weight"):
        resolve(T, scopes[:1], TENSORS[2], 0.0)


def test_every_value_of_a_setting_is_seen():
    assert list(leaves([{"value": [1, 2], "filter": "mlp"}, {"value": 3}])) == [1, 2, 3]
    assert list(leaves(4)) == [4]
    with pytest.raises(ValueError, match="needs a value"):
        list(leaves([{"filter": "mlp"}]))
