"""How scores are made and models are named: the options that commands share, and what their texts mean."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinship.checkpoints import local_path
from kinship.errors import KinshipError
from kinship.evaluation import Dtype
from kinship.report import Report
from kinship.similarity import Device

if TYPE_CHECKING:
    from kinship.runs.kind import Keep

__all__ = [
    "AllowPartial",
    "BatchSize",
    "ChatTemplate",
    "FewShot",
    "IncludePath",
    "Keeping",
    "Limit",
    "Place",
    "Precision",
    "Rescore",
    "Tasks",
    "absolute",
    "keep_of",
    "local",
    "names_in",
]

AllowPartial = Annotated[
    bool,
    typer.Option("--allow-partial", help="Compare the common part even where it is less than half."),
]
Tasks = Annotated[str, typer.Option(help="Names or paths of own text, with commas between; `demo` means its four.")]
IncludePath = Annotated[Path | None, typer.Option(help="A folder with your own task files.")]
Limit = Annotated[int | None, typer.Option(help="At most so many questions a task; a search asks each half so many.")]
Place = Annotated[Device, typer.Option(help="Where to compute.")]
Precision = Annotated[Dtype, typer.Option(help="Of evaluation; auto is the checkpoint's own.")]
BatchSize = Annotated[int, typer.Option(help="Requests in one forward pass: more is faster where memory allows.")]
FewShot = Annotated[int | None, typer.Option(help="Examples before each question.")]
Rescore = Annotated[
    bool, typer.Option("--rescore", help="Score all models anew where the questions have changed since it began.")
]
Keeping = Annotated[
    str | None,
    typer.Option(
        "--keep",
        metavar="all|best|N",
        help="Models that stay when it is over: all, the best with its parents and the best baseline, or N of the "
        "best; recipes always stay. Without it as it began, and best where it begins.",
    ),
]
ChatTemplate = Annotated[bool, typer.Option("--apply-chat-template", help="Use the chat template.")]


def keep_of(text: str | None) -> Keep | None:
    """Return which models stay; KinshipError where the text is neither all, best nor a number."""
    if text is None or text in ("all", "best"):
        return text  # type: ignore[return-value]
    if not text.isdecimal():
        raise KinshipError(f"--keep {text} is none of all, best and a number from 0 on; give one of them")
    return int(text)


def names_in(text: str) -> tuple[str, ...]:
    """Return the names in a text that has commas between them."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def absolute(path: Path | None) -> str | None:
    """Return the whole path, which a job or record can keep; None stays."""
    return None if path is None else str(path.absolute())


def local(source: str, report: Report) -> str:
    """Return the whole path of a model, downloaded first where it is a Hub id."""
    return str(Path(local_path(source, report)).absolute())
