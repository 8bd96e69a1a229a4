"""Models that give their tensors other names than the base: what fits by name, shape and content, and what does not."""

from pathlib import Path

import numpy as np
import pytest

from kinship.checkpoints import LeftOut, align, open_checkpoint
from kinship.errors import AlignmentError
from kinship.similarity import gram_table, kinship_matrix
from tests.families import EMBEDDING, HEAD, NORM, llama, pack, save, save_adapter, save_model, tuned

Q = "model.layers.{}.self_attn.q_proj"


def _open(file: Path, tensors):
    return open_checkpoint(save(file.with_suffix(".safetensors"), tensors))


def _renamed(tensors, *changes):
    """The tensors with prefixes replaced: the first that fits counts."""
    found = {}
    for name, array in tensors.items():
        before, after = next(((b, a) for b, a in changes if name.startswith(b)), ("", ""))
        found[after + name.removeprefix(before)] = array
    return found


def _correlation(base, *models):
    rows = [np.concatenate([(model[n] - base[n]).ravel() for n in base]) for model in _as_stored(models, base)]
    return np.corrcoef(rows)[0, 1]


def _as_stored(models, base):
    wide = [{n: a.astype(np.float32).astype(np.float64) for n, a in model.items()} for model in (base, *models)]
    base.update(wide[0])
    return wide[1:]


def vision_language():
    """A text model, a head and a vision tower under the names that today's libraries save."""
    text = _renamed(llama(0), ("model.", "model.language_model."))
    rng = np.random.default_rng(3)
    blocks = {f"model.visual.blocks.{i}.attn.qkv.weight": rng.normal(0, 0.05, (36, 12)) for i in range(2)}
    return text | blocks | {"model.visual.merger.norm.weight": rng.normal(1.0, 0.1, 12)}


TEXT = "model.language_model."
NAMINGS = {
    "no prefix": (llama(0), [("model.", "")], {"": "model."}),
    "compiled": (llama(0), [("", "_orig_mod.")], {"_orig_mod.": ""}),
    "data parallel": (llama(0), [("", "module.")], {"module.": ""}),
    "both": (llama(0), [("", "_orig_mod.module.")], {"_orig_mod.": "", "module.": ""}),
    "peft": (llama(0), [("", "base_model.model.")], {"base_model.model.": ""}),
    "a wrapper": (llama(0, tied=True), [("model.", "backbone.")], {"backbone.": "model."}),
    "a sequence": (llama(0, tied=True), [("model.", "0.auto_model.")], {"0.auto_model.": "model."}),
    "older": (vision_language(), [(TEXT, "model."), ("model.visual.", "visual.")], None),
    "oldest": (
        vision_language(),
        [(TEXT, "language_model.model."), ("model.visual.", "visual."), ("lm_head.", "language_model.lm_head.")],
        None,
    ),
}


@pytest.mark.parametrize("naming", NAMINGS)
def test_one_mapping_of_prefixes_brings_all_together(tmp_path, naming):
    tensors, changes, rules = NAMINGS[naming]
    a, b = tuned(tensors, 1), tuned(tensors, 2)
    odd = _open(tmp_path / "odd", _renamed(b, *changes))
    base, rest = _open(tmp_path / "base", tensors), _open(tmp_path / "a", a)
    alignment = align(base, [rest, odd])
    assert {tensor.name for tensor in alignment.tensors} == tensors.keys()
    assert alignment.left_out == ()
    assert set(alignment.renamed) == {"odd"}
    if rules is not None:
        assert alignment.renamed["odd"].items() >= rules.items()
    [said] = alignment.warnings
    assert said.startswith("odd gives its tensors other names than the base; read ")
    found = kinship_matrix(gram_table(alignment, "cpu")).values[0, 1]
    assert found == pytest.approx(_correlation(dict(tensors), a, b), abs=1e-9)
    turned = align(odd, [base, rest])  # the odd one may be the base as well
    assert len(turned.tensors) == len(tensors)
    assert set(turned.renamed) == {"base", "a"}


def test_wrappers_within_names_are_read_past(tmp_path):
    tensors = llama(0)
    wrapped = {name.replace(".mlp.", "._orig_mod.mlp."): array for name, array in tuned(tensors, 1).items()}
    wrapped = {f"_fsdp_wrapped_module.{name}": array for name, array in wrapped.items()}
    base, odd = _open(tmp_path / "base", tensors), _open(tmp_path / "odd", wrapped)
    for first, other, said in (
        (base, odd, {"_fsdp_wrapped_module.": "", "_orig_mod.": ""}),
        (odd, base, {"": "_orig_mod."}),
    ):
        alignment = align(first, [other])
        assert (len(alignment.tensors), alignment.left_out) == (len(tensors), ())
        assert list(alignment.renamed.values()) == [said]
        for tensor in alignment.tensors:
            own, theirs = (row.stored.name.replace("_orig_mod.", "") for row in tensor.rows)
            assert own.removeprefix("_fsdp_wrapped_module.") == theirs.removeprefix("_fsdp_wrapped_module.")


def test_norms_spelled_as_in_tensorflow(tmp_path):
    rng = np.random.default_rng(0)
    base = {f"bert.encoder.layer.0.output.LayerNorm.{last}": rng.normal(size=12) for last in ("gamma", "beta")}
    base["bert.encoder.layer.0.output.dense.weight"] = rng.normal(size=(12, 8))
    today = {name.replace("gamma", "weight").replace("beta", "bias"): a for name, a in tuned(base, 1).items()}
    old = _open(tmp_path / "base", base)
    alignment = align(old, [_open(tmp_path / "odd", _renamed(today, ("bert.", "")))])
    assert {tensor.name for tensor in alignment.tensors} == base.keys()
    back = align(_open(tmp_path / "today", today), [old])
    assert back.renamed == {"base": {"gamma": "weight", "beta": "bias"}}
    assert {tensor.name for tensor in back.tensors} == today.keys()


def test_names_that_fit_are_left_alone(tmp_path):
    alignment = align(_open(tmp_path / "base", llama(0)), [_open(tmp_path / "a", llama(1))])
    assert (alignment.renamed, alignment.warnings) == ({}, ())
    assert alignment.models == (alignment.base, *alignment.members)


def test_a_tensor_that_nobody_else_has_keeps_its_place(tmp_path):
    tensors = tuned(llama(0), 1) | {"model.extra.weight": np.ones(3)}
    odd = _open(tmp_path / "odd", _renamed(tensors, ("", "module.")))
    alignment = align(_open(tmp_path / "base", llama(0)), [odd])
    assert alignment.left_out == (LeftOut("model.extra.weight", "base", "missing"),)
    assert alignment.models[1].tensors["model.extra.weight"].name == "module.model.extra.weight"


def test_scales_go_with_their_weights(tmp_path):
    name = f"{Q.format(0)}.weight"
    eight = tuned(llama(0), 1) | {name: pack(llama(0)[name], "F8_E4M3"), f"{name}_scale_inv": np.ones((1, 1))}
    odd = _open(tmp_path / "odd", _renamed(eight, ("", "module.")))
    alignment = align(_open(tmp_path / "base", llama(0)), [odd])
    [aligned] = [tensor for tensor in alignment.tensors if tensor.name == name]
    assert aligned.rows[1].scale.tensor.name == f"module.{name}_scale_inv"


def test_what_fits_by_name_and_shape_has_to_be_alike_in_content(tmp_path):
    """An encoder is no decoder, though its layers have their names."""
    rng = np.random.default_rng(0)
    shapes = {f"layers.{i}.self_attn.{one}_proj.weight": (12, 12) for i in range(2) for one in "qkvo"}
    one, other = ({f"{t}.{n}": rng.normal(size=s) for n, s in shapes.items()} for t in ("decoder", "encoder"))
    shared = {"shared.weight": rng.normal(size=(20, 12))}
    base, odd = _open(tmp_path / "base", one | shared), _open(tmp_path / "odd", other | shared)
    alignment = align(base, [odd], allow_partial=True)
    assert [tensor.name for tensor in alignment.tensors] == ["shared.weight"]
    assert len(alignment.left_out) == 16


def test_content_tells_which_of_two_copies_it_is(tmp_path):
    towers = {tower: llama(seed, tied=True) for seed, tower in enumerate(("left.", "right."))}
    base = {f"{tower}{name}": array for tower, tensors in towers.items() for name, array in tensors.items()}
    odd = _open(tmp_path / "odd", tuned(towers["right."], 1))
    alignment = align(_open(tmp_path / "base", base), [odd])
    assert alignment.renamed == {"odd": {"": "right."}}
    assert {tensor.name for tensor in alignment.tensors} == {f"right.{name}" for name in towers["right."]}


def test_two_copies_that_fit_alike_are_none(tmp_path):
    tensors = llama(0, tied=True)
    both = _renamed(tuned(tensors, 1), ("", "ema.")) | _renamed(tuned(tensors, 2), ("", "student."))
    with pytest.raises(AlignmentError, match="odd has other tensor names than the rest"):
        align(_open(tmp_path / "base", tensors), [_open(tmp_path / "a", tensors), _open(tmp_path / "odd", both)])


def test_an_average_beside_the_weights_is_left_out(tmp_path):
    tensors = llama(0, tied=True)
    both = tuned(tensors, 1) | _renamed(tuned(tensors, 2), ("", "ema."))
    alignment = align(_open(tmp_path / "base", tensors), [_open(tmp_path / "odd", both)])
    assert len(alignment.tensors) == len(tensors)
    assert {row.stored.name.startswith("ema.") for tensor in alignment.tensors for row in tensor.rows} == {False}


def test_an_adapter_under_older_names_lands(tmp_path):
    tensors = vision_language()
    base = open_checkpoint(save_model(tmp_path / "base", tensors, {"model_type": "vl"}))
    rng = np.random.default_rng(1)
    factors = {f"{Q.format(i)}.lora_A.weight": rng.normal(size=(3, 12)) for i in range(2)}
    factors |= {f"{Q.format(i)}.lora_B.weight": rng.normal(size=(12, 3)) for i in range(2)}
    alignment = align(base, [open_checkpoint(save_adapter(tmp_path / "apple", factors))])
    changed = {tensor.name for tensor in alignment.tensors if tensor.rows[1].low_rank}
    assert changed == {f"model.language_model.layers.{i}.self_attn.q_proj.weight" for i in range(2)}


@pytest.mark.parametrize("stored", [HEAD, "shared.weight"])
def test_a_tied_embedding_may_be_stored_under_another_of_its_names(tmp_path, stored):
    tensors = llama(0, tied=True)
    moved = tuned(tensors, 1)
    moved[stored] = moved.pop(EMBEDDING)
    alignment = align(_open(tmp_path / "base", tensors), [_open(tmp_path / "odd", moved)])
    assert alignment.renamed == {"odd": {stored: EMBEDDING}}
    assert {tensor.name for tensor in alignment.tensors} == tensors.keys()


def test_a_head_without_its_embedding_is_not_taken_for_one(tmp_path):
    """The last file of several, alone."""
    tensors = llama(0)
    part = {name: array for name, array in tuned(tensors, 1).items() if name != EMBEDDING}
    alignment = align(_open(tmp_path / "base", tensors), [_open(tmp_path / "part", part)])
    assert alignment.left_out == (LeftOut(EMBEDDING, "part", "missing"),)


def test_one_tensor_under_two_names_is_refused(tmp_path):
    odd = _renamed(tuned(llama(0, tied=True), 1), ("", "module."))
    odd[NORM] = odd[f"module.{NORM}"] + 1.0
    with pytest.raises(AlignmentError, match=rf"odd holds {NORM} twice, as module.{NORM} and as {NORM}; save one"):
        align(_open(tmp_path / "base", llama(0, tied=True)), [_open(tmp_path / "odd", odd)])
