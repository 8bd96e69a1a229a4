"""What a header said survives being written as JSON."""

from kinship.checkpoints import open_checkpoint
from kinship.checkpoints.serialise import from_json, to_json
from tests.checkpoints.test_adapter import Q, factors
from tests.families import HEAD, llama, save_adapter, save_model


def test_a_folder(tmp_path):
    opened = open_checkpoint(save_model(tmp_path, llama(0)))
    assert from_json(to_json(opened)) == opened


def test_an_adapter_with_its_base(tmp_path):
    base = save_model(tmp_path / "base", llama(0))
    tensors = factors(Q, 12, 12) | {HEAD: llama(1)[HEAD]}
    opened = open_checkpoint(save_adapter(tmp_path / "apple", tensors, base_model_name_or_path=str(base)))
    again = from_json(to_json(opened))
    assert again == opened
    assert again.adapter.base.tensors == opened.adapter.base.tensors
