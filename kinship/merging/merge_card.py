"""The model card of a merge."""

from __future__ import annotations

import os
import re
from pathlib import Path

import yaml

from kinship.merging.finding import listed
from kinship.merging.methods import METHODS
from kinship.merging.record import MergedModel, MergeRecord

__all__ = ["hub_id", "merge_card"]

_SNAPSHOT = re.compile(r"/models--([^/]+?)--([^/]+)/snapshots/[^/]+$")


def merge_card(name: str, record: MergeRecord, recipe: str, folder: Path | None) -> str:
    """Return the card of a merge as Markdown.

    Parameters
    ----------
    name : str
        Of the model.
    record : MergeRecord
        How it was made.
    recipe : str
        Its YAML.
    folder : Path or None
        Where the card will lie: parents on the same machine are named relative to it. None for a card that is
        published: it names only models that are on the Hub.
    """
    method = METHODS.get(record.method)
    title = method.title if method else record.method
    if method and method.paper:
        paper = method.paper
        title = f"{title} ([{paper.authors} {paper.year}]({paper.url}))"
    merged = [model for model in record.models if model.role in ("base", "parent")]
    licences = {model.licence for model in record.models if model.role != "tokenizer"}
    front = {
        "base_model": [name for name in (_named(model, folder) for model in merged) if name],
        "base_model_relation": "merge",
        "library_name": "transformers",
        "license": licences.pop() if len(licences) == 1 else None,
        "tags": ["mergekit", "merge", "model-kinship"],
    }
    parents = listed(f"`{_shown(model)}`" for model in record.parents)
    bases = [f"`{_shown(model)}`" for model in record.models if model.role == "base"]
    made = ", ".join(f"{program} {version}" for program, version in record.versions.items())
    lines = [
        "---",
        yaml.safe_dump({key: value for key, value in front.items() if value}, sort_keys=False).rstrip(),
        "---",
        "",
        f"# {name}",
        "",
        f"The weights of {parents} merged{f' on {bases[0]}' if bases else ''}, without training. Method: {title}.",
        *([method.does] if method else []),
        "",
        f"To make it again, give this recipe to `mergekit-yaml` with `--random-seed {record.seed}`:",
        "",
        "```yaml",
        recipe.rstrip(),
        "```",
        "",
        *_beside(record),
        f"Made with {made}. `kinship_merge.json` has the fingerprints of the models that went in.",
        "",
    ]
    return "\n".join(lines)


def _beside(record: MergeRecord) -> list[str]:
    """Say what the child was given beside its weights, and which weights of its parents it lacks."""
    told = []
    if record.brought:
        told += [f"mergekit aside, it was given {listed(record.brought)}.", ""]
    if record.left:
        told += [f"It lacks {listed(record.left)}.", ""]
    return told


def hub_id(path: str) -> str | None:
    """Return the `org/name` of a model in the Hub's cache, or None for any other path."""
    found = _SNAPSHOT.search(path)
    return f"{found[1]}/{found[2]}" if found else None


def _named(model: MergedModel, folder: Path | None) -> str | None:
    known = hub_id(model.path)
    return known if known or folder is None else os.path.relpath(model.path, folder)


def _shown(model: MergedModel) -> str:
    return hub_id(model.path) or Path(model.path).name
