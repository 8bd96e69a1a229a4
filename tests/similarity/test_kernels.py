"""Both kernels, on one contract: every dtype exactly, any number of rows, any tail."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from kinship.similarity import conversion, cpu, registers
from kinship.similarity.blocks import CODES, F64, ZERO, Block
from kinship.similarity.cpu import block_products
from kinship.similarity.registers import PANEL, TILE
from tests.families import Stored, deltas, pack, reference_gram, unpack

TORCH = {
    "BF16": torch.bfloat16, "F16": torch.float16, "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2,
}  # fmt: skip
SIZES = [1, 2, 255, 256, 257, 511, 512, 513, 1024, 5000]


def test_a_change_of_what_the_kernel_calls_is_compiled_anew():
    """Numba's cache knows a kernel by the text of cpu.py, so that file names a digest of the others."""
    text = b"".join(Path(module.__file__).read_bytes() for module in (conversion, registers))
    digest = hashlib.sha256(text).hexdigest()[:12]
    assert digest == cpu._COMPILED, f'write _COMPILED = "{digest}" in {cpu.__file__}'


class _Lone:
    """An open tensor of one block that no file holds."""

    def __init__(self, block: Block) -> None:
        self.codes, self.is_delta, self.scales, self.grids = block.codes, block.is_delta, block.scales, block.grids
        self.rows = [SimpleNamespace(raw=lambda start, count, raw=raw: raw) for raw in block.raw]
        self.items = np.array([raw.nbytes // block.count for raw in block.raw])
        self.places = np.full((len(block.raw), 2), -1)
        self.elements, self.block_elements = block.count, block.start

    def count(self, number: int) -> int:
        return self.elements


@pytest.fixture(params=["cpu", "cuda"])
def kernel(request, cuda_kernel):
    """G and S of a block, value and compensation, by either kernel."""
    if request.param == "cpu":
        return block_products

    def multiply(block: Block, first_new: int = 0) -> np.ndarray:
        with ThreadPoolExecutor(1) as pool:
            work = cuda_kernel.begin([(_Lone(block), 1)], 0, pool, first_new)
            work.start()
            return work.finish()[0]

    return multiply


def _block(rows: Sequence[Stored | None], *, is_delta: Sequence[bool] = ()) -> Block:
    """A block of whole tensors; None is a delta of zero."""
    raw = tuple(np.frombuffer(row.data if row else b"", dtype=np.uint8) for row in rows)
    return Block(
        start=0,
        count=int(np.prod(rows[0].shape)),
        raw=raw,
        codes=np.array([CODES[row.dtype] if row else ZERO for row in rows]),
        is_delta=np.array(is_delta or [row is None for row in rows]),
        scales=(np.zeros(0),) * len(rows),
        grids=np.ones((len(rows), 4), dtype=np.int64),
    )


def _whole(products: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    both = products.sum(axis=0)
    return both[:, :-1], both[:, -1]


def _draw(rows: int, size: int, dtype: str = "F32") -> list[Stored]:
    rng = np.random.default_rng([rows, size])
    base = rng.normal(0.0, 1.0, size)
    return [pack(base + rng.normal(0.0, 0.1, size) * (i > 0), dtype) for i in range(rows)]


def _assert_close(block_rows: Sequence[np.ndarray], products: np.ndarray) -> None:
    gram, sums = _whole(products)
    expected, expected_sums = reference_gram(block_rows)
    norms = np.sqrt(np.diagonal(expected).astype(np.float64))
    sizes = np.array([np.abs(row).sum() for row in block_rows])
    assert (np.abs(gram - expected) <= 1e-14 * np.outer(norms, norms)).all()
    assert (np.abs(sums - expected_sums) <= 1e-14 * sizes).all()


@pytest.mark.parametrize("dtype", TORCH)
def test_every_pattern_of_the_small_dtypes_is_converted_exactly(dtype):
    """Each pattern is a row of one element, so that its sum is its value; the other kernel's are in test_cuda."""
    item = TORCH[dtype].itemsize
    patterns = np.arange(256**item, dtype=np.uint16 if item == 2 else np.uint8)
    expected = torch.from_numpy(patterns.copy()).view(TORCH[dtype]).double().numpy()
    rows = [Stored(dtype, (1,), pattern.tobytes()) for pattern in patterns]
    found = []
    for first in range(0, len(rows), 64):
        chosen = rows[first : first + 64]
        found.append(block_products(_block(chosen, is_delta=[True] * len(chosen)))[0, :, -1])
    found = np.concatenate(found)
    finite = np.isfinite(expected)
    assert np.array_equal(np.isfinite(found), finite)  # NaN may come out as infinite: both are refused
    assert np.array_equal(found[finite], expected[finite])


@pytest.mark.parametrize("dtype", CODES)
@pytest.mark.parametrize("size", [1, 257, 3000])
def test_every_dtype_against_the_reference(kernel, dtype, size):
    rows = _draw(4, size, dtype)
    _assert_close(deltas([unpack(row) for row in rows]), kernel(_block(rows)))


@pytest.mark.parametrize("rows", range(1, 10))
@pytest.mark.parametrize("size", SIZES)
def test_any_number_of_rows_and_any_tail(kernel, rows, size):
    drawn = _draw(rows, size)
    _assert_close(deltas([unpack(row) for row in drawn]), kernel(_block(drawn)))


def test_dtypes_mix_with_deltas_and_zeros(kernel):
    rng = np.random.default_rng(0)
    rows = [pack(rng.normal(size=700), dtype) for dtype in ("BF16", "F64", "F16", "F8_E5M2", "F32", "F8_E4M3", "F64")]
    rows.insert(3, None)
    is_delta = [row is None for row in rows]
    is_delta[-1] = True
    values = [np.zeros(700) if row is None else unpack(row) for row in rows]
    expected = [
        v if delta or i == 0 else v - values[0] for i, (v, delta) in enumerate(zip(values, is_delta, strict=True))
    ]
    _assert_close(expected, kernel(_block(rows, is_delta=is_delta)))


@pytest.mark.parametrize("shape", [(1, 1), (6, 1), (2, 3), (1, 3)])
@pytest.mark.parametrize("start", [0, 13])
def test_float8_scales_are_multiplied_cell_by_cell(kernel, shape, start):
    """A tensor of 6 x 10 in cells of 4 x 4 (the last ones cut), of rows, or whole; the block begins anywhere."""
    rng = np.random.default_rng(1)
    sides = (6, 10)
    stored, scales = pack(rng.normal(size=sides), "F8_E4M3"), rng.uniform(0.5, 2.0, shape)
    cells = [side if n == 1 else 1 if n == side else 4 for side, n in zip(sides, shape, strict=True)]
    spread = np.kron(scales, np.ones(cells))[: sides[0], : sides[1]]
    base = rng.normal(size=sides)
    count = 60 - start
    block = Block(
        start=start,
        count=count,
        raw=(np.frombuffer(base.tobytes(), np.uint8)[8 * start :], np.frombuffer(stored.data, np.uint8)[start:]),
        codes=np.array([F64, CODES["F8_E4M3"]]),
        is_delta=np.array([False, False]),
        scales=(np.zeros(0), np.ascontiguousarray(scales.reshape(-1))),
        grids=np.array([[1, 1, 1, 1], [sides[1], *cells, shape[1]]]),
    )
    expected = deltas([base, unpack(stored) * spread])
    _assert_close([row.reshape(-1)[start:] for row in expected], kernel(block))


@pytest.mark.parametrize("rows", [3, 4, 5, 8, 9])
@pytest.mark.parametrize("size", [1, 257, 4097, 70_000])
def test_equal_rows_have_equal_entries(kernel, rows, size):
    """Whatever their positions: even, odd, in one pair or two; otherwise equal models would lie apart."""
    drawn = _draw(3, size)
    order = [0, *(1 + i % 2 for i in range(rows - 1))]
    gram, sums = _whole(kernel(_block([drawn[i] for i in order])))
    assert np.array_equal(gram, gram.T)
    for a in range(1, rows):
        for b in range(1, rows):
            if order[a] == order[b]:
                assert gram[a, a] == gram[a, b] == gram[b, b]
                assert sums[a] == sums[b]
                assert np.array_equal(np.delete(gram[a], [a, b]), np.delete(gram[b], [a, b]))


@pytest.mark.parametrize("dtypes", [("F32", "F64"), ("BF16", "F32"), ("F16", "F64"), ("F8_E4M3", "BF16")])
def test_equal_content_in_two_dtypes_is_equal(kernel, dtypes):
    base, model = _draw(2, 1000, dtypes[0])
    gram, _ = _whole(kernel(_block([base, model, pack(unpack(model), dtypes[1])])))
    assert gram[1, 1] == gram[1, 2] == gram[2, 2] != 0.0


@pytest.mark.parametrize("first_new", range(7))
@pytest.mark.parametrize("dtype", ["F32", "BF16"])
def test_only_new_products_are_needed(kernel, first_new, dtype):
    rows = _draw(6, 600, dtype)
    whole, part = _whole(kernel(_block(rows))), _whole(kernel(_block(rows), first_new))
    assert np.array_equal(part[0][first_new:], whole[0][first_new:])
    assert np.array_equal(part[0][:, first_new:], whole[0][:, first_new:])
    assert np.array_equal(part[1][first_new:], whole[1][first_new:])
    if kernel is block_products:
        old = first_new // PANEL * PANEL  # rows are taken in panels
        assert not part[0][:old, :old].any()


@pytest.mark.parametrize("dtype", ["BF16", "F32"])
@pytest.mark.parametrize("size", [TILE - 1, TILE, 3 * TILE + 5])
def test_rows_of_equal_content_have_equal_entries_whatever_loop_made_them(kernel, dtype, size):
    """Copies in every place of every panel: within one, against the first, and further on."""
    base, model, other = _draw(3, size, dtype)
    rows = [base, *(model if i % 4 else other for i in range(1, 4 * PANEL))]
    gram, sums = _whole(kernel(_block(rows)))
    copies = [i for i in range(1, len(rows)) if rows[i] is model]
    assert len(set(gram[np.ix_(copies, copies)].ravel())) == 1
    assert len(set(sums[copies])) == 1
    for i in set(range(len(rows))) - set(copies):
        assert len(set(gram[i, copies])) == 1


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["F64", "F32", "F16", "BF16"])
@pytest.mark.parametrize("place", [0, TILE - 1, TILE, 599])
def test_what_is_not_finite_shows_in_its_own_square(kernel, bad, dtype, place):
    for row in (0, 1, 2, 3):
        rows = [unpack(r) for r in _draw(4, 600)]
        rows[row][place] = bad
        gram, _ = _whole(kernel(_block([pack(r, dtype) for r in rows])))
        finite = np.isfinite(np.diagonal(gram))
        assert not finite[row]
        if row > 0:
            assert finite.sum() == 3


def test_rows_off_their_alignment(kernel):
    """A header of odd length moves all that follows it off the boundaries of its dtype."""
    rows = _draw(3, 777, "F64")
    shifted = [np.frombuffer(b"x" * 3 + row.data, np.uint8)[3:] for row in rows]
    plain = _block(rows)
    assert np.array_equal(kernel(plain), kernel(replace(plain, raw=tuple(shifted))))
