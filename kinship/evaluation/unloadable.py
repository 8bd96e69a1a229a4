"""Why transformers cannot load a folder as a language model, in words that say which file and what to do."""

from __future__ import annotations

from pathlib import Path

from kinship.checkpoints.config import read_object
from kinship.checkpoints.own_code import named_code
from kinship.checkpoints.tokenizer import vocabulary_files
from kinship.errors import CheckpointError

__all__ = ["lacks_tokenizer", "unloadable"]

_SEEING = ("vision_config", "audio_config", "vision_tower", "mm_vision_tower", "image_token_id", "image_token_index")
_BY_ITSELF = "evaluate it with lm_eval itself, and give its result file where published scores are read"


def lacks_tokenizer(folder: Path) -> CheckpointError | None:
    """Return the error for a folder without any file of a tokenizer, None where there is one."""
    if vocabulary_files(folder) or named_code(read_object(folder / "tokenizer_config.json")):
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
    config, said = read_object(folder / "config.json"), str(error or "").strip()
    kind = next(iter(config.get("architectures") or ()), config.get("model_type") or "a model of no name")
    code = _code(folder, "config.json") or _code(folder, "tokenizer_config.json")
    unknown = "does not recognize this architecture" in said
    writes_nothing = "Unrecognized configuration class" in said
    faults = (
        (
            code and (missing or unknown or writes_nothing or "trust_remote_code" in said),
            f"it needs code of {code}, and foreign code is not run here",
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


def _code(folder: Path, file: str) -> str:
    """Return whose code the `auto_map` of a config names, and which, in words; empty where it names none."""
    named = named_code(read_object(folder / file))
    return next((f"{place or 'its own'} (auto_map in {file}: {name})" for place, name in named), "")


def _first(text: str) -> str:
    return next(iter(text.splitlines()), "")
