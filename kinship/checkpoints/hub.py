"""Bring a model from the Hugging Face Hub onto this machine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from kinship.errors import CheckpointError, HubError
from kinship.paths import expanded, is_there
from kinship.report import Report

__all__ = ["cached_folder", "download", "is_hub_id", "local_path"]

_ID = re.compile(  # as the Hub has it: no "--" or "..", no ".git" at the end, letters and digits at both ends
    r"(?P<repo>(?![^@]*(?:--|\.\.))\w[\w.-]*(?<=\w)/(?=\w)[\w.-]{1,96}(?<=\w)(?<!\.git))(?:@(?P<revision>[\w./-]+))?"
)
_WANTED = ["*.safetensors", "*.json", "mergekit*.yml", "README.md", "tokenizer*", "*.model", "*.txt", "LICENSE*"]
_TORCH = ["*.bin", "*.pth"]
_MARKS = ("config.json", "adapter_config.json", "params.json", "model.safetensors", "pytorch_model.bin")
_UNWANTED = ["*.gguf", "*.onnx*", "original/*", "optimizer*", "runs/*"]
_MAKERS = "consolidated"  # the same weights once more, where there are others


def is_hub_id(source: str) -> bool:
    """Tell whether `source` reads as `org/name` or `org/name@revision` and is no path on this machine."""
    return bool(_ID.fullmatch(source)) and not is_there(expanded(source))


def local_path(source: str, progress: Report | None = None) -> Path:
    """Return `source` itself where it is a path, else the folder it was downloaded to."""
    return download(source, progress) if is_hub_id(source) else Path(source)


def cached_folder(source: str) -> Path | None:
    """Return the folder of a Hub model (`org/name`, `org/name@revision`) that was downloaded before, or None."""
    from huggingface_hub import try_to_load_from_cache

    if not is_hub_id(source):
        return None
    repo, _, revision = source.partition("@")
    found = (try_to_load_from_cache(repo, name, revision=revision or None) for name in _MARKS)
    return next((Path(file).parent for file in found if isinstance(file, str)), None)


def download(source: str, progress: Report | None = None) -> Path:
    """Download `org/name@revision` into the Hub's cache and return the folder; only what is missing is fetched.

    Parameters
    ----------
    source : str
        The Hub id; without a revision, the default branch.
    progress : callable, optional
        Called with the share done, 0 to 1, and what is being done.

    Raises
    ------
    HubError
        The Hub cannot be reached, does not have it, or does not let you.
    CheckpointError
        This is no Hub id.

    Examples
    --------
    >>> download("mistralai")
    Traceback (most recent call last):
    kinship.errors.CheckpointError: mistralai: this is neither a path nor a Hub id; write org/name or org/name@revision
    """
    import huggingface_hub as hub
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

    found = _ID.fullmatch(source)
    if found is None:
        raise CheckpointError(source, "this is neither a path nor a Hub id", "write org/name or org/name@revision")
    repo, revision = found["repo"], found["revision"]
    try:
        return Path(_snapshot(hub, repo, revision, progress))
    except GatedRepoError:
        raise HubError(f"{repo} is gated; accept its terms on the Hub and log in with `hf auth login`") from None
    except RepositoryNotFoundError:
        raise HubError(f"the Hub has no model {source}, or it is private; check the name or log in") from None
    except LocalEntryNotFoundError:
        pass
    except HfHubHTTPError as error:
        raise HubError(f"the Hub refused {source} (HTTP {error.response.status_code}); try again later") from None
    except OSError as error:
        if error.errno is not None and not isinstance(error, ConnectionError):
            raise HubError(f"{source} could not be stored ({error.strerror}); make room on the disk") from None
    except Exception as error:  # the HTTP client's own connection errors are no OSErrors
        if "connect" not in type(error).__name__.lower() and "timeout" not in type(error).__name__.lower():
            raise
    raise HubError(f"{source} is not on this machine and the Hub cannot be reached; go online or give a local path")


def _snapshot(hub: Any, repo: str, revision: str | None, progress: Report | None) -> str:
    """Fetch the safetensors where there are any, otherwise torch's files; the makers' own files where they are all."""
    try:
        files = [f.rfilename for f in hub.HfApi().model_info(repo, revision=revision).siblings or []]
    except Exception as error:
        try:  # offline, what the cache holds will do
            kept = hub.snapshot_download(
                repo, revision=revision, allow_patterns=_WANTED, ignore_patterns=_UNWANTED, local_files_only=True
            )
            return str(kept)
        except hub.errors.LocalEntryNotFoundError:
            raise error from None
    usual = [f for f in files if not f.startswith(_MAKERS)]
    others = any(f.endswith((".safetensors", ".bin", ".pth")) for f in usual)
    safe = any(f.endswith(".safetensors") for f in (usual if others else files))
    return str(
        hub.snapshot_download(
            repo,
            revision=revision,
            allow_patterns=_WANTED + ([] if safe else _TORCH),
            ignore_patterns=[*_UNWANTED, f"{_MAKERS}*"] if others else _UNWANTED,
            tqdm_class=_reporting(progress) if progress else None,
        )
    )


def _reporting(progress: Report) -> type[Any]:
    from tqdm.auto import tqdm

    class Reporting(tqdm):  # type: ignore[type-arg,misc,unused-ignore]
        """Pass the bar of bytes on to `progress` instead of drawing it."""

        def display(self, *args: Any, **kwargs: Any) -> None:
            if self.total and self.unit == "B":
                progress(min(1.0, self.n / self.total), f"{self.n / 1e6:.0f} of {self.total / 1e6:.0f} MB")

    return Reporting
