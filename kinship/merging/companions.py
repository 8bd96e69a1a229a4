"""What a model has beside its weights, so that it answers as it does: chat template, special and stop tokens, code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kinship.checkpoints.config import read_object
from kinship.checkpoints.own_code import named_code
from kinship.merging.recipe import Recipe
from kinship.merging.references import TOKENIZER_WORDS

__all__ = [
    "CHAT_TEMPLATES", "GENERATION", "PROCESSORS", "STOPS", "chat_template", "code_files", "special_tokens",
    "stop_tokens", "tokenizer_source",
]  # fmt: skip

GENERATION = "generation_config.json"
CHAT_TEMPLATES = ("chat_template.jinja", "chat_template.json")
PROCESSORS = ("preprocessor_config.json", "processor_config.json", "video_preprocessor_config.json")
STOPS = ("bos_token_id", "eos_token_id", "pad_token_id")
_SPECIAL = ("bos_token", "eos_token", "pad_token", "unk_token")


def tokenizer_source(recipe: Recipe) -> str | None:
    """Return the model that the child's tokenizer comes from, None where that is the one its config comes from."""
    source = recipe.tokenizer or ((recipe.raw or {}).get("tokenizer") or {}).get("source")
    if source is None or source in TOKENIZER_WORDS:
        return None
    return source if isinstance(source, str) else Recipe.from_config(_naming(source)).parents[0].path


def _naming(source: Any) -> dict[str, Any]:
    return {"merge_method": "passthrough", "models": [{"model": source}]}


def chat_template(folder: Path) -> Any:
    """Return a model's chat template, a text or several by name; None where it has none."""
    for name in CHAT_TEMPLATES:
        file = folder / name
        if file.is_file():
            text = file.read_text(encoding="utf-8", errors="replace")
            return text if name.endswith(".jinja") else read_object(file).get("chat_template")
    return read_object(folder / "tokenizer_config.json").get("chat_template") or None


def special_tokens(folder: Path) -> dict[str, str]:
    """Return the special tokens of a model's tokenizer by their role."""
    said = read_object(folder / "special_tokens_map.json") | read_object(folder / "tokenizer_config.json")
    found = {role: said[role] for role in _SPECIAL if said.get(role) is not None}
    return {role: str(one.get("content") if isinstance(one, Mapping) else one) for role, one in found.items()}


def stop_tokens(folder: Path) -> Any:
    """Return the ids that end an answer, sorted: as the generation config says, else the config; None without any."""
    for name in (GENERATION, "config.json"):
        said = read_object(folder / name)
        nested = said.get("text_config")
        ids = said.get("eos_token_id", nested.get("eos_token_id") if isinstance(nested, Mapping) else None)
        if ids is not None:
            return sorted(one for one in (ids if isinstance(ids, list) else [ids]) if isinstance(one, int))
    return None


def code_files(folder: Path) -> tuple[str, ...]:
    """Return the Python files beside a model whose config or tokenizer refers to code of its own (`auto_map`)."""
    said = [read_object(folder / name) for name in ("config.json", "tokenizer_config.json")]
    if not any(place == "" for one in said for place, _ in named_code(one)):
        return ()
    return tuple(sorted(file.name for file in folder.glob("*.py")))
