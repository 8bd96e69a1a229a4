"""Whether what was read of weights earlier is still true of them."""

from __future__ import annotations

from collections.abc import Sequence

from kinship.checkpoints import Checkpoint
from kinship.workspace.store.identities import identities, known_digests

__all__ = ["read_stamps", "same_weights"]

Stamps = list[list[str]]


def read_stamps(models: Sequence[Checkpoint]) -> Stamps:
    """Return the stamps of every model's weight files as they were opened, an adapter's base among them.

    The digests of small files are read and kept, to tell later whether a file that was touched holds the same.
    """
    identities(models)
    return [_stamps(one) for one in models]


def same_weights(then: Stamps, models: Sequence[Checkpoint]) -> bool:
    """Tell whether models hold the weights that had these stamps.

    Files with other stamps are the same where their content is known to be; where nobody has read what is there now,
    headers, sizes and times (the fingerprint) have to do.
    """
    now = [_stamps(one) for one in models]
    if then == now:
        return True
    identities(models)
    pairs = [pair for one, other in zip(then, now, strict=True) for pair in zip(one, other, strict=False)]
    digests = known_digests(stamp for pair in pairs for stamp in pair)
    return all(before == after or _agree(digests.get(before), digests.get(after)) for before, after in pairs)


def _agree(before: str | None, after: str | None) -> bool:
    return after is None or before == after


def _stamps(model: Checkpoint) -> list[str]:
    base = model.adapter.base if model.adapter else None
    return [*model.stamps.values(), *(base.stamps.values() if base else ())]
