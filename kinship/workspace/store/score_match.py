"""Whether a stored score is the answer to a question: of this model as it is now, and made as it was asked for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from kinship.evaluation import Options, TaskScore
from kinship.similarity.device import resolve_device
from kinship.workspace.store.identities import Identity, changed_files

__all__ = ["StoredScore", "asked_text", "changed_since", "is_whole", "made_as", "may_be_of", "score_key", "was_of"]

_EARLIER_TOKENIZER = ("the tokenizer",)


@dataclass(frozen=True)
class StoredScore:
    """A row of the database.

    Attributes
    ----------
    key, fingerprint, content, place, versions : str
        Content and place are None in a row of an earlier release.
    options : Mapping of str to Any
        As they were asked for; of earlier releases with the device that was used.
    score : TaskScore
    files : Mapping of str to str or None
        The digests of what it was made on; None in a row of an earlier release.
    used : Mapping of str to str or None
        Where it was made; None likewise.
    """

    key: str
    fingerprint: str
    content: str | None
    place: str | None
    versions: str
    options: Mapping[str, Any]
    score: TaskScore
    files: Mapping[str, str] | None
    used: Mapping[str, str] | None


def asked_text(options: Options | Mapping[str, Any]) -> str:
    """Return options as text, as they were asked for."""
    return json.dumps(asdict(options) if isinstance(options, Options) else dict(options), sort_keys=True)


def score_key(content: str | None, fingerprint: str, tokenizer: str, options: str, versions: str, digest: str) -> str:
    """Return one digest of all that decides a score; earlier releases knew no content, but the tokenizer apart."""
    model = [fingerprint, tokenizer] if content is None else [content]
    return hashlib.sha256(json.dumps([*model, options, versions, digest]).encode()).hexdigest()


def changed_since(row: StoredScore, model: Identity) -> tuple[str, ...]:
    """Return which of a model's files are not those that its score was made on; none where it fits.

    A row of an earlier release says nothing of the files, but its key tells whether the tokenizer is the same. Of a
    model that is known by its fingerprint alone, nothing says otherwise.
    """
    if row.files is None:
        if model.tokenizer is None:
            return ()
        options, digest = asked_text(row.options), str(row.score.digest)
        key = score_key(None, row.fingerprint, model.tokenizer, options, row.versions, digest)
        return () if key == row.key else _EARLIER_TOKENIZER
    return changed_files(row.files, model.files) if model.files else ()


def made_as(options: Mapping[str, Any], used: Mapping[str, str] | None, asked: Options) -> bool:
    """Tell whether a score was made as it is asked for now: with the same options, on a device that fits.

    Asked for "auto", every score fits that was made for "auto", wherever that was; of a row of an earlier release only
    the device used is known, which may have been "auto". A device that is named fits what was made on it.
    """
    wanted = asdict(asked)
    if {**options, "device": ""} != {**wanted, "device": ""}:
        return False
    device, place = wanted["device"], options["device"] if used is None else used["device"]
    if device == "auto":
        return used is None or options["device"] == "auto" or place == resolve_device("auto")
    return bool(device in (options["device"], place))


def may_be_of(row: StoredScore, model: Identity) -> bool:
    """Tell whether a score is of a model's content, or of weights with its headers, sizes and times."""
    return row.fingerprint == model.fingerprint or (model.content is not None and row.content == model.content)


def was_of(row: StoredScore, model: Identity) -> bool:
    """Tell whether a score was made at the place of a model; of another copy it says nothing of this one's past."""
    return row.fingerprint == model.fingerprint if row.files is None else row.place == model.place


def is_whole(row: StoredScore) -> bool:
    """Tell whether all questions were asked."""
    return row.options["limit"] is None and row.options["part"] == "all"
