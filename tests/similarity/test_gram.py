"""The one pass, against an independent computation in float64 and extended precision."""

from __future__ import annotations

import math
import threading
import time

import numpy as np
import pytest

from kinship.checkpoints import align, open_checkpoint
from kinship.errors import CheckpointError, NonFiniteError
from kinship.similarity import METRICS, gram, gram_table, kinship_matrix
from kinship.similarity.kernel import CpuKernel
from kinship.similarity.registers import TILE
from tests.families import EMBEDDING, HEAD, llama, pack, save, tuned, unpack

DTYPES = ["F64", "F32", "BF16", "F16"]


def family(folder, rows, dtypes="F32"):
    """Save rows of tensors (base first) and align them; also return what was stored, as float64."""
    dtypes = [dtypes] * len(rows) if isinstance(dtypes, str) else dtypes
    stored = [{n: pack(v, dtype) for n, v in row.items()} for row, dtype in zip(rows, dtypes, strict=True)]
    paths = [save(folder / f"m{i}.safetensors", row) for i, row in enumerate(stored)]
    base, *members = map(open_checkpoint, paths)
    values = [np.concatenate([unpack(t).ravel() for t in row.values()]) for row in stored]
    return align(base, members), values


def deltas(values):
    return [values[0], *(v - values[0] for v in values[1:])]


def exact_gram(values):
    """G over all tensors by correctly rounded sums of products in extended precision."""
    rows = [row.astype(np.longdouble) for row in deltas(values)]
    return np.array([[float((a * b).sum()) for b in rows] for a in rows])


def relative(table, values):
    expected = exact_gram(values)
    scale = np.sqrt(np.outer(np.diagonal(expected), np.diagonal(expected)))
    return (np.abs(table.totals().gram - expected) / scale).max()


@pytest.mark.parametrize("members", range(1, 10))
def test_any_number_of_models(tmp_path, members):
    base = llama(0)
    alignment, values = family(tmp_path, [base, *(tuned(base, i) for i in range(members))])
    table = gram_table(alignment)
    assert relative(table, values) < 1e-12
    assert table.totals().sums == pytest.approx([math.fsum(row) for row in deltas(values)], rel=1e-9, abs=1e-12)
    assert table.parameters == values[0].size
    assert table.bytes_read == 4 * values[0].size * (members + 1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 513, 4097])
def test_every_dtype_and_tail(tmp_path, dtype, size):
    rng = np.random.default_rng(size)
    rows = [{"w": rng.normal(size=size)} for _ in range(4)]
    alignment, values = family(tmp_path, rows, dtype)
    assert relative(gram_table(alignment), values) < 1e-12


def test_dtypes_may_differ_within_a_family(tmp_path):
    base = llama(0)
    dtypes = ["BF16", "F64", "F32", "F16", "BF16"]
    alignment, values = family(tmp_path, [base, *(tuned(base, i) for i in range(4))], dtypes)
    assert relative(gram_table(alignment), values) < 1e-12


def test_every_half_is_converted_exactly(tmp_path):
    halves = np.arange(65536, dtype=np.uint16).view(np.float16)
    halves = halves[np.isfinite(halves)].astype(np.float64)
    alignment, values = family(tmp_path, [{"w": np.zeros_like(halves)}, {"w": halves}, {"w": np.sign(halves)}], "F16")
    assert np.array_equal(values[1], halves)
    table = gram_table(alignment)
    assert table.totals().gram[1, 2] == pytest.approx(np.abs(halves).sum(), rel=1e-13)
    assert table.totals().gram[1, 1] == pytest.approx((halves**2).sum(), rel=1e-13)


def near_duplicates(folder, size=200_000):
    """Models whose deltas have cosine 1 - 1e-6, two of equal content, and a stranger."""
    rng = np.random.default_rng(5)
    base = rng.normal(size=size)
    delta = rng.normal(size=size)
    close = delta + np.sqrt(2e-6) * rng.normal(size=size)
    split = lambda v: {f"model.layers.{i}.w": part for i, part in enumerate(np.array_split(v, 7))}  # noqa: E731
    rows = [base, base + delta, base + close, base + rng.normal(size=size), base + delta, base + close]
    return family(folder, [split(row) for row in rows], "F64")


def independent(metric, a, b):
    a, b = a.astype(np.longdouble), b.astype(np.longdouble)
    if metric == "euclidean":
        return float(np.sqrt(((a - b) ** 2).sum()))
    if metric == "pcc":
        a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))


@pytest.mark.parametrize("metric", METRICS)
def test_near_duplicates_within_a_billionth(tmp_path, metric):
    alignment, values = near_duplicates(tmp_path)
    rows = deltas(values)[1:]
    measured = kinship_matrix(gram_table(alignment), metric).values
    assert 1 - independent("cosine", rows[0], rows[1]) == pytest.approx(1e-6, rel=0.1)
    for i in range(5):
        for j in range(i + 1, 5):
            expected = independent(metric, rows[i], rows[j])
            assert measured[i, j] == pytest.approx(expected, rel=1e-9, abs=0)


def test_equal_content_is_at_distance_zero(tmp_path):
    alignment, _ = near_duplicates(tmp_path)
    distance = kinship_matrix(gram_table(alignment), "euclidean").values
    assert distance[0, 3] == distance[1, 4] == 0.0
    assert distance[0, 1] > 0
    assert kinship_matrix(gram_table(alignment), "cosine").values[0, 3] == 1.0


def test_any_number_of_threads_gives_the_same_bits(tmp_path):
    base = llama(0, hidden=64, mlp=96, vocabulary=500)
    alignment, _ = family(tmp_path, [base, *(tuned(base, i) for i in range(4))])
    first = gram_table(alignment, threads=1, block=1000)
    for threads in (2, 3, 5):
        again = gram_table(alignment, threads=threads, block=1000)
        assert np.array_equal(first.gram, again.gram)
        assert np.array_equal(first.sums, again.sums)


@pytest.mark.parametrize("block", [256, 1000, 4096, 1 << 22])
def test_block_size_and_order_matter_to_nobody(tmp_path, block):
    base = llama(0, hidden=48)
    alignment, _ = family(tmp_path, [base, *(tuned(base, i) for i in range(4))])
    first = gram_table(alignment)
    scale = np.sqrt(np.einsum("tii->ti", first.gram))
    scale = scale[:, :, None] * scale[:, None, :]
    assert (np.abs(gram_table(alignment, block=block).gram - first.gram) / scale).max() < 1e-12
    order = [3, 0, 2, 1]
    shuffled = gram_table(align(alignment.base, [alignment.members[i] for i in order]), block=block)
    rows = [0, *(1 + i for i in order)]
    scale = scale[:, rows][:, :, rows]
    assert (np.abs(shuffled.gram - first.gram[:, rows][:, :, rows]) / scale).max() < 1e-12


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("row", [0, 2])
@pytest.mark.parametrize("dtype", DTYPES)
def test_weights_that_are_not_finite_are_named(tmp_path, value, row, dtype):
    rows = [tuned(llama(0), i) for i in range(4)]
    rows[row]["model.layers.1.mlp.up_proj.weight"][3, 4] = value
    alignment, _ = family(tmp_path, rows, dtype)
    with pytest.raises(NonFiniteError, match=rf"m{row} has NaN or infinite .* model\.layers\.1\.mlp\.up_proj\.weight"):
        gram_table(alignment)


class Keeping:
    """Keeps every state; ends the pass after some steps if told to."""

    def __init__(self, stop_after=None):
        self.states, self.steps, self.stop_after = [], 0, stop_after

    def progress(self, done, total):
        self.steps += 1
        assert 0 < done <= total
        if self.steps == self.stop_after:
            raise InterruptedError

    def keep(self, state):
        from dataclasses import replace

        copies = {name: getattr(state, name).copy() for name in ("gram", "sums", "partial")}
        self.states.append(replace(state, **copies))


def test_a_pass_goes_on_from_any_kept_state(tmp_path, monkeypatch):
    monkeypatch.setattr("kinship.similarity.gram.SAVE_SECONDS", -1.0)
    base = llama(0, hidden=40)
    alignment, _ = family(tmp_path, [base, *(tuned(base, i) for i in range(3))])
    watch = Keeping()
    whole = gram_table(alignment, watch=watch, block=300)
    assert len(watch.states) > 20
    for state in watch.states[::3]:
        again = gram_table(alignment, resume=state, block=300)
        assert np.array_equal(again.gram, whole.gram)
        assert np.array_equal(again.sums, whole.sums)
        assert again.bytes_read == whole.bytes_read


def test_what_progress_raises_ends_the_pass(tmp_path):
    base = llama(0)
    alignment, _ = family(tmp_path, [base, tuned(base, 1)])
    watch = Keeping(stop_after=3)
    with pytest.raises(InterruptedError):
        gram_table(alignment, watch=watch)
    assert watch.steps == 3


@pytest.mark.parametrize("known", [1, 2, 3])
def test_new_models_are_added_to_a_known_table(tmp_path, known):
    base = llama(0)
    alignment, values = family(tmp_path, [base, *(tuned(base, i) for i in range(5))])
    before = gram_table(align(alignment.base, alignment.members[:known]))
    table = gram_table(alignment, known=before)
    assert np.array_equal(table.gram[:, : known + 1, : known + 1], before.gram)
    assert relative(table, values) < 1e-12


def test_a_known_table_over_fewer_or_other_rows_of_a_vocabulary_is_not_taken(tmp_path):
    """A new model with a smaller vocabulary makes fewer rows common: what was known is of other elements."""
    base = llama(0)
    small = {n: v[:20] if n in (EMBEDDING, HEAD) else v for n, v in tuned(base, 2).items()}
    alignment, _ = family(tmp_path, [base, tuned(base, 1), small])
    before = gram_table(align(alignment.base, alignment.members[:1]))
    assert before.tensors == tuple(tensor.name for tensor in alignment.tensors)
    assert np.array_equal(gram_table(alignment, known=before).gram, gram_table(alignment).gram)


def test_a_kept_state_is_no_longer_written_on(tmp_path, monkeypatch):
    monkeypatch.setattr("kinship.similarity.gram.SAVE_SECONDS", -1.0)
    alignment, _ = family(tmp_path, [llama(0), tuned(llama(0), 1)])
    kept = []

    class Watch:
        def progress(self, done, total):
            pass

        def keep(self, state):
            kept.append(state)

    whole = gram_table(alignment, watch=Watch(), block=100)
    again = gram_table(alignment, resume=kept[len(kept) // 2], block=100)
    assert np.array_equal(again.gram, whole.gram)
    assert kept[0].gram.sum() != kept[-1].gram.sum()


def test_progress_ends_with_all_bytes(tmp_path):
    base = llama(0)
    alignment, _ = family(tmp_path, [base, tuned(base, 1), tuned(base, 2)])
    seen = []
    watch = Keeping()
    watch.progress = lambda done, total: seen.append((done, total))
    table = gram_table(alignment, watch=watch, block=97)
    assert seen[-1] == (alignment.nbytes, alignment.nbytes)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert table.bytes_read == alignment.nbytes


def test_a_pass_that_is_ended_leaves_the_rest_unread(tmp_path, monkeypatch):
    multiplied, ended = [], threading.Event()

    class Slow(CpuKernel):
        def _compute(self, pieces, first_new):
            multiplied.extend(number for _, number in pieces)
            if len(multiplied) > 1:
                ended.wait(5)
                time.sleep(0.2)
            return [np.zeros((2, 2, 3)) for _ in pieces]

    class Ending:
        def progress(self, done, total):
            ended.set()
            raise InterruptedError

    monkeypatch.setattr(gram, "kernel_for", lambda place, threads: Slow(threads))
    alignment, _ = family(tmp_path, [{"w": np.zeros(5000)}, {"w": np.ones(5000)}])
    with pytest.raises(InterruptedError):
        gram_table(alignment, watch=Ending(), threads=1, block=10)
    assert multiplied in ([0], [0, 1])  # of 500 blocks: the one done and perhaps one that had begun


@pytest.mark.parametrize("block", [256, 1000, 1 << 20])
def test_tiles_and_blocks_are_added_with_compensation(tmp_path, block):
    """A plain sum loses every 1 beside 1e16."""
    values = np.zeros(TILE * 1001)
    values[::TILE] = 1.0
    values[0] = 1e8
    alignment, _ = family(tmp_path, [{"w": np.zeros_like(values)}, {"w": values}], "F64")
    assert gram_table(alignment, block=block).gram[0, 1, 1] == 1e16 + 1000.0


def test_tensors_are_added_with_compensation(tmp_path):
    sizes = [1e8, *[1.0] * 1000]
    rows = [{f"w{i}": np.array([value * row]) for i, value in enumerate(sizes)} for row in (0, 1)]
    alignment, _ = family(tmp_path, rows, "F64")
    assert gram_table(alignment).totals().gram[1, 1] == 1e16 + 1000.0


@pytest.mark.parametrize("left", [0, 100])
def test_a_file_that_became_shorter_is_an_error(tmp_path, left):
    """Reading on beyond its end would end the process."""
    alignment, _ = family(tmp_path, [llama(0), tuned(llama(0), 1)])
    file = alignment.members[0].path
    file.write_bytes(file.read_bytes()[:left])
    with pytest.raises(CheckpointError, match=r"m1\.safetensors: (the file has become shorter|cannot be read)"):
        gram_table(alignment)


def test_a_file_that_is_gone_is_an_error(tmp_path):
    alignment, _ = family(tmp_path, [llama(0), tuned(llama(0), 1)])
    alignment.members[0].path.unlink()
    with pytest.raises(CheckpointError, match=r"m1\.safetensors: cannot be read"):
        gram_table(alignment)
