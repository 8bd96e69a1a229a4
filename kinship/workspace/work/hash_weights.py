"""The job kind ``hash``: SHA-256 of the content of a checkpoint."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

from kinship.errors import CheckpointError
from kinship.workspace.jobs.context import JobContext
from kinship.workspace.store.identities import read_digest

__all__ = ["Hashes", "hash_checkpoint"]


class Hashes(TypedDict):
    """The content of a checkpoint in hexadecimal digests.

    ``files`` maps each file, relative to the checkpoint, to the SHA-256 of its content. ``sha256`` is that of the
    lines ``digest  name`` of all files in order of name; for a lone file, its own. ``bytes`` is their size.
    """

    sha256: str
    files: dict[str, str]
    bytes: int


def hash_checkpoint(context: JobContext, path: str) -> Hashes:
    """Hash the files of a checkpoint, each as a step that is never done twice, and keep the digests.

    Parameters
    ----------
    context
        The running job.
    path
        A folder (hidden files and folders are left out) or a file, absolute.

    Raises
    ------
    CheckpointError
        It is not there, holds no file, or cannot be read.
    JobCancelledError
        Somebody cancelled the job.
    """
    root = Path(path)
    sizes = context.step("list files", _file_sizes, root)
    total = sum(sizes.values())
    done = 0
    digests: dict[str, str] = {}

    for name, size in sizes.items():

        def advance(read: int, name: str = name, before: int = done) -> None:
            context.check()
            context.progress(min(1.0, (before + read) / max(1, total)), f"hashing {name}")

        def digest(name: str = name, advance: Callable[[int], None] = advance) -> str:
            context.log(f"hashing {name}")
            return read_digest(root if root.is_file() else root / name, advance)

        digests[name] = context.step(f"hash {name}", digest)
        done += size
    listing = "".join(f"{digest}  {name}\n" for name, digest in digests.items())
    whole = hashlib.sha256(listing.encode()).hexdigest() if root.is_dir() else digests[root.name]
    return Hashes(sha256=whole, files=digests, bytes=total)


def _file_sizes(root: Path) -> dict[str, int]:
    if root.is_file():
        return {root.name: root.stat().st_size}
    if not root.is_dir():
        raise CheckpointError(root, "is not there", "give the path of a checkpoint's folder or file")
    inside = ((file, file.relative_to(root)) for file in root.rglob("*"))
    files = {
        name.as_posix(): file.stat().st_size
        for file, name in inside
        if file.is_file() and not any(part.startswith(".") for part in name.parts)
    }
    if not files:
        raise CheckpointError(root, "holds no file", "give the path of a checkpoint's folder or file")
    return dict(sorted(files.items()))
