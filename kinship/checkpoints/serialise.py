"""Write what a checkpoint's headers said as JSON and read it back, so that torch opens a file only once."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kinship.checkpoints.checkpoint import Adapter, Checkpoint, Config, LowRank
from kinship.checkpoints.header import Tensor

__all__ = ["from_json", "to_json"]


def to_json(checkpoint: Checkpoint) -> str:
    """Return the checkpoint as JSON text; `from_json` reads it back."""
    return json.dumps(_plain(checkpoint))


def from_json(text: str) -> Checkpoint:
    """Return the checkpoint that `to_json` wrote."""
    return _checkpoint(json.loads(text))


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
        "shared": dict(checkpoint.shared),
        "notes": list(checkpoint.notes),
        "adapter": adapter
        and {
            "declared_base": adapter.declared_base,
            "rank": adapter.rank,
            "low_rank": {
                name: [_tensor_list(pair.a), _tensor_list(pair.b), pair.scale, pair.transposed]
                for name, pair in adapter.low_rank.items()
            },
            "base": adapter.base and _plain(adapter.base),
        },
    }


def _checkpoint(plain: dict[str, Any]) -> Checkpoint:
    adapter = plain["adapter"]
    return Checkpoint(
        name=plain["name"],
        path=Path(plain["path"]),
        config=_config(plain["config"]),
        tensors={name: _tensor(entry) for name, entry in zip(plain["names"], plain["tensors"], strict=True)},
        files=tuple(Path(file) for file in plain["files"]),
        size=plain["size"],
        fingerprint=plain["fingerprint"],
        licence=plain["licence"],
        shared=plain.get("shared", {}),
        notes=tuple(plain.get("notes", ())),
        adapter=adapter
        and Adapter(
            adapter["declared_base"],
            adapter["rank"],
            {
                name: LowRank(_tensor(a), _tensor(b), scale, transposed)
                for name, (a, b, scale, transposed) in adapter["low_rank"].items()
            },
            adapter["base"] and _checkpoint(adapter["base"]),
        ),
    )


def _config(plain: dict[str, Any]) -> Config:
    block = plain.get("block")
    return Config(**plain | {"block": block and (block[0], block[1])})


def _tensor_list(tensor: Tensor) -> list[Any]:
    return [tensor.name, tensor.dtype, list(tensor.shape), str(tensor.file), tensor.offset]


def _tensor(entry: list[Any]) -> Tensor:
    name, dtype, shape, file, offset = entry
    return Tensor(name, dtype, tuple(shape), Path(file), offset)
