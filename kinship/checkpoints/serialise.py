"""Write what a checkpoint's headers said as JSON and read it back, so that torch opens a file only once."""

from __future__ import annotations

import json
from dataclasses import asdict, astuple, fields
from pathlib import Path
from typing import Any

from kinship.checkpoints.checkpoint import Adapter, Checkpoint, Config
from kinship.checkpoints.delta import Delta, LowRank, Part, Shift, TokenRows
from kinship.checkpoints.header import Tensor
from kinship.checkpoints.ties import tied_names

__all__ = ["from_json", "to_json"]


def to_json(checkpoint: Checkpoint) -> str:
    """Return the checkpoint as JSON text; `from_json` reads it back."""
    return json.dumps(_plain(checkpoint))


def from_json(text: str) -> Checkpoint | None:
    """Return the checkpoint that `to_json` wrote; None where another release wrote it in a way not known here."""
    try:
        return _checkpoint(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _plain(checkpoint: Checkpoint) -> dict[str, Any]:
    adapter = checkpoint.adapter
    return {
        "name": checkpoint.name,
        "path": str(checkpoint.path),
        "config": asdict(checkpoint.config),
        "tensors": [_tensor_list(t) for t in checkpoint.tensors.values()],
        "names": list(checkpoint.tensors),
        "files": [str(file) for file in checkpoint.files],
        "size": checkpoint.size,
        "fingerprint": checkpoint.fingerprint,
        "licence": checkpoint.licence,
        "ties": dict(checkpoint.ties),
        "notes": list(checkpoint.notes),
        "stamps": {str(file): stamp for file, stamp in checkpoint.stamps.items()},
        "adapter": adapter
        and {
            "declared_base": adapter.declared_base,
            "rank": adapter.rank,
            "deltas": {name: _plain_delta(delta) for name, delta in adapter.low_rank.items()},
            "base": adapter.base and _plain(adapter.base),
            "fault": adapter.fault,
            "saved_modules": adapter.saved_modules,
            "replication": adapter.replication,
        },
    }


def _checkpoint(plain: dict[str, Any]) -> Checkpoint:
    adapter = plain["adapter"]
    tensors = {name: _tensor(entry) for name, entry in zip(plain["names"], plain["tensors"], strict=True)}
    ties = plain.get("ties")  # absent in what was written before ties were told by content
    return Checkpoint(
        name=plain["name"],
        path=Path(plain["path"]),
        config=_config(plain["config"]),
        tensors=tensors,
        files=tuple(Path(file) for file in plain["files"]),
        size=plain["size"],
        fingerprint=plain["fingerprint"],
        licence=plain["licence"],
        notes=tuple(plain.get("notes", ())),
        stamps={Path(file): stamp for file, stamp in plain.get("stamps", {}).items()},
        adapter=adapter
        and Adapter(
            adapter["declared_base"],
            adapter["rank"],
            {name: _delta(entry) for name, entry in adapter["deltas"].items()},
            adapter["base"] and _checkpoint(adapter["base"]),
            adapter["fault"],
            tuple(adapter["saved_modules"]),
            tuple((first, last) for first, last in adapter["replication"]),
        ),
        ties=tied_names(tensors) if ties is None else ties,
    )


def _config(plain: dict[str, Any]) -> Config:
    block = plain.get("block")
    return Config(**plain | {"block": block and (block[0], block[1])})


def _plain_delta(delta: Delta) -> list[Any]:
    """Return the name of its class and its fields in their order; a tensor is a list, a part a list of three."""
    return [type(delta).__name__, *(_plain_field(getattr(delta, one.name)) for one in fields(delta))]


def _plain_field(value: Any) -> Any:
    if isinstance(value, Tensor):
        return _tensor_list(value)
    return astuple(value) if isinstance(value, Part) else value


def _delta(entry: list[Any]) -> Delta:
    match entry:
        case "TokenRows", rows, indices, tokens:
            return TokenRows(_tensor(rows), tuple(indices), tokens)
        case "Shift", tensor, scale:
            return Shift(_tensor(tensor), scale)
        case _, a, b, scale, transposed, start, magnitude, experts, part, embedding:
            norm, alone = magnitude and _tensor(magnitude), part and Part(*part)
            return LowRank(_tensor(a), _tensor(b), scale, transposed, start, norm, experts, alone, embedding)
    raise ValueError(f"no delta is stored as {entry[0]}")


def _tensor_list(tensor: Tensor) -> list[Any]:
    return [tensor.name, tensor.dtype, list(tensor.shape), str(tensor.file), tensor.offset]


def _tensor(entry: list[Any]) -> Tensor:
    name, dtype, shape, file, offset = entry
    return Tensor(name, dtype, tuple(shape), Path(file), offset)
