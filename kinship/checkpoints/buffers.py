"""Which stored tensors are buffers: computed from the config, the same in all models, and no weights."""

from __future__ import annotations

__all__ = ["is_buffer"]

_LAST = {"inv_freq", "original_inv_freq", "cos_cached", "sin_cached", "masked_bias", "position_ids"}
_MASKS = {"bias", "causal_mask"}


def is_buffer(name: str, shape: tuple[int, ...]) -> bool:
    """Whether a tensor holds frequencies of rotary embeddings, positions, or a mask: GPT-2 stores it as `bias`."""
    last = name.rpartition(".")[2]
    mask = last in _MASKS and len(shape) == 4 and shape[:2] == (1, 1) and shape[2] == shape[3]
    return mask or last in _LAST or name.endswith("rope.freqs")
