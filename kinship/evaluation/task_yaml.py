"""Read a task's YAML file as the harness does, but without running the functions that it names."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import yaml

from kinship.errors import TaskError
from kinship.yaml_text import YamlError, load_yaml

__all__ = ["file_digest", "read_yaml"]


class _Loader(yaml.SafeLoader):
    """Takes ``!function module.name`` for the name and a digest of its module, other tags for their text."""


def _function(loader: _Loader, _suffix: str, node: yaml.Node) -> Any:
    said = str(loader.construct_scalar(node)) if isinstance(node, yaml.ScalarNode) else str(node.tag)
    module = Path(loader.name).parent / f"{said.rpartition('.')[0].replace('.', '/')}.py"
    return [said, file_digest(module)] if module.is_file() else said


_Loader.add_multi_constructor("!", _function)


def read_yaml(file: Path, _above: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Return the configuration in `file`, what it includes merged in; empty where it holds no mapping.

    Raises
    ------
    TaskError
        The file, or one that it includes, cannot be read as YAML, or includes itself.
    """
    try:
        with file.open(encoding="utf-8") as stream:
            config = load_yaml(stream, _Loader)
    except OSError as error:
        raise TaskError(f"{file}: cannot be read ({error.strerror}); see that it is there") from None
    except YamlError as error:
        line = f", line {error.line}" if error.line else ""
        raise TaskError(f"{file}{line}: this is not valid YAML ({error.problem}); correct it") from None
    if not isinstance(config, dict):
        return {}
    included: dict[str, Any] = {}
    names = config.pop("include", [])
    for name in names if isinstance(names, list) else [names]:
        other = (file.parent / str(name)).resolve()
        if other in (*_above, file.resolve()):
            raise TaskError(f"{file}: includes itself by way of {name}; take that out")
        included |= read_yaml(other, (*_above, file.resolve()))
    return included | config


def file_digest(file: Path) -> str:
    """Return the SHA-256 of a file's content."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
