"""Read an adapter folder of PEFT: what it does to the weights of its base, by the weight's name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from kinship.checkpoints import peft_config
from kinship.checkpoints.checkpoint import Adapter
from kinship.checkpoints.delta import Delta, LowRank, Shift, TokenRows
from kinship.checkpoints.header import ITEM_BYTES, Tensor
from kinship.checkpoints.spelling import spellings
from kinship.errors import CheckpointError

__all__ = ["ignored_tensors", "read_adapter"]

_MEND = "save the adapter again with PEFT"
_PREFIX = re.compile(r"(?:module\.)?(?:base_model\.model\.)?(?:module\.)?")  # `module`: data parallel
_WRAPPER = re.compile(
    r"\.(?:base_layer|token_adapter|original_module|(?:modules_to_save|ln_tuning_layers)(?:\.default)?)(?=\.)"
)
_FACTOR = re.compile(
    r"(?P<module>.+)\.lora_(?P<factor>A|B|embedding_A|embedding_B|magnitude_vector)"
    r"(?:\.(?!(?:weight|bias)$)[^.]+)?(?:\.(?P<end>weight|bias))?"
)
_TOKENS = re.compile(r"(?P<module>.+)\.trainable_tokens_delta(?:\.[^.]+)?")
_BACKWARD = re.compile(r".+\.lora_velora_embed(?:\.[^.]+)?")  # VeLoRA's, for its backward pass alone
_OTHER_FACTORS = re.compile(r"(?:^|\.)(?:lora_|ranknum|trainable_tokens_|token_adapter)")


class _Wrapped(NamedTuple):
    """A module that factors are for, and how many layers of PEFT lie around the one that they belong to."""

    module: str
    depth: int


def read_adapter(
    folder: Path, config: Mapping[str, Any], tensors: Mapping[str, Tensor]
) -> tuple[Adapter, dict[str, Tensor]]:
    """Return what the adapter does, and the tensors that it stores whole, both by the base model's tensor names.

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
        Its change of the weights cannot be read: another kind of adapter, a name that is not known, factors that lack
        their partner or do not fit.
    """
    peft_config.refuse_unreadable(folder, config)
    factors: dict[_Wrapped, dict[str, Tensor]] = {}
    deltas: dict[str, Delta] = {}
    whole: dict[str, Tensor] = {}
    try:
        spelled = spellings(tensors)
        for name, tensor in sorted(tensors.items(), key=lambda item: ".modules_to_save." in item[0]):  # these win
            plain = _PREFIX.sub("", spelled[name], count=1)
            if found := _FACTOR.fullmatch(plain):
                factor = found["factor"] + (".bias" if found["end"] == "bias" else "")
                kept = factors.setdefault(_wrapped(found["module"]), {})
                if factor in kept:
                    problem = f"{kept[factor].name} and {name} are two adapters in one"
                    raise CheckpointError(folder, problem, "save each in a folder of its own")
                kept[factor] = tensor
            elif found := _TOKENS.fullmatch(plain):
                module = _WRAPPER.sub("", f"{found['module']}.").removesuffix(".")
                deltas[f"{module}.weight"] = _token_rows(folder, config, module, tensor)
            elif _BACKWARD.fullmatch(plain):
                continue
            elif _OTHER_FACTORS.search(plain):
                raise CheckpointError(folder, f"it holds {name}, which is not known of LoRA", _MEND)
            elif _WRAPPER.search(plain) or peft_config.saves_whole(config, plain):
                whole[_WRAPPER.sub("", plain)] = tensor
            else:
                problem = f"it holds {name} whole, which its config does not name (modules_to_save, bias)"
                raise CheckpointError(folder, problem, _MEND)
        for wrapped, pair in factors.items():
            deltas |= _deltas(folder, config, wrapped, pair, _depths(factors, wrapped.module))
        adapter = Adapter(
            declared_base=str(config.get("base_model_name_or_path") or ""),
            rank=max((delta.rank for delta in deltas.values() if isinstance(delta, LowRank)), default=0),
            low_rank=deltas,
            base=None,
            saved_modules=peft_config.saved_modules(config),
            replication=peft_config.replication(config),
        )
    except (TypeError, ValueError, AttributeError, ZeroDivisionError, OverflowError, re.error):
        file = folder / "adapter_config.json"
        raise CheckpointError(file, "alpha, rank, their patterns or what is targeted make no sense", _MEND) from None
    return adapter, whole


def ignored_tensors(config: Mapping[str, Any], tensors: Iterable[str]) -> tuple[str, ...]:
    """Say which tensors of an adapter PEFT leaves out when it loads one."""
    found = [name for name in tensors if ".lora_magnitude_vector" in name] if not config.get("use_dora") else []
    if not found:
        return ()
    told = f"{len(found)} magnitudes of DoRA ({found[0]}) are left out, as PEFT does: its config says use_dora false"
    return (f"{told}; mend the config if it was trained with DoRA",)


def _wrapped(module: str) -> _Wrapped:
    return _Wrapped(_WRAPPER.sub("", f"{module}.").removesuffix("."), f"{module}.".count(".base_layer."))


def _depths(factors: Mapping[_Wrapped, Any], module: str) -> list[int]:
    return sorted((one.depth for one in factors if one.module == module), reverse=True)


def _deltas(
    folder: Path, config: Mapping[str, Any], wrapped: _Wrapped, pair: Mapping[str, Tensor], depths: list[int]
) -> dict[str, Delta]:
    """Return what one pair of factors does: to a weight or a parameter, and to a bias."""
    module = wrapped.module
    parameters = peft_config.target_parameters(config, module)
    embedding = "embedding_A" in pair or "embedding_B" in pair
    a, b = _pair(folder, module, pair, "embedding_" if embedding else "")
    known = () if parameters else ("magnitude_vector",) if embedding else ("magnitude_vector", "B.bias")
    odd = next((tensor for factor, tensor in pair.items() if tensor not in (a, b) and factor not in known), None)
    if odd is not None:
        raise CheckpointError(folder, f"it holds {odd.name}, which is not known of LoRA", _MEND)
    if not parameters:
        if len(depths) > 1:
            raise CheckpointError(folder, f"{module} has factors for several weights, which are not named", _MEND)
        _refuse_rank(folder, module, a.shape[0], peft_config.rank(config, module))
        linear = not embedding and len(a.shape) == 2
        pair_of_weight = LowRank(
            a,
            b,
            scale := peft_config.scale(config, module, a.shape[0]),
            transposed=embedding or (linear and bool(config.get("fan_in_fan_out"))),
            start=peft_config.start(config) if linear else "",
            magnitude=_magnitude(folder, module, pair, b, config),
            embedding=embedding,
        )
        deltas: dict[str, Delta] = {f"{module}.weight": pair_of_weight}
        if "B.bias" in pair:
            deltas[f"{module}.bias"] = Shift(_float(folder, pair["B.bias"]), scale)
        return deltas
    if len(parameters) != len(depths) or len(parameters) > 2:
        names = ", ".join(parameters)
        raise CheckpointError(folder, f"{module} has {len(depths)} pairs of factors for {names}", _MEND)
    parameter = f"{module}.{parameters[depths.index(wrapped.depth)]}"
    rank = peft_config.rank(config, parameter)
    experts = a.shape[0] // rank
    if experts * rank != a.shape[0]:
        raise CheckpointError(folder, f"the LoRA factors of {parameter} do not fit rank {rank}", _MEND)
    scale = peft_config.scale(config, parameter, rank)
    return {parameter: LowRank(a, b, scale, experts=experts if experts > 1 else 0)}


def _pair(folder: Path, module: str, pair: Mapping[str, Tensor], kind: str) -> tuple[Tensor, Tensor]:
    if f"{kind}A" not in pair or f"{kind}B" not in pair:
        raise CheckpointError(folder, f"{module} has one LoRA factor of two", _MEND)
    a, b = pair[f"{kind}A"], pair[f"{kind}B"]
    if not 2 <= len(a.shape) == len(b.shape) or a.shape[0] != b.shape[1] or {*b.shape[2:]} > {1}:
        shapes = f"{list(a.shape)} and {list(b.shape)}"
        raise CheckpointError(folder, f"the LoRA factors of {module} do not fit ({shapes})", _MEND)
    return _float(folder, a), _float(folder, b)


def _refuse_rank(folder: Path, module: str, stored: int, said: int) -> None:
    if stored != said:
        problem = f"the LoRA factors of {module} are of rank {stored}, but adapter_config.json says {said}"
        raise CheckpointError(folder, problem, f"mend r or rank_pattern there, or {_MEND}; PEFT cannot load it so")


def _magnitude(
    folder: Path, module: str, pair: Mapping[str, Tensor], b: Tensor, config: Mapping[str, Any]
) -> Tensor | None:
    if not config.get("use_dora"):
        return None
    magnitude = pair.get("magnitude_vector")
    if magnitude is None:
        raise CheckpointError(folder, f"{module} lacks the magnitude of DoRA", _MEND)
    if magnitude.elements != b.shape[0]:
        problem = f"the DoRA magnitude of {module} has {magnitude.elements} elements, not {b.shape[0]}"
        raise CheckpointError(folder, problem, _MEND)
    return _float(folder, magnitude)


def _token_rows(folder: Path, config: Mapping[str, Any], module: str, rows: Tensor) -> TokenRows:
    indices = peft_config.token_indices(config, module)
    if len(rows.shape) != 2 or rows.shape[0] != len(indices) or min(indices, default=0) < 0:
        problem = f"{module} has trained rows {list(rows.shape)} for {len(indices)} tokens in the config"
        raise CheckpointError(folder, problem, _MEND)
    return TokenRows(_float(folder, rows), indices)


def _float(folder: Path, tensor: Tensor) -> Tensor:
    if tensor.dtype not in ITEM_BYTES:
        problem = f"{tensor.name} is not floating-point ({tensor.dtype.lower()})"
        raise CheckpointError(folder, problem, _MEND)
    return tensor
