"""The model tree of the Hugging Face Hub, when online."""

from __future__ import annotations

from collections.abc import Iterable

from kinship.checkpoints import is_hub_id
from kinship.errors import HubError
from kinship.lineage.declaration import Claim, Declaration, Relation
from kinship.lineage.genealogy import Genealogy
from kinship.lineage.sources.model_card import claims_of_card

__all__ = ["hub_declaration", "hub_declarations", "known_by_hub_id"]

_TAG = "base_model:"
_RELATIONS: dict[str, Relation] = {"finetune": "fine-tune", "adapter": "adapter", "quantized": "quantisation"}


def known_by_hub_id(family: Genealogy) -> tuple[str, ...]:
    """Return the models of a family graph that are not on this machine, only their Hub ids."""
    nodes = ((str(node), about["path"]) for node, about in family.graph.nodes(data=True))
    return tuple(node for node, path in nodes if not path and is_hub_id(node))


def hub_declarations(repos: Iterable[str]) -> tuple[list[Declaration], list[str]]:
    """Ask the Hub about several models; return what it declares, and why others were not found."""
    found: list[Declaration] = []
    problems: list[str] = []
    for repo in repos:
        try:
            said = hub_declaration(repo)
        except HubError as error:
            problems.append(str(error))
        else:
            found += [said] if said is not None else []
    return found, problems


def hub_declaration(repo: str) -> Declaration | None:
    """Return the parents that the Hub's model tree shows for a model, or None where it shows none.

    Parameters
    ----------
    repo : str
        `org/name`.

    Raises
    ------
    HubError
        The Hub cannot be reached, or has no such model.
    """
    import huggingface_hub as hub
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, RepositoryNotFoundError

    try:
        info = hub.HfApi().model_info(repo)
    except RepositoryNotFoundError:
        raise HubError(f"the Hub has no model {repo}, or it is private; check the name or log in") from None
    except HFValidationError:
        raise HubError(f"{repo} is no name that the Hub can have; mend the card or the list that names it") from None
    except HfHubHTTPError as error:
        raise HubError(f"the Hub refused {repo} (HTTP {error.response.status_code}); try again later") from None
    except Exception as error:  # the HTTP client's own connection errors are no OSErrors
        kind = type(error).__name__.lower()
        if not isinstance(error, OSError) and "offline" not in kind and "connect" not in kind and "timeout" not in kind:
            raise
        raise HubError(f"the Hub cannot be reached, so that {repo} keeps what its card says; go online") from None
    claims = _claims(info.tags or [])
    if not claims and info.card_data is not None:
        claims = claims_of_card({key: info.card_data.get(key) for key in ("base_model", "base_model_relation")})
    return Declaration(repo, claims, "Hugging Face Hub") if claims else None


def _claims(tags: list[str]) -> tuple[Claim, ...]:
    """The Hub tags every model of the tree as `base_model:RELATION:ORG/NAME`; of a merge it tags the base too."""
    parts = [tag.removeprefix(_TAG).split(":", 1) for tag in tags if tag.startswith(_TAG)]
    related = [(kind, name) for kind, name in (part for part in parts if len(part) == 2)]
    merged = [name for kind, name in related if kind == "merge"]
    others = [Claim(name, _RELATIONS[kind]) for kind, name in related if kind in _RELATIONS]
    relation: Relation = "merge parent" if len(merged) == 1 else "unknown"
    return (*(Claim(name, relation) for name in merged), *others)
