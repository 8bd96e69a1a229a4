"""Who fine-tunes the shared model of a fusion: the demo's own trainer, or commands of the user's."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from kinship.checkpoints import open_checkpoint
from kinship.demo.contributor import contribution_steps, is_demo_model, train_contribution
from kinship.errors import ContributionError, SearchError
from kinship.runs.fusion.command import run_command

__all__ = ["Contribute", "commands", "demo_trainer"]

PLACES = ("{model}", "{out}", "{seed}", "{round}")


class Contribute(Protocol):
    """Fine-tunes a shared model into a new folder."""

    def __call__(
        self, shared: Path, contributor: str, number: int, seed: int, out: Path, report: Callable[[float], None]
    ) -> None:
        """Make `out`, which is not there yet.

        Parameters
        ----------
        shared : Path
            The model to start from.
        contributor : str
            Who contributes.
        number : int
            The round, from 1.
        seed : int
            Of this contribution.
        out : Path
            A folder in Hugging Face layout with all tensors of the shared model.
        report : callable
            Given the share done; may raise to end the work.
        """


def demo_trainer(base: Path, contributors: tuple[str, ...], steps: int | None = None) -> Contribute:
    """Return the demo's trainer, each contributor being the name of the demo task that it trains on.

    Parameters
    ----------
    base : Path
        The model that the fusion begins with.
    contributors : tuple of str
        Names of demo tasks.
    steps : int, optional
        Of every contribution; else half of what made the task's expert.

    Raises
    ------
    CheckpointError
        There is no such base.
    SearchError
        The base is no demo model.
    UnknownNameError
        There is no such task.
    """
    open_checkpoint(base)
    if not is_demo_model(base):
        raise SearchError(
            f"{base} is not of the demo family, and only that has a trainer here; "
            "name your own with --contributor 'python train.py --from {model} --out {out} --seed {seed}'"
        )
    planned = {name: contribution_steps(name) if steps is None else steps for name in contributors}

    def train(
        shared: Path, contributor: str, number: int, seed: int, out: Path, report: Callable[[float], None]
    ) -> None:
        train_contribution(shared, contributor, planned[contributor], seed, out, report)

    return train


def commands(by_contributor: Mapping[str, str], log: Path) -> Contribute:
    """Return contributors that each run a command, without a shell.

    Parameters
    ----------
    by_contributor : Mapping of str to str
        Each command with ``{model}`` and ``{out}``, and perhaps ``{seed}`` and ``{round}``, where these are to stand;
        it is split as a shell would, and then they are filled in argument by argument.
    log : Path
        A file that everything they print is added to.

    Raises
    ------
    SearchError
        A command cannot be split, or lacks a place for the model or for what it makes.
    """
    split = {name: _split(command) for name, command in by_contributor.items()}

    def run(shared: Path, contributor: str, number: int, seed: int, out: Path, report: Callable[[float], None]) -> None:
        values = dict(zip(PLACES, (str(shared), str(out), str(seed), str(number)), strict=True))
        _run([_filled(argument, values) for argument in split[contributor]], contributor, log, lambda: report(0.0))

    return run


def _split(command: str) -> list[str]:
    try:
        arguments = shlex.split(command)
    except ValueError as error:
        raise SearchError(f"the command {command!r} cannot be split ({error}); close its quotes") from None
    for place in PLACES[:2]:
        if not any(place in argument for argument in arguments):
            raise SearchError(f"the command {command!r} has no {place}; write it where that path is to stand")
    return arguments


def _filled(argument: str, values: Mapping[str, str]) -> str:
    """Fill in all places at once, so that a path which reads like a place stays as it is."""
    return re.sub("|".join(map(re.escape, PLACES)), lambda place: values[place[0]], argument)


def _run(arguments: list[str], contributor: str, log: Path, look: Callable[[], None]) -> None:
    """Run a contributor's command; raise with its last word where it fails."""
    try:
        status, last = run_command(arguments, log, look)
    except OSError as error:
        raise ContributionError(
            f"{contributor}: {arguments[0]} cannot be started ({error.strerror}); check the command"
        ) from None
    if status != 0:
        raise ContributionError(
            f"{contributor}: {arguments[0]} ended with {status}: {last or 'it said nothing'}; "
            f"its whole output is in {log}"
        )
