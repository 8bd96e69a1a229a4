"""What a task is before the harness has read it, and which tasks a name of an index stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kinship.errors import TaskError

__all__ = ["Entry", "Task", "entry_of", "expand"]


@dataclass(frozen=True)
class Task:
    """One task, found but not yet read by the harness.

    Attributes
    ----------
    name : str
        As it appears in answers: what the harness calls it; for own text, the name of its file or folder.
    digest : str or None
        Digest of its configuration and its data; None where only the harness can tell, because it has the data.
    folder : Path or None
        Where its YAML file lies, at any depth; None for the harness's own tasks and for own text.
    config : Mapping or None
        The whole configuration of a task made from own text.
    documents : tuple of Mapping
        The questions of a task made from own text.
    """

    name: str
    digest: str | None = None
    folder: Path | None = None
    config: Mapping[str, Any] | None = field(default=None, repr=False)
    documents: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)

    @property
    def answers(self) -> tuple[str, ...]:
        """The answers to be generated, where it is made from own text that has them."""
        if self.config is None or self.config["output_type"] != "generate_until":
            return ()
        return tuple(str(one["answer"]) for one in self.documents)

    @property
    def key(self) -> tuple[str, str | None, Path | None]:
        """What tells it from other tasks."""
        return self.name, self.digest, self.folder


@dataclass(frozen=True)
class Entry:
    """A task, group or tag of an index.

    Attributes
    ----------
    members : tuple or None
        What a group or tag holds, names or mappings with settings of their own; None for a task.
    scored : bool
        Whether it has a score of its own; a tag has none, a group only where it says how to aggregate.
    """

    name: str
    members: tuple[Any, ...] | None = None
    scored: bool = True


def entry_of(name: str, config: Mapping[str, Any]) -> Entry:
    """Return the entry of a task's or a group's configuration."""
    if "group" not in config:
        return Entry(name)
    members = config.get("task") or []
    listed = tuple(members) if isinstance(members, list) else (members,)
    return Entry(name, listed, scored=bool(config.get("aggregate_metric_list")))


def expand(name: str, index: Mapping[str, Entry]) -> list[str]:
    """Return the names that have a score: the name itself, or the members of a tag or of a group that has none.

    Raises
    ------
    TaskError
        A member is not in the index, or is given settings of its own that it would lose outside its group.
    """
    entry = index[name]
    if entry.scored:
        return [name]
    found: list[str] = []
    for member in entry.members or ():
        if not isinstance(member, str):
            raise TaskError(f"the group {name} sets options of its members; name the tasks that it holds instead")
        if member not in index:
            raise TaskError(f"the group {name} names {member}, which is no task here; correct its YAML file")
        found += expand(member, index)
    return list(dict.fromkeys(found))
