"""What of a family can be compared: same names and shapes, tied heads, vocabularies, adapters; and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from kinship.checkpoints import LeftOut, align, open_checkpoint
from kinship.errors import AlignmentError
from tests.checkpoints.test_adapter import UP, Q, factors
from tests.families import EMBEDDING, HEAD, NORM, config, llama, pack, save, save_adapter, save_model, save_sharded


def _models(folder: Path, *models, said=None):
    """Save and open models; `said` changes the config of the last."""
    last = len(models) - 1
    return [
        open_checkpoint(save_model(folder / f"m{i}", t, config(t, **(said or {}) if i == last else {})))
        for i, t in enumerate(models)
    ]


def _aligned(folder: Path, *models, vocabulary="common", said=None):
    base, *members = _models(folder, *models, said=said)
    return align(base, members, vocabulary)


def _shapes(alignment) -> dict[str, tuple[int, ...]]:
    return {tensor.name: tensor.shape for tensor in alignment.tensors}


def test_models_of_one_base_are_compared_whole(tmp_path):
    alignment = _aligned(tmp_path, llama(0), llama(1), llama(2))
    assert alignment.names == ("m0", "m1", "m2")
    assert _shapes(alignment) == {name: t.shape for name, t in llama(0).items()}
    assert alignment.parameters == sum(t.size for t in llama(0).values())
    assert alignment.nbytes == 3 * 4 * alignment.parameters
    assert alignment.left_out == alignment.warnings == ()
    for tensor in alignment.tensors:
        assert [row.stored.file.parent.name for row in tensor.rows] == ["m0", "m1", "m2"]
        assert {row.stored.name for row in tensor.rows} == {tensor.name}


def test_layouts_and_dtypes_mix(tmp_path):
    base = open_checkpoint(save_sharded(tmp_path / "base", llama(0)))
    half = open_checkpoint(save_model(tmp_path / "half", llama(1), dtype="F16"))
    lone = open_checkpoint(save(tmp_path / "lone.safetensors", llama(2)))
    alignment = align(base, [half, lone])
    assert len(alignment.tensors) == len(llama(0))
    assert alignment.nbytes == (4 + 2 + 4) * alignment.parameters


# Tied heads

HEAD_OF = {"none": True, "a copy": False, "a copy, told tied": True, "its own": False, "its own, told tied": True}


@pytest.mark.parametrize("member", HEAD_OF)
@pytest.mark.parametrize("base", HEAD_OF)
def test_a_tied_head_is_its_embedding(tmp_path, base, member):
    models = []
    for i, kind in enumerate((base, member)):
        tensors = llama(i, tied=kind == "none")
        if kind.startswith("a copy"):
            tensors[HEAD] = tensors[EMBEDDING]
        said = config(tensors, tie_word_embeddings=HEAD_OF[kind])
        models.append(open_checkpoint(save_model(tmp_path / f"m{i}", tensors, said)))
    alignment = align(models[0], models[1:])
    if not any(kind.startswith("its own") for kind in (base, member)):
        assert HEAD not in _shapes(alignment)
        once = LeftOut(HEAD, "all", "tied to the embedding, counted once")
        assert alignment.left_out == ((once,) if HEAD in {**models[0].tensors, **models[1].tensors} else ())
        return
    assert alignment.left_out == ()
    [head] = [tensor for tensor in alignment.tensors if tensor.name == HEAD]
    assert [row.stored.name for row in head.rows] == [HEAD if HEAD in m.tensors else EMBEDDING for m in models]


def test_a_config_that_is_silent_is_tied_where_no_head_is_stored(tmp_path):
    tied = llama(0, tied=True)
    base = open_checkpoint(save_model(tmp_path / "base", tied, config(tied, tie_word_embeddings=None)))
    alignment = align(base, [open_checkpoint(save_model(tmp_path / "m", llama(1)))])
    assert HEAD in _shapes(alignment)
    assert alignment.left_out == ()


def test_a_silent_config_does_not_tie_a_head_that_the_base_has_of_its_own(tmp_path):
    lost = config(llama(0), tie_word_embeddings=None)
    base = open_checkpoint(save_model(tmp_path / "base", llama(0), lost))
    alignment = align(base, [open_checkpoint(save_model(tmp_path / "m", llama(1, tied=True), lost))])
    assert alignment.left_out == (LeftOut(HEAD, "m", "missing"),)


def test_a_head_that_is_lost_is_missing(tmp_path):
    alignment = _aligned(tmp_path, llama(0), llama(1, tied=True), said={"tie_word_embeddings": False})
    assert alignment.left_out == (LeftOut(HEAD, "m1", "missing"),)


def test_gpt2_ties_its_head_to_wte(tmp_path):
    wte = {"transformer.wte.weight": np.ones((5, 4))}
    tied, untied = (
        save(tmp_path / "tied.safetensors", wte),
        save(tmp_path / "u.safetensors", wte | {HEAD: np.arange(20.0).reshape(5, 4)}),
    )
    alignment = align(open_checkpoint(tied), [open_checkpoint(untied)])
    assert HEAD in _shapes(alignment)


# Vocabularies


def test_common_rows_of_vocabularies(tmp_path):
    alignment = _aligned(tmp_path, llama(0), llama(1, vocabulary=33), llama(2, vocabulary=28))
    shapes = _shapes(alignment)
    assert shapes[EMBEDDING] == shapes[HEAD] == (28, 12)
    beyond = "rows 28 to {} are beyond the common vocabulary of 28"
    assert alignment.left_out == tuple(
        LeftOut(name, model, beyond.format(last))
        for name in (EMBEDDING, HEAD)
        for model, last in (("m0", 29), ("m1", 32))
    )


@pytest.mark.parametrize(
    ("embedding", "head"),
    [("gpt_neox.embed_in", "embed_out"), ("transformer.wte", "lm_head"), ("shared", "lm_head"),
     ("tok_embeddings", "output"), ("transformer.word_embeddings", "lm_head"), ("backbone.embeddings", "lm_head"),
     ("embeddings.word_embeddings", "cls.predictions.decoder"), ("model.tokens", "model.to_logits")],
)  # fmt: skip
def test_common_rows_under_every_name(tmp_path, embedding, head):
    models = []
    for i, rows in enumerate((32, 28, 28)):
        rng = np.random.default_rng(i)
        shapes = {f"{embedding}.weight": (rows, 6), f"{head}.weight": (rows, 6), f"{head}.bias": (rows,), "x": (6,)}
        tensors = {name: rng.normal(size=shape) for name, shape in shapes.items()}
        models.append(open_checkpoint(save_model(tmp_path / f"m{i}", tensors, {"vocab_size": rows})))
    alignment = align(models[0], models[1:])
    shapes = {f"{embedding}.weight": (28, 6), f"{head}.weight": (28, 6), f"{head}.bias": (28,), "x": (6,)}
    assert _shapes(alignment) == shapes
    assert {entry.tensor for entry in alignment.left_out} == shapes.keys() - {"x"}


def test_other_rows_that_are_no_tokens_are_left_out(tmp_path):
    models = [llama(i) | {"score.weight": np.ones((rows, 12))} for i, rows in enumerate((2, 3))]
    assert _aligned(tmp_path, *models).left_out == (LeftOut("score.weight", "m1", "shape [3, 12], not [2, 12]"),)


def test_leaving_vocabularies_out(tmp_path):
    alignment = _aligned(tmp_path, llama(0), llama(1), llama(2, vocabulary=33), vocabulary="leave-out")
    assert not {EMBEDDING, HEAD} & _shapes(alignment).keys()
    reason = "vocabulary of another size: shape [33, 12], not [30, 12]"
    assert alignment.left_out == (LeftOut(EMBEDDING, "m2", reason), LeftOut(HEAD, "m2", reason))


@pytest.mark.parametrize("vocabulary", ["common", "leave-out"])
def test_equal_vocabularies_are_compared_either_way(tmp_path, vocabulary):
    alignment = _aligned(tmp_path, llama(0), llama(1), vocabulary=vocabulary)
    assert {EMBEDDING, HEAD} <= _shapes(alignment).keys()
    assert alignment.vocabulary == vocabulary


# What is left out


@pytest.mark.parametrize("lacking", [0, 1, 2])
def test_a_missing_tensor_is_left_out_for_all(tmp_path, lacking):
    models = [llama(i) for i in range(3)]
    del models[lacking][NORM]
    base, *members = [open_checkpoint(save(tmp_path / f"m{i}.safetensors", t)) for i, t in enumerate(models)]
    alignment = align(base, members)
    assert NORM not in _shapes(alignment)
    assert alignment.left_out == (LeftOut(NORM, f"m{lacking}", "missing"),)


def test_an_extra_tensor_is_left_out(tmp_path):
    alignment = _aligned(tmp_path, llama(0), llama(1), llama(2) | {"score.weight": np.ones(3)})
    assert alignment.left_out == (LeftOut("score.weight", "m0", "missing"),)


@pytest.mark.parametrize("dtype", ["I64", "U8", "BOOL"])
def test_what_is_no_float_is_left_out(tmp_path, dtype):
    mask = {"model.mask": pack(np.ones(4), dtype)}
    alignment = _aligned(tmp_path, llama(0) | mask, llama(1) | {"model.mask": np.ones(4)})
    assert alignment.left_out == (LeftOut("model.mask", "m0", f"not a floating-point weight ({dtype.lower()})"),)


@pytest.mark.parametrize(
    ("name", "shape"),
    [("model.layers.0.self_attn.rotary_emb.inv_freq", (3,)), ("h.0.attn.bias", (1, 1, 5, 5)),
     ("gpt_neox.layers.0.attention.masked_bias", ()),
     ("layers.0.attention.inner_attention.rope.freqs", (4,))],
)  # fmt: skip
def test_buffers_are_left_out(tmp_path, name, shape):
    extra = {name: np.ones(shape)}
    alignment = _aligned(tmp_path, llama(0) | extra, llama(1) | extra)
    assert alignment.parameters == sum(tensor.size for tensor in llama(0).values())
    assert alignment.left_out == (LeftOut(name, "all", "a buffer, not a weight"),)


@pytest.mark.parametrize(("shapes", "odd"), [([(4,), (4,), (5,)], 2), ([(4,), (), (4,)], 1), ([(), (4,), (4,)], 1)])
def test_another_shape_is_left_out(tmp_path, shapes, odd):
    models = [llama(i) | {"x": np.ones(shape)} for i, shape in enumerate(shapes)]
    reason = f"shape {list(shapes[odd])}, not {list(shapes[0])}"
    assert _aligned(tmp_path, *models).left_out == (LeftOut("x", f"m{odd}", reason),)


@pytest.mark.parametrize("suffix", ["_scale", "_scale_inv"])
def test_scales_belong_to_their_weight(tmp_path, suffix):
    name = f"{UP}.weight"
    quantised = llama(1) | {name: pack(llama(1)[name], "F8_E4M3"), f"{name}{suffix}": np.ones((20, 1))}
    alignment = _aligned(tmp_path, llama(0), quantised)
    assert alignment.left_out == ()
    [aligned] = [tensor for tensor in alignment.tensors if tensor.name == name]
    assert [row.scale and row.scale.tensor.name for row in aligned.rows] == [None, f"{name}{suffix}"]


# What is refused


@pytest.mark.parametrize(
    ("other", "said", "difference"),
    [
        (llama(1), {"architectures": ["MistralForCausalLM"], "num_hidden_layers": 9},
         "architecture MistralForCausalLM, not LlamaForCausalLM"),
        (llama(1, layers=3), {}, "number of layers 3, not 2"),
        (llama(1, hidden=8), {}, "hidden size 8, not 12"),
        (llama(1, mlp=16), {"intermediate_size": 16}, "MLP size 16, not 20"),
        (llama(1), {"num_attention_heads": 2}, "number of attention heads 2, not 4"),
        (llama(1), {"num_key_value_heads": 2}, "number of key-value heads 2, not 4"),
    ],
)  # fmt: skip
def test_another_architecture_is_refused_with_the_first_difference(tmp_path, other, said, difference):
    with pytest.raises(AlignmentError, match=rf"^m2 cannot be compared with m0: {difference}; choose") as caught:
        _aligned(tmp_path, llama(0), llama(2), other, said=said)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(("change", "word"), [({"layers": 3}, "number of layers 3"), ({"hidden": 8}, "hidden size 8")])
def test_lone_files_are_compared_by_their_tensors(tmp_path, change, word):
    lone = [open_checkpoint(save(tmp_path / f"m{i}.safetensors", llama(i, **c))) for i, c in enumerate([{}, change])]
    with pytest.raises(AlignmentError, match=word):
        align(lone[0], lone[1:])


def test_nothing_in_common_is_refused(tmp_path):
    one, two = (open_checkpoint(save(tmp_path / f"{n}.safetensors", {n: np.ones(2)})) for n in "ab")
    with pytest.raises(AlignmentError, match="a and b have no tensor in common; check the base"):
        align(one, [two])


def test_the_same_path_twice_is_refused(tmp_path):
    base, member = _models(tmp_path, llama(0), llama(1))
    with pytest.raises(AlignmentError, match="m1 was given 2 times"):
        align(base, [member, member])
    with pytest.raises(AlignmentError, match="m0 was given 2 times"):
        align(base, [member, base])


def test_names_that_clash_are_lengthened(tmp_path):
    base, *members = [open_checkpoint(save_model(tmp_path / place, llama(0))) for place in ("base", "a/m", "b/m")]
    assert align(base, members).names == ("base", "a/m", "b/m")


# Adapters


def _adapter(folder: Path, tensors, **said):
    return open_checkpoint(save_adapter(folder, tensors, **said))


def _row(alignment, name: str):
    [tensor] = [tensor for tensor in alignment.tensors if tensor.name == name]
    return tensor.rows[-1]


def test_an_adapter_of_the_familys_base_is_a_delta(tmp_path):
    [base] = _models(tmp_path, llama(0))
    adapter = _adapter(tmp_path / "apple", factors(Q, 12, 12), base_model_name_or_path=str(base.path))
    alignment = align(base, [adapter])
    assert alignment.warnings == alignment.left_out == ()
    assert len(alignment.tensors) == len(llama(0))
    changed, untouched = _row(alignment, f"{Q}.weight"), _row(alignment, NORM)
    assert changed.is_delta
    assert changed.low_rank == adapter.adapter.low_rank[f"{Q}.weight"]
    assert untouched.is_delta
    assert untouched.low_rank is None


def test_an_adapter_that_names_an_absent_base_is_warned_of(tmp_path):
    [base] = _models(tmp_path, llama(0))
    alignment = align(base, [_adapter(tmp_path / "apple", factors(Q, 12, 12))])
    assert alignment.warnings == ("apple is an adapter that names org/base; it is taken as a delta on m0",)
    assert _row(alignment, f"{Q}.weight").is_delta


def test_an_adapter_on_another_base_is_both(tmp_path):
    base, other = _models(tmp_path, llama(0), llama(1))
    adapter = _adapter(tmp_path / "apple", factors(Q, 12, 12), base_model_name_or_path=str(other.path))
    alignment = align(base, [adapter])
    assert alignment.warnings == (f"apple is an adapter on {other.path}, not on m0; both are read",)
    changed, untouched = _row(alignment, f"{Q}.weight"), _row(alignment, NORM)
    assert not changed.is_delta
    assert changed.stored == other.tensors[f"{Q}.weight"]
    assert changed.low_rank is not None
    assert (untouched.stored, untouched.low_rank) == (other.tensors[NORM], None)


def test_an_adapter_on_another_architecture_is_refused(tmp_path):
    base, other = _models(tmp_path, llama(0), llama(1, layers=3))
    adapter = _adapter(tmp_path / "apple", factors(Q, 12, 12), base_model_name_or_path=str(other.path))
    with pytest.raises(AlignmentError, match="apple cannot be compared with m0: number of layers 3, not 2"):
        align(base, [adapter])


def test_a_module_saved_whole_replaces_the_weight(tmp_path):
    [base] = _models(tmp_path, llama(0))
    adapter = _adapter(tmp_path / "apple", factors(Q, 12, 12) | {HEAD: np.ones((30, 12))})
    assert _row(align(base, [adapter]), HEAD).stored == adapter.tensors[HEAD]


def test_a_head_of_its_own_on_a_tied_base_is_compared(tmp_path):
    [base] = _models(tmp_path, llama(0, tied=True))
    adapter = _adapter(tmp_path / "apple", {HEAD: np.ones((30, 12))})
    alignment = align(base, [adapter])
    assert _row(alignment, HEAD).stored == adapter.tensors[HEAD]
    assert alignment.left_out == ()


def test_a_base_layer_and_its_factors_add_up(tmp_path):
    [base] = _models(tmp_path, llama(0))
    adapter = _adapter(tmp_path / "apple", factors(Q, 12, 12) | {f"{Q}.base_layer.weight": np.ones((12, 12))})
    row = _row(align(base, [adapter]), f"{Q}.weight")
    assert row.stored == adapter.tensors[f"{Q}.weight"]
    assert row.low_rank is not None


def test_a_declared_base_that_cannot_be_read_is_warned_of(tmp_path):
    base, other = _models(tmp_path, llama(0), llama(1))
    (other.path / "model.safetensors").write_bytes(b"")
    adapter = _adapter(tmp_path / "apple", factors(Q, 12, 12), base_model_name_or_path=str(other.path))
    alignment = align(base, [adapter])
    told = (
        f"apple is an adapter on {other.path}, which cannot be read (the file is empty); it is taken as a delta on m0"
    )
    assert alignment.warnings == (told,)
    assert _row(alignment, f"{Q}.weight").is_delta


def test_an_untied_head_beside_a_tied_adapter_is_its_embedding(tmp_path):
    tied, untied = _models(tmp_path, llama(0, tied=True), llama(1))
    embedding = {
        "model.embed_tokens.lora_embedding_A": np.ones((3, 30)),
        "model.embed_tokens.lora_embedding_B": np.ones((12, 3)),
    }
    alignment = align(tied, [untied, _adapter(tmp_path / "apple", embedding)])
    assert _row(alignment, HEAD).low_rank == _row(alignment, EMBEDDING).low_rank
    assert _row(alignment, HEAD).low_rank is not None


def test_an_adapter_cannot_be_the_base(tmp_path):
    [base] = _models(tmp_path, llama(0))
    with pytest.raises(AlignmentError, match="apple is an adapter and cannot be the base; give the model it adapts"):
        align(_adapter(tmp_path / "apple", factors(Q, 12, 12)), [base])
