"""Read a LoRA adapter folder as low-rank deltas: B @ A * scale, by the weight that it changes (Hu et al. 2021)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import sqrt
from pathlib import Path
from typing import Any

from kinship.checkpoints.checkpoint import LowRank
from kinship.checkpoints.header import ITEM_BYTES, Tensor
from kinship.errors import CheckpointError

__all__ = ["read_adapter"]

_MEND = "save the adapter again with PEFT"
_PREFIX = "base_model.model."
_WRAPPED = re.compile(r"\.(?:base_layer|modules_to_save(?:\.default)?)(?=\.)")
_FACTOR = re.compile(r"(?P<module>.+)\.lora_(?P<factor>(?:embedding_)?[AB])(?:\.default)?(?:\.weight)?$")


def read_adapter(
    folder: Path, config: Mapping[str, Any], tensors: Mapping[str, Tensor]
) -> tuple[dict[str, LowRank], dict[str, Tensor]]:
    """Return the low-rank deltas and the tensors stored whole, both by the base model's tensor names.

    Parameters
    ----------
    folder : Path
        For messages.
    config : Mapping
        The `adapter_config.json` that PEFT wrote.
    tensors : Mapping of str to Tensor
        The adapter's own tensors.

    Raises
    ------
    CheckpointError
        The adapter is not a plain LoRA, or one of a pair of factors is missing or of another rank.
    """
    kind = str(config.get("peft_type", "LORA")).upper()
    if kind != "LORA" or config.get("use_dora"):
        kind = "DoRA" if config.get("use_dora") else kind
        raise CheckpointError(folder, f"{kind} adapters are not low-rank deltas", "merge it into its base first")
    factors: dict[str, dict[str, Tensor]] = {}
    whole: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        plain = name.removeprefix(_PREFIX)
        found = _FACTOR.match(plain)
        if found is None:
            whole[_WRAPPED.sub("", plain)] = tensor
        else:
            factors.setdefault(found["module"], {})[found["factor"]] = tensor
    try:
        pairs = {f"{module}.weight": _pair(folder, config, module, pair) for module, pair in factors.items()}
    except (TypeError, ValueError, AttributeError, ZeroDivisionError, re.error):
        file = folder / "adapter_config.json"
        raise CheckpointError(file, "alpha, rank or their patterns make no sense", _MEND) from None
    return pairs, whole


def _pair(folder: Path, config: Mapping[str, Any], module: str, pair: Mapping[str, Tensor]) -> LowRank:
    embedding = "embedding_A" in pair or "embedding_B" in pair
    kind = "embedding_" if embedding else ""
    if f"{kind}A" not in pair or f"{kind}B" not in pair:
        raise CheckpointError(folder, f"{module} has one LoRA factor of two", _MEND)
    a, b = pair[f"{kind}A"], pair[f"{kind}B"]
    if len(a.shape) != 2 or len(b.shape) != 2 or a.shape[0] != b.shape[1]:
        shapes = f"{list(a.shape)} and {list(b.shape)}"
        raise CheckpointError(folder, f"the LoRA factors of {module} do not fit ({shapes})", _MEND)
    if a.dtype not in ITEM_BYTES or b.dtype not in ITEM_BYTES:
        raise CheckpointError(folder, f"the LoRA factors of {module} are not floating-point", _MEND)
    return LowRank(a, b, _scale(config, module, a.shape[0]), embedding or bool(config.get("fan_in_fan_out")))


def _scale(config: Mapping[str, Any], module: str, rank: int) -> float:
    alpha = _by_pattern(config.get("alpha_pattern"), module, config.get("lora_alpha", rank))
    return float(alpha) / (sqrt(rank) if config.get("use_rslora") else rank)


def _by_pattern(patterns: Any, module: str, default: Any) -> Any:
    """PEFT's rule: a pattern matches the end of a module's name, at a dot."""
    for pattern, value in (patterns or {}).items():
        if re.match(rf"(.*\.)?({pattern})$", module):
            return value
    return default
