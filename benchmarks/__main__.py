"""Measure the pass against `cat` of the same files from the page cache, its memory, and the opening of headers.

The families are random Llamas in bfloat16 under KINSHIP_BENCH_DIR (default: the system's temporary folder); they
need 16 GB of disk and are removed at the end.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import demo_pair
from benchmarks.families import SHAPE_OF_1B, SMALL, many_headers, write_family

REPEATS = 5


def main() -> None:
    root = Path(tempfile.mkdtemp(prefix="kinship-bench-", dir=os.environ.get("KINSHIP_BENCH_DIR")))
    try:
        print(f"{os.cpu_count()} CPUs; load before {os.getloadavg()[0]:.2f}\n")
        paths = write_family(root / "small", SMALL, 21)
        print("base + N bf16 models of 374M parameters; medians of", REPEATS, "runs, the two commands in turn")
        print(f"{'N':>3} {'GB':>6} {'cat s':>7} {'pass s':>7} {'ratio':>6} {'private MB':>11}")
        for members in (2, 5, 10, 20):
            _row(members, paths[: members + 1])
        _accuracy(paths[:4])
        shutil.rmtree(root / "small")
        large = write_family(root / "large", SHAPE_OF_1B, 6)
        print("\nbase + 5 bf16 models of 1.3B parameters")
        _row(5, large, repeats=1)
        shutil.rmtree(root / "large")
        _opening(root / "headers")
        demo_pair.main()
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _row(members: int, paths: list[Path], repeats: int = REPEATS) -> None:
    cats, passes = [], []
    memory = 0.0
    for _ in range(repeats + 1):  # the first warms the page cache
        began = time.perf_counter()
        subprocess.run(["cat", *map(str, paths)], stdout=subprocess.DEVNULL, check=True)
        cats.append(time.perf_counter() - began)
        answer = _pass(paths)
        passes.append(answer["seconds"])
        memory = max(memory, answer["private"])
    cat, whole = statistics.median(cats[1:]), statistics.median(passes[1:])
    ratio = statistics.median(p / c for p, c in zip(passes[1:], cats[1:], strict=True))
    size = sum(path.stat().st_size for path in paths) / 1e9
    print(f"{members:3d} {size:6.2f} {cat:7.2f} {whole:7.2f} {ratio:6.2f} {memory / 1e6:11.0f}", flush=True)


_CODE = """
import json, sys, threading, time
from kinship.checkpoints import align, open_checkpoint
from kinship.similarity import METRICS, gram_table, kinship_matrix
from kinship.similarity.device import kernel_for, resolve_device
def anonymous():
    return int(next(line for line in open("/proc/self/status") if line.startswith("RssAnon")).split()[1]) * 1024
kernel_for(resolve_device("auto"))
before, peak, ended = anonymous(), [0], threading.Event()
def watch():
    while not ended.wait(0.01):
        peak[0] = max(peak[0], anonymous())
threading.Thread(target=watch, daemon=True).start()
began = time.perf_counter()
base, *members = map(open_checkpoint, sys.argv[1:])
table = gram_table(align(base, members))
for name in METRICS:
    kinship_matrix(table, name)
seconds = time.perf_counter() - began
ended.set()
print(json.dumps({"seconds": seconds, "private": max(0, peak[0] - before), "device": table.device}))
"""


def _pass(paths: list[Path]) -> dict[str, float]:
    done = subprocess.run([sys.executable, "-c", _CODE, *map(str, paths)], capture_output=True, text=True, check=True)
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def _accuracy(paths: list[Path]) -> None:
    """Compare with numpy in extended precision over one tensor after another."""
    import numpy as np

    from kinship.checkpoints import align, open_checkpoint
    from kinship.similarity import gram_table
    from kinship.similarity.reader import Reader, to_float64

    base, *members = map(open_checkpoint, paths)
    alignment = align(base, members)
    names = {t.name: i for i, t in enumerate(alignment.tensors)}
    aligned = alignment.tensors[names["model.embed_tokens.weight"]]
    rows = [to_float64(row.stored.bytes, row.dtype) for row in Reader(1 << 20).tensor(aligned).rows]
    rows = [rows[0], *(row - rows[0] for row in rows[1:])]
    exact = np.array([[float((a.astype(np.longdouble) * b).sum()) for b in rows] for a in rows])
    got = gram_table(alignment).gram[names["model.embed_tokens.weight"]]
    scale = np.sqrt(np.outer(np.diagonal(exact), np.diagonal(exact)))
    print(f"\nlargest error of G over {aligned.elements / 1e6:.0f}M elements, of sqrt(G_aa G_bb): ", end="")
    print(f"{(np.abs(got - exact) / scale).max():.1e}")


def _opening(folder: Path) -> None:
    from kinship.checkpoints import scan

    many_headers(folder, checkpoints=50, tensors=300)
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        assert len(scan(folder).checkpoints) == 50
        times.append(time.perf_counter() - began)
    print(f"\nopening 50 checkpoints of 300 tensors: {statistics.median(times):.2f} s")


if __name__ == "__main__":
    main()
