"""Recipes to merge tiny models with: one for every method, and the forms that only YAML can say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

from kinship.merging import METHODS, Method, Parent, Recipe


def recipe_of(method: Method, base: Path, parents: Sequence[Path], dtype: str | None = None) -> Recipe:
    """A recipe that sets the method's parameters, by parent where they are the parents' own."""
    settings = {p.name: p.start for p in method.parameters if p.required}
    for preset in method.presets.values():
        settings |= preset
    own = {p.name for p in method.parameters if p.of == "parent"}
    chosen = list(parents)[: method.max_parents]
    return Recipe(
        method.name,
        tuple(
            Parent(str(path), {n: v / (1 + i) for n, v in settings.items() if n in own})
            for i, path in enumerate(chosen)
        ),
        str(chosen[0]) if method.base_is_parent else str(base) if method.base == "required" else None,
        {n: v for n, v in settings.items() if n not in own},
        dtype,
    )


def recipes(base: Path, parents: Sequence[Path], other: Path) -> dict[str, Recipe]:
    """Recipes by name; `other` has more tokens than the rest of the family."""
    found = {name: recipe_of(method, base, parents) for name, method in METHODS.items()}
    found["linear in float32"] = recipe_of(METHODS["linear"], base, parents, "float32")
    found["nuslerp on deltas"] = Recipe(
        "nuslerp", tuple(Parent(str(path)) for path in parents[:2]), str(base), {"weight": 0.5}
    )
    for name, text in YAML.items():
        names = {"BASE": base, "ONE": parents[0], "TWO": parents[1], "OTHER": other}
        found[name] = Recipe.from_config(yaml.safe_load(text)).with_models(lambda model, n=names: str(n[model]))
    return found


YAML = {
    "stacked slices": """
        merge_method: passthrough
        dtype: bfloat16
        slices:
        - sources: [{model: ONE, layer_range: [0, 2]}]
        - sources:
          - model: TWO
            layer_range: [1, 2]
            parameters: {scale: [{filter: down_proj, value: 0.5}, {value: 1.0}]}
        """,
    "slerp of slices": """
        merge_method: slerp
        base_model: TWO
        slices:
        - sources: [{model: ONE, layer_range: [0, 2]}, {model: TWO, layer_range: [0, 2]}]
        parameters:
          t: [{filter: self_attn, value: [0, 1]}, {filter: mlp, value: [1, 0]}, {value: 0.5}]
        out_dtype: float16
        """,
    "modules": """
        merge_method: ties
        base_model: BASE
        modules:
          default:
            parameters: {density: 0.5}
            models: [{model: ONE, parameters: {weight: 1}}, {model: TWO, parameters: {weight: 0.3}}]
        """,
    "union of vocabularies": """
        merge_method: linear
        models: [{model: ONE, parameters: {weight: 0.3}}, {model: OTHER, parameters: {weight: 0.7}}]
        base_model: ONE
        tokenizer_source: union
        """,
    "tokenizer of a parent": """
        merge_method: dare_linear
        base_model: BASE
        models: [{model: ONE, parameters: {weight: 1, density: 0.4}}, {model: OTHER, parameters: {weight: 1}}]
        tokenizer: {source: OTHER, pad_to_multiple_of: 16, tokens: {a: {source: OTHER, force: true}}}
        """,
}
