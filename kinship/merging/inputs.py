"""The models of a recipe as they lie on this machine, opened by their headers alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kinship.checkpoints import Checkpoint, Config, is_adapter, is_hub_id, needs_torch, open_checkpoint, refuse_pointer
from kinship.checkpoints.config import read_config, read_json
from kinship.checkpoints.files import Chosen, choose_files
from kinship.checkpoints.tokenizer import tokenizer_files
from kinship.errors import CheckpointError
from kinship.merging.check_adapter import check_adapter
from kinship.merging.finding import Finding
from kinship.merging.recipe import Recipe
from kinship.merging.slices import Slice
from kinship.paths import expanded, is_there

__all__ = ["Input", "models_of", "open_inputs"]

_WEIGHTS = ("model.safetensors", "pytorch_model.bin")


@dataclass(frozen=True)
class Input:
    """A model that will be merged.

    Attributes
    ----------
    model : str
        As the recipe names it.
    folder : Path
        Where its config and tokenizer are.
    config : Config
    checkpoint : Checkpoint or None
        None for torch's files: only torch can open those.
    raw : Mapping
        All that its config.json says.
    """

    model: str
    folder: Path
    config: Config
    checkpoint: Checkpoint | None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """Name of its folder."""
        return self.checkpoint.name if self.checkpoint else self.folder.name


def models_of(recipe: Recipe, slices: Sequence[Slice]) -> dict[str, str]:
    """Return every model that is merged or gives the child its config, that one first, and the adapter on it or ""."""
    names = dict.fromkeys(source.model for one in slices for source in one.sources)
    if recipe.base is not None:  # the child's config and tokenizer come from the base
        names = dict.fromkeys([recipe.base, *names])
    return {name: (*recipe.parts(name), "")[1] for name in names}


def open_inputs(models: Mapping[str, str]) -> tuple[dict[str, Input], list[Finding]]:
    """Open the models of a recipe and say what keeps mergekit from reading one.

    Parameters
    ----------
    models : Mapping of str to str
        For every model as the recipe names it, the adapter on it, or "".

    Returns
    -------
    dict of str to Input, list of Finding
        What could be opened, by the model's name in the recipe.
    """
    inputs, findings = {}, []
    for model, adapter in models.items():
        path = model.removesuffix(f"+{adapter}") if adapter else model
        try:
            inputs[model] = _open(model, expanded(path))
            findings += _notes(inputs[model])
            if adapter:
                findings += check_adapter(open_checkpoint(adapter), inputs[model].checkpoint)
        except CheckpointError as error:
            findings.append(Finding("error", "models", str(error)))
    return inputs, findings


def _open(model: str, path: Path) -> Input:
    if not is_there(path):
        if is_hub_id(str(path)):
            problem = "it is not on this machine, neither as a folder nor as a Hub model"
            raise CheckpointError(model, problem, f"check the path, or fetch it: hf download {path}")
        raise CheckpointError(path, "there is no such folder", "check the path")
    if is_adapter(path):
        raise CheckpointError(path, "this is an adapter, not a whole model", f"write it as BASE+{path}")
    config = read_config(path) if path.is_dir() and (path / "config.json").is_file() else None
    if config is None:
        raise CheckpointError(path, "there is no config.json", "give a folder with config.json and its weights")
    if not any((path / f"{name}{suffix}").is_file() for name in _WEIGHTS for suffix in ("", ".index.json")):
        raise CheckpointError(path, "mergekit looks for model.safetensors", "save the model with save_pretrained")
    raw = read_json(path / "config.json")
    chosen = choose_files(path)
    for file in (*chosen.read.files, *tokenizer_files(path)):
        refuse_pointer(file)
    checkpoint = None if needs_torch(path) else open_checkpoint(path)
    if checkpoint is None or checkpoint.notes:
        _refuse_two_sets(path, chosen)
    if checkpoint is None:
        return Input(model, path, config, None, raw)
    if any(tensor.dtype.startswith("F8_") for tensor in checkpoint.tensors.values()):
        raise CheckpointError(path, "float8 weights cannot be merged", "give the checkpoint that it was quantised from")
    return Input(model, path, config, checkpoint, raw)


def _refuse_two_sets(path: Path, chosen: Chosen) -> None:
    """Refuse a folder of which mergekit reads other files than transformers, by which the model was used so far."""
    name = chosen.read.files[0].name
    for rival in chosen.rivals:
        if rival.index is not None and rival.index.name == f"{name}.index.json" and rival.files != chosen.read.files:
            problem = f"mergekit reads {rival.name}, transformers {name}"
            raise CheckpointError(path, problem, "remove what is stale")


def _notes(one: Input) -> list[Finding]:
    notes = one.checkpoint.notes if one.checkpoint else ()
    return [Finding("warning", "models", f"{one.name}: {note}") for note in notes]
