"""What keeps PEFT from merging an adapter into a model is said before mergekit starts."""

from __future__ import annotations

import numpy as np
import pytest
from huggingface_hub import constants

from kinship.checkpoints import open_checkpoint
from kinship.errors import CheckpointError
from kinship.merging import Recipe, preflight
from kinship.merging.check_adapter import check_adapter
from tests.checkpoints.test_adapter import Q, factors
from tests.families import EMBEDDING, config, llama, save_adapter, save_model, tuned
from tests.merging.models import save_mergeable


@pytest.fixture
def model(tmp_path):
    return open_checkpoint(save_model(tmp_path / "model", llama(0)))


def _said(tmp_path, under, tensors, **said):
    found = check_adapter(open_checkpoint(save_adapter(tmp_path / "apple", tensors, **said)), under)
    return [(one.severity, one.message) for one in found]


def test_an_adapter_of_the_model_passes(tmp_path, model):
    assert _said(tmp_path, model, factors(Q, 12, 12), base_model_name_or_path=str(model.path)) == []
    assert _said(tmp_path, model, factors(Q, 12, 12)) == []
    assert _said(tmp_path, None, factors(Q, 12, 12)) == []


def test_a_whole_model_is_no_adapter(model):
    with pytest.raises(CheckpointError, match="this is no adapter; write it as a parent of its own"):
        check_adapter(model, model)


def test_factors_that_do_not_land_on_this_model(tmp_path, model):
    """On the base that it declares they would; PEFT passes them over in silence."""
    other = save_model(tmp_path / "other", llama(0, layers=3))
    third = factors(Q.replace("0", "2"), 12, 12)
    [(severity, told)] = _said(tmp_path, model, third, base_model_name_or_path=str(other))
    assert severity == "error"
    assert f"apple holds {Q.replace('0', '2')}.weight, which is no weight of model" in told


def test_a_module_that_it_adds_is_a_warning(tmp_path, model):
    tensors = factors(Q, 12, 12) | factors("score", 2, 12) | {"score.modules_to_save.weight": np.ones((2, 12))}
    found = _said(tmp_path, model, tensors, modules_to_save=["score"])
    assert found == [("warning", "apple adds score.weight, which model does not have; it is left out")]


def test_replicated_layers(tmp_path, model):
    [(severity, told)] = _said(tmp_path, model, factors(Q, 12, 12), layer_replication=[[0, 2], [1, 2]])
    assert severity == "error"
    assert "layer_replication" in told


def test_a_vocabulary_of_another_size(tmp_path, model):
    [(severity, told)] = _said(tmp_path, model, factors(Q, 12, 12) | {EMBEDDING: np.ones((33, 12))})
    assert severity == "error"
    assert f"{EMBEDDING} as [33, 12], which in model is [30, 12]; resize" in told


def test_a_declared_base_that_cannot_be_read(tmp_path, model):
    packed = save_model(tmp_path / "packed", llama(0), config(llama(0), quantization_config={"quant_method": "bnb"}))
    [(severity, told)] = _said(tmp_path, model, factors(Q, 12, 12), base_model_name_or_path=str(packed))
    assert severity == "warning"
    assert str(packed) in told
    assert "bitsandbytes" in told


def test_names_of_another_release(tmp_path, model):
    renamed = {name.replace("model.", "model.language_model."): t for name, t in factors(Q, 12, 12).items()}
    [(severity, told)] = _said(tmp_path, model, renamed)
    assert severity == "warning"
    assert "apple calls model.language_model.* what model calls model.*" in told


def test_adapters_by_their_hub_ids(tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    commit, kept = "4f" * 20, {}
    for name in ("base", "apple"):
        repository = tmp_path / "hub" / f"models--org--{name}"
        (repository / "refs").mkdir(parents=True)
        (repository / "refs" / "main").write_text(commit)
        kept[name] = repository / "snapshots" / commit
    base = llama(0, vocabulary=7)
    save_mergeable(kept["base"], base)
    save_adapter(kept["apple"], factors(Q, 12, 12), base_model_name_or_path="org/base")
    other = save_mergeable(tmp_path / "other", tuned(base, 1))
    said = "merge_method: task_arithmetic\nbase_model: org/base\nparameters: {weight: 0.5}\nmodels:\n"
    recipe = Recipe.from_yaml(f"{said}- {{model: org/base+org/apple}}\n- {{model: {other}}}\n")
    assert [one.message for one in preflight(recipe) if one.severity != "ok"] == []
    assert open_checkpoint(kept["apple"]).adapter.base.path == kept["base"]
