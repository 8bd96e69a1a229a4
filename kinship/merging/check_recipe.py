"""What a recipe says, checked against the catalogue of methods; no file is looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator
from difflib import get_close_matches

from kinship.errors import UnknownNameError
from kinship.merging.finding import Finding, has_error, listed
from kinship.merging.method import Method, Parameter
from kinship.merging.methods import METHODS, merge_method
from kinship.merging.recipe import Recipe
from kinship.merging.settings import Scope, leaves
from kinship.merging.slices import Slice, recipe_slices

__all__ = ["DTYPES", "check_recipe"]

DTYPES = {"bfloat16": 2, "float16": 2, "float32": 4, "float64": 8}
"""The dtypes that a recipe can ask for, and their bytes."""


def check_recipe(recipe: Recipe) -> list[Finding]:
    """Return what is wrong with the method, the parents, the parameters and the dtype of a recipe."""
    try:
        method = merge_method(recipe.method)
    except UnknownNameError as error:
        return [Finding("error", "method", str(error))]
    faults = [
        *(fault for one in recipe_slices(recipe) for fault in _inputs(method, one)),
        *_parameters(method, recipe),
        *_dtype(recipe),
    ]
    return faults if has_error(faults) else [*faults, Finding("ok", "recipe", f"{method.title}. {method.does}")]


def _inputs(method: Method, one: Slice) -> Iterator[Finding]:
    models = [source.model for source in one.sources]
    for model, times in Counter(models).items():
        if times > 1:
            yield Finding("error", "parents", f"{model} is given {times} times; name every parent once")
    has_base = one.base in models
    if method.base == "required" and not has_base:
        if one.base is None:
            yield Finding("error", "base", f"{method.name} needs a base; set base_model")
        else:
            yield Finding("error", "base", f"the base {one.base} is not among the sources of a slice; add it there")
    if method.base == "ignored" and has_base and one.sources[-1].model == one.base and not one.sources[-1].parameters:
        needed = [p.name for p in method.parameters if p.required and p.of == "parent"]
        unset = [name for name in needed if not any(name in scope for scope in one.shared)]
        without = f" and has no {listed(unset)}" if unset else ""
        message = f"{method.name} knows no base: {one.base} is merged as one more parent{without}; leave base_model out"
        yield Finding("error" if unset else "warning", "base", message)
    count = len(models) - (has_base and method.base != "ignored" and not method.base_is_parent)
    at_most = method.max_parents
    if count < method.min_parents or (at_most is not None and count > at_most):
        least = method.min_parents
        wanted = (
            f"exactly {least}" if at_most == least else f"at least {least}" if at_most is None else f"at most {at_most}"
        )
        besides = " besides the base" if method.base == "required" and not method.base_is_parent else ""
        yield Finding("error", "parents", f"{method.name} takes {wanted} parents{besides}, not {count}")
    lengths = {source.layers[1] - source.layers[0] for source in one.sources if source.layers}
    if len(lengths) > 1:
        numbers = listed(str(n) for n in sorted(lengths))
        yield Finding("error", "layers", f"the sources of a slice give {numbers} layers; make them equally many")


def _parameters(method: Method, recipe: Recipe) -> Iterator[Finding]:
    slices = recipe_slices(recipe)
    sources = [source for one in slices for source in one.sources]
    shared = list({id(scope): scope for one in slices for scope in one.shared}.values())
    of_all = {name for scope in shared for name in scope}
    anywhere = of_all | {name for source in sources for name in source.parameters}
    for scope in shared:
        yield from _scope(method, scope, "", anywhere)
    for source in sources:
        yield from _scope(method, source.parameters, source.model, of_all | {*source.parameters})


def _scope(method: Method, scope: Scope, parent: str, given: Container[str]) -> Iterator[Finding]:
    where = f" (of {parent})" if parent else ""
    for name, setting in scope.items():
        parameter = method.parameter(name)
        if parameter is None:
            yield _unknown(method, name, where, given)
            continue
        if parent and parameter.of == "merge":
            message = f"{name} belongs to the whole merge; mergekit ignores it at {parent}, so move it up"
            yield Finding("warning", "parameters", message)
        problem = _problem(parameter, setting)
        if problem:
            yield Finding("error", "parameters", f"{name}{where}: {problem}")


def _unknown(method: Method, name: str, where: str, given: Container[str]) -> Finding:
    """Return a warning for a parameter that mergekit drops, an error where it then lacks one that it needs."""
    close = get_close_matches(name, [p.name for p in method.parameters], n=1, cutoff=0.6)
    if close:
        lacking = close[0] not in given and any(p.required and p.name == close[0] for p in method.parameters)
        told = f"{method.name} has no parameter {name}{where}" + ("" if lacking else ", and mergekit drops it")
        return Finding("error" if lacking else "warning", "parameters", f"{told}; did you mean {close[0]}?")
    others = [other.name for other in METHODS.values() if other.parameter(name)]
    hint = f" (it is one of {listed(others[:3])})" if others else ""
    message = f"{method.name} has no parameter {name}{where}{hint}; mergekit ignores it, so leave it out"
    return Finding("warning", "parameters", message)


def _problem(parameter: Parameter, setting: object) -> str | None:
    """Return what is wrong with a setting, or None."""
    try:
        for value in leaves(setting):
            number = parameter.read(value)
            if not parameter.low <= number <= parameter.high:
                return f"{value} is out of range; give a value {parameter.range}"
    except (ValueError, TypeError) as error:
        return f"{error}; give a {parameter.kind}" + (f" {parameter.range}" if parameter.range else "")
    return None


def _dtype(recipe: Recipe) -> Iterator[Finding]:
    for key in ("dtype", "out_dtype"):
        name = recipe.dtype if key == "dtype" else (recipe.raw or {}).get(key)
        if name is not None and str(name).removeprefix("torch.") not in DTYPES:
            yield Finding("error", "dtype", str(UnknownNameError(key, str(name), DTYPES)))
