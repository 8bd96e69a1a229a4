"""A mix of models' weights, made tensor by tensor in the memory of a model that is loaded already.

The numbers are those of mergekit 0.1.5's method `linear` with the same weights, bit for bit: the weights are float32,
products are added up in float32 and divided by the sum of the weights, and the result is rounded to the dtype in which
mergekit stores the merge, the narrowest that holds those of all models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from kinship.checkpoints import Checkpoint, Tensor, align
from kinship.errors import CheckpointError, ConnectivityError

__all__ = ["Mixture", "check_mixable", "write_mixture"]

_DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}


@dataclass(frozen=True)
class Mixture:
    """Models and how much each counts; config and tokenizer are the first one's.

    Attributes
    ----------
    models : tuple of Checkpoint
        As `check_mixable` lets them pass.
    weights : tuple of float
        One a model; they add up to 1 and may be negative.
    """

    models: tuple[Checkpoint, ...]
    weights: tuple[float, ...]


def check_mixable(models: Sequence[Checkpoint]) -> None:
    """Refuse models whose weights cannot be mixed, from their headers.

    Raises
    ------
    AlignmentError
        They have different architectures.
    CheckpointError
        One is an adapter, or stored in float8.
    ConnectivityError
        A tensor of the first is missing in another, or has another shape.
    """
    for one in models:
        if one.adapter is not None:
            raise CheckpointError(one.path, "an adapter has no weights of its own", "merge it into its base first")
        for tensor in one.tensors.values():
            if tensor.dtype.startswith("F8_"):
                raise CheckpointError(one.path, "float8 weights cannot be mixed", "give what it was quantised from")
    first, *others = models
    align(first, others, allow_partial=True)  # what is missing is named below
    for one in others:
        if one.tied != first.tied:
            tied, free = (one, first) if one.tied else (first, one)
            raise ConnectivityError(f"{tied.name} ties its output head and {free.name} does not; choose models alike")
        for name, tensor in first.tensors.items():
            theirs = one.tensors.get(name)
            if theirs is None:
                raise ConnectivityError(f"{one.name} lacks {name}, which {first.name} has; choose models alike")
            if theirs.shape != tensor.shape:
                shapes = f"{list(theirs.shape)} in {one.name} and {list(tensor.shape)} in {first.name}"
                raise ConnectivityError(f"{name} is {shapes}; choose models of one architecture and vocabulary")


def write_mixture(network: Any, mixture: Mixture) -> None:
    """Replace the weights of a loaded network by those of a mixture, in place.

    At any time one tensor of each model is in memory beside the network. Weights that are tied are written once.

    Parameters
    ----------
    network : transformers.PreTrainedModel
        The first model of the mixture as transformers loaded it, in any dtype, on any device.
    mixture : Mixture

    Raises
    ------
    CheckpointError
        A weight is stored under another name than transformers gives it, or a file cannot be read.
    """
    import torch

    names: dict[Any, list[str]] = {}  # a tied weight has several
    for name, parameter in network.named_parameters(remove_duplicate=False):
        names.setdefault(parameter, []).append(name)
    first = mixture.models[0]
    with torch.no_grad():
        for parameter, known in names.items():
            stored = next((name for name in known if name in first.tensors), None)
            if stored is None or first.tensors[stored].shape != tuple(parameter.shape):
                problem = f"its files do not hold {known[0]} as transformers has it"
                raise CheckpointError(first.path, problem, "save it again with save_pretrained")
            parameter.copy_(_mixed([one.tensors[stored] for one in mixture.models], mixture.weights))


def _mixed(tensors: Sequence[Tensor], weights: Sequence[float]) -> Any:
    """Return the weighted sum of stored tensors as mergekit's `linear` makes and stores it."""
    import torch

    dtype = reduce(torch.promote_types, map(_dtype, tensors))
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    shares = torch.tensor(weights, dtype=wide)
    total = torch.zeros(tensors[0].shape, dtype=wide)
    for tensor, share in zip(tensors, shares, strict=True):
        if share:
            total.addcmul_(_read(tensor).to(dtype), share)
    return total.div_(shares.sum()).to(dtype)


def _read(tensor: Tensor) -> Any:
    """Return a stored tensor, copied out of its file."""
    import torch

    try:
        with tensor.file.open("rb") as handle:
            handle.seek(tensor.offset)
            data = bytearray(tensor.elements * _dtype(tensor).itemsize)
            size = handle.readinto(data)
    except OSError as error:
        raise CheckpointError(tensor.file, f"cannot be read ({error.strerror})", "see that it is there") from None
    if size < len(data):
        raise CheckpointError(tensor.file, "it has become shorter since it was opened", "copy the file again")
    if not data:
        return torch.empty(tensor.shape, dtype=_dtype(tensor))
    return torch.frombuffer(data, dtype=_dtype(tensor)).reshape(tensor.shape)


def _dtype(tensor: Tensor) -> Any:
    import torch

    if tensor.dtype not in _DTYPES:
        raise CheckpointError(tensor.file, f"{tensor.name} is stored in {tensor.dtype.lower()}", "give float weights")
    return getattr(torch, _DTYPES[tensor.dtype])
