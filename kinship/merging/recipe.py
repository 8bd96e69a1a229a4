"""A merge to be made: typed, and the same thing as mergekit's own YAML, to and fro without loss."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from kinship.errors import RecipeError
from kinship.merging.methods import METHODS
from kinship.merging.references import models_named, reference_text, with_models
from kinship.paths import expanded
from kinship.yaml_text import YamlError, load_yaml_all

__all__ = ["Parent", "Recipe"]

_BODIES = ("models", "slices", "modules")
_PROGRAMS = {
    "experts": "mergekit-moe",
    "shared_experts": "mergekit-moe",
    "gate_mode": "mergekit-moe",
    "genome": "mergekit-evolve",
    "layer_slices": "bakllama",
}
"""What other programs of mergekit read, by a key that gives them away."""


@dataclass(frozen=True)
class Parent:
    """A model that is merged, as the recipe names it, and the parameters that are its own."""

    path: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Recipe:
    """A merge to be made.

    Attributes
    ----------
    method : str
        Name of the merge method (`kinship.merging.methods`).
    parents : tuple of Parent
        In the recipe's order; with slices, every model once.
    base : str or None
        The base model, which methods on deltas start from.
    parameters : Mapping
        Parameters for all parents: a value, a list (a gradient over the layers), or a list of values with filters.
    dtype : str or None
        Weights are merged and stored in it; None keeps the parents' own.
    tokenizer : str or None
        "union", "base" or a model to take the tokenizer from; None copies the base's or the first parent's.
    seed : int
        Of the methods that draw at random. mergekit takes it from its command line, so it is not in the YAML.
    raw : Mapping or None
        The whole YAML where the fields above cannot say all of it (slices, modules, a chat template ...). It is
        then what is merged, and the fields only tell of it.
    """

    method: str
    parents: tuple[Parent, ...]
    base: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    dtype: str | None = None
    tokenizer: str | None = None
    seed: int = 0
    raw: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.raw is not None and replace(_told(self.raw), seed=self.seed) != replace(self, raw=None):
            raise ValueError("a recipe with a raw configuration is changed there, not in its fields")

    @classmethod
    def from_yaml(cls, source: str | Path, seed: int = 0) -> Recipe:
        """Return the recipe that a YAML text, or the file at a Path, holds.

        Raises
        ------
        RecipeError
            It cannot be read, is no YAML, or is no merge configuration.
        """
        where = str(source) if isinstance(source, Path) else "the recipe"
        try:
            text = expanded(source).read_text(encoding="utf-8") if isinstance(source, Path) else source
            config, *more = load_yaml_all(text) or [None]
        except OSError as error:
            raise RecipeError(f"{where} cannot be read ({error.strerror}); check the path") from None
        except UnicodeDecodeError:
            raise RecipeError(f"{where} is no text in UTF-8; save it as such") from None
        except YamlError as error:
            raise RecipeError(f"{where} is not valid YAML ({error}); mend it there") from None
        if more:
            mend = "carry them out in turn with mergekit-multi, or give one of them"
            raise RecipeError(f"{where} holds a chain of {1 + len(more)} merges; {mend}")
        try:
            return cls.from_config(config, seed)
        except RecipeError as error:
            raise RecipeError(f"{where}: {error}") from None

    @classmethod
    def from_config(cls, config: Any, seed: int = 0) -> Recipe:
        """Return the recipe of a configuration that was read from YAML.

        Raises
        ------
        RecipeError
            It is no merge configuration.
        """
        if not isinstance(config, Mapping) or not isinstance(config.get("merge_method"), str):
            raise RecipeError(_foreign(config))
        if len([body for body in _BODIES if config.get(body)]) != 1:
            raise RecipeError(f"it needs exactly one of {', '.join(_BODIES)}")
        try:
            told = replace(_told(config), seed=seed)
            return told if told.to_config() == config else replace(told, raw=config)
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise RecipeError(f"{error}; write mergekit's YAML") from None

    def to_config(self) -> dict[str, Any]:
        """Return mergekit's configuration as plain data."""
        if self.raw is not None:
            return dict(self.raw)
        optional = {
            "base_model": self.base,
            "parameters": dict(self.parameters) or None,
            "dtype": self.dtype,
            "tokenizer_source": self.tokenizer,
        }
        return {
            "merge_method": self.method,
            "models": [_entry(parent) for parent in self.parents],
            **{key: value for key, value in optional.items() if value is not None},
        }

    def to_yaml(self) -> str:
        """Return mergekit's YAML; `from_yaml` reads the same recipe back (given the seed)."""
        return yaml.dump(self.to_config(), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)

    @property
    def models(self) -> tuple[str, ...]:
        """Every path and Hub id that the recipe names, each once; the base first."""
        return models_named(self.to_config())

    def parts(self, model: str) -> tuple[str, ...]:
        """Return a model's own path, and that of the adapter on it where there is one."""
        known = self.models
        if model in known:
            return (model,)
        return next((one, adapter) for one in known for adapter in known if f"{one}+{adapter}" == model)

    def with_models(self, change: Callable[[str], str]) -> Recipe:
        """Return the recipe with every path and Hub id replaced by `change`."""
        return Recipe.from_config(with_models(self.to_config(), change), self.seed)

    def digest(self, identities: Mapping[str, str]) -> str:
        """Return a digest that equal merges share, wherever their parents lie.

        Parameters
        ----------
        identities : Mapping of str to str
            What each of `models` is, its checkpoint's fingerprint for instance.

        Raises
        ------
        RecipeError
            A model has no identity.
        """
        missing = [model for model in self.models if model not in identities]
        if missing:
            raise RecipeError(f"it is not known what {missing[0]} is; open it first")
        config = with_models(self.to_config(), lambda model: identities[model])
        method = METHODS.get(self.method)
        if method is not None:
            defaults = {p.name: p.default for p in method.parameters if not p.required}
            given = config.get("parameters") or {}
            config["parameters"] = {n: v for n, v in given.items() if n not in defaults or v != defaults[n]}
        if method is None or method.random:
            config["seed"] = self.seed
        return hashlib.sha256(json.dumps(_canonical(config), sort_keys=True).encode()).hexdigest()[:32]


class _Dumper(yaml.SafeDumper):
    """Write lists of plain values on one line, as gradients are."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_list(self, data: Any) -> yaml.SequenceNode:
        plain = not any(isinstance(one, list | dict) for one in data)
        return self.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=plain)


_Dumper.add_representer(list, _Dumper.represent_list)


def _foreign(config: Any) -> str:
    """Say what a configuration without a merge method is, where another program of mergekit reads it."""
    keys = config.keys() if isinstance(config, Mapping) else ()
    for key, program in _PROGRAMS.items():
        if key in keys:
            return f"this is a configuration for {program} (it has {key}), not a merge recipe; run {program} with it"
    return "there is no merge_method; write mergekit's YAML, one document"


def _entry(parent: Parent) -> dict[str, Any]:
    entry: dict[str, Any] = {"model": parent.path}
    return entry | {"parameters": dict(parent.parameters)} if parent.parameters else entry


def _told(config: Mapping[str, Any]) -> Recipe:
    """Return what the fields can say of a configuration; raises ValueError where it makes no sense."""
    models_named(config)  # raises where an entry is no model
    parents = [
        Parent(reference_text(source["model"]), _mapping(source.get("parameters"))) for source in _sources(config)
    ]
    if not config.get("models"):  # slices name a model many times, with parameters of their own
        parents = [Parent(path) for path in dict.fromkeys(parent.path for parent in parents)]
    base, tokenizer, dtype = config.get("base_model"), config.get("tokenizer_source"), config.get("dtype")
    if dtype is not None and not isinstance(dtype, str):
        raise ValueError(f"dtype is {dtype!r}, not a name")
    return Recipe(
        method=config["merge_method"],
        parents=tuple(parents),
        base=None if base is None else reference_text(base),
        parameters=_mapping(config.get("parameters")),
        dtype=dtype,
        tokenizer=None if tokenizer is None else reference_text(tokenizer),
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    if value is not None and not isinstance(value, Mapping):
        raise ValueError(f"parameters are {value!r}, not names with values")
    return value or {}


def _sources(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    modules = [source for module in (config.get("modules") or {}).values() for source in _sources(module)]
    slices = [source for one in config.get("slices") or [] for source in one["sources"]]
    return [*(config.get("models") or []), *slices, *modules]


def _canonical(value: Any) -> Any:
    """Drop what is empty and write every number alike, so that equal configurations look equal."""
    if isinstance(value, Mapping):
        return {str(key): _canonical(one) for key, one in value.items() if one is not None and one != {}}
    if isinstance(value, list | tuple):
        return [_canonical(one) for one in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
