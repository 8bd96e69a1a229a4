"""Make a merge with mergekit, in this process, with progress; the tensors are mergekit's own, bit for bit.

mergekit keeps its open files, and torch its random state, once a process: merges and evaluations take turns.
"""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import FunctionType
from typing import Any

from kinship.errors import KinshipError, MergeError, PlaceError
from kinship.merging.appearing import appearing
from kinship.merging.bring_along import bring_along
from kinship.merging.description import describe
from kinship.merging.finite import WatchedCache, watched
from kinship.merging.layer_lists import with_layer_lists
from kinship.merging.left_behind import left_behind
from kinship.merging.locate import located
from kinship.merging.recipe import Recipe
from kinship.merging.record import MergeRecord, make_record
from kinship.paths import expanded
from kinship.report import Report
from kinship.turn import turn

__all__ = ["merge"]


_PLACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)
"""What no other recipe would mend; safetensors says so in words: "... (os error 28)"."""

_LONGEST = 400
"""Characters of an exception that are told."""


def merge(recipe: Recipe, out: Path | str, progress: Report | None = None) -> MergeRecord:
    """Make the recipe's child as a folder `out`: weights, config, what belongs to it, recipe, record and card.

    The tensors are those of `mergekit-yaml --random-seed SEED` on the same YAML. Nothing is fetched. One thing is left
    to chance in mergekit itself: the order in which a union of vocabularies numbers its new tokens.

    Parameters
    ----------
    recipe : Recipe
        Relative paths are taken from the working directory.
    out : Path or str
        The folder to make; it appears when it is whole.
    progress : callable, optional
        Given the share done, 0 to 1, and what is being done, after every tensor. What it raises ends the merge.

    Returns
    -------
    MergeRecord
        What `kinship_merge.json` in the folder says.

    Raises
    ------
    CheckpointError
        A model is not on this machine or cannot be read.
    NonFiniteError
        A parent has NaN or infinite weights, or the child would have; nothing is left behind.
    MergeError
        `out` is taken, or mergekit could not make the merge; nothing is left behind.
    """
    out = expanded(out).absolute()
    report = progress or (lambda fraction, what: None)
    recipe = located(recipe)
    record = make_record(recipe)
    with appearing(out) as part:
        with turn(lambda: report(0.0, "waiting for another job's step")):
            _run(recipe, part, _Reported(report))
        record = replace(record, brought=bring_along(recipe, part), left=left_behind(recipe, part))
        describe(part, out, recipe, record)
    return record


class _Reported:
    """Passes progress on, and remembers what that raised, to tell a stop from a fault of mergekit."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.raised: BaseException | None = None

    def __call__(self, fraction: float, what: str) -> None:
        try:
            self.report(fraction, what)
        except BaseException as error:
            self.raised = error
            raise


def _run(recipe: Recipe, part: Path, report: _Reported) -> None:
    """Let mergekit write the weights, the config and the tokenizer."""
    report(0.0, "planning")
    from mergekit.options import MergeOptions

    adapters = part / ".adapters"  # where mergekit merges adapters into their models first
    options = MergeOptions(random_seed=recipe.seed, quiet=True, write_model_card=False, lora_merge_cache=str(adapters))
    try:
        _mergekit(report)(_configuration(recipe), str(part), options)
    except Exception as error:
        if error is report.raised or isinstance(error, KinshipError):
            raise
        told = _told(error)
        if getattr(error, "errno", None) in _PLACE or any(f"(os error {number})" in told for number in _PLACE):
            raise PlaceError(f"mergekit could not make the merge: {told}; free some space") from error
        raise MergeError(
            f"mergekit could not make the merge: {told}; run the preflight, and mend the recipe"
        ) from error
    finally:
        _forget()
    if adapters.exists():
        shutil.rmtree(adapters)


def _told(error: Exception) -> str:
    """Return what an exception says in one line, without the whole config or the link that some print with it."""
    text = re.sub(r"\{[^{}\n]*\n.*\n\s*\}", "...", str(error), flags=re.DOTALL)
    lines = [line.strip() for line in text.splitlines() if not line.strip().startswith("For further information")]
    told = " ".join(line for line in lines if line)
    return (told if len(told) <= _LONGEST else f"{told[:_LONGEST]} ...") or type(error).__name__


def _mergekit(report: Report) -> Callable[..., None]:
    """Return mergekit's `run_merge` with an executor that reports after every tensor, and a watch over all values.

    It is the same code with another `Executor`, another `LoaderCache` and a config that fits stacked layers in its
    globals, so that nothing of mergekit is patched for others.
    """
    from mergekit import merge as engine

    cache = WatchedCache()

    class Reporting(engine.Executor):  # type: ignore[misc]
        def __init__(self, targets: Any, *arguments: Any, **named: Any) -> None:
            super().__init__(watched(targets, cache), *arguments, **named)

        def run(self, quiet: bool = False, desc: str | None = None) -> Iterator[Any]:
            for done, (task, value) in enumerate(super().run(quiet=quiet, desc=desc), start=1):
                report(done / len(self.targets), getattr(task, "tensor_name", "the last files"))
                yield task, value

    config = with_layer_lists(engine._model_out_config)
    ours = {"Executor": Reporting, "LoaderCache": lambda: cache, "_model_out_config": config}
    return FunctionType(engine.run_merge.__code__, vars(engine) | ours, "run_merge", engine.run_merge.__defaults__)


def _configuration(recipe: Recipe) -> Any:
    """Return mergekit's configuration object, which lists its models in their order.

    mergekit's own order is that of a set of strings, another in every process, and without a base it takes the
    child's config and tokenizer from the first.
    """
    from mergekit.config import MergeConfiguration

    class Ordered(MergeConfiguration):  # type: ignore[misc]
        def referenced_models(self) -> list[Any]:
            places = {str(model): place for place, model in enumerate(names)}
            return sorted(super().referenced_models(), key=lambda model: places[str(model)])

    names = list(dict.fromkeys(name for name in (recipe.base, *(p.path for p in recipe.parents)) if name))
    return Ordered.model_validate(recipe.to_config())


def _forget() -> None:
    """Close the parents' files: mergekit would keep them, and what it knew of them, for the next merge."""
    from mergekit.architecture.auto import infer_architecture_info
    from mergekit.io.tasks import LoaderCache

    LoaderCache().flush_all()
    LoaderCache.loaders.clear()
    infer_architecture_info.cache_clear()
