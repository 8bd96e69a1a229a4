"""What the child will bring along beside its weights: chat template, special and stop tokens, settings and code."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from kinship.merging.companions import (
    GENERATION,
    PROCESSORS,
    chat_template,
    code_files,
    special_tokens,
    stop_tokens,
    tokenizer_source,
)
from kinship.merging.finding import Finding, listed
from kinship.merging.inputs import Input
from kinship.merging.recipe import Recipe

__all__ = ["check_companions"]


def check_companions(recipe: Recipe, inputs: Sequence[Input]) -> Iterator[Finding]:
    """Yield what differs between the models beside their weights; the first gives the child's config."""
    source = tokenizer_source(recipe)
    named = next((one for one in inputs if one.model == source), None)
    folder = named.folder if named else Path(source) if source else inputs[0].folder
    name = named.name if named else folder.name
    folders = {name: folder} | {one.name: one.folder for one in inputs}
    yield from _templates(recipe, folders)
    yield from _tokens(folders)
    first = inputs[0].folder
    settings = [GENERATION] if any((one / GENERATION).is_file() for one in (folder, first)) else []
    processors = [file for file in PROCESSORS if (first / file).is_file()]
    code = dict.fromkeys((*code_files(first), *code_files(folder)))
    if settings or processors or code:
        yield Finding("ok", "files", f"the child brings along {listed([*settings, *processors, *code])}")


def _templates(recipe: Recipe, folders: Mapping[str, Path]) -> Iterator[Finding]:
    asked = (recipe.raw or {}).get("chat_template")
    if asked:
        fault = _template_fault(str(asked))
        yield fault or Finding("ok", "chat template", f"as the recipe says ({str(asked)[:40]})")
        return
    templates = {name: chat_template(folder) for name, folder in folders.items()}
    (first, ours), *others = templates.items()
    having = [name for name, template in others if template]
    other = [name for name in having if templates[name] != ours]
    if ours is None and having:
        message = f"the child has no chat template: its tokenizer is that of {first}, which has none"
        mend = f"set tokenizer_source to one of them, or chat_template to auto ({listed(having)} has one)"
        yield Finding("warning", "chat template", f"{message}; {mend}")
    elif other:
        message = f"the chat template of {listed(other)} is another than that of {first}, which the child has"
        yield Finding("warning", "chat template", f"{message}; set chat_template or tokenizer_source to choose")


def _template_fault(asked: str) -> Finding | None:
    """Return why mergekit would refuse a chat template, which it does when all tensors are merged."""
    known = _known_templates()
    if asked == "auto" or asked in known or ("{" in asked and len(asked) >= 20):
        return None
    message = f"mergekit has no chat template {asked[:40]!r}; give auto, one of {listed(known)}, or the template itself"
    return Finding("error", "chat template", message)


def _known_templates() -> list[str]:
    spec = find_spec("mergekit")
    folders = [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
    return sorted(file.stem for folder in folders for file in folder.glob("_data/chat_templates/*.jinja"))


def _tokens(folders: Mapping[str, Path]) -> Iterator[Finding]:
    special = {name: special_tokens(folder) for name, folder in folders.items()}
    for role in sorted(set().union(*special.values())):
        yield from _differing(role, {name: one.get(role) for name, one in special.items()}, repr)
    yield from _differing("stop tokens", {name: stop_tokens(folder) for name, folder in folders.items()}, str)


def _differing(what: str, values: Mapping[str, Any], told: Callable[[Any], str]) -> Iterator[Finding]:
    """Yield a warning where models that state a value state different ones; the first model's is the child's."""
    models: dict[str, list[str]] = {}
    for name, value in values.items():
        if value is not None:
            models.setdefault(told(value), []).append(name)
    if len(models) > 1:
        first = next(iter(values))
        both = listed(f"{value} in {listed(names)}" for value, names in models.items())
        whose = f"the child takes what {first} has"
        mend = "set tokenizer_source to the model whose it shall have"
        yield Finding("warning", "special tokens", f"{what} differ: {both}; {whose}; {mend}")
