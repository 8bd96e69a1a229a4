"""What share of each model is compared, whom that is warned of, and what is refused; from headers alone."""

from __future__ import annotations

from math import prod

import numpy as np
import pytest

from kinship.checkpoints import align, coverage_data, open_checkpoint
from kinship.errors import AlignmentError, CoverageError
from tests.checkpoints.test_adapter import Q, factors
from tests.families import EMBEDDING, HEAD, NORM, config, llama, pack, save, save_adapter, save_model

MLP = [f"model.layers.{layer}.mlp.{p}_proj.weight" for layer in (0, 1) for p in ("gate", "up", "down")]


def aligned(folder, *models, vocabulary="common", allow_partial=False, **said):
    """Align models, the first as the base; `said` goes into every config."""
    words = [config(models[0], tie_word_embeddings=HEAD not in one) | said for one in models]
    opened = [open_checkpoint(save_model(folder / f"m{i}", t, words[i])) for i, t in enumerate(models)]
    return align(opened[0], opened[1:], vocabulary, allow_partial=allow_partial)


def told(alignment):
    """The elements and the partial models, as `--json` has them."""
    data = coverage_data(alignment.coverage)
    return {name: one["elements"] for name, one in data["coverage"].items()}, data["partial"]


def without(tensors, *names):
    return {name: values for name, values in tensors.items() if name not in names}


def size(tensors, *names):
    return sum(values.size for name, values in tensors.items() if not names or name in names)


def test_models_that_are_compared_whole(tmp_path):
    alignment = aligned(tmp_path, llama(0), llama(1), llama(2))
    assert coverage_data(alignment.coverage) == {
        "coverage": {"m1": {"elements": 1.0, "norm": 1.0}, "m2": {"elements": 1.0, "norm": 1.0}},
        "partial": [],
    }
    assert alignment.warnings == ()


def test_a_model_that_lacks_weights_is_named_with_the_largest_part_and_a_cause(tmp_path):
    base = llama(0)
    alignment = aligned(tmp_path, base, without(llama(1), *MLP[:3], NORM), llama(2))
    share = 1 - (size(base, *MLP[:3], NORM)) / size(base)
    elements, partial = told(alignment)
    assert elements == {"m1": pytest.approx(share), "m2": pytest.approx(share)}
    assert partial == ["m1"]
    assert len(alignment.warnings) == 1
    assert alignment.warnings[0].startswith(f"m1: only {100 * share:.1f} % of the weights correspond to those of m0")
    assert "most of it model.layers.0.mlp (720 weights): not there, as if saved without it" in alignment.warnings[0]


def test_a_lost_head_is_named(tmp_path):
    alignment = aligned(tmp_path, llama(0), llama(1, tied=True), tie_word_embeddings=False)
    assert told(alignment)[1] == ["m1"]
    assert "lm_head.weight (360 weights): not there" in alignment.warnings[0]


def test_models_of_which_the_same_is_to_be_said_share_a_sentence(tmp_path):
    alignment = aligned(tmp_path, llama(0), *(without(llama(i), *MLP[:3]) for i in (1, 2, 3)))
    assert told(alignment)[1] == ["m1", "m2", "m3"]
    assert [warning[:16] for warning in alignment.warnings] == ["m1, m2 and m3: o"]


def test_what_the_base_lacks_counts_too(tmp_path):
    tower = {f"visual.blocks.{i}.mlp.weight": np.ones((20, 20)) for i in range(3)}
    alignment = aligned(tmp_path, llama(0), llama(1) | tower, llama(2))
    elements, partial = told(alignment)
    assert elements == {"m1": pytest.approx(size(llama(0)) / (size(llama(0)) + 1200)), "m2": 1.0}
    assert partial == ["m1"]
    assert (
        "visual.blocks.*.mlp.weight (1,200 weights): not in m0: extended, or made from another" in alignment.warnings[0]
    )


def test_other_names_are_told_from_what_is_missing(tmp_path):
    renamed = {f"net.{name}" if name in MLP[:3] else name: values for name, values in llama(1).items()}
    alignment = aligned(tmp_path, llama(0), renamed)
    assert told(alignment)[0] == {"m1": pytest.approx((3372 - 720) / (3372 + 720))}
    assert "other tensor names (net.model.layers.0.mlp." in alignment.warnings[0]


def test_another_shape_shares_nothing(tmp_path):
    other = llama(1) | {MLP[0]: np.ones((10, 12))}
    alignment = aligned(tmp_path, llama(0), other)
    assert told(alignment)[0] == {"m1": pytest.approx((3372 - 240) / (3372 + 120))}
    assert "another shape ([10, 12], not [20, 12] as in m0)" in alignment.warnings[0]


def test_rows_beyond_the_common_vocabulary(tmp_path):
    alignment = aligned(tmp_path, llama(0, vocabulary=32), llama(1, vocabulary=30), llama(2, vocabulary=33))
    table = size(llama(0, vocabulary=30))
    elements, _ = told(alignment)
    assert elements == {
        "m1": pytest.approx(table / size(llama(0, vocabulary=32))),
        "m2": pytest.approx(table / size(llama(0, vocabulary=33))),
    }


def test_small_gaps_are_told_only_where_they_add_up(tmp_path):
    lacking = [f"model.layers.{layer}.self_attn.o_proj.weight" for layer in (0, 1)]
    base = llama(0)
    one = aligned(tmp_path / "one", base, without(llama(1), lacking[0]), llama(2))
    assert told(one)[1] == []
    assert one.warnings == ()
    both = aligned(tmp_path / "both", base, without(llama(1), lacking[0]), without(llama(2), lacking[1]), llama(3))
    share = 1 - 288 / size(base)
    assert told(both) == ({name: pytest.approx(share) for name in ("m1", "m2", "m3")}, ["m1", "m2"])
    assert all(f"and {100 * share:.1f} % in all models" in warning for warning in both.warnings)
    assert [warning[:3] for warning in both.warnings] == ["m1:", "m2:"]


def test_what_was_asked_to_be_left_out_is_no_gap(tmp_path):
    models = llama(0, vocabulary=400), llama(1, vocabulary=100), llama(2, vocabulary=400)
    alignment = aligned(tmp_path, *models, vocabulary="leave-out")
    rest = size(without(models[0], EMBEDDING, HEAD))
    assert told(alignment) == ({name: pytest.approx(rest / size(models[0])) for name in ("m1", "m2")}, [])
    assert alignment.warnings == ()
    with pytest.raises(CoverageError):
        aligned(tmp_path, *models)  # 100 rows are common of 400


# Weights under two names, adapters, scales


@pytest.mark.parametrize("stored", [False, True])
def test_a_tied_head_counts_once(tmp_path, stored):
    tied = llama(0) | {HEAD: llama(0)[EMBEDDING]} if stored else llama(0, tied=True)
    alignment = aligned(tmp_path, tied, without(llama(1, tied=True), *MLP[:3]), tie_word_embeddings=True)
    assert told(alignment)[0] == {"m1": pytest.approx(1 - 720 / size(llama(0, tied=True)))}


def test_a_head_that_a_third_model_unties_is_no_weight_of_the_others(tmp_path):
    tied, lacking = llama(0, tied=True), without(llama(1, tied=True), *MLP[:3])
    alignment = aligned(tmp_path, tied, lacking, llama(2), tie_word_embeddings=None)
    assert HEAD in [tensor.name for tensor in alignment.tensors]
    assert told(alignment)[0] == {
        "m1": pytest.approx(1 - 720 / size(tied)),
        "m2": pytest.approx(1 - 720 / size(llama(0))),
    }


def test_another_name_of_a_weight_that_the_model_has_is_nothing_that_it_lacks(tmp_path):
    base = open_checkpoint(save_model(tmp_path / "base", llama(0, tied=True)))
    words = config(llama(0, tied=True), tie_word_embeddings=False)
    model = open_checkpoint(save_model(tmp_path / "m", llama(1, tied=True), words))
    adapter = open_checkpoint(save_adapter(tmp_path / "apple", {HEAD: np.ones((30, 12))}))
    share = size(llama(0, tied=True))
    assert told(align(base, [model, adapter]))[0] == {
        "m": 1.0,
        "apple": pytest.approx(share / (share + 360)),
    }


def test_an_adapter_counts_as_base_and_adapter(tmp_path):
    base = open_checkpoint(save_model(tmp_path / "base", llama(0)))
    adapter = open_checkpoint(
        save_adapter(tmp_path / "apple", factors(Q, 12, 12), base_model_name_or_path=str(base.path))
    )
    lacking = open_checkpoint(save_model(tmp_path / "m", without(llama(1), *MLP[:3])))
    assert told(align(base, [adapter])) == ({"apple": 1.0}, [])
    share = pytest.approx(1 - 720 / size(llama(0)))
    assert told(align(base, [adapter, lacking])) == ({"apple": share, "m": share}, ["m"])


def test_scales_and_buffers_are_no_weights(tmp_path):
    quantised = {name: pack(values, "F8_E4M3") for name, values in llama(1).items() if values.ndim == 2}
    scales = {f"{name}_scale_inv": np.ones((1, 1)) for name in quantised}
    buffers = {"model.layers.0.self_attn.rotary_emb.inv_freq": np.ones(6), "model.step": pack(np.ones(9), "I64")}
    alignment = aligned(tmp_path, llama(0), llama(1) | quantised | scales | buffers)
    assert told(alignment)[0] == {"m1": 1.0}


# What is refused


def test_less_than_half_in_common_is_refused_unless_it_is_allowed(tmp_path):
    models = llama(0), without(llama(1), *MLP, EMBEDDING), llama(2)
    with pytest.raises(CoverageError, match=r"^only 46\.6 % .* in m1 and m0: .*--allow-partial\)$") as caught:
        aligned(tmp_path, *models)
    assert isinstance(caught.value, AlignmentError)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    alignment = aligned(tmp_path, *models, allow_partial=True)
    assert told(alignment)[1] == ["m1"]
    assert alignment.warnings[0].startswith("m1: only 46.6 %")


def test_common_parts_too_small_together_are_refused(tmp_path):
    base = llama(0)
    parts = [{EMBEDDING, *MLP[:2]}, {HEAD, *MLP[2:]}]
    assert all(size(base, *part) < size(base) / 2 < size(base, *set().union(*parts)) for part in parts)
    with pytest.raises(CoverageError, match="m1 and m2"):
        aligned(tmp_path, base, *(without(llama(1), *part) for part in parts), tie_word_embeddings=False)


# Any replacing, dropping and resizing


def moved(rng, tensors):
    """Some of a model's tensors not there, some of another shape, some with another in their place."""
    found = {}
    for name, values in tensors.items():
        what = rng.choice(["kept", "dropped", "other", "resized"], p=[0.85, 0.05, 0.05, 0.05])
        if what == "resized":
            found[name] = np.ones((values.shape[0] + rng.integers(1, 4), *values.shape[1:]))
        elif what == "kept":
            found[name] = values
        elif what == "other":  # under another name alone it would be read as the same
            found[f"other.{name}"] = rng.normal(size=values.shape)
    return found


def positions(own, base):
    """All weights of a model by name and place; where the shapes differ, only rows of a vocabulary correspond."""
    found = set()
    for name, values in own.items():
        mine = name in base and base[name].shape != values.shape and name not in (EMBEDDING, HEAD)
        found |= {(name, "own" if mine else "", index) for index in range(values.size)}
    return found


@pytest.mark.parametrize("seed", range(40))
def test_whatever_is_moved_is_counted_and_told_or_refused(tmp_path, seed):
    rng = np.random.default_rng(seed)
    base = llama(0, tied=True) | {"x": np.ones((6, 5)), "y": np.ones(7)}
    members = [moved(rng, base) for _ in range(rng.integers(1, 4))]
    files = [save(tmp_path / f"m{i}.safetensors", tensors) for i, tensors in enumerate([base, *members])]
    opened = [open_checkpoint(file) for file in files]
    of_base = positions(base, base)
    pairs = [positions(one, base) for one in members]
    common = of_base.intersection(*pairs)
    expected = {f"m{i}": len(common) / len(of_base | pair) for i, pair in enumerate(pairs, 1)}
    own = {f"m{i}": len(of_base & pair) / len(of_base | pair) for i, pair in enumerate(pairs, 1)}
    try:
        alignment = align(opened[0], opened[1:])
    except AlignmentError:
        assert min(expected.values()) < 0.5 or not all(
            opened[0].config.layers == one.config.layers and opened[0].config.hidden_size == one.config.hidden_size
            for one in opened
        )
        return
    assert sum(prod(tensor.shape) for tensor in alignment.tensors) == len(common)
    elements, partial = told(alignment)
    assert elements == {name: pytest.approx(share) for name, share in expected.items()}
    below = [name for name, share in own.items() if share < 0.95]
    takers = [name for name, share in own.items() if share < 1] if min(expected.values()) < 0.95 else []
    assert partial == (below or takers)
    assert all(any(name in warning.partition(":")[0] for warning in alignment.warnings) for name in partial)
