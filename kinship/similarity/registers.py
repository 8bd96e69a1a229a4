"""Products of rows in vector registers: the inner loops of the CPU's Gram kernel, written as LLVM vectors.

Rows are taken three at a time, a panel: nine products of two panels need nine sums and six rows, which any processor
with 32 vector registers holds. Every loop sums a product lane by lane in the order of the elements and then over the
lanes in the same way, so that an entry of G does not depend on the loop that made it: rows of equal content get equal
entries, on every processor.

Numba's cache of compiled kernels looks at the text of cpu.py alone: after a change here, write the new digest there.
"""

from __future__ import annotations

from itertools import combinations_with_replacement, product
from typing import Any

import llvmlite.binding
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = ["CROSSED", "OWN", "PANEL", "STRIDE", "TILE", "cross_loop", "lead_loop"]

TILE = 512
"""Elements of every row that are worked off at a time; a multiple of any vector's width."""

AHEAD = 512
"""How many elements before it is converted a bf16 is fetched: the processor alone follows no row into a new page."""

STRIDE = TILE + 8
"""Elements from one scratch row to the next: a power of two would put all rows into the same few cache lines."""

PANEL = 3
OWN = PANEL * (PANEL + 1) // 2 + PANEL
"""Numbers that a panel makes of itself: the products of its rows, then their sums."""

CROSSED = PANEL * PANEL
"""Products of the rows of one panel with those of another."""

_PAIRS = list(combinations_with_replacement(range(PANEL), 2))
_CROSSINGS = list(product(range(PANEL), repeat=2))
_FEATURES = llvmlite.binding.get_host_cpu_features()
_LANES = 8 if _FEATURES.get("avx512f") else 4 if _FEATURES.get("avx") else 2
_I64 = ir.IntType(64)
_DOUBLES = ir.VectorType(ir.DoubleType(), _LANES)
_ADDRESS = types.uint64


def _pointer(builder: Any, address: Any, elements: Any, size: int, to: ir.Type) -> Any:
    """Point `elements` elements of `size` bytes behind an address."""
    return builder.inttoptr(builder.add(address, builder.mul(elements, _I64(size))), to.as_pointer())


def _doubles(builder: Any, panel: Any, row: int, x: Any) -> Any:
    """Point at element `x` of a row of a panel in the scratch."""
    return _pointer(builder, panel, builder.add(x, _I64(row * STRIDE)), 8, _DOUBLES)


def _load(builder: Any, panel: Any, row: int, x: Any) -> Any:
    return builder.load(_doubles(builder, panel, row, x), align=8)


def _from_bf16(builder: Any, address: Any, x: Any) -> tuple[Any, Any]:
    """Load two vectors of bf16 elements at `x`: the even ones, then the odd ones.

    A bf16 is the upper half of a float32, so that a shift or a mask makes each; the order of the elements within a
    tile is of no consequence as long as all rows have the same.
    """
    words = ir.VectorType(ir.IntType(32), _LANES)
    both = builder.load(_pointer(builder, address, x, 2, words), align=1)
    even = builder.shl(both, ir.Constant(words, [16] * _LANES))
    odd = builder.and_(both, ir.Constant(words, [0xFFFF0000] * _LANES))
    floats = ir.VectorType(ir.FloatType(), _LANES)
    return tuple(builder.fpext(builder.bitcast(bits, floats), _DOUBLES) for bits in (even, odd))


def _fetch(builder: Any, address: Any, x: Any) -> None:
    """Ask for the cache line of bf16 element `x`; an address beyond the file is of no harm."""
    kind = ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer(), *[ir.IntType(32)] * 3])
    fetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    to_read, nearest, data = (ir.IntType(32)(flag) for flag in (0, 3, 1))
    builder.call(fetch, [_pointer(builder, address, x, 2, ir.IntType(8)), to_read, nearest, data])


def _sums(builder: Any, count: int) -> list[Any]:
    """Reserve registers for sums that begin at 0."""
    return [cgutils.alloca_once_value(builder, ir.Constant(_DOUBLES, [0.0] * _LANES)) for _ in range(count)]


def _add_products(builder: Any, sums: list[Any], pairs: list[tuple[Any, Any]]) -> None:
    """Add a product to each sum, with one rounding where the processor can."""
    kind = ir.FunctionType(_DOUBLES, [_DOUBLES] * 3)
    fused = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fmuladd.v{_LANES}f64")
    for total, (left, right) in zip(sums, pairs, strict=True):
        builder.store(builder.call(fused, [left, right, builder.load(total)]), total)


def _store_totals(builder: Any, sums: list[Any], out: Any) -> None:
    """Add up the lanes of each sum, half to half, and write the totals one after another."""
    for k, total in enumerate(sums):
        lanes, value = _LANES, builder.load(total)
        while lanes > 1:
            lanes //= 2
            halves = [
                ir.Constant(ir.VectorType(ir.IntType(32), lanes), [i + h for i in range(lanes)]) for h in (0, lanes)
            ]
            value = builder.fadd(*(builder.shuffle_vector(value, value, half) for half in halves))
        number = builder.extract_element(value, ir.IntType(32)(0))
        builder.store(number, _pointer(builder, out, _I64(k), 8, ir.DoubleType()))


def lead_loop(*, bf16: bool, crossed: bool) -> Any:
    """Make the Numba function that works off a panel's rows for the first time.

    It takes five addresses: of the addresses of the three rows' elements; of the addresses of the scratch rows to
    subtract from them; of the panel in the scratch; of panel 0 there; and of where to write its `OWN` numbers, followed
    by the `CROSSED` products of panel 0 with it.

    Parameters
    ----------
    bf16 : bool
        The rows are bf16, to be converted and stored in the scratch; otherwise they are in the scratch already, and
        the first two addresses are not used.
    crossed : bool
        Also multiply with panel 0, while the rows are in registers.
    """

    @intrinsic
    def loop(typing: Any, sources: Any, bases: Any, panel: Any, first: Any, out: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            sources, bases, panel, first, out = args
            sums = _sums(builder, OWN + (CROSSED if crossed else 0))
            table = [builder.load(_pointer(builder, a, _I64(r), 8, _I64)) for a in (sources, bases) for r in range(3)]
            with cgutils.for_range(builder, _I64(TILE // (2 * _LANES))) as step:
                x = builder.mul(step.index, _I64(2 * _LANES))
                if bf16:
                    for address in table[:PANEL]:
                        _fetch(builder, address, builder.add(x, _I64(AHEAD)))
                values = [_from_bf16(builder, table[r], x) for r in range(PANEL)] if bf16 else []
                for half in range(2):
                    at = builder.add(x, _I64(half * _LANES))
                    rows = []
                    for r in range(PANEL):
                        if bf16:
                            row = builder.fsub(values[r][half], _load(builder, table[PANEL + r], 0, at))
                            builder.store(row, _doubles(builder, panel, r, at), align=8)
                            rows.append(row)
                        else:
                            rows.append(_load(builder, panel, r, at))
                    _add_products(builder, sums[: len(_PAIRS)], [(rows[a], rows[b]) for a, b in _PAIRS])
                    for total, row in zip(sums[len(_PAIRS) : OWN], rows, strict=True):
                        builder.store(builder.fadd(builder.load(total), row), total)
                    if crossed:
                        lead = [_load(builder, first, r, at) for r in range(PANEL)]
                        _add_products(builder, sums[OWN:], [(lead[a], rows[b]) for a, b in _CROSSINGS])
            _store_totals(builder, sums, out)
            return context.get_dummy_value()

        return types.void(*[_ADDRESS] * 5), build

    return loop


def cross_loop() -> Any:
    """Make the Numba function that writes the `CROSSED` products of two panels, given their addresses and `out`."""

    @intrinsic
    def loop(typing: Any, left: Any, right: Any, out: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            left, right, out = args
            sums = _sums(builder, CROSSED)
            with cgutils.for_range(builder, _I64(TILE // _LANES)) as step:
                x = builder.mul(step.index, _I64(_LANES))
                rows = [[_load(builder, panel, r, x) for r in range(PANEL)] for panel in (left, right)]
                _add_products(builder, sums, [(rows[0][a], rows[1][b]) for a, b in _CROSSINGS])
            _store_totals(builder, sums, out)
            return context.get_dummy_value()

        return types.void(_ADDRESS, _ADDRESS, _ADDRESS), build

    return loop
