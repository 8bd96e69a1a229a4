"""Measure the pass on a GPU in one short run: `python3 -m benchmarks.gpu` from the project's folder.

It needs torch with CUDA, numba, numpy, PyYAML and this checkout, no installation and no network; the evaluation at the
end needs transformers as well. Families are written under KINSHIP_BENCH_DIR (default: the temporary folder), 40 GB at a
time, and read from the page cache: files in /dev/shm lie in small pages, which take longer to copy.
Every table is compared with the CPU's, entry by entry; the run ends with 1 where they do not agree.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch

from benchmarks.families import SHAPE_OF_7B, SMALL, llama_shapes, write_family
from kinship import align, gram_table, open_checkpoint

CHUNK = 1 << 25  # bytes: what the pass has a thread read and send at a time
TOLERANCE = 1e-9
READ_RUNS, PASS_RUNS = 3, 5


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--small", action="store_true", help="tiny families, to try the script")
    arguments.add_argument("--no-large", action="store_true", help="without the family of 7B shape (40 GB)")
    arguments.add_argument("--no-evaluation", action="store_true")
    asked = arguments.parse_args()
    if not torch.cuda.is_available():
        print("no CUDA device that this torch can use", file=sys.stderr)
        return 2
    print(f"{torch.cuda.get_device_name(0)}; {os.cpu_count()} cores; torch {torch.__version__}\n", flush=True)
    shapes = llama_shapes(256, 704, 4, 4000) if asked.small else SMALL
    disagree: list[str] = []
    with tempfile.TemporaryDirectory(prefix="kinship-gpu-", dir=os.environ.get("KINSHIP_BENCH_DIR")) as folder:
        root = Path(folder)
        paths = write_family(root / "bf16", shapes, 21, twins=True, threads=8)
        limit = _limits(paths[:6])
        rows = [("0.4B bf16", [*paths[: n - 1], *paths[-2:]]) for n in (2, 5, 10, 20)]
        print(HEAD)
        for title, files in rows:
            disagree += _row(title, files, limit)
        shutil.rmtree(root / "bf16")
        for dtype in ("F16", "F8_E4M3"):
            paths = write_family(root / dtype, shapes, 6, dtype, twins=True, threads=6)
            disagree += _row(f"0.4B {dtype}", paths, limit)
            shutil.rmtree(root / dtype)
        if not asked.small and not asked.no_large:
            paths = write_family(root / "large", SHAPE_OF_7B, 3, twins=True, threads=3)
            disagree += _row("7B bf16", paths, limit)
            shutil.rmtree(root / "large")
    if not asked.no_evaluation:
        _evaluation()
    print(f"\ndo not agree: {', '.join(disagree)}" if disagree else "\nall tables agree with the CPU's")
    return bool(disagree)


def _best(run: Callable[[], object], times: int) -> float:
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        run()
        spent.append(time.perf_counter() - began)
    return min(spent)


def _limits(paths: list[Path]) -> float:
    """Measure and print what the machine allows; return the slower of page cache and wire, in bytes a second."""
    disk, wire = _disk(paths[0]), _wire()
    cache = {threads: _page_cache(paths, threads) for threads in (1, 4, 8, 16)}
    both = _page_cache(paths, 16, send=True)
    told = ", ".join(f"{rate / 1e9:.1f} ({threads} threads)" for threads, rate in cache.items())
    print(f"GB/s: disk to page cache {disk / 1e9:.2f}; page cache to pinned memory {told};")
    print(
        f"pinned memory to device, the wire, {wire / 1e9:.1f}; both at once, by 16 threads, {both / 1e9:.1f}\n",
        flush=True,
    )
    return min(wire, max(cache.values()))


def _disk(path: Path) -> float:
    """Read a copy of a file that is no longer in the page cache, with several threads."""
    with tempfile.NamedTemporaryFile(prefix="kinship-gpu-") as copy:
        shutil.copyfile(path, copy.name)
        os.fsync(copy.fileno())
        os.posix_fadvise(copy.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        size = path.stat().st_size
        began = time.perf_counter()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda at: len(os.pread(copy.fileno(), CHUNK, at)), range(0, size, CHUNK)))
        return size / (time.perf_counter() - began)


def _page_cache(paths: list[Path], threads: int, *, send: bool = False) -> float:
    """Read files into pinned memory, two buffers a thread, and send them to the device if asked."""
    own = threading.local()

    def read(path: Path, offset: int) -> None:
        if not hasattr(own, "turn"):
            own.turn, own.stream = 0, torch.cuda.Stream()
            own.here = [torch.empty(CHUNK, dtype=torch.uint8, pin_memory=True) for _ in range(2)]
            own.there = torch.empty(CHUNK if send else 0, dtype=torch.uint8, device="cuda")
            own.sent = [torch.cuda.Event(blocking=True) for _ in range(2)]
        own.turn = 1 - own.turn
        own.sent[own.turn].synchronize()
        with path.open("rb", buffering=0) as file:
            os.preadv(file.fileno(), [own.here[own.turn].numpy()], offset)
        if send:
            with torch.cuda.stream(own.stream):
                own.there.copy_(own.here[own.turn], non_blocking=True)
                own.sent[own.turn].record()

    def run() -> None:
        list(pool.map(lambda job: read(*job), jobs))
        torch.cuda.synchronize()

    jobs = [(path, offset) for path in paths for offset in range(0, path.stat().st_size, CHUNK)]
    with ThreadPoolExecutor(threads) as pool:
        run()
        return sum(path.stat().st_size for path in paths) / _best(run, READ_RUNS)


def _wire() -> float:
    here = torch.empty(CHUNK, dtype=torch.uint8, pin_memory=True)
    there = torch.empty(CHUNK, dtype=torch.uint8, device="cuda")

    def copy() -> None:
        for _ in range(64):
            there.copy_(here, non_blocking=True)
        torch.cuda.synchronize()

    copy()
    return 64 * CHUNK / _best(copy, 5)


HEAD = (
    "| family | models beside the base | GB | pass (s) | GB/s | of the slower limit | CPU's pass (s) | "
    "largest error | twins apart | device MB |\n|---|---|---|---|---|---|---|---|---|---|"
)


def _row(title: str, files: list[Path], limit: float) -> list[str]:
    """Measure a family, print its row, and return its title if the tables do not agree."""
    family = align(open_checkpoint(files[0]), [open_checkpoint(path) for path in files[1:]])
    size = sum(path.stat().st_size for path in files)
    gram_table(family, "cuda")
    torch.cuda.reset_peak_memory_stats()
    spent = _best(lambda: gram_table(family, "cuda"), PASS_RUNS)
    memory = torch.cuda.max_memory_allocated()
    gpu = gram_table(family, "cuda")
    began = time.perf_counter()
    cpu = gram_table(family, "cpu")
    slow = time.perf_counter() - began
    norms = np.sqrt(np.einsum("tii->ti", cpu.gram))
    error = float((np.abs(gpu.gram - cpu.gram) / (norms[:, :, None] * norms[:, None, :])).max())
    apart = float(np.abs(gpu.gram[:, -1, -1] + gpu.gram[:, -2, -2] - 2 * gpu.gram[:, -1, -2]).max())
    print(
        f"| {title} | {len(files) - 1} | {size / 1e9:.2f} | {spent:.3f} | {size / spent / 1e9:.1f} | "
        f"{size / spent / limit:.0%} | {slow:.2f} | {error:.0e} | {apart:.0e} | {memory / 1e6:.0f} |",
        flush=True,
    )
    return [] if error < TOLERANCE and apart == 0.0 else [f"{title}, {len(files) - 1} models"]


def _evaluation() -> None:
    """Time the likelihoods of 256 answers of 128 tokens on a model of 0.1B parameters, at three batch sizes."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(hidden_size=768, intermediate_size=2048, num_hidden_layers=12, num_attention_heads=12)
    model = LlamaForCausalLM(config).to("cuda", torch.bfloat16).eval()
    tokens = torch.randint(0, config.vocab_size, (256, 128), device="cuda")

    def score(batch: int) -> None:
        with torch.inference_mode():
            for start in range(0, len(tokens), batch):
                part = tokens[start : start + batch]
                model(part).logits.log_softmax(-1).gather(-1, part[..., None]).sum().item()

    parameters = sum(p.numel() for p in model.parameters()) / 1e6
    print(f"\nevaluation, {parameters:.0f}M parameters, bf16, 256 answers of 128 tokens, answers a second:")
    for batch in (1, 16, 64):
        score(batch)
        print(f"  batch {batch}: {256 / _best(lambda size=batch: score(size), 3):.0f}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
