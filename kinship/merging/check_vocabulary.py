"""Whether the models of a recipe mean the same by their token ids."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from kinship.checkpoints.vocabulary import is_embedding
from kinship.merging.finding import Finding, Severity, listed
from kinship.merging.inputs import Input
from kinship.merging.recipe import Recipe

__all__ = ["check_vocabulary", "differing_tokens", "read_vocabulary"]

_MEND = "set tokenizer_source to union or base"


def check_vocabulary(recipe: Recipe, inputs: Sequence[Input]) -> Iterator[Finding]:
    """Yield what the sizes of the vocabularies and the tokens say; the tokenizer comes from the first input."""
    sizes = {one.name: _size(one) for one in inputs}
    rearranged = recipe.tokenizer or ((recipe.raw or {}).get("tokenizer") or {}).get("source")
    if rearranged:
        yield Finding("ok", "vocabulary", f"token ids are brought together (tokenizer from {rearranged})")
    elif len({size for size in sizes.values() if size}) > 1:
        told = listed(f"{size} in {name}" for name, size in sizes.items() if size)
        yield Finding("error", "vocabulary", f"the vocabularies differ in size ({told}); {_MEND}")
    else:
        yield from _tokens(inputs)
    lacking = [one.name for one in inputs if not _has_tokenizer(one.folder)]
    if inputs[0].name in lacking:
        severity: Severity = "error" if rearranged else "warning"
        yield Finding(
            severity, "tokenizer", f"{inputs[0].name} has no tokenizer for the child; copy one into its folder"
        )


def read_vocabulary(folder: Path) -> dict[str, int] | None:
    """Return the ids of all tokens in a `tokenizer.json`, or None where there is none that can be read."""
    try:
        said = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
        entries = said["model"]["vocab"]
        if isinstance(entries, list):  # unigram models list pairs of token and score
            entries = {pair[0]: position for position, pair in enumerate(entries)}
        return {**entries, **{one["content"]: one["id"] for one in said.get("added_tokens") or []}}
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None


def differing_tokens(ours: dict[str, int], theirs: dict[str, int]) -> list[str]:
    """Return the tokens that have another id in one of two vocabularies, or none, sorted by id."""
    either = ours | theirs
    return sorted((t for t in either if ours.get(t) != theirs.get(t)), key=lambda token: (either[token], token))


def _tokens(inputs: Sequence[Input]) -> Iterator[Finding]:
    first, same = inputs[0], True
    for one in inputs[1:]:
        ours, theirs = read_vocabulary(first.folder), read_vocabulary(one.folder)
        odd = differing_tokens(ours, theirs) if ours is not None and theirs is not None else []
        if odd:
            same = False
            number = f"{len(odd)} tokens have" if len(odd) > 1 else "1 token has"
            example = f"{odd[0]!r} is {_told(ours, odd[0])} there and {_told(theirs, odd[0])} here"
            message = f"{number} another id in {one.name} than in {first.name} ({example}); {_MEND}"
            yield Finding("warning", "vocabulary", message)
    if same:
        yield Finding("ok", "vocabulary", f"{_size(first) or 'an unknown number of'} tokens, the same in all")


def _told(vocabulary: dict[str, int] | None, token: str) -> str:
    return str((vocabulary or {}).get(token, "missing"))


def _size(one: Input) -> int | None:
    """Rows of the embedding, else what the config says."""
    for name, tensor in (one.checkpoint.tensors if one.checkpoint else {}).items():
        if is_embedding(name):
            return tensor.shape[0]
    return one.config.vocabulary


def _has_tokenizer(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt"))
