"""Names that share one place in a file."""

from pathlib import Path

import pytest

from kinship.checkpoints import Tensor
from kinship.checkpoints.shared import without_shared


def _at(offset: int, *names: str, shape=(4, 2)) -> dict[str, Tensor]:
    return {name: Tensor(name, "F32", shape, Path("m.bin"), offset) for name in names}


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        (("decoder.embed_tokens.weight", "encoder.embed_tokens.weight", "shared.weight"), "shared.weight"),
        (("lm_head.weight", "transformer.wte.weight"), "transformer.wte.weight"),
        (("lm_head.weight", "model.embed_tokens.weight"), "model.embed_tokens.weight"),
        (("cls.decoder.weight", "embeddings.word_embeddings.weight"), "embeddings.word_embeddings.weight"),
        (("cls.predictions.decoder.bias", "cls.predictions.bias"), "cls.predictions.bias"),
        (("a.weight", "b.weight"), "a.weight"),
    ],
)  # fmt: skip
def test_the_name_that_transformers_keeps_stays(names, kept):
    tensors, shared = without_shared(_at(64, *names) | _at(128, "other"))
    assert set(tensors) == {kept, "other"}
    assert shared == dict.fromkeys(set(names) - {kept}, kept)


def test_tensors_of_one_place_in_other_forms_stay():
    tensors = _at(64, "whole") | _at(64, "part", shape=(2, 2)) | _at(0, "empty", "void", shape=(0,))
    assert without_shared(tensors) == (tensors, {})
