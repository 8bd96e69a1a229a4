"""A task as the harness's own object, with its questions in memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kinship.errors import KinshipError, TaskError
from kinship.evaluation.catalogue import own_manager
from kinship.evaluation.harness import harness
from kinship.evaluation.headline import check_one_metric
from kinship.evaluation.options import Options
from kinship.evaluation.task import Task
from kinship.evaluation.task_folder import TaskFolder
from kinship.evaluation.task_yaml import file_digest

__all__ = ["LoadedTask", "load_task"]


_NETWORK = ("httpx", "httpcore", "requests", "urllib3", "aiohttp")


@dataclass(frozen=True)
class LoadedTask:
    """What the harness made of a task.

    Attributes
    ----------
    content : Mapping
        As `lm_eval.tasks.TaskManager.load` returns it: the task, or all tasks of a group, and the groups.
    few_shot : Mapping of str to int or None
        Each task's own number of examples.
    """

    name: str
    content: Mapping[str, Any]
    few_shot: Mapping[str, int | None]

    def prepare(self, options: Options) -> dict[str, range]:
        """Set number and order of the examples as `lm_eval.simple_evaluate` does, and choose the questions.

        Returns
        -------
        dict of str to range
            Positions of the questions to ask, by task.

        Raises
        ------
        TaskError
            Nothing would be asked, or a group's tasks go by different metrics.
        """
        from lm_eval.defaults import DEFAULT_OTHER_SEED

        chosen = {}
        for name, task in self.content["tasks"].items():
            own = self.few_shot[name]
            asked = None if own == 0 else options.num_fewshot
            task.set_config("num_fewshot", own or 0 if asked is None else asked)
            task.set_fewshot_seed(DEFAULT_OTHER_SEED)
            chosen[name] = options.questions(len(task.eval_docs))
            if not chosen[name]:
                raise TaskError(f"{name} has too few questions for a {options.part} half; ask all of them")
        check_one_metric(self.name, self.content["tasks"])
        return chosen

    @cached_property
    def digest(self) -> str:
        """Digest of configuration and data, for tasks that have none before they are loaded."""
        configs = {name: task.dump_config() for name, task in self.content["tasks"].items()}
        for config in configs.values():
            config.pop("metadata", None)
            config.pop("num_fewshot", None)
        data = [
            [name, split, _data(rows)]
            for name, task in self.content["tasks"].items()
            for split, rows in sorted(task.dataset.items())
        ]
        groups = [group.to_dict() for group in self.content.get("groups", {}).values()]
        content = json.dumps([configs, sorted(self.few_shot.items()), groups, data], sort_keys=True, default=str)
        return hashlib.sha256(content.encode()).hexdigest()


def load_task(task: Task) -> LoadedTask:
    """Let the harness read a task and its data.

    Raises
    ------
    TaskError
        The data cannot be fetched, or the harness cannot make a task of it.
    """
    harness()
    try:
        content = _load(task)
    except KinshipError:
        raise
    except Exception as error:  # whatever the task's own code and the library that reads its data may raise
        if task.digest is None and _is_of_network(error):
            raise TaskError(
                f"the data of {task.name} are not on this machine and cannot be fetched ({_first_line(error)}); go "
                "online once (without HF_HUB_OFFLINE), or give local task files with --include-path"
            ) from error
        mend = f"correct its files in {task.folder}" if task.folder else "see that lm_eval itself reads it"
        raise TaskError(f"the harness cannot read {task.name} ({_first_line(error)}); {mend}") from error
    few_shot = {name: one.get_config("num_fewshot") for name, one in content["tasks"].items()}
    return LoadedTask(task.name, content, few_shot)


def _load(task: Task) -> Mapping[str, Any]:
    from lm_eval.tasks import TaskManager

    if task.config is not None:
        return TaskManager(include_defaults=False).load([dict(task.config) | {"custom_dataset": _dataset_of(task)}])  # type: ignore[no-any-return]
    if task.folder is None:
        return own_manager().load([task.name])  # type: ignore[no-any-return]
    with TemporaryDirectory() as overlay:
        TaskFolder(task.folder).write_overlay(Path(overlay))
        manager = TaskManager(include_path=[str(task.folder), overlay], include_defaults=False)
        return manager.load([task.name])  # type: ignore[no-any-return]


def _data(rows: Any) -> list[Any]:
    """Digests of the files that hold a split; the rows themselves where they are in no file."""
    files = getattr(rows, "cache_files", ())
    return [file_digest(Path(one["filename"])) for one in files] if files else list(rows)


def _dataset_of(task: Task) -> Any:
    import datasets

    rows = datasets.Dataset.from_list([dict(one) for one in task.documents])
    return lambda **_: {"test": rows}


def _is_of_network(error: BaseException | None) -> bool:
    """Tell whether nobody answered, which going online would mend; an answer of "there is no such thing" is none."""
    while error is not None:
        if getattr(error, "response", None) is not None:
            return False
        library = type(error).__module__.partition(".")[0]
        lost = isinstance(error, FileNotFoundError) and "://" in str(error)
        if isinstance(error, ConnectionError | TimeoutError) or library in _NETWORK or lost:
            return True
        error = error.__cause__ or error.__context__
    return False


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
