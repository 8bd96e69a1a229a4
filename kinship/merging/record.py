"""What a merged model says of how it was made: `kinship_merge.json` in its folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from kinship.checkpoints import open_checkpoint, tokenizer_digest
from kinship.merging.recipe import Recipe

__all__ = ["RECORD", "MergeRecord", "MergedModel", "make_record", "read_record", "write_record"]

RECORD = "kinship_merge.json"
Role = Literal["base", "parent", "tokenizer"]


@dataclass(frozen=True)
class MergedModel:
    """A model that went into a merge: where it lay, which bytes it was, as what it was taken, and its licence."""

    path: str
    fingerprint: str
    role: Role
    licence: str | None = None


@dataclass(frozen=True)
class MergeRecord:
    """How a merge was made.

    Attributes
    ----------
    digest : str
        Of the recipe and its models' weights and tokenizers; equal merges have the same.
    method : str
    seed : int
    models : tuple of MergedModel
    versions : Mapping of str to str
        Of the programs that made it.
    brought : tuple of str
        What the child was given beside what mergekit wrote.
    left : tuple of str
        Tensors of the models that the child does not have.
    """

    digest: str
    method: str
    seed: int
    models: tuple[MergedModel, ...]
    versions: Mapping[str, str]
    brought: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    @property
    def parents(self) -> tuple[MergedModel, ...]:
        """The models that were merged: an adapter is one, the model that it or the merge is based on is none."""
        return tuple(model for model in self.models if model.role == "parent")


def make_record(recipe: Recipe) -> MergeRecord:
    """Return the record of a merge that is about to be made, from the headers of its models.

    Raises
    ------
    CheckpointError
        A model is not on this machine or cannot be read.
    """
    from kinship import __version__

    roles: dict[str, Role] = {} if recipe.base is None else {recipe.parts(recipe.base)[0]: "base"}
    named = [recipe.parts(parent.path) for parent in recipe.parents]
    roles |= {under: "base" for under, *adapter in named if adapter}
    roles |= {parts[-1]: "parent" for parts in named}
    models = tuple(_merged(path, roles.get(path, "tokenizer")) for path in recipe.models)
    digest = recipe.digest({one.path: f"{one.fingerprint} {tokenizer_digest(Path(one.path))}" for one in models})
    versions = {"kinship": __version__} | {name: version(name) for name in ("mergekit", "torch", "transformers")}
    return MergeRecord(digest, recipe.method, recipe.seed, models, versions)


def _merged(path: str, role: Role) -> MergedModel:
    if role == "tokenizer":
        return MergedModel(path, tokenizer_digest(Path(path))[:32], role)
    checkpoint = open_checkpoint(path)
    return MergedModel(path, checkpoint.fingerprint, role, checkpoint.licence)


def write_record(folder: Path, record: MergeRecord) -> None:
    """Write the record into a model's folder."""
    (folder / RECORD).write_text(json.dumps(asdict(record), indent=1) + "\n", encoding="utf-8")


def read_record(folder: Path) -> MergeRecord | None:
    """Return the record of a merged model, or None where there is none that can be read."""
    try:
        said = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        models = tuple(MergedModel(**model) for model in said.pop("models"))
        brought, left = (tuple(said.pop(name, ())) for name in ("brought", "left"))
        return MergeRecord(**said, models=models, brought=brought, left=left)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
