"""Names that share one place in a file, as torch's files have them: one counts, whatever the bytes are."""

from pathlib import Path

import pytest

from kinship.checkpoints import Tensor
from kinship.checkpoints.ties import tied_names


def _at(offset: int, *names: str, shape=(4, 2)) -> dict[str, Tensor]:
    return {name: Tensor(name, "F8_E4M3", shape, Path("m.bin"), offset) for name in names}


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        (("decoder.embed_tokens.weight", "encoder.embed_tokens.weight", "shared.weight"), "shared.weight"),
        (("lm_head.weight", "transformer.wte.weight"), "transformer.wte.weight"),
        (("lm_head.weight", "model.embed_tokens.weight"), "model.embed_tokens.weight"),
        (("cls.decoder.weight", "embeddings.word_embeddings.weight"), "embeddings.word_embeddings.weight"),
        (("cls.predictions.decoder.bias", "cls.predictions.bias"), "cls.predictions.decoder.bias"),
        (("a.weight", "b.weight"), "a.weight"),
    ],
)  # fmt: skip
def test_the_name_that_transformers_keeps_counts(names, kept):
    assert tied_names(_at(64, *names) | _at(128, "other")) == dict.fromkeys(set(names) - {kept}, kept)


def test_tensors_of_one_place_in_other_forms_are_tensors_of_their_own():
    tensors = _at(64, "whole") | _at(64, "part", shape=(2, 2)) | _at(0, "empty", "void", shape=(0,))
    assert tied_names(tensors) == {}
