"""Tiny models with the demo's tokenizer, and one warm evaluator for all tests."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from kinship.demo import demo_path
from tests.families import config, llama, save_model

CHAT = "{% for m in messages %}{{ m['role'][:1] }} {{ m['content'] }}\n{% endfor %}a "


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory):
    """Call for a random Llama that can read the demo's characters."""

    def make(tensors=None, *, dtype="BF16", chat=False) -> Path:
        folder = tmp_path_factory.mktemp("model")
        tensors = tensors or llama(3, hidden=16, vocabulary=42)
        ends = {"max_position_embeddings": 64, "bos_token_id": 1, "eos_token_id": 1, "pad_token_id": 0}
        save_model(folder, tensors, config(tensors, **ends), dtype=dtype)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(demo_path() / "base" / name, folder / name)
        if chat:
            said = json.loads((folder / "tokenizer_config.json").read_text())
            (folder / "tokenizer_config.json").write_text(json.dumps(said | {"chat_template": CHAT}))
        return folder

    return make


@pytest.fixture(scope="session")
def model(tiny_model):
    return tiny_model(chat=True)


@pytest.fixture(scope="session")
def evaluator():
    """One evaluator, on one thread: the machine may be busy."""
    import torch

    from kinship.evaluation import Evaluator

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield Evaluator()
    torch.set_num_threads(before)
