"""The pass reads copies in whole: one that is none after all is compared as a tensor of its own."""

import numpy as np
import pytest

from kinship.checkpoints import TIED, LeftOut, align, confirmed, content, open_checkpoint
from kinship.similarity import gram_table
from kinship.workspace.store.gram_tables import load_table
from kinship.workspace.work.measure import measure
from tests.families import EMBEDDING, HEAD, config, deltas, llama, reference_gram, save_adapter, save_model, tuned

ROWS = 9000


def _family(folder, *apart):
    """A base and fine-tunes that store a copy of the embedding as head; those of `apart` moved some of its rows."""
    base = llama(0, vocabulary=ROWS)
    models = [base, tuned(base, 1), tuned(base, 2)]
    opened, kept = [], []
    for i, body in enumerate(models):
        head = body[EMBEDDING].copy()
        if i in apart:
            head[_unread()] += 0.5
        tensors = body | {HEAD: head}
        kept.append({name: array.astype(np.float32).astype(np.float64) for name, array in tensors.items()})
        opened.append(open_checkpoint(save_model(folder / f"m{i}", tensors, config(tensors, tie_word_embeddings=True))))
    return opened, kept


def _unread():
    """Rows between the blocks that opening compares."""
    read = {n // 12 for start, count in content._seeded(ROWS * 12, 512) for n in range(start, start + count)}
    return min(set(range(ROWS)) - read)


def test_true_copies_are_left_out_of_the_pass(tmp_path):
    (base, *members), _ = _family(tmp_path)
    alignment = align(base, members)
    assert alignment.left_out == (LeftOut(HEAD, "all", TIED),)
    assert confirmed(alignment) is alignment
    assert HEAD not in gram_table(alignment, "cpu").tensors


@pytest.mark.parametrize("apart", [0, 1])
def test_a_copy_that_differs_between_the_blocks_is_compared(tmp_path, apart):
    (base, *members), kept = _family(tmp_path, apart)
    alignment = align(base, members)
    assert alignment.left_out == (LeftOut(HEAD, "all", TIED),)
    table = gram_table(alignment, "cpu")
    assert table.left_out == ()
    rows = deltas([tensors[HEAD] for tensors in kept])
    gram, sums = reference_gram(rows)
    place = table.tensors.index(HEAD)
    assert table.gram[place] == pytest.approx(gram.astype(float), rel=1e-12)
    assert table.sums[place] == pytest.approx(sums.astype(float), rel=1e-9)


def test_a_pass_can_be_ended_while_copies_are_read(tmp_path):
    (base, *members), _ = _family(tmp_path)
    alignment, seen = align(base, members), []

    class Watch:
        def progress(self, done, total):
            seen.append((done, total))
            if len(seen) == 2:
                raise InterruptedError

        def keep(self, state):
            raise AssertionError

    with pytest.raises(InterruptedError):
        gram_table(alignment, "cpu", watch=Watch())
    assert seen == [(0, alignment.nbytes)] * 2  # two of three models


def test_an_adapters_own_base_is_read_too(tmp_path):
    (base, other, _), _ = _family(tmp_path, 1)
    rng = np.random.default_rng(0)
    q = "model.layers.0.self_attn.q_proj"
    factors = {f"{q}.lora_A.weight": rng.normal(size=(3, 12)), f"{q}.lora_B.weight": rng.normal(size=(12, 3))}
    adapter = open_checkpoint(save_adapter(tmp_path / "apple", factors, base_model_name_or_path=str(other.path)))
    assert HEAD in gram_table(align(base, [adapter]), "cpu").tensors


def test_stored_tables_keep_what_the_pass_found(tmp_path, monkeypatch):
    monkeypatch.setenv("KINSHIP_HOME", str(tmp_path / "home"))
    (base, first, second), _ = _family(tmp_path, 1)
    table = measure(align(base, [first]), "cpu")
    again = load_table(align(base, [first]), "cpu")
    assert (again.tensors, again.left_out) == (table.tensors, ())
    weights = sum(tensor.elements for tensor in base.tensors.values())
    assert [one.union for one in (*table.coverage.values(), *again.coverage.values())] == [weights] * 2
    grown = measure(align(base, [first, second]), "cpu")
    assert [one.union for one in grown.coverage.values()] == [weights] * 2
    assert grown.gram == pytest.approx(gram_table(align(base, [first, second]), "cpu").gram, rel=1e-12)
    alone = measure(align(base, [second]), "cpu")  # not from the larger table, which counts the head
    assert HEAD not in alone.tensors
    assert alone.left_out == (LeftOut(HEAD, "all", TIED),)
