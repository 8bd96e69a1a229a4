"""Which node a name means: paths, Hub ids, folder names and fingerprints of the same model lead to one node."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kinship.checkpoints import Checkpoint, is_hub_id

__all__ = ["Register"]


class Register:
    """The nodes of a graph under construction, found again by whatever name a source uses for them.

    Parameters
    ----------
    checkpoints : sequence of Checkpoint
        The models on this machine; two with the same fingerprint are one node with two names.
    names : sequence of str
        What each is shown as.
    """

    def __init__(self, checkpoints: Sequence[Checkpoint], names: Sequence[str]) -> None:
        self._about: dict[str, dict[str, object]] = {}
        self._aliases: dict[str, dict[str, None]] = {}
        self._by_alias: dict[str, str] = {}
        for one, name in zip(checkpoints, names, strict=True):
            if one.fingerprint not in self._about:
                self._add(one.fingerprint, name, path=str(one.path), licence=one.licence or "")
            for alias in (name, str(one.path), *_hub_name(one.path)):
                self._note(alias, one.fingerprint)

    def node(self, reference: str, below: str = "", fingerprint: str = "") -> str:
        """Return the node that a reference means; a model that is not known yet becomes one.

        Parameters
        ----------
        reference : str
            A path (absolute, or relative to `below`), a Hub id with or without revision, or a name.
        below : str
            Folder of the model that says so.
        fingerprint : str
            Of the model at that time, where it was written down.
        """
        if fingerprint in self._about:
            self._note(reference, fingerprint)
            return fingerprint
        for alias in _readings(reference, below, by_name=not (fingerprint and _exists(Path(reference)))):
            if alias in self._by_alias:
                self._note(reference, self._by_alias[alias])
                return self._by_alias[alias]
        name = reference.partition("@")[0] if is_hub_id(reference) else reference
        self._add(name, Path(name).name if name.startswith(("/", ".")) else name, path="", licence="")
        self._note(name, name)
        self._note(reference, name)
        return name

    def nodes(self) -> dict[str, dict[str, object]]:
        """Return name, aliases, path and licence of every node; no two nodes have the same name."""
        taken: set[str] = set()
        found = {}
        for node, about in self._about.items():
            name = str(about["name"])
            name = name if name not in taken else node
            taken.add(name)
            others = tuple(alias for alias in self._aliases[node] if alias != name)
            found[node] = about | {"name": name, "aliases": others}
        return found

    def _add(self, node: str, name: str, *, path: str, licence: str) -> None:
        self._about[node] = {"name": name, "path": path, "licence": licence}
        self._aliases[node] = {}

    def _note(self, alias: str, node: str) -> None:
        if alias.startswith("."):  # means another model in another folder
            return
        self._by_alias.setdefault(alias, node)
        self._aliases[node].setdefault(alias)


def _hub_name(path: Path) -> tuple[str, ...]:
    """The `org/name` of a snapshot in the Hub's cache."""
    if path.parent.name != "snapshots" or not path.parent.parent.name.startswith("models--"):
        return ()
    return ("/".join(path.parent.parent.name.removeprefix("models--").split("--", 1)),)


def _readings(reference: str, below: str, *, by_name: bool) -> list[str]:
    """What a reference may mean, most literal first: itself, a path, a path beside, a Hub id, the last part of it.

    The last part means nothing where the model itself is there, and is none of those that are known.
    """
    plain = reference.partition("@")[0]
    paths = [Path(reference).expanduser(), *([Path(below) / reference] if below else [])]
    resolved = [str(path.resolve()) for path in paths if _exists(path)]
    literal = [] if reference.startswith(".") else [reference]
    return [*literal, *resolved, plain, *([Path(plain).name] if by_name else [])]


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name too long for a path is none
        return False
