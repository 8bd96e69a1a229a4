"""Everything that can be known of a merge before it starts: from headers alone, in well under a second."""

from __future__ import annotations

from pathlib import Path

from kinship.errors import KinshipError
from kinship.merging.check_models import check_models, check_settings
from kinship.merging.check_place import check_place
from kinship.merging.check_recipe import check_recipe
from kinship.merging.check_vocabulary import check_vocabulary
from kinship.merging.finding import Finding
from kinship.merging.inputs import open_inputs
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
    findings = check_recipe(recipe)
    slices = recipe_slices(recipe)
    names = dict.fromkeys(source.model for one in slices for source in one.sources)
    if recipe.base in names:  # the child's config and tokenizer come from the base
        names = dict.fromkeys([recipe.base, *names])
    adapters = {name: (*recipe.parts(name), "")[1] for name in names}
    inputs, faults = open_inputs(adapters)
    findings += faults
    if inputs:
        findings += check_models(recipe, slices, list(inputs.values()))
        findings += check_vocabulary(recipe, list(inputs.values()))
    method = METHODS.get(recipe.method)
    if method is not None and not any(finding.severity == "error" for finding in findings):
        findings += check_settings(method, slices, inputs)
    return [*findings, *check_place(recipe, slices, inputs, out)]
