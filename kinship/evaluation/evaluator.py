"""lm-evaluation-harness at work: tasks and the model stay warm from one call to the next."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from kinship.checkpoints import Checkpoint, open_checkpoint, tokenizer_digest
from kinship.errors import DeviceError, KinshipError, ScoreError
from kinship.evaluation.answers import Answer, Answers
from kinship.evaluation.gold import gold_loss
from kinship.evaluation.harness import harness
from kinship.evaluation.lacking import asked_texts, lacking_characters
from kinship.evaluation.loading import LoadedTask, load_task
from kinship.evaluation.mixture import Mixture, check_mixable, write_mixture
from kinship.evaluation.model import TokenMemory, load_model
from kinship.evaluation.options import Options
from kinship.evaluation.results import task_score
from kinship.evaluation.scores import Scores, TaskScore
from kinship.evaluation.task import Task
from kinship.evaluation.threads import threads, threads_for
from kinship.report import Report
from kinship.turn import turn

__all__ = ["Evaluator"]

T = TypeVar("T")

_BOOTSTRAP = 1000
"""Resamples for the error of a metric that is no mean; that of a mean needs none."""


class Evaluator:
    """Scores models with the harness in this process; keep one, for it keeps what is slow to make.

    Warm are the tasks with their data, the last model (or mixture of models), and the tokens of questions as long as
    models share a tokenizer. Threads take turns, task by task.
    """

    def __init__(self) -> None:
        self._loaded: dict[Any, LoadedTask] = {}
        self._tokens = TokenMemory("")
        self._model: tuple[Any, Any] = (None, None)
        self._mixture: Mixture | None = None  # what the model's weights are, if they are not its file's

    def evaluate(
        self,
        model: Path | str,
        tasks: Sequence[Task],
        options: Options | None = None,
        progress: Report | None = None,
    ) -> Scores:
        """Return the scores of a model.

        Parameters
        ----------
        model : Path or str
            Folder in Hugging Face layout, or of an adapter whose base is on this machine.
        tasks : Sequence[Task]
            As `resolve_tasks` gives them. Each is run by itself, so that its score does not depend on the company
            it is in: with batches in 16 bits it could.
        options : Options, optional
        progress : callable, optional
            Called with the share done, 0 to 1, and what is being done, after every batch; what it raises ends the
            evaluation and comes through.

        Raises
        ------
        CheckpointError
            The model cannot be loaded, or is not complete.
        DeviceError
            The device is not there, or its memory does not suffice.
        TaskError
            A task cannot be read.
        ScoreError
            The model has no score on a task: it answers NaN, or the harness cannot run the task on it.
        """
        options = options or Options()
        checkpoint = open_checkpoint(model)
        return Scores(
            self._each(
                tasks,
                lambda: self._ready(checkpoint, options),
                lambda lm, task, loaded: self._score(lm, task, loaded, options),
                progress,
            )
        )

    def evaluate_mixture(
        self,
        mixture: Mixture,
        tasks: Sequence[Task],
        options: Options | None = None,
        progress: Report | None = None,
    ) -> Answers:
        """Return scores and losses of a mixture of models, whose weights are made in memory; no file is written.

        The scores are those of `evaluate` on a merge with mergekit's `linear`; parameters and errors as there.

        Raises
        ------
        KinshipError
            As `check_mixable` does.
        """
        options = options or Options()
        report = progress or (lambda *_: None)
        check_mixable(mixture.models)

        def answer(lm: Any, task: Task, loaded: LoadedTask) -> Answer:
            score = self._score(lm, task, loaded, options)
            lm.report = lambda *_: report((1 + tasks.index(task)) / len(tasks), f"{task.name}: right answers")
            loss = gold_loss(lm, task.name, loaded.content, chat=_templated(lm, options))
            return Answer(score, loss.nats, loss.tokens)

        return Answers(self._each(tasks, lambda: self._mixed(mixture, options), answer, progress))

    def _each(
        self,
        tasks: Sequence[Task],
        ready: Callable[[], Any],
        ask: Callable[[Any, Task, LoadedTask], T],
        progress: Report | None,
    ) -> dict[str, T]:
        """Put every task to the model that `ready` returns, and report how far that is."""
        report = progress or (lambda *_: None)
        found: dict[str, T] = {}
        for number, task in enumerate(tasks):
            before = number / len(tasks)

            def wait(before: float = before, name: str = task.name) -> None:
                report(before, f"{name}: waiting for another job's step")

            with turn(wait), redirect_stdout(io.StringIO()):
                report(before, f"{task.name}: reading questions")
                loaded = self._load(task)
                lm = ready()
                lm.report = _share(report, number, len(tasks), task.name)
                try:
                    with threads(threads_for(lm.model)):
                        found[task.name] = ask(lm, task, loaded)
                finally:
                    lm.report = lambda *_: None
        report(1.0, "done")
        return found

    def check(self, tasks: Sequence[Task], options: Options) -> None:
        """Raise TaskError where a task cannot be read, or has no question to ask under these options."""
        with turn(), redirect_stdout(io.StringIO()):
            for task in tasks:
                self._load(task).prepare(options)

    def digest(self, task: Task) -> str:
        """Return the digest of a task's configuration and data; the harness reads it where nobody else can."""
        if task.digest is not None:
            return task.digest
        with turn(), redirect_stdout(io.StringIO()):
            return self._load(task).digest

    def _load(self, task: Task) -> LoadedTask:
        if task.key in self._loaded:
            return self._loaded[task.key]
        loaded = load_task(task)
        if task.digest is not None or task.folder is None:  # else nobody would notice a change of its files
            self._loaded[task.key] = loaded
        return loaded

    def _ready(self, checkpoint: Checkpoint, options: Options) -> Any:
        """Return the model, loaded unless it is the one of the last call."""
        key, tokenizer = _key(checkpoint, options)
        if self._model[0] != key or self._mixture is not None:
            if self._tokens.tokenizer != tokenizer:
                self._tokens = TokenMemory(tokenizer)
            if self._model[1] is not None:  # its memory is free before the new one is read
                self._model[1].release()
            self._model, self._mixture = (None, None), None
            self._model = (key, load_model(checkpoint, options, self._tokens))
        return self._model[1]

    def _mixed(self, mixture: Mixture, options: Options) -> Any:
        """Return the mixture as a model: its first model, with the weights written over."""
        if self._mixture is None or self._model[0] != _key(mixture.models[0], options)[0]:
            self._ready(mixture.models[0], options)
        if self._mixture != mixture:
            try:
                write_mixture(self._model[1].model, mixture)
            except BaseException:
                self._model, self._mixture = (None, None), None  # half of it is written
                raise
            self._mixture = mixture
        return self._model[1]

    def _score(self, lm: Any, task: Task, loaded: LoadedTask, options: Options) -> TaskScore:
        chosen = loaded.prepare(options)
        lm.answers, lm.cut = task.answers, set()
        _seed()
        try:
            report = harness().evaluator.evaluate(
                lm,
                loaded.content,
                samples=chosen,
                bootstrap_iters=_BOOTSTRAP,
                apply_chat_template=_templated(lm, options),
                fewshot_as_multiturn=True,
            )
        except Exception as error:  # a task's own code, a template, the device's memory
            if isinstance(error, KinshipError) or error is lm.ended_by:
                raise
            raise _cannot_be_run(task, lm.checkpoint.name, error) from error
        score = task_score(task.name, report, part=options.part, digest=task.digest or loaded.digest)
        return replace(
            score,
            lacking=lacking_characters(lm.tokenizer, asked_texts(report)),
            cut=len(lm.cut),
            untemplated=options.apply_chat_template and not _templated(lm, options),
        )


def _templated(lm: Any, options: Options) -> bool:
    """Whether the questions are wrapped: a model without a chat template, as a base often is, is asked plainly."""
    return options.apply_chat_template and bool(lm.tokenizer.chat_template)


def _cannot_be_run(task: Task, model: str, error: Exception) -> KinshipError:
    why = next(iter(str(error).strip().splitlines()), type(error).__name__)
    if isinstance(error, MemoryError) or "out of memory" in why.lower():
        return DeviceError(f"{task.name} needs more memory than there is ({why}); use a smaller --batch-size")
    mend = (
        f"correct its files in {task.folder}, or leave it out"
        if task.folder is not None
        else "evaluate it without --apply-chat-template, or leave it out"
        if "template" in type(error).__module__ + why
        else "leave the task or the model out"
    )
    return ScoreError(f"{task.name} cannot be run on {model} ({why}); {mend}")


def _key(checkpoint: Checkpoint, options: Options) -> tuple[Any, str]:
    """Return what tells a loaded model from others, and its tokenizer from others."""
    base = checkpoint.adapter.base if checkpoint.adapter else None
    tokenizer = f"{checkpoint.config.architecture} {tokenizer_digest((base or checkpoint).path)}"
    stamps = [*checkpoint.stamps.values(), *(base.stamps.values() if base else ())]
    return (checkpoint.fingerprint, *stamps, tokenizer, options.device, options.dtype, options.batch_size), tokenizer


def _share(report: Report, number: int, count: int, name: str) -> Callable[[int, int], None]:
    def told(done: int, total: int) -> None:
        report((number + done / max(1, total)) / count, f"{name}: {done:,} of {total:,} requests")

    return told


def _seed() -> None:
    """Seed as `lm_eval.simple_evaluate` does, for tasks that draw at random."""
    import numpy as np
    from lm_eval.defaults import DEFAULT_OTHER_SEED, DEFAULT_RANDOM_SEED
    from lm_eval.utils import set_torch_seed

    random.seed(DEFAULT_RANDOM_SEED)
    np.random.seed(DEFAULT_OTHER_SEED)
    set_torch_seed(DEFAULT_OTHER_SEED)
