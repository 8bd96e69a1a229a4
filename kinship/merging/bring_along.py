"""Give a child what mergekit leaves behind: it copies some files of the base or the first parent, and that is all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from kinship.checkpoints.config import read_object
from kinship.checkpoints.tokenizer import tokenizer_files, vocabulary_files
from kinship.merging.companions import (
    CHAT_TEMPLATES,
    GENERATION,
    PROCESSORS,
    STOPS,
    chat_template,
    code_files,
    special_tokens,
    tokenizer_source,
)
from kinship.merging.finding import listed
from kinship.merging.recipe import Recipe
from kinship.merging.vocabulary_files import read_vocabulary

__all__ = ["bring_along"]

_TEMPLATES = "additional_chat_templates"


def bring_along(recipe: Recipe, child: Path) -> tuple[str, ...]:
    """Put into a child's folder what it needs and mergekit did not write; return a phrase for each thing.

    The tokenizer's files and its chat template are those of the tokenizer's source; the ids of special tokens too, as
    they are ids of that tokenizer. Code and the settings of a processor belong to the config's source.

    Parameters
    ----------
    recipe : Recipe
        With absolute paths; the base or else the first parent gives the config.
    child : Path
        The folder that mergekit wrote.
    """
    config_source = Path(recipe.parts(recipe.base or recipe.parents[0].path)[0])
    named = tokenizer_source(recipe)
    source = Path(recipe.parts(named)[0]) if named else config_source
    found = [
        *_tokenizer(source, child, template=not (recipe.raw or {}).get("chat_template")),
        *_copied([GENERATION], source, child),
        *_copied([GENERATION], config_source, child),
        *(_special_ids(source, child) if source != config_source else ()),
        *_copied([*code_files(config_source), *PROCESSORS], config_source, child),
        *_copied(code_files(source), source, child),
    ]
    return tuple(found)


def _tokenizer(source: Path, child: Path, *, template: bool) -> Iterator[str]:
    """Copy the tokenizer's files where mergekit wrote none or copied some, and the chat template if it is lost."""
    files = [file.name for file in tokenizer_files(source) if file.name not in CHAT_TEMPLATES]
    copied = any(_equal(source / name, child / name) for name in ("tokenizer.json", "tokenizer.model"))
    if copied or not vocabulary_files(child):
        yield from _copied(files, source, child)
    if template and chat_template(child) is None and chat_template(source) is not None:
        yield from _copied(CHAT_TEMPLATES, source, child)
        config = read_object(child / "tokenizer_config.json")
        if chat_template(child) is None and config:
            config["chat_template"] = chat_template(source)
            _write(child / "tokenizer_config.json", config)
            yield f"the chat template of {source.name}"
    if template and (source / _TEMPLATES).is_dir() and not (child / _TEMPLATES).exists():
        shutil.copytree(source / _TEMPLATES, child / _TEMPLATES)
        yield f"{_TEMPLATES} of {source.name}"


def _special_ids(source: Path, child: Path) -> Iterator[str]:
    """Give the child's configs the ids of special tokens in its own tokenizer, not in that of the config's source."""
    said = read_object(source / "config.json")
    text = said.get("text_config") if isinstance(said.get("text_config"), dict) else {}
    tokens, vocabulary = special_tokens(source), read_vocabulary(source) or {}
    known = {key: vocabulary[token] for key in STOPS if (token := tokens.get(key.removesuffix("_id"))) in vocabulary}
    stated = {key: one[key] for one in (text or {}, said) for key in STOPS if one.get(key) is not None}
    own = {key: value for key, value in read_object(source / GENERATION).items() if key in STOPS and value is not None}
    for name, more in (("config.json", {}), (GENERATION, own)):
        config = read_object(child / name)
        nested = config.get("text_config")
        changed = []
        for place in (config, nested if isinstance(nested, dict) else {}):
            ids = {key: known[key] for key in known if place.get(key) is not None} | stated | more
            for key, value in ids.items():
                if (key in place or place is config) and place.get(key) != value:
                    place[key] = value
                    changed.append(key)
        if config and changed:
            _write(child / name, config)
            yield f"{listed(dict.fromkeys(changed))} in {name} as in {source.name}, whose tokenizer it has"


def _copied(names: Iterable[str], source: Path, child: Path) -> Iterator[str]:
    found = [name for name in names if (source / name).is_file() and not (child / name).exists()]
    for name in found:
        shutil.copyfile(source / name, child / name)
    if found:
        yield f"{listed(found)} of {source.name}"


def _equal(one: Path, other: Path) -> bool:
    return one.is_file() and other.is_file() and one.read_bytes() == other.read_bytes()


def _write(file: Path, said: dict[str, object]) -> None:
    file.write_text(json.dumps(said, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
