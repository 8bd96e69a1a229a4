"""Whether the models of a recipe mean the same by their token ids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kinship.checkpoints.tokenizer import vocabulary_files
from kinship.checkpoints.vocabulary import is_embedding
from kinship.merging.finding import Finding, Severity, listed
from kinship.merging.inputs import Input
from kinship.merging.recipe import Recipe
from kinship.merging.vocabulary_files import read_vocabulary, same_files

__all__ = ["check_vocabulary", "differing_tokens"]

_MEND = "set tokenizer_source to union or base"


def check_vocabulary(recipe: Recipe, inputs: Sequence[Input]) -> Iterator[Finding]:
    """Yield what the sizes of the vocabularies and the tokens say; the tokenizer comes from the first input."""
    sizes = {one.name: _size(one) for one in inputs}
    rearranged = recipe.tokenizer or ((recipe.raw or {}).get("tokenizer") or {}).get("source")
    if rearranged:
        yield Finding("ok", "vocabulary", f"token ids are brought together (tokenizer from {rearranged})")
        bare = [one.name for one in inputs[1:] if not vocabulary_files(one.folder)]
        if bare:
            message = f"{listed(bare)} has no tokenizer, and mergekit takes its tokens for those of {inputs[0].name}"
            yield Finding("warning", "vocabulary", f"{message}; copy its tokenizer into its folder")
    elif len({size for size in sizes.values() if size}) > 1:
        told = listed(f"{size} in {name}" for name, size in sizes.items() if size)
        yield Finding("error", "vocabulary", f"the vocabularies differ in size ({told}); {_MEND}")
    else:
        yield from _tokens(inputs)
    if not vocabulary_files(inputs[0].folder):
        severity: Severity = "error" if rearranged else "warning"
        yield Finding(
            severity, "tokenizer", f"{inputs[0].name} has no tokenizer for the child; copy one into its folder"
        )


def differing_tokens(ours: dict[str, int], theirs: dict[str, int]) -> list[str]:
    """Return the tokens that have another id in one of two vocabularies, or none, sorted by id."""
    either = ours | theirs
    return sorted((t for t in either if ours.get(t) != theirs.get(t)), key=lambda token: (either[token], token))


def _tokens(inputs: Sequence[Input]) -> Iterator[Finding]:
    first, unread = inputs[0], []
    ours, same = read_vocabulary(first.folder), True
    for one in inputs[1:]:
        if same_files(first.folder, one.folder):
            continue
        theirs = read_vocabulary(one.folder)
        if ours is None or theirs is None:
            unread += [each.name for each, known in ((first, ours), (one, theirs)) if known is None]
            continue
        odd = differing_tokens(ours, theirs)
        if odd:
            same = False
            number = f"{len(odd)} tokens have" if len(odd) > 1 else "1 token has"
            example = f"{odd[0]!r} is {_told(ours, odd[0])} there and {_told(theirs, odd[0])} here"
            message = f"{number} another id in {one.name} than in {first.name} ({example}); {_MEND}"
            yield Finding("warning", "vocabulary", message)
    unread = [name for name in unread if name != first.name or vocabulary_files(first.folder)]
    if unread:
        message = f"the vocabulary of {listed(dict.fromkeys(unread))} cannot be read here, so tokens were not compared"
        yield Finding("warning", "vocabulary", f"{message}; save the tokenizer as tokenizer.json, or {_MEND}")
    elif same and (ours is not None or len(inputs) == 1):
        yield Finding("ok", "vocabulary", f"{_size(first) or 'an unknown number of'} tokens, the same in all")


def _told(vocabulary: dict[str, int] | None, token: str) -> str:
    return str((vocabulary or {}).get(token, "missing"))


def _size(one: Input) -> int | None:
    """Rows of the embedding, else what the config says."""
    for name, tensor in (one.checkpoint.tensors if one.checkpoint else {}).items():
        if is_embedding(name):
            return tensor.shape[0]
    return one.config.vocabulary
