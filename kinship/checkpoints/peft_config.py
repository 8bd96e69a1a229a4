"""What an `adapter_config.json` of PEFT says of the factors beside it, and which adapters are no change of weights."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import sqrt
from pathlib import Path
from typing import Any

from kinship.checkpoints.delta import Start
from kinship.checkpoints.vocabulary import is_embedding, is_head
from kinship.errors import CheckpointError

__all__ = [
    "matches",
    "rank",
    "refuse_unreadable",
    "replication",
    "saved_modules",
    "saves_whole",
    "scale",
    "start",
    "target_parameters",
    "token_indices",
]

_READ = ("LORA", "TRAINABLE_TOKENS", "LN_TUNING")
_PROMPTS = (
    "PROMPT_TUNING",
    "MULTITASK_PROMPT_TUNING",
    "P_TUNING",
    "PREFIX_TUNING",
    "ADAPTION_PROMPT",
    "CPT",
    "CARTRIDGE",
)
_MERGE = "merge it into its base first (PEFT's merge_and_unload) and give the result"
_CONVERT = "convert it with PEFT (save_pretrained with path_initial_model_for_weight_conversion), or merge it first"
_VARIANTS = {
    "alora_invocation_tokens": ("activated LoRA (aLoRA)", "acts behind its invocation tokens alone"),
    "arrow_config": ("Arrow", "is routed from token to token"),
    "use_qalora": ("QALoRA", "has factors for pooled inputs"),
    "use_bdlora": ("BD-LoRA", "has factors that are block-diagonal"),
    "kasa_config": ("KaSA", "takes the smallest singular values out of its base"),
    "monteclora_config": ("MonteCLoRA", "samples its factors"),
}
_HEADS_OF_TASKS = {
    "SEQ_CLS": ("classifier", "score"),
    "TOKEN_CLS": ("classifier", "score"),
    "QUESTION_ANS": ("qa_outputs",),
}
"""Modules that PEFT adds to modules_to_save by itself."""
_PLAIN_STARTS = ("true", "false", "none", "gaussian", "eva", "orthogonal", "mica")  # leave the base as it is
_LOST_STARTS = {
    "pissa_niter": ("fast PiSSA", "a random approximation of the base's singular vectors"),
    "corda": ("CorDA", "activations of the base on data that the adapter does not hold"),
    "loftq": ("LoftQ", "the error of a quantised base"),
    "lora_ga": ("LoRA-GA", "gradients of the base on data that the adapter does not hold"),
}


def refuse_unreadable(folder: Path, config: Mapping[str, Any]) -> None:
    """Refuse an adapter whose change of the weights does not follow from its files and its base, by its name.

    Raises
    ------
    CheckpointError
        Another kind than LoRA or trained tokens, a variant that is no change of weights, or an initialisation that took
        out of the base what cannot be found again.
    """
    kind = str(config.get("peft_type") or "LORA").upper()
    if kind in _PROMPTS:
        raise CheckpointError(folder, f"{kind} adapters change no weight", "leave it out; it has no kinship")
    if kind not in _READ:
        raise CheckpointError(folder, f"{kind} adapters are not low-rank deltas", _MERGE)
    for key, (name, why) in _VARIANTS.items():
        if config.get(key):
            raise CheckpointError(folder, f"this is {name}, which {why}: it is no low-rank delta", _MERGE)
    begun = _begun(config)
    for prefix, (name, source) in _LOST_STARTS.items():
        if begun.startswith(prefix):
            problem = f"this is {name}: its factors began as {source}, and what they took out of the base is not kept"
            raise CheckpointError(folder, problem, _CONVERT)
    if begun not in (*_PLAIN_STARTS, "pissa", "olora"):
        problem = f"its factors began in a way that is not known (init_lora_weights {begun})"
        raise CheckpointError(folder, problem, _MERGE)


def start(config: Mapping[str, Any]) -> Start:
    """Return what of the base the factors of its linear layers began as."""
    begun = _begun(config)
    return "pissa" if begun == "pissa" else "olora" if begun == "olora" else ""


def _begun(config: Mapping[str, Any]) -> str:
    return str(config.get("init_lora_weights", True)).lower()


def scale(config: Mapping[str, Any], module: str, of_rank: int) -> float:
    """Return the factor of B @ A: alpha over the rank, or over its root (rsLoRA, Kalajdzievski 2023)."""
    alpha = _by_pattern(config.get("alpha_pattern"), module, config.get("lora_alpha", 8))  # PEFT's default
    return float(alpha) / (sqrt(of_rank) if config.get("use_rslora") else of_rank)


def rank(config: Mapping[str, Any], module: str) -> int:
    """Return the rank that is asked for; factors of one matrix show it themselves, those of many do not."""
    return int(_by_pattern(config.get("rank_pattern"), module, config.get("r", 8)))


def _by_pattern(patterns: Any, module: str, default: Any) -> Any:
    """PEFT's rule: a pattern matches the end of a module's name, at a dot."""
    for pattern, value in (patterns or {}).items():
        if re.match(rf"(.*\.)?({pattern})$", module):
            return value
    return default


def matches(module: str, name: str) -> bool:
    """Tell whether a module is the one that a config calls `name`: by its whole name or by the end of it."""
    return module == name or module.endswith(f".{name}")


def target_parameters(config: Mapping[str, Any], module: str) -> tuple[str, ...]:
    """Return the parameters of a module that factors are for, innermost first; empty where they are for its weight.

    PEFT nests the factors of several parameters in the order in which the module registers them, which the config does
    not keep: in every model with fused experts, `gate_up_proj` is registered before `down_proj`.
    """
    found = set()
    for entry in config.get("target_parameters") or ():
        owner, _, parameter = str(entry).rpartition(".")
        if matches(module, owner) if owner else module.endswith("experts"):
            found.add(parameter)
    return tuple(sorted(found, key=lambda parameter: ("down" in parameter, parameter)))


def token_indices(config: Mapping[str, Any], module: str) -> tuple[int, ...]:
    """Return the tokens whose rows of an embedding are stored, in their order; empty where the config has none."""
    said = config.get("trainable_token_indices", config.get("token_indices"))
    if isinstance(said, Mapping):
        said = next((indices for name, indices in said.items() if matches(module, str(name))), None)
    return tuple(int(index) for index in said or ())


def saved_modules(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the modules that the adapter holds whole and may have added to the model."""
    said = config.get("modules_to_save")
    return tuple(str(name) for name in said) if isinstance(said, Sequence) and not isinstance(said, str) else ()


def saves_whole(config: Mapping[str, Any], name: str) -> bool:
    """Tell whether an adapter may hold a tensor whole, by its plain name.

    What it may: modules that the config or the task names, biases where these were trained, the norms of LN_TUNING,
    and embedding and head, which PEFT saves without a word where the vocabulary was resized.
    """
    module, _, last = name.rpartition(".")
    if str(config.get("peft_type")).upper() == "LN_TUNING" or (last == "bias" and _trains_biases(config)):
        return True
    saved = (*saved_modules(config), *_HEADS_OF_TASKS.get(str(config.get("task_type")), ()))
    parts = module.split(".")
    if any(".".join(parts[:end]).endswith(saved) for end in range(1, len(parts) + 1)):
        return True
    return is_embedding(f"{module}.weight") or is_head(f"{module}.weight")


def _trains_biases(config: Mapping[str, Any]) -> bool:
    return str(config.get("bias") or "none") != "none"


def replication(config: Mapping[str, Any]) -> tuple[tuple[int, int], ...]:
    """Return the ranges of the base's layers, end not included, that are stacked to the adapter's own model."""
    return tuple((int(first), int(last)) for first, last in config.get("layer_replication") or ())
