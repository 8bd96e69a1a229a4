"""Which node a name means: paths, Hub ids, folder names and fingerprints of the same model lead to one node."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from kinship.checkpoints import Checkpoint, is_hub_id
from kinship.paths import expanded, is_there

__all__ = ["Register"]

_CLONED = re.compile(r"url\s*=\s*\S*?(?:huggingface\.co|hf\.co)[/:]([\w.-]+/[\w.-]+?)(?:\.git)?/?\s*$", re.MULTILINE)


class Register:
    """The nodes of a graph under construction, found again by whatever name a source uses for them.

    A Hub id is matched whole or not at all: mirrors of a model bear its last name and are other models. Where it is
    not known which Hub id a folder has, and one id alone is named that ends in the folder's name, the folder is guessed
    to be that model, and `guesses` says so.

    Parameters
    ----------
    checkpoints : sequence of Checkpoint
        The models on this machine; two with the same fingerprint are one node with two names.
    names : sequence of str
        What each is shown as.
    references : iterable of str
        All names that the sources use.
    """

    def __init__(self, checkpoints: Sequence[Checkpoint], names: Sequence[str], references: Iterable[str] = ()) -> None:
        self._about: dict[str, dict[str, object]] = {}
        self._aliases: dict[str, dict[str, None]] = {}
        self._by_alias: dict[str, str] = {}
        self._identified: set[str] = set()
        self._guessed: dict[str, str] = {}
        ids = {reference.partition("@")[0] for reference in references if is_hub_id(reference)}
        for one, name in zip(checkpoints, names, strict=True):
            if one.fingerprint not in self._about:
                self._add(one.fingerprint, name, path=str(one.path), licence=one.licence or "")
            hub = _hub_id(one.path, ids)
            if hub is not None:
                self._identified.add(one.fingerprint)
            for alias in (name, str(one.path), *([hub] if hub else [])):
                self._note(alias, one.fingerprint)
            self._by_alias.setdefault(str(one.path.resolve()), one.fingerprint)
        self._mirrors: dict[str, set[str]] = {}
        for plain in ids - self._by_alias.keys():
            self._mirrors.setdefault(plain.rpartition("/")[2], set()).add(plain)

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
        for alias in _readings(reference, below):
            if alias in self._by_alias:
                self._note(reference, self._by_alias[alias])
                return self._by_alias[alias]
        if not (fingerprint and is_there(Path(reference))):
            guess = self._guess(reference.partition("@")[0])
            if guess is not None:
                self._guessed[reference] = guess
                self._note(reference, guess)
                return guess
        name = reference.partition("@")[0] if is_hub_id(reference) else reference
        self._add(name, Path(name).name if name.startswith(("/", ".")) else name, path="", licence="")
        self._note(name, name)
        self._note(reference, name)
        return name

    def is_guess(self, reference: str) -> bool:
        """Tell whether a reference was taken for a model by its last name alone."""
        return reference in self._guessed

    @property
    def guesses(self) -> tuple[str, ...]:
        """A sentence for each model that was taken for another by its last name, or could not be told from a mirror."""
        taken = [
            f"{reference} is taken for {self._about[node]['name']} on this machine, by its last name alone"
            for reference, node in self._guessed.items()
        ]
        alike = [
            f"{' and '.join(sorted(ids))} bear the same last name; neither is taken for {last} on this machine"
            for last, ids in self._mirrors.items()
            if len(ids) > 1 and self._nameless(last)
        ]
        return (*taken, *alike)

    def _guess(self, plain: str) -> str | None:
        last = Path(plain).name
        return self._nameless(last) if len(self._mirrors.get(last, ())) < 2 else None

    def _nameless(self, folder: str) -> str | None:
        """The model on this machine whose folder is called so and whose Hub id is not known."""
        node = self._by_alias.get(folder)
        return node if node is not None and self._about[node]["path"] and node not in self._identified else None

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


def _hub_id(path: Path, named: Collection[str]) -> str | None:
    """The `org/name` of a snapshot in the Hub's cache, a clone of a repository there, or a folder `org/name`."""
    if path.parent.name == "snapshots" and path.parent.parent.name.startswith("models--"):
        return "/".join(path.parent.parent.name.removeprefix("models--").split("--", 1))
    try:
        found = _CLONED.search((path / ".git" / "config").read_text(encoding="utf-8", errors="replace"))
    except OSError:
        found = None
    if found is not None:
        return found[1]
    last_two = f"{path.parent.name}/{path.name}"
    return last_two if last_two in named else None


def _readings(reference: str, below: str) -> list[str]:
    """What a reference may mean, most literal first: itself, a path, a path beside, a Hub id, a folder called after it.

    Programs that download models call the folder of `org/name` `org_name`, `org--name` or `org__name`.
    """
    plain = reference.partition("@")[0]
    paths = [expanded(reference), *([Path(below) / reference] if below else [])]
    there = [path for path in paths if is_there(path)]
    resolved = [*(str(path.resolve()) for path in there), *(os.path.normpath(path) for path in there)]
    literal = [] if reference.startswith(".") else [reference]
    folders = [plain.replace("/", between) for between in ("_", "--", "__")] if is_hub_id(plain) else []
    return [*literal, *resolved, plain, *folders]
