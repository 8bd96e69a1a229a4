"""The form that makes a recipe: every widget in it comes from the method's description."""

from __future__ import annotations

from collections.abc import Container, Sequence
from math import isfinite
from typing import Any

import streamlit as st

from kinship.errors import KinshipError
from kinship.merging import METHODS, Method, Parameter, Recipe, compose, starting_parameters

__all__ = ["choose_method", "show_recipe"]

_DTYPES = ("the parents' own", "bfloat16", "float16", "float32")
_CUSTOM = "my own values"


def choose_method() -> Method:
    """Show the choice of a merge method that can merge two models, with what it does."""
    names = [name for name, one in METHODS.items() if one.max_parents != 1]
    name = st.selectbox(
        "Method",
        names,
        index=names.index("slerp"),
        format_func=lambda name: METHODS[name].title,
        key="method",
        bind="query-params",
    )
    method = METHODS[name]
    st.caption(f"{method.does} {method.use_when} {_source(method)}")
    return method


def show_recipe(
    parents: Sequence[str], labels: Sequence[str], base: str, handed: Recipe | None = None
) -> Recipe | None:
    """Show the form on the left and the YAML that it makes on the right; None while the YAML cannot be read.

    Parameters
    ----------
    parents : sequence of str
        Paths of the models to merge; the first is SLERP's base.
    labels : sequence of str
        Their names.
    base : str
        Path of the family's base.
    handed : Recipe, optional
        Found elsewhere: its YAML is begun with, in place of what the form makes.
    """
    left, right = st.columns([2, 3], gap="large")
    with left:
        method = choose_method()
        parameters = _parameters(method)
        own = _own(method, labels, parameters)
        based = method.base != "optional" or st.toggle(
            "Merge the weight changes, not the weights", key="based", bind="query-params"
        )
        row = st.columns(2)
        dtype = row[0].selectbox("Stored as", _DTYPES, key="dtype", bind="query-params")
        seed = int(
            row[1].number_input(
                "Seed", 0, 2**31 - 1, key="seed", bind="query-params", help="Of methods that draw at random."
            )
        )
    recipe = compose(
        method.name,
        parents,
        base if based else None,
        parameters,
        own,
        dtype=None if dtype == _DTYPES[0] else dtype,
        seed=seed,
    )
    with right:
        by_hand = st.toggle(
            "Write the YAML myself", handed is not None, help="Anything that mergekit takes, slices too."
        )
        if not by_hand:
            st.code(recipe.to_yaml(), language="yaml")
            return recipe
        text = st.text_area("mergekit YAML", (handed or recipe).to_yaml(), height=320)
        try:
            return Recipe.from_yaml(text, seed)
        except KinshipError as error:
            st.warning(str(error))
            return None


def _parameters(method: Method) -> dict[str, Any]:
    """Parameters of the whole merge: a preset, or a widget each."""
    choices = [*method.presets, _CUSTOM]
    first = next(
        (i for i, name in enumerate(choices) if method.presets.get(name) == starting_parameters(method.name)), 0
    )
    preset = (
        st.selectbox("Setting", choices, index=first, key=f"setting-{method.name}", bind="query-params")
        if method.presets
        else _CUSTOM
    )
    if preset != _CUSTOM:
        return dict(method.presets[preset])
    shown = [one for one in method.parameters if one.of == "merge"]
    found = {one.name: _widget(one, f"{method.name}-{one.name}") for one in shown if not one.advanced}
    advanced = [one for one in shown if one.advanced]
    if advanced:
        with st.expander("Seldom changed"):
            found |= {one.name: _widget(one, f"{method.name}-{one.name}") for one in advanced}
    required = {one.name for one in shown if one.required}
    defaults = {one.name: one.default for one in shown}
    return {n: v for n, v in found.items() if v is not None and (n in required or v != defaults[n])}


def _own(method: Method, labels: Sequence[str], settled: Container[str]) -> list[dict[str, Any]]:
    """Parameters of each parent, a column each, but for those that are settled for the whole merge."""
    shown = [one for one in method.parameters if one.of == "parent" and one.name not in settled]
    own: list[dict[str, Any]] = [{} for _ in labels]
    if not shown:
        return own
    for number, (column, label) in enumerate(zip(st.columns(len(labels)), labels, strict=True)):
        with column:
            st.caption(f"**{label}**")
            for one in shown:
                value = _widget(one, f"{method.name}-{one.name}-{number}")
                if value is not None and (one.required or value != one.default):
                    own[number][one.name] = value
    return own


def _widget(one: Parameter, key: str) -> float | int | bool | None:
    start = one.start if one.required else one.default
    about = f"{one.does} {one.range.capitalize()}{'.' if one.range else ''}".strip()
    shared: dict[str, Any] = {"key": key, "help": about, "bind": "query-params"}
    if one.kind == "switch":
        return st.toggle(one.name, bool(start), **shared)
    kind = int if one.kind == "integer" else float
    ends = {name: kind(end) for name, end in (("min_value", one.low), ("max_value", one.high)) if isfinite(end)}
    value = None if start is None else kind(start)
    small = isinstance(value, float) and 0 < abs(value) < 0.01
    shared |= ends | ({"format": "%.1e"} if small else {"step": kind(0.1) or 1})
    number: float | int | None = st.number_input(one.name, value=value, **shared)
    return number


def _source(method: Method) -> str:
    paper = method.paper
    return f"[{paper.authors} {paper.year}]({paper.url})" if paper else ""
