"""A family that does not fit together: the one odd model is named, not all."""

import numpy as np
import pytest

from kinship.checkpoints import align, open_checkpoint
from kinship.errors import AlignmentError
from tests.families import config, llama, save, save_model


def _align(folder, *models):
    opened = [open_checkpoint(save(folder / f"m{i}.safetensors", tensors)) for i, tensors in enumerate(models)]
    return align(opened[0], opened[1:])


ONE, OTHER = {"x.weight": np.ones(3), "y": np.ones(2)}, {"u.weight": np.ones(4), "v": np.ones(5)}
NAMES = (
    r"^{} has other tensor names than the rest \({} and not {} as in {}\); save it again with save_pretrained, or leave"
)


@pytest.mark.parametrize(
    ("models", "said"),
    [
        ((ONE, ONE, OTHER), NAMES.format("m2", "u.weight", "x.weight", "m0")),
        ((ONE, OTHER, ONE), NAMES.format("m1", "u.weight", "x.weight", "m0")),
        ((OTHER, ONE, ONE), NAMES.format("m0, the base,", "u.weight", "x.weight", "m1")),
        ((ONE, OTHER), "^m0 and m1 have no tensor in common; check the base"),
        ((ONE, ONE, {name: np.ones(9) for name in ONE}),
         r"^m2 has other shapes of tensors than the rest \(x.weight is \[9\], not \[3\]\); leave it out"),
        ((ONE, {"x.weight": np.ones(3)}, {"y": np.ones(2)}), "^m0 and m1, m2 have no tensor in common"),
    ],
)  # fmt: skip
def test_who_is_named(tmp_path, models, said):
    with pytest.raises(AlignmentError, match=said):
        _align(tmp_path, *models)


def test_a_base_unlike_all_others_is_named(tmp_path):
    models = [save_model(tmp_path / f"m{i}", llama(i, layers=2 + (i > 0))) for i in range(3)]
    base, *members = map(open_checkpoint, models)
    with pytest.raises(
        AlignmentError, match=r"^m0, the base, cannot be compared with the rest: number of layers 2, not 3"
    ):
        align(base, members)


@pytest.mark.parametrize(
    "other", ["LlamaModel", "LlamaForSequenceClassification", "llama", "LlamaForTokenClassification"]
)
def test_another_head_is_no_other_architecture(tmp_path, other):
    base = open_checkpoint(save_model(tmp_path / "base", llama(0)))
    said = config(llama(0), architectures=[other])
    assert len(align(base, [open_checkpoint(save_model(tmp_path / "m", llama(1), said))]).tensors) == len(llama(0))


@pytest.mark.parametrize(
    ("one", "other"), [("Qwen2ForCausalLM", "Qwen2_5_VLModel"), ("GPT2LMHeadModel", "GPTNeoXModel")]
)
def test_another_backbone_is_another_architecture(tmp_path, one, other):
    models = [save_model(tmp_path / a, llama(0), config(llama(0), architectures=[a])) for a in (one, other)]
    base, member = map(open_checkpoint, models)
    with pytest.raises(AlignmentError, match=f"architecture {other}, not {one}"):
        align(base, [member])
