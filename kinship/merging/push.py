"""Publish a merged model on the Hugging Face Hub, without the paths of this machine."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

from kinship.errors import HubError, MergeError
from kinship.merging.description import CARD, CONFIG, DESCRIPTION
from kinship.merging.merge_card import hub_id, merge_card
from kinship.merging.recipe import Recipe
from kinship.merging.record import RECORD, read_record
from kinship.paths import expanded

__all__ = ["published_files", "push_model"]


def push_model(
    folder: Path | str, repository: str, *, private: bool = True, token: str | None = None, endpoint: str | None = None
) -> str:
    """Upload a merged model in one commit and return its address.

    Parameters
    ----------
    folder : Path or str
        What `merge` made.
    repository : str
        `org/name`; made if it is not there.
    private : bool
        Whether a new repository is for its owner alone.
    token : str, optional
        Of the Hub; else that of `hf auth login`.
    endpoint : str, optional
        Address of another Hub.

    Raises
    ------
    MergeError
        The folder is no merge.
    HubError
        The Hub cannot be reached, or does not take it.
    """
    from huggingface_hub import CommitOperationAdd, HfApi
    from huggingface_hub.errors import HfHubHTTPError

    folder = expanded(folder).absolute()
    rewritten = published_files(folder, repository.rpartition("/")[2])
    kept = [file for file in sorted(folder.iterdir()) if file.is_file() and file.name not in DESCRIPTION]
    operations = [
        *(CommitOperationAdd(file.name, file) for file in kept),
        *(CommitOperationAdd(name, text.encode()) for name, text in rewritten.items()),
    ]
    api = HfApi(endpoint=endpoint, token=token)
    try:
        address = api.create_repo(repository, private=private, exist_ok=True)
        api.create_commit(repository, operations, commit_message=f"Upload {folder.name}, a merge")
    except HfHubHTTPError as error:
        status = error.response.status_code
        mend = "log in with `hf auth login`" if status in (401, 403) else "try again later"
        raise HubError(f"the Hub refused {repository} (HTTP {status}); {mend}") from None
    except ValueError as error:  # a name that is none, or a card that the Hub does not take
        raise HubError(f"{repository} cannot be published: {str(error).splitlines()[0]}; mend it there") from None
    except Exception as error:  # the HTTP client's own connection errors are no OSErrors
        if not any(word in type(error).__name__.lower() for word in ("connect", "timeout", "offline")):
            raise
        raise HubError(f"the Hub cannot be reached to publish {repository}; go online and try again") from None
    return str(address)


def published_files(folder: Path, name: str) -> dict[str, str]:
    """Return the recipe, the record and the card as they are published: models by Hub id, else by name.

    Raises
    ------
    MergeError
        The folder is no merge.
    """
    record = read_record(folder)
    if record is None or not (folder / CONFIG).is_file():
        raise MergeError(f"{folder} is no merged model; give a folder that kinship merged")
    recipe = Recipe.from_yaml(folder / CONFIG, record.seed).with_models(_public).to_yaml()
    card = merge_card(name, record, recipe, None)
    record = replace(record, models=tuple(replace(model, path=_public(model.path)) for model in record.models))
    return {CONFIG: recipe, RECORD: json.dumps(asdict(record), indent=1) + "\n", CARD: card}


def _public(path: str) -> str:
    return hub_id(path) or Path(path).name
