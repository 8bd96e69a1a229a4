"""Why transformers cannot load a folder as a language model, in words that say which file and what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kinship.errors import CheckpointError

__all__ = ["lacks_tokenizer", "unloadable"]

_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "*.model", "vocab.*", "*.tiktoken", "tekken.json", "*vocab*.txt")
_SEEING = ("vision_config", "audio_config", "vision_tower", "mm_vision_tower", "image_token_id", "image_token_index")
_BY_ITSELF = "evaluate it with lm_eval itself, and give its result file where published scores are read"


def lacks_tokenizer(folder: Path) -> CheckpointError | None:
    """Return the error for a folder without any file of a tokenizer, None where there is one."""
    if any(next(folder.glob(pattern), None) for pattern in _TOKENIZERS) or _own_code(folder, "tokenizer_config.json"):
        return None
    mend = "copy tokenizer.json and tokenizer_config.json from the model that it was made from"
    return CheckpointError(folder, "it has no tokenizer", mend)


def unloadable(
    folder: Path, error: Exception | None = None, *, missing: str = "", tokenizer: bool = False
) -> CheckpointError:
    """Return the error for a model that could not be loaded.

    Parameters
    ----------
    folder : Path
        The model's, with config.json.
    error : Exception, optional
        What transformers raised.
    missing : str
        A tensor that its files do not hold, where transformers raised nothing.
    tokenizer : bool
        It was raised for the tokenizer.
    """
    config, said = _json(folder / "config.json"), str(error or "").strip()
    kind = next(iter(config.get("architectures") or ()), config.get("model_type") or "a model of no name")
    code = _own_code(folder, "config.json") or _own_code(folder, "tokenizer_config.json")
    unknown = "does not recognize this architecture" in said
    writes_nothing = "Unrecognized configuration class" in said
    faults = (
        (
            code and (missing or unknown or writes_nothing or "trust_remote_code" in said),
            f"it needs code of its own ({code}), and foreign code is not run here",
            f"save it in a layout that transformers knows, or {_BY_ITSELF}",
        ),
        (
            (missing or writes_nothing) and any(key in config for key in _SEEING),
            f"it is a {kind}, whose language model cannot be loaded without what sees or hears",
            f"save its language model by itself, or {_BY_ITSELF}",
        ),
        (missing, f"it lacks {missing}", "copy or download the weights again"),
        (
            writes_nothing,
            f"its config.json says {kind}, which does not write text",
            "give a causal or a sequence-to-sequence language model",
        ),
        (
            unknown,
            f"its config.json says model_type {config.get('model_type')}, which this transformers does not know",
            "correct it, or install a newer transformers",
        ),
        (
            tokenizer,
            f"its tokenizer cannot be loaded ({_first(said) or type(error).__name__})",
            "copy tokenizer.json and tokenizer_config.json from the model that it was made from",
        ),
        (True, f"transformers cannot load it ({_first(said) or type(error).__name__})", "mend the folder"),
    )
    problem, mend = next((problem, mend) for holds, problem, mend in faults if holds)
    return CheckpointError(folder, problem, mend)


def _own_code(folder: Path, name: str) -> str:
    """Return what a config's `auto_map` names, empty where it names nothing."""
    named = _json(folder / name).get("auto_map")
    found = next(iter(named.values()), "") if isinstance(named, dict) else named or ""
    found = next((one for one in found if one), "") if isinstance(found, list | tuple) else found
    return f"auto_map in {name}: {found}" if found else ""


def _json(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _first(text: str) -> str:
    return next(iter(text.splitlines()), "")
