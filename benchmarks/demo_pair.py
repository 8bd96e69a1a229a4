"""Merge and evaluate one demo pair, warm, beside the same calls of mergekit and lm_eval themselves."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("GOMP_SPINCOUNT", "10000")  # as in the worker
os.environ.setdefault("TQDM_DISABLE", "1")

REPEATS = 5
BATCH = 64


def main() -> None:
    from kinship.demo import demo_path
    from kinship.evaluation import Evaluator, Options, resolve_tasks
    from kinship.merging import compose, merge

    pair = [str(demo_path() / name) for name in ("sorting", "shifting")]
    recipe = compose("slerp", pair)
    tasks, evaluator = resolve_tasks(["demo"]), Evaluator()

    def ours(folder: Path) -> dict[str, float]:
        merge(recipe, folder)
        scores = evaluator.evaluate(folder, tasks, Options(batch_size=BATCH))
        return {name: score.value for name, score in scores.tasks.items()}

    def theirs(folder: Path) -> dict[str, float]:
        _mergekit(recipe.to_yaml(), folder)
        return _harness(folder)

    with tempfile.TemporaryDirectory() as place:
        times: dict[str, list[float]] = {"kinship": [], "mergekit and lm_eval": []}
        for number in range(REPEATS + 1):  # the first warms both
            found = {}
            for name, call in (("kinship", ours), ("mergekit and lm_eval", theirs)):
                seconds, found[name] = _timed(call, Path(place, f"{name.split()[0]}-{number}"))
                times[name].append(seconds)
            assert found["kinship"] == found["mergekit and lm_eval"], found
    print(f"\nmerge and evaluate one demo pair on four tasks, warm, batch size {BATCH}; medians of {REPEATS}, in turn")
    medians = {name: statistics.median(seconds[1:]) for name, seconds in times.items()}
    for name, median in medians.items():
        print(f"{name:22s} {median:6.2f} s")
    print(f"ratio {medians['kinship'] / medians['mergekit and lm_eval']:.2f}")


def _timed(call: Callable[[Path], dict[str, float]], folder: Path) -> tuple[float, dict[str, float]]:
    began = time.perf_counter()
    found = call(folder)
    return time.perf_counter() - began, found


def _mergekit(text: str, folder: Path) -> None:
    import yaml
    from mergekit.config import MergeConfiguration
    from mergekit.merge import run_merge
    from mergekit.options import MergeOptions

    options = MergeOptions(random_seed=0, quiet=True, write_model_card=False)
    run_merge(MergeConfiguration.model_validate(yaml.safe_load(text)), str(folder), options)


def _harness(folder: Path) -> dict[str, float]:
    import lm_eval
    from lm_eval.tasks import TaskManager

    from kinship.demo import demo_path

    os.chdir(demo_path() / "tasks")  # the task files name their data relative to themselves
    manager = TaskManager(include_path=str(demo_path() / "tasks"), include_defaults=False)
    names = sorted(path.stem for path in (demo_path() / "tasks").glob("*.yaml"))
    results = lm_eval.simple_evaluate(
        model="hf",
        model_args={"pretrained": str(folder), "dtype": "auto"},
        tasks=[f"kinship_{name}" for name in names],
        batch_size=BATCH,
        device="cpu",
        task_manager=manager,
        bootstrap_iters=0,
        verbosity="ERROR",
    )
    assert results is not None
    return {name: 100.0 * found["acc,none"] for name, found in results["results"].items()}


if __name__ == "__main__":
    main()
