"""The names under which transformers' classes know the stored tensors of a model, which mergekit gives a child."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["other_names"]


def other_names(model_type: str | None, stored: Iterable[str]) -> dict[str, frozenset[str]]:
    """Return all names that a stored tensor may have in a child: its own, and what transformers makes of it.

    Several tensors may make one (the experts of a layer), and one several; transformers' own table tells, step by step.
    """
    from transformers.conversion_mapping import get_checkpoint_conversion_mapping

    steps = get_checkpoint_conversion_mapping(model_type) or () if model_type else ()
    found = {}
    for name in stored:
        names = {name}
        for step in steps:
            for one in tuple(names):
                renamed, pattern = step.rename_source_key(one)
                if pattern is None:
                    continue
                first, *others = step.target_patterns or ("",)
                names |= {renamed, *(renamed.replace(first, other, 1) for other in others)}
        found[name] = frozenset(names)
    return found
