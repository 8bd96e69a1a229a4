"""Why a model's answers are no numbers, and what helps: its weights, or the range of the type it computes in."""

from __future__ import annotations

from typing import Any

from kinship.checkpoints import Checkpoint
from kinship.errors import ScoreError

__all__ = ["no_number"]

_NARROW = "float16"
_ITS_END = "values in float16 end at 65,504"


def no_number(network: Any, checkpoint: Checkpoint) -> ScoreError:
    """Return the error for a model whose logits hold NaN or infinity.

    Parameters
    ----------
    network : torch.nn.Module
        The model as it was loaded.
    checkpoint : Checkpoint
        What it was loaded from.
    """
    dtype = str(network.dtype).removeprefix("torch.")
    return ScoreError(f"{checkpoint.name} answers NaN or infinity in {dtype}: {_why(network, checkpoint, dtype)}")


def _why(network: Any, checkpoint: Checkpoint, dtype: str) -> str:
    import torch

    broken = ((name, weight) for name, weight in network.named_parameters() if not torch.isfinite(weight).all())
    name, weight = next(broken, ("", None))
    if weight is None:
        mend = {_NARROW: f"but {_ITS_END}; use --dtype bfloat16 or float32", "float32": "and what it computes is not"}
        return f"its weights are finite, {mend.get(dtype, 'but few digits are kept; try --dtype float32')}"
    if torch.isnan(weight).any() or dtype != _NARROW:
        return f"its weight {name} holds NaN or infinity, which no precision mends; leave it out or save it again"
    if name in checkpoint.tensors and checkpoint.tensors[name].dtype != "F16":
        return f"its weight {name} does not fit, for {_ITS_END}; use --dtype bfloat16 or float32"
    return f"its weight {name} is infinite, for {_ITS_END}; make it again with the dtype bfloat16 or float32"
