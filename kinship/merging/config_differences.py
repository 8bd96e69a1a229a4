"""Where the configs of models differ in how their weights are used: the child has one parent's config alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kinship.checkpoints import Checkpoint
from kinship.checkpoints.config import read_json
from kinship.merging.config_values import config_values
from kinship.merging.finding import listed

__all__ = ["config_differences", "read_values"]

_COMPUTED = ("layer_types", "mlp_layer_types", "partial_rotary_factor")
"""What transformers works out where a config is silent: only what two configs state is compared."""


def read_values(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return the config's values of a model, an adapter's base in its place; empty where there is no config."""
    adapter = checkpoint.adapter
    path = adapter.base.path if adapter and adapter.base else checkpoint.path
    file = Path(path) / "config.json"
    return config_values(read_json(file)) if file.is_file() else {}


def config_differences(values: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a phrase for each value that is not the same in all models: "rope_theta differs: 1 in a and 2 in b".

    Parameters
    ----------
    values : Mapping of str to Mapping
        What `config_values` returns, by the model's name; a model without any is passed over.
    """
    known = {model: one for model, one in values.items() if one}
    found = []
    for name in sorted(set().union(*known.values())) if known else []:
        said = {model: _value(one, name) for model, one in known.items()}
        if any(name.startswith(one) for one in _COMPUTED):
            said = {model: value for model, value in said.items() if value is not None}
        models: dict[str, list[str]] = {}
        for model, value in said.items():
            models.setdefault(_told(value), []).append(model)
        if len(models) > 1:
            found.append(f"{name} differs: {listed(f'{value} in {listed(names)}' for value, names in models.items())}")
    return found


def _value(values: Mapping[str, Any], name: str) -> Any:
    """A value that one config has for one kind of layers holds for all kinds where another does not tell them apart."""
    return values.get(name, values.get(name.partition(" (")[0]))


def _told(value: Any) -> str:
    return "none" if value is None else value if isinstance(value, str) else json.dumps(value, sort_keys=True)
