"""Settings of a recipe that mergekit reads otherwise than they look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kinship.merging.child_tensors import Layout
from kinship.merging.finding import Finding, some
from kinship.merging.method import Method
from kinship.merging.slices import Slice

__all__ = ["check_meaning"]


def check_meaning(method: Method, layout: Layout) -> Iterator[Finding]:
    """Yield a warning for lists that look like a value for each model, and for filters that fit no tensor."""
    slices = {id(made.slice): made.slice for made in layout.made}
    tensors = [made.name for made in layout.made]
    for one in slices.values():
        yield from _lists(method, one)
        for scope in (*one.shared, *(source.parameters for source in one.sources)):
            yield from _filters(scope, tensors)


def _lists(method: Method, one: Slice) -> Iterator[Finding]:
    counts = {len(one.sources), sum(source.model != one.base for source in one.sources)} - {1}
    names = [parameter.name for parameter in method.parameters if parameter.of == "parent"]
    for name, setting in [(name, scope[name]) for scope in one.shared for name in names if name in scope]:
        if _is_gradient(setting) and len(setting) in counts:
            told = f"mergekit reads {name}: {setting} as a gradient over the layers, the same for every model"
            mend = f"if each model shall have its own {name}, write it under that model's parameters"
            yield Finding("warning", "parameters", f"{told}; {mend}")


def _is_gradient(setting: Any) -> bool:
    values = setting if isinstance(setting, list) else []
    return not any(isinstance(one, Mapping) for one in values) and len(set(map(str, values))) > 1


def _filters(scope: Mapping[str, Any], tensors: Sequence[str]) -> Iterator[Finding]:
    for name, setting in scope.items():
        for entry in setting if isinstance(setting, list) else [setting]:
            pattern = entry.get("filter") if isinstance(entry, Mapping) else None
            if pattern not in (None, "*") and not any(str(pattern) in tensor for tensor in tensors):
                kinds = dict.fromkeys(tensor.split(".")[-2] for tensor in tensors if "." in tensor)
                told = f"the filter {pattern} of {name} is part of no tensor's name, and so its value counts for none"
                yield Finding("warning", "parameters", f"{told}; parts of names are {some(list(kinds), most=5)}")
