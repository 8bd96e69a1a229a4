"""Does kinship help a search on the demo family? Three strategies, three sets of foundation models, fixed in advance.

`make experiment` prints the table of docs/experiment.md. What could be chosen after the fact is written here: the
sets, the seeds, k, the generations; the merge method is SLERP as in the paper, and every second question is held out.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

from kinship.demo import demo_path
from kinship.evaluation import Evaluator, Options
from kinship.evolution import Limits, compare_with_baselines, stopping_rule, would_have_stopped
from kinship.runs.pairs.pair_plan import Plan
from kinship.runs.pairs.pair_record import RunRecord, run_folder
from kinship.runs.pairs.pair_run import evolve

SETS = {
    "one expert a task": ("addition", "sorting", "reversing", "shifting"),
    "all six experts": ("addition", "addition-sibling", "sorting", "sorting-sibling", "reversing", "shifting"),
    "two pairs of siblings": ("addition", "addition-sibling", "sorting", "sorting-sibling"),
}
SEARCHES = (("kinship", 0), ("greedy", 0), ("random", 0), ("random", 1), ("random", 2))
GENERATIONS = 5
K = 3
EARLY = stopping_rule("kinship")
HEADER = (
    "foundation models", "strategy", "best", "held out", "generation", "merges to it", "merges",
    "stop at 0.9", "saves", "loses", "best baseline", "its score", "lead over it", "seconds",
)  # fmt: skip


def plan(names: tuple[str, ...], strategy: str, seed: int) -> Plan:
    return Plan(
        base=str(demo_path() / "base"),
        foundations=tuple(str(demo_path() / name) for name in names),
        tasks=("demo",),
        strategy=strategy,
        k=K,
        seed=seed,
        options=Options(batch_size=64),
        limits=Limits(generations=GENERATIONS),
    )


def row(title: str, strategy: str, record: RunRecord, seconds: float) -> list[str]:
    """Return one line of the table; scores in percent, of all four tasks."""
    run = record.run
    assert run is not None
    best, early = run.best, would_have_stopped(run, EARLY)
    to_it = [one for generation in run.generations[1:] for one in generation].index(best) + 1 if best.parents else 0
    held_out = record.held_out[best.name]
    # the baselines' settings are chosen on the search's half, as the search's own winner is
    found = compare_with_baselines(run, record.baselines, held_out)
    lead = f"{found.margin:+.2f} ± {found.error:.2f}" if found.error is not None else f"{found.margin:+.2f}"
    stop = ("never", "0", "0") if early.generation is None else (
        f"generation {early.generation}", f"{early.merges_saved} merges", f"{early.loss:.2f}"
    )  # fmt: skip
    return [
        title, strategy, f"{run.best_scores[-1]:.2f}", f"{held_out:.2f}", str(best.generation), str(to_it),
        str(run.merges), *stop, found.rival, f"{held_out - found.margin:.2f}", lead, f"{seconds:.0f}",
    ]  # fmt: skip


def rows(evaluator: Evaluator) -> Iterator[list[str]]:
    for title, names in SETS.items():
        scores: dict[str, list[float]] = {}
        for strategy, seed in SEARCHES:
            name = strategy if strategy != "random" else f"random, seed {seed}"
            began = time.perf_counter()
            record = evolve(
                plan(names, strategy, seed),
                run_folder(f"{title}-{strategy}-{seed}".replace(" ", "-")),
                evaluator,
                lambda *_: None,
            )
            assert record.run is not None
            scores.setdefault(strategy, []).append(record.held_out[record.run.best.name])
            yield row(title, name, record, time.perf_counter() - began)
        yield [title, "random, mean of 3", "", f"{fmean(scores['random']):.2f}", *[""] * (len(HEADER) - 4)]


def main() -> None:
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")  # as in the worker: torch's threads would spin for work
    print(f"| {' | '.join(HEADER)} |", f"|{'---|' * len(HEADER)}", sep="\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="kinship-experiment-") as home:
        os.environ["KINSHIP_HOME"] = str(Path(home))
        for line in rows(Evaluator()):
            print(f"| {' | '.join(line)} |", flush=True)


if __name__ == "__main__":
    main()
