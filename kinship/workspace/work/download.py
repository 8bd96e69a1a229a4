"""The job kind `download`: bring a model from the Hub and add it to the library."""

from __future__ import annotations

from kinship.checkpoints import download, find_checkpoints
from kinship.workspace.jobs.context import JobContext
from kinship.workspace.store.library import add_paths

__all__ = ["download_checkpoint"]


def download_checkpoint(context: JobContext, source: str) -> dict[str, str]:
    """Download `org/name@revision`; what is there already is not fetched again."""

    context.report(0.0, f"asking the Hub for {source}")
    folder = download(source, context.report)
    add_paths(find_checkpoints(folder))
    return {"folder": str(folder)}
