"""Watch a merge for values that are no numbers: a parent that has them, and a child that has what no parent has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from pathlib import Path
from typing import Any, NoReturn

from kinship.errors import NonFiniteError

__all__ = ["WatchedCache", "watched"]


class WatchedCache:
    """Stands for mergekit's cache of open models, and looks at every tensor that is read through it.

    Attributes
    ----------
    largest : dict
        The greatest magnitude of each tensor read, by model and name.
    """

    def __init__(self) -> None:
        from mergekit.io.tasks import LoaderCache

        self._cache = LoaderCache()
        self.largest: dict[tuple[Any, str], float] = {}

    def setup(self, options: Any) -> None:
        """Set the cache up, as mergekit does before it opens models."""
        self._cache.setup(options=options)

    def get(self, model: Any) -> Any:
        """Return the loader of a model, opened now if need be."""
        from mergekit.io import LazyTensorLoader

        watch = self

        class Watched(LazyTensorLoader):  # type: ignore[misc]
            def get_tensor(self, key: str, *arguments: Any, **named: Any) -> Any:
                tensor = super().get_tensor(key, *arguments, **named)
                if tensor is not None:
                    size = watch.largest[model, key] = _largest(tensor)
                    if not size < float("inf"):
                        what = f"{key} of {_name(model)} has {_odd(size)}"
                        raise NonFiniteError(f"{what}; leave {_name(model)} out or save it again")
                return tensor

        if model not in self._cache.loaders:
            loader = self._cache.get(model)
            self._cache.loaders[model] = Watched(loader.index, loader.lazy_unpickle)
        return self._cache.loaders[model]


def watched(targets: Sequence[Any], cache: WatchedCache) -> list[Any]:
    """Return mergekit's tasks with those that save a tensor looking at it first; what they write is the same."""
    from mergekit.io.tasks import FinalizeModel, SaveTensor

    class Watched(SaveTensor):  # type: ignore[misc]
        def execute(self, writer: Any, tensor: Any) -> None:
            super().execute(writer=_Writer(writer, self, cache), tensor=tensor)

    saving = {id(one): Watched(**_fields(one)) for one in targets if type(one) is SaveTensor}
    finished = [
        FinalizeModel(**_fields(one) | {"tensor_save_tasks": tuple(saving[id(task)] for task in one.tensor_save_tasks)})
        if type(one) is FinalizeModel
        else saving.get(id(one), one)
        for one in targets
    ]
    return finished


class _Writer:
    """Passes a tensor on to mergekit's writer if all its values are numbers."""

    def __init__(self, writer: Any, task: Any, cache: WatchedCache) -> None:
        self._writer, self._task, self._cache = writer, task, cache

    def save_tensor(self, name: str, tensor: Any, clone: bool = False) -> None:
        """Save the tensor, or raise NonFiniteError."""
        size = _largest(tensor)
        if not size < float("inf"):
            _refuse(name, size, str(tensor.dtype).removeprefix("torch."), _sources(self._task, self._cache))
        self._writer.save_tensor(name=name, tensor=tensor, clone=clone)


def _refuse(name: str, size: float, dtype: str, sources: Mapping[str, float]) -> NoReturn:
    """Say why a tensor of the child is no number where those of its parents, with these magnitudes, are."""
    import torch

    limit = torch.finfo(getattr(torch, dtype)).max
    model, largest = max(sources.items(), key=lambda pair: pair[1], default=("", 0.0))
    mend = "merge in bfloat16 or float32 (dtype)" if dtype == "float16" else "choose other parameters or parents"
    if largest > limit:
        cause = f"{model} has values up to {largest:,.5g}, and {dtype} ends at {limit:,.0f}"
    elif dtype == "float16":
        cause = f"its parents' values are finite, and the merge leaves the range of float16, which ends at {limit:,.0f}"
    else:
        cause = "its parents' values are finite, so the method made it"
    raise NonFiniteError(f"{name} of the child would have {_odd(size)}: {cause}; {mend}")


def _sources(task: Any, cache: WatchedCache) -> dict[str, float]:
    """Return the models that a saved tensor is merged from, with the greatest magnitude of each one's tensor."""
    gather = task.tensor_task.gather_tensors
    gather = getattr(gather, "gather_tensors", gather)  # within the step that rearranges a vocabulary
    found = {}
    for model, weight in gather.weight_info.items():
        names = (weight.name, *(weight.aliases or ()), *(weight.tied_names or ()))
        found[_name(model)] = max((cache.largest.get((model, name), 0.0) for name in names), default=0.0)
    return found


def _largest(tensor: Any) -> float:
    """Return the greatest magnitude in a tensor; NaN where it has one, 0 for one that holds no floats."""
    if not tensor.is_floating_point() or not tensor.numel():
        return 0.0
    low, high = (float(end) for end in tensor.aminmax())
    return float("nan") if isnan(low) or isnan(high) else max(-low, high)


def _odd(size: float) -> str:
    return "values that are not a number (NaN)" if isnan(size) else "infinite values"


def _name(model: Any) -> str:
    """Return a model's folder, and its adapter's, out of mergekit's reference to it."""
    return "+".join(Path(part.path).name for part in (model.model, model.lora) if part)


def _fields(task: Any) -> dict[str, Any]:
    return {name: getattr(task, name) for name in type(task).model_fields}
