"""Find every checkpoint below a folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from kinship.checkpoints.checkpoint import Checkpoint
from kinship.checkpoints.files import NOT_MODELS, weight_files
from kinship.checkpoints.open import default_name, open_checkpoint
from kinship.checkpoints.torch_file import TORCH_SUFFIXES
from kinship.errors import CheckpointError
from kinship.paths import expanded

__all__ = ["Scan", "find_checkpoints", "scan"]

_MARKS = ("config.json", "adapter_config.json", "model.safetensors.index.json", "pytorch_model.bin.index.json")
_MAKERS = "consolidated"  # how the makers of a model call its weights, which are one checkpoint
_SAME_AGAIN = "original"  # below a model's folder: the same weights as its makers ship them
_SUFFIXES = (".safetensors", ".gguf", *TORCH_SUFFIXES)


@dataclass(frozen=True)
class Scan:
    """What was found: checkpoints by name, and a sentence for each one that could not be opened."""

    checkpoints: tuple[Checkpoint, ...]
    problems: tuple[str, ...]


def find_checkpoints(folder: Path | str) -> list[Path]:
    """Return the paths that look like checkpoints below (and at) `folder`, sorted; nothing is opened.

    A folder with a config, or with the consolidated files of a model's makers, is one checkpoint; without, each weight
    file in it is.

    Raises
    ------
    CheckpointError
        The folder is missing or may not be read, or it is a file that holds no weights.
    """
    folder = expanded(folder).absolute()
    try:
        if folder.is_file():
            return weight_files(folder)
        next(folder.iterdir(), None)
    except FileNotFoundError:
        raise CheckpointError(folder, "there is no such folder", "check the path") from None
    except OSError as error:
        raise CheckpointError(folder, f"cannot be read ({error.strerror})", "mend its permissions") from None
    found: list[Path] = []
    seen: set[Path] = set()
    unreadable = lambda error: found.append(Path(error.filename))  # noqa: E731
    for place, below, names in os.walk(folder, onerror=unreadable, followlinks=True):
        real = Path(place).resolve()
        below[:] = sorted(name for name in below if not name.startswith(".") and real not in seen)
        if real in seen:
            continue
        seen.add(real)
        weights = [n for n in names if n.endswith(_SUFFIXES) and not n.startswith((".", *NOT_MODELS))]
        if weights and (any(mark in names for mark in _MARKS) or any(n.startswith(_MAKERS) for n in weights)):
            found.append(Path(place))
            below[:] = [name for name in below if name != _SAME_AGAIN]
        else:
            found.extend(Path(place, name) for name in weights)
    return sorted(found)


def scan(folder: Path | str) -> Scan:
    """Open every checkpoint below `folder`; one that cannot be opened becomes a problem, not an error.

    Examples
    --------
    >>> from kinship.demo import demo_path
    >>> found = scan(demo_path())
    >>> [one.name for one in found.checkpoints[:3]], found.problems
    (['addition', 'addition-sibling', 'base'], ())
    """
    checkpoints, problems = [], []
    for path in find_checkpoints(folder):
        try:
            checkpoints.append(open_checkpoint(path))
        except CheckpointError as error:
            problems.append(str(error))
    checkpoints.sort(key=lambda c: (default_name(c.path), str(c.path)))
    return Scan(tuple(checkpoints), tuple(problems))
