"""The values of a recipe's parameters, for each tensor that will be merged with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kinship.merging.child_tensors import Layout, Made
from kinship.merging.finding import Finding
from kinship.merging.method import Method
from kinship.merging.tensor_settings import TensorSettings

__all__ = ["check_settings"]


def check_settings(method: Method, layout: Layout) -> Iterator[Finding]:
    """Yield the first fault of the parameters' values for the tensors that are made, if there is one."""
    groups: dict[int, list[Made]] = {}
    for made in layout.made:
        groups.setdefault(id(made.slice), []).append(made)
    for group in groups.values():
        one, tensors = group[0].slice, [made.name for made in group]
        settings = TensorSettings(method, one, tensors, [made.position for made in group])
        counted = [i for i, source in enumerate(one.sources) if method.base == "ignored" or source.model != one.base]
        try:
            fault = _fault(method, settings.of(counted), tensors)
        except (LookupError, ValueError, TypeError) as error:
            fault = f"{error}; set it for all tensors, as an entry without a filter does"
        if fault:
            yield Finding("error", "parameters", fault)
            return


def _fault(method: Method, settings: TensorSettings, tensors: Sequence[str]) -> str | None:
    values = {p.name: settings.each(p.name) if p.of == "parent" else settings.all(p.name) for p in method.parameters}
    if method.name in ("linear", "multislerp"):
        divided = values["normalize" if method.name == "linear" else "normalize_weights"] > 0
        nothing = divided & (abs(values["weight"].sum(axis=1)) < 1e-8)
        if nothing.any():
            return f"the weights for {tensors[int(nothing.argmax())]} add up to zero; they are divided by their sum"
    if {"density", "epsilon"} <= values.keys():
        density, epsilon = values["density"], values["epsilon"]
        outside = (density < 1) & ((density - epsilon <= 0) | (density + epsilon >= 1))
        if outside.any():
            return "density minus epsilon must be above 0 and density plus epsilon below 1; choose a smaller epsilon"
    return None
