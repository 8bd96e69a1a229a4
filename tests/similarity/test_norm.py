"""The norm of what was compared, against float64 sums over the weights as they are stored."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from kinship.checkpoints import align, open_checkpoint
from kinship.errors import CheckpointError
from kinship.similarity import gram_table
from tests.checkpoints.test_adapter import UP, Q, factors
from tests.families import HEAD, Stored, config, llama, pack, save_adapter, save_model, tuned, unpack

MLP = [f"model.layers.0.mlp.{p}_proj.weight" for p in ("gate", "up", "down")]


@pytest.fixture
def aligned(tmp_path):
    def build(*models, vocabulary="common", allow_partial=False):
        words = [config(models[0], tie_word_embeddings=HEAD not in one) for one in models]
        opened = [open_checkpoint(save_model(tmp_path / f"m{i}", t, words[i])) for i, t in enumerate(models)]
        return align(opened[0], opened[1:], vocabulary, allow_partial=allow_partial)

    return build


def values(tensor):
    return unpack(tensor) if isinstance(tensor, Stored) else unpack(pack(tensor, "F32"))


def squares(tensors, *names):
    return float(sum((values(tensors[name]) ** 2).sum() for name in names or tensors))


def norms(table):
    return {name: one.norm for name, one in table.coverage.items()}


def test_what_is_compared_whole_is_not_read_again(aligned, monkeypatch):
    monkeypatch.setattr("kinship.similarity.norm._squares", lambda *_: pytest.fail("something was read"))
    table = gram_table(aligned(llama(0), tuned(llama(0), 1), tuned(llama(0), 2)), "cpu")
    assert norms(table) == {"m1": 1.0, "m2": 1.0}


@pytest.mark.parametrize("dtype", ["F64", "F32", "BF16", "F16"])
def test_what_one_model_lacks(aligned, dtype):
    base, full, lacking = ({n: pack(v, dtype) for n, v in llama(i).items()} for i in range(3))
    for name in MLP:
        del lacking[name]
    table = gram_table(aligned(base, full, lacking), "cpu")
    assert norms(table) == {
        "m1": pytest.approx(sqrt(1 - squares(full, *MLP) / squares(full)), rel=1e-12),
        "m2": pytest.approx(sqrt(squares(lacking) / (squares(lacking) + squares(base, *MLP))), rel=1e-12),
    }


def test_rows_beyond_the_common_vocabulary(aligned):
    models = llama(0, vocabulary=32), llama(1, vocabulary=30), llama(2, vocabulary=35)
    table = gram_table(aligned(*models), "cpu")
    base, small, large = models
    beyond = squares({n: v[30:] for n, v in base.items() if len(v) == 32})
    rest = squares({n: v[30:] for n, v in large.items() if len(v) == 35})
    assert norms(table) == {
        "m1": pytest.approx(sqrt(squares(small) / (squares(small) + beyond)), rel=1e-12),
        "m2": pytest.approx(sqrt(1 - rest / squares(large)), rel=1e-12),
    }


def test_another_shape_counts_on_both_sides(aligned):
    base, other = llama(0), llama(1) | {MLP[0]: np.full((10, 12), 0.5)}
    table = gram_table(aligned(base, other), "cpu")
    compared = squares(other) - squares(other, MLP[0])
    assert norms(table)["m1"] == pytest.approx(sqrt(compared / (squares(other) + squares(base, MLP[0]))), rel=1e-12)


def test_scaled_float8_and_a_low_rank_delta_are_read_as_weights(aligned, tmp_path):
    base = llama(0)
    rng = np.random.default_rng(3)
    scale = rng.uniform(0.5, 2.0, (20, 1))
    name = f"{UP}.weight"
    quantised = pack(rng.normal(size=(20, 12)), "F8_E4M3")
    scaled = tuned(base, 1) | {name: quantised, f"{name}_scale": scale}
    lacking = {n: v for n, v in tuned(base, 2).items() if n != name}
    a, b = rng.normal(size=(3, 12)), rng.normal(size=(20, 3))
    alignment = aligned(base, scaled, lacking)
    said = {"base_model_name_or_path": str(alignment.base.path), "r": 3, "lora_alpha": 6}
    place = tmp_path / "apple"
    adapter = open_checkpoint(save_adapter(place, {f"{UP}.lora_A.weight": a, f"{UP}.lora_B.weight": b}, **said))
    table = gram_table(align(alignment.base, [*alignment.members, adapter]), "cpu")
    dense = unpack(quantised) * values(scale)
    own = squares(scaled) - squares(scaled, name, f"{name}_scale")
    changed = values(base[name]) + 2.0 * values(b) @ values(a)
    rest = squares(base) - squares(base, name)
    assert norms(table)["m1"] == pytest.approx(sqrt(own / (own + (dense**2).sum())), rel=1e-12)
    assert norms(table)["apple"] == pytest.approx(sqrt(rest / (rest + (changed**2).sum())), rel=1e-12)


def test_an_adapter_that_is_compared_whole(aligned, tmp_path):
    alignment = aligned(llama(0), llama(1))
    said = {"base_model_name_or_path": str(alignment.base.path)}
    adapter = open_checkpoint(save_adapter(tmp_path / "apple", factors(Q, 12, 12), **said))
    assert norms(gram_table(align(alignment.base, [adapter]), "cpu")) == {"apple": 1.0}


def test_what_is_no_number_leaves_the_norm_unknown_and_the_answer_as_it_is(aligned):
    extra = np.ones(5000)
    extra[-1] = np.nan
    alignment = aligned(llama(0), tuned(llama(0), 1) | {"extra": extra}, tuned(llama(0), 2), allow_partial=True)
    table = gram_table(alignment, "cpu")
    assert norms(table) == {"m1": None, "m2": 1.0}
    assert np.isfinite(table.gram).all()


def test_a_file_that_was_cut_since_it_was_opened_leaves_nothing(aligned):
    alignment = aligned(llama(0), tuned(llama(0), 1) | {"extra": np.ones(5000)}, tuned(llama(0), 2), allow_partial=True)
    file = alignment.members[0].path / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-4])
    with pytest.raises(CheckpointError, match=r"m1/model\.safetensors: it was changed after it was opened"):
        gram_table(alignment, "cpu")


def test_a_head_that_only_one_model_has_of_its_own(aligned):
    tied = llama(0, tied=True)
    lacking = {n: v for n, v in tuned(tied, 1).items() if n not in MLP}
    own = tuned(llama(0), 2)
    table = gram_table(aligned(tied, lacking, own), "cpu")
    assert norms(table)["m1"] == pytest.approx(
        sqrt(squares(lacking) / (squares(lacking) + squares(tied, *MLP))), rel=1e-12
    )
    assert norms(table)["m2"] == pytest.approx(sqrt(1 - squares(own, *MLP) / squares(own)), rel=1e-12)


def test_the_reading_can_be_ended(aligned):
    class Watch:
        def __init__(self):
            self.calls = 0

        def progress(self, done, total):
            self.calls += 1
            if self.calls > tensors:
                raise InterruptedError

        def keep(self, state):
            pass

    alignment = aligned(llama(0), {n: v for n, v in llama(1).items() if n not in MLP})
    tensors = len(alignment.tensors)
    with pytest.raises(InterruptedError):
        gram_table(alignment, "cpu", watch=Watch())
