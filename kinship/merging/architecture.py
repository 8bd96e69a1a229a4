"""Which tensors mergekit looks for in a model: its own descriptions of architectures, read without importing it."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

__all__ = ["Architecture", "Module", "Weight", "described", "inferred"]

_LAYER = re.compile(r"\.(\d+)\.")
_PROGRAMMED = ("AfmoeForCausalLM", "Glm4MoeForCausalLM")
"""Architectures whose tensors mergekit lists in Python, not in a file."""


@dataclass(frozen=True)
class Weight:
    """A tensor that mergekit looks for, under its name, or else its aliases, or else those that it may be tied to."""

    name: str
    optional: bool = False
    aliases: tuple[str, ...] = ()
    tied: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All names under which it may be found, those first that win."""
        return self.name, *self.aliases, *self.tied

    def at(self, layer: int | None, layers: int) -> Weight:
        """Return the weight of one layer of so many."""

        def named(text: str) -> str:
            return text.replace("${layer_index}", str(layer)).replace("${num_layers}", str(layers))

        return Weight(named(self.name), self.optional, tuple(map(named, self.aliases)), tuple(map(named, self.tied)))


@dataclass(frozen=True)
class Module:
    """One tower of a model: what comes before its layers, what each layer has, and what follows.

    `layers_key` is where the config says how many layers there are, dotted; `layers` that number where it is fixed.
    """

    before: tuple[Weight, ...]
    layer: tuple[Weight, ...]
    after: tuple[Weight, ...]
    layers_key: str | None = None
    layers: int | None = None

    def weights(self, layers: int) -> Iterator[Weight]:
        """Yield all weights of a model with so many layers."""
        yield from (weight.at(None, layers) for weight in (*self.before, *self.after))
        for layer in range(layers):
            yield from (template.at(layer, layers) for template in self.layer)

    def count(self, config: Mapping[str, Any]) -> int | None:
        """Return the number of layers of a model with this `config.json`, or None where it does not say."""
        if self.layers is not None:
            return self.layers
        nested = config.get("text_config")
        for place in (config, nested if isinstance(nested, Mapping) else {}):
            value: Any = place
            for key in (self.layers_key or "").split("."):
                value = value.get(key) if isinstance(value, Mapping) else None
            if isinstance(value, int):
                return value
        return None


@dataclass(frozen=True)
class Architecture:
    """The modules of an architecture by name; `certain` where mergekit describes it itself."""

    modules: Mapping[str, Module]
    certain: bool = True


def described(config: Mapping[str, Any]) -> Architecture | None:
    """Return mergekit's description of the architecture that a `config.json` names, or None where it has none."""
    named = config.get("architectures")
    name = named[0] if isinstance(named, list) and len(named) == 1 else None
    if not isinstance(name, str) or name in _PROGRAMMED:
        return None
    found = _descriptions().get(name, [])
    if len(found) > 1:
        found = [one for one in found if one["model_type"] == config.get("model_type")]
    return _architecture(found[0]) if found else None


def inferred(names: Mapping[str, Iterable[str]]) -> Architecture:
    """Return what mergekit makes out of the tensors' names where it has no description.

    mergekit starts from the names that transformers' own class has; what is stored stands for them here.

    Parameters
    ----------
    names : Mapping of str to iterable of str
        The names of the stored tensors by model.
    """
    stored = [set(one) for one in names.values()]
    layers: dict[str, int] = defaultdict(int)
    templates: dict[str, dict[str, bool]] = defaultdict(dict)
    loose: dict[str, bool] = {}
    for name in sorted(set().union(*stored)):
        found = _LAYER.search(name)
        everywhere = all(name in one for one in stored)
        if found is None:
            loose[name] = everywhere
            continue
        prefix = name[: found.start()]
        layers[prefix] = max(layers[prefix], int(found[1]) + 1)
        template = f"{prefix}.${{layer_index}}.{name[found.end() :]}"
        templates[prefix][template] = templates[prefix].get(template, True) and everywhere
    if len(layers) == 1:
        ((prefix, count),) = layers.items()
        modules = {"default": _inferred_module(loose, templates[prefix], count)}
    else:
        modules = {prefix: _inferred_module({}, templates[prefix], count) for prefix, count in layers.items()}
        modules["default"] = _inferred_module(loose, {}, 0)
    return Architecture(modules, certain=False)


def _inferred_module(loose: Mapping[str, bool], templates: Mapping[str, bool], layers: int) -> Module:
    before, layer = (
        tuple(Weight(name, optional=not everywhere) for name, everywhere in one.items()) for one in (loose, templates)
    )
    return Module(before, layer, (), layers=layers)


@cache
def _descriptions() -> dict[str, list[dict[str, Any]]]:
    """Read mergekit's files, which are data; by the name of an architecture."""
    spec = find_spec("mergekit")
    folders = [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for folder in folders:
        for file in (folder / "_data" / "architectures").glob("*.json"):
            said = json.loads(file.read_text(encoding="utf-8"))
            for name in said["architectures"]:
                found[name].append(said)
    return found


def _architecture(said: Mapping[str, Any]) -> Architecture:
    modular = said.get("kind", "module") == "modular"
    modules = said["modules"] if modular else {"default": {"architecture": said}}
    return Architecture({name: _module(one) for name, one in modules.items()})


def _module(said: Mapping[str, Any]) -> Module:
    about, prefix = said["architecture"], said.get("weight_prefix") or ""
    return Module(
        _weights(about["pre_weights"], prefix),
        _weights(about["layer_templates"]["weights"], prefix),
        _weights(about["post_weights"], prefix),
        about.get("num_layers_config_key"),
        about.get("override_num_layers"),
    )


def _weights(said: Sequence[Mapping[str, Any]], prefix: str) -> tuple[Weight, ...]:
    return tuple(
        Weight(
            prefix + one["name"],
            bool(one.get("optional")),
            tuple(prefix + alias for alias in one.get("aliases") or ()),
            tuple(prefix + name for name in one.get("tied_names") or ()),
        )
        for one in said
    )
