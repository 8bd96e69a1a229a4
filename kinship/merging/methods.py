"""The merge methods by name: what mergekit can do, described without importing it."""

from __future__ import annotations

from kinship.merging.catalogue import INTERPOLATION, SELECTION, TASK_VECTORS
from kinship.merging.method import Method
from kinship.registry import Registry

__all__ = ["METHODS", "merge_method"]

METHODS: Registry[Method] = Registry(
    "merge method", ((method.name, method) for method in (*INTERPOLATION, *TASK_VECTORS, *SELECTION))
)


def merge_method(name: str) -> Method:
    """Return the merge method of that name, or raise UnknownNameError with the close ones."""
    return METHODS.named(name)
