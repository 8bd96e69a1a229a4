"""Where an adapter lands: under whatever prefix, on weights of its shape, or refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kinship.checkpoints import Alignment, align, alike, open_checkpoint
from kinship.errors import AlignmentError
from kinship.similarity import gram_table
from tests.checkpoints.test_adapter import UP, Q, factors
from tests.families import EMBEDDING, HEAD, config, llama, save, save_adapter, save_model, tuned

VISION = {f"visual.blocks.{i}.mlp.up_proj.weight": np.full((20, 12), 0.1) for i in range(2)}
BIAS = {f"{Q}.bias": np.ones(12)}
SCORE = {"score.weight": np.ones((2, 12))}


def _laid(folder: Path, base: dict[str, np.ndarray], tensors: dict[str, np.ndarray], **said: object) -> Alignment:
    opened = open_checkpoint(save(folder / "base.safetensors", base))
    return align(opened, [open_checkpoint(save_adapter(folder / "apple", tensors, **said))])


def _refused(folder: Path, base: dict[str, np.ndarray], tensors: dict[str, np.ndarray], problem: str, **said: object):
    with pytest.raises(AlignmentError, match=problem) as caught:
        _laid(folder, base, tensors, **said)
    assert "\n" not in str(caught.value)


def _changed(alignment: Alignment) -> set[str]:
    return {tensor.name for tensor in alignment.tensors if tensor.rows[1].low_rank or tensor.rows[1].stored}


def _renamed(tensors: dict[str, np.ndarray], old: str, new: str) -> dict[str, np.ndarray]:
    return {new + name.removeprefix(old) if name.startswith(old) else name: t for name, t in tensors.items()}


@pytest.mark.parametrize(
    ("base_has", "adapter_has"),
    [
        ("model.language_model.", "model."),
        ("language_model.model.", "model."),
        ("model.", "model.language_model."),
        ("language_model.model.", "model.language_model."),
        ("model.", ""),
        ("", "model."),
        ("model.", "model.model."),
        ("transformer.", "model."),
    ],
)
def test_a_prefix_of_another_release_is_no_other_weight(tmp_path, base_has, adapter_has):
    base = _renamed(llama(0), "model.", base_has) | VISION
    tensors = _renamed(factors(Q, 12, 12) | factors(UP, 20, 12), "model.", adapter_has)
    alignment = _laid(tmp_path, base, tensors)
    assert _changed(alignment) == {f"{base_has}{module.removeprefix('model.')}.weight" for module in (Q, UP)}
    assert alignment.left_out == ()


def test_the_towers_of_a_model_have_prefixes_of_their_own(tmp_path):
    base = _renamed(llama(0), "model.", "model.language_model.") | _renamed(VISION, "", "model.")
    tensors = factors(UP, 20, 12) | factors("visual.blocks.1.mlp.up_proj", 20, 12)
    landed = {f"model.language_model.{UP.removeprefix('model.')}.weight", "model.visual.blocks.1.mlp.up_proj.weight"}
    assert _changed(_laid(tmp_path, base, tensors)) == landed


def test_two_places_that_would_do_are_none(tmp_path):
    base = {name.replace("model.", f"{tower}.", 1): t for name, t in llama(0).items() for tower in ("one", "other")}
    _refused(tmp_path, base, factors(UP, 20, 12), f"apple holds {UP}.weight, which is no weight of base")


@pytest.mark.parametrize("module", ["model.layers.9.self_attn.q_proj", "model.layers.0.self_attn.qkv_proj", "score"])
def test_factors_for_no_weight_are_refused_by_name(tmp_path, module):
    problem = rf"apple holds {module}.weight, which is no weight of base \(1 of 2 are not\); give the base that"
    _refused(tmp_path, llama(0), factors(Q, 12, 12) | factors(module, 12, 12), problem)


def test_a_layer_that_the_text_lacks_is_not_found_among_the_images(tmp_path):
    _refused(tmp_path, llama(0) | VISION, factors("model.blocks.1.mlp.up_proj", 12, 12), "is no weight of base")
    _refused(tmp_path, llama(0) | VISION, factors("model.layers.2.mlp.up_proj", 20, 12), "is no weight of base")


def test_a_whole_tensor_that_the_base_lacks_is_refused(tmp_path):
    _refused(tmp_path, llama(0), factors(Q, 12, 12) | BIAS, rf"holds {Q}.bias, which is no weight of base", bias="all")


def test_a_module_that_the_adapter_adds_is_warned_of(tmp_path):
    alignment = _laid(tmp_path, llama(0), factors(Q, 12, 12) | SCORE, modules_to_save=["classifier", "score"])
    assert "apple adds score.weight, which base does not have; it is left out" in alignment.warnings
    assert [one.tensor for one in alignment.left_out] == ["score.weight"]
    assert _changed(alignment) == {f"{Q}.weight"}


def test_factors_for_a_module_that_the_adapter_adds_are_left_out_with_it(tmp_path):
    """A head that was both saved whole and trained by factors: it is in `modules_to_save` and `target_modules`."""
    saved = {"score.modules_to_save.weight": np.ones((2, 12))}
    tensors = factors(Q, 12, 12) | factors("score", 2, 12) | saved
    alignment = _laid(tmp_path, llama(0), tensors, modules_to_save=["score"])
    assert "apple adds score.weight, which base does not have; it is left out" in alignment.warnings
    assert [one.tensor for one in alignment.left_out] == ["score.weight"]
    assert _changed(alignment) == {f"{Q}.weight"}
    models = [alignment.base, *alignment.members]
    assert alike(models) == models
    _refused(tmp_path, llama(0), tensors, r"apple holds score.weight, which is no weight of base")  # not told as added


@pytest.mark.parametrize("said", [{}, {"use_rslora": True}])
def test_another_shape_is_refused(tmp_path, said):
    problem = rf"apple changes {UP}.weight as one of shape \[24, 12\], which in base is \[20, 12\]; give the base"
    said = said | {"modules_to_save": ["up_proj"]}
    _refused(tmp_path, llama(0), factors(UP, 24, 12), problem, **said)
    whole = factors(Q, 12, 12) | {f"{UP}.weight": np.ones((20, 11))}
    _refused(tmp_path, llama(0), whole, rf"apple changes {UP}.weight as one of shape \[20, 11\]", **said)


def test_the_declared_base_is_the_one_to_land_on(tmp_path):
    other = save_model(tmp_path / "other", _renamed(llama(1), "model.", "language_model.model."), config(llama(1)))
    adapter = save_adapter(tmp_path / "apple", factors("model.layers.3.q", 12, 12), base_model_name_or_path=str(other))
    base = open_checkpoint(save(tmp_path / "base.safetensors", llama(0)))
    with pytest.raises(AlignmentError, match=r"model\.layers\.3\.q\.weight, which is no weight of other"):
        align(base, [open_checkpoint(adapter)])


@pytest.mark.parametrize("fan_in_fan_out", [True, False])
def test_shapes_tell_how_a_weight_is_stored(tmp_path, fan_in_fan_out):
    alignment = _laid(tmp_path, llama(0), factors(Q, 12, 12) | factors(UP, 20, 12), fan_in_fan_out=fan_in_fan_out)
    found = {t.name: t.rows[1].low_rank.transposed for t in alignment.tensors if t.rows[1].low_rank}
    assert found == {f"{Q}.weight": False, f"{UP}.weight": False}


def test_a_head_does_not_tell_how_the_layers_are_stored(tmp_path):
    base = llama(0) | {"h.0.c_attn.weight": np.ones((12, 36)), "h.0.c_proj.weight": np.ones((12, 12))}
    tensors = factors("h.0.c_attn", 36, 12) | factors("h.0.c_proj", 12, 12) | factors("lm_head", 30, 12)
    alignment = _laid(tmp_path, base, tensors, fan_in_fan_out=False)
    found = {t.name: t.rows[1].low_rank.transposed for t in alignment.tensors if t.rows[1].low_rank}
    assert found == {"h.0.c_attn.weight": True, "h.0.c_proj.weight": True, HEAD: False}


def test_square_weights_alone_go_as_the_config_says(tmp_path):
    for said in (True, False):
        alignment = _laid(tmp_path, llama(0), factors(Q, 12, 12), fan_in_fan_out=said)
        [found] = [t.rows[1].low_rank.transposed for t in alignment.tensors if t.rows[1].low_rank]
        assert found == said


def test_square_experts_alone_are_refused(tmp_path):
    experts = "model.layers.0.mlp.experts"
    base = llama(0) | {f"{experts}.down_proj": np.ones((4, 12, 12))}
    said = {"target_parameters": ["mlp.experts.down_proj"], "r": 2}
    tensors = {f"{experts}.lora_A.weight": np.ones((8, 12)), f"{experts}.lora_B.weight": np.ones((12, 8))}
    _refused(tmp_path, base, tensors, "experts.down_proj are square: which way round", **said)


def test_pissa_does_not_land_on_a_vocabulary_of_another_size(tmp_path):
    tensors = factors(HEAD.removesuffix(".weight"), 33, 12)
    problem = r"apple changes lm_head.weight as one of shape \[33, 12\]"
    _refused(tmp_path, llama(0), tensors, problem, init_lora_weights="pissa")
    alignment = _laid(tmp_path, llama(0), tensors)
    assert [(one.tensor, one.model) for one in alignment.left_out] == [(HEAD, "apple")]


def test_olora_on_a_transposed_weight_is_refused(tmp_path):
    base = llama(0) | {"h.0.c_attn.weight": np.ones((12, 36))}
    _refused(tmp_path, base, factors("h.0.c_attn", 36, 12), "OLoRA on h.0.c_attn.weight", init_lora_weights="olora")


def test_trained_rows_beyond_the_vocabulary_are_warned_of(tmp_path):
    base, rows = llama(0), np.arange(36.0).reshape(3, 12)
    tensors = {"model.embed_tokens.token_adapter.trainable_tokens_delta": rows}
    alignment = _laid(tmp_path, base, tensors, trainable_token_indices=[29, 31, 0])
    told = f"1 of the 3 rows of {EMBEDDING} that apple trained are beyond the 30 of base; they are left out"
    assert told in alignment.warnings
    table = gram_table(alignment, block=7)
    before = base[EMBEDDING][[29, 0]].astype(np.float32).astype(float)
    assert table.gram[:, 1, 1].sum() == pytest.approx(((rows[[0, 2]] - before) ** 2).sum(), rel=1e-12)


def test_replicated_layers_of_a_base_that_lacks_one(tmp_path):
    from kinship.errors import CheckpointError

    base = save_model(tmp_path / "base", llama(0))
    said = {"layer_replication": [[0, 2], [1, 3]], "base_model_name_or_path": str(base)}
    with pytest.raises(CheckpointError, match="it has no layer 2, which the adapter's layer_replication names"):
        open_checkpoint(save_adapter(tmp_path / "apple", factors(Q, 12, 12), **said))


def test_replicated_layers_without_their_base_land_on_a_base_of_as_many(tmp_path):
    said = {"layer_replication": [[0, 2], [1, 2]]}
    problem = r"apple cannot be compared with base: its layer_replication makes 3 layers, not 2"
    _refused(tmp_path, llama(0), factors(Q.replace("0", "2"), 12, 12), problem, **said)
    alignment = _laid(tmp_path, llama(0, layers=3), factors(Q.replace("0", "2"), 12, 12), **said)
    assert _changed(alignment) == {"model.layers.2.self_attn.q_proj.weight"}


def test_an_adapter_and_a_fine_tune_are_compared_under_the_names_of_the_base(tmp_path):
    base = _renamed(llama(0), "model.", "model.language_model.")
    a, b = (factors(Q, 12, 12)[f"{Q}.lora_{x}.weight"].astype(np.float32).astype(float) for x in "AB")
    models = [
        open_checkpoint(save(tmp_path / f"{n}.safetensors", t)) for n, t in {"m": base, "t": tuned(base, 1)}.items()
    ]
    adapter = open_checkpoint(save_adapter(tmp_path / "apple", factors(Q, 12, 12)))
    table = gram_table(align(models[0], [models[1], adapter]))
    name = f"model.language_model.{Q.removeprefix('model.')}.weight"
    before, after = (t[name].astype(np.float32).astype(float) for t in (base, tuned(base, 1)))
    found = table.gram[table.tensors.index(name)]
    assert found[1, 2] == pytest.approx(((after - before) * (2 * b @ a)).sum(), rel=1e-9)
    assert table.gram.sum(axis=0)[2, 2] == pytest.approx(((2 * b @ a) ** 2).sum(), rel=1e-12)


def test_the_head_of_a_tied_model_is_warned_of(tmp_path):
    base = open_checkpoint(save_model(tmp_path / "base", llama(0, tied=True)))
    adapter = open_checkpoint(save_adapter(tmp_path / "apple", factors("lm_head", 30, 12)))
    alignment = align(base, [adapter])
    assert any("apple changes lm_head.weight alone, which base ties to its embedding" in w for w in alignment.warnings)
    assert _changed(alignment) == {HEAD}


def test_what_prefixes_became_is_reported(tmp_path):
    base = _renamed(llama(0), "model.", "model.language_model.")
    alignment = _laid(tmp_path, base, factors(UP, 20, 12))
    assert alignment.renamed == {"apple": {"model.": "model.language_model."}}
    assert any("read model.* as model.language_model.*" in told for told in alignment.warnings)


def _wrapped(name: str, place: str) -> str:
    return name.replace(place, f"{place}._orig_mod")


@pytest.mark.parametrize("in_base", ["layers.0", "layers.0.self_attn.q_proj", "layers.1"])
@pytest.mark.parametrize("in_adapter", ["", "layers.0", "layers.0.self_attn"])
def test_wrappers_within_names_are_read_past_on_either_side(tmp_path, in_base, in_adapter):
    tensors = {_wrapped(name, in_adapter) if in_adapter else name: t for name, t in factors(Q, 12, 12).items()}
    base = {_wrapped(name, in_base): t for name, t in llama(0).items()}
    alignment = _laid(tmp_path, base, tensors, r=9, rank_pattern={"layers.0.self_attn.q_proj": 3})
    assert alignment.left_out == ()
    assert _changed(alignment) == {_wrapped(f"{Q}.weight", in_base)}
    wrapped = in_base != "layers.1"
    assert alignment.renamed == ({"apple": {"": "_orig_mod."}} if wrapped else {})
    assert any("read * as _orig_mod.*" in told for told in alignment.warnings) == wrapped
    assert alike([alignment.base, *alignment.members]) == [alignment.base, *alignment.members]
    a, b = (factors(Q, 12, 12)[f"{Q}.lora_{x}.weight"].astype(np.float32).astype(float) for x in "AB")
    assert gram_table(alignment).gram.sum(axis=0)[1, 1] == pytest.approx(((2 * b @ a) ** 2).sum(), rel=1e-12)


def test_norms_that_an_adapter_stores_land_under_their_old_spelling(tmp_path):
    norms = {f"bert.encoder.layer.0.LayerNorm.{last}": np.full(12, 0.5) for last in ("gamma", "beta")}
    base = {"bert.encoder.layer.0.dense.weight": np.ones((12, 8))} | norms
    stored = {n.replace("gamma", "weight").replace("beta", "bias"): t + 1.0 for n, t in norms.items()}
    alignment = _laid(tmp_path, base, stored, peft_type="LN_TUNING")
    assert _changed(alignment) == norms.keys()
    assert gram_table(alignment).gram.sum(axis=0)[1, 1] == pytest.approx(24.0)


def test_a_declared_base_under_older_names_is_read_under_those_of_the_family(tmp_path):
    base, own = llama(0), tuned(llama(0), 1)
    older = _renamed(own, "model.", "transformer.")
    declared = save(tmp_path / "own" / "model.safetensors", older).parent
    tensors = _renamed(factors(Q, 12, 12), "model.", "transformer.")
    alignment = _laid(tmp_path, base, tensors, base_model_name_or_path=str(declared))
    assert alignment.left_out == ()
    found = gram_table(alignment).gram.sum(axis=0)
    a, b = (factors(Q, 12, 12)[f"{Q}.lora_{x}.weight"].astype(np.float32).astype(float) for x in "AB")
    single = {name: (own[name].astype(np.float32).astype(float) - base[name].astype(np.float32)) for name in base}
    single[f"{Q}.weight"] = single[f"{Q}.weight"] + 2 * b @ a
    assert found[1, 1] == pytest.approx(sum((t**2).sum() for t in single.values()), rel=1e-9)
