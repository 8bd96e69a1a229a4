"""Everything that can be known of a merge before it starts: from headers alone, in well under a second."""

from __future__ import annotations

from pathlib import Path

from kinship.errors import KinshipError
from kinship.merging.check_companions import check_companions
from kinship.merging.check_config import check_config
from kinship.merging.check_form import check_form
from kinship.merging.check_keys import check_keys
from kinship.merging.check_layer_counts import check_layer_counts
from kinship.merging.check_meaning import check_meaning
from kinship.merging.check_models import check_models
from kinship.merging.check_place import check_place
from kinship.merging.check_recipe import check_recipe
from kinship.merging.check_settings import check_settings
from kinship.merging.check_slices import check_modules, check_slices
from kinship.merging.check_tensors import check_tensors
from kinship.merging.check_vocabulary import check_vocabulary
from kinship.merging.child_tensors import architecture_of, layout_of
from kinship.merging.finding import Finding, has_error
from kinship.merging.inputs import models_of, open_inputs
from kinship.merging.locate import located
from kinship.merging.methods import METHODS
from kinship.merging.recipe import Recipe
from kinship.merging.slices import recipe_slices

__all__ = ["preflight"]


def preflight(recipe: Recipe, out: Path | str | None = None, folder: Path | None = None) -> tuple[Finding, ...]:
    """Check a recipe, its models and the place for the child; no weight is read and mergekit is not imported.

    Parameters
    ----------
    recipe : Recipe
    out : Path or str, optional
        Where the child shall go.
    folder : Path, optional
        Where to look for relative paths that are not below the working directory.

    Returns
    -------
    tuple of Finding
        Errors first, then warnings, then what is in order. A recipe without an error can be merged.
    """
    try:
        findings = _findings(located(recipe, folder), None if out is None else Path(out))
    except KinshipError as error:  # a file that changed under our hands
        findings = [Finding("error", "models", str(error))]
    severities = ("error", "warning", "ok")
    return tuple(sorted(dict.fromkeys(findings), key=lambda finding: severities.index(finding.severity)))


def _findings(recipe: Recipe, out: Path | None) -> list[Finding]:
    if formless := list(check_form(recipe)):  # nothing else can be asked of it
        return formless
    findings = [*check_recipe(recipe), *check_keys(recipe), *check_slices(recipe)]
    slices = recipe_slices(recipe)
    inputs, faults = open_inputs(models_of(recipe, slices))
    findings += faults
    method = METHODS.get(recipe.method)
    layout = layout_of(recipe, method, inputs) if method and not faults else None
    if inputs:
        models = list(inputs.values())
        findings += check_models(recipe, slices, models)
        findings += check_modules(recipe, architecture_of(inputs), models[0].config.architecture or "the architecture")
        findings += check_layer_counts(architecture_of(inputs), models)
        if layout and not has_error(findings):
            findings += check_tensors(layout, inputs)
        findings += check_config(models)
        findings += check_vocabulary(recipe, models)
        findings += check_companions(recipe, models)
    if method and layout and not has_error(findings):
        findings += check_settings(method, layout)
        findings += check_meaning(method, layout)
    return [*findings, *check_place(recipe, layout, inputs, out)]
