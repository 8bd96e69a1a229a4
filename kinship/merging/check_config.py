"""Whether the models of a recipe are run alike: the child has the config of one of them alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kinship.merging.config_differences import config_differences
from kinship.merging.config_values import config_values, is_known_type
from kinship.merging.finding import Finding
from kinship.merging.inputs import Input

__all__ = ["check_config"]


def check_config(inputs: Sequence[Input]) -> Iterator[Finding]:
    """Yield what differs in the configs, and whose needs code of its own; the first input gives the child's config."""
    first = inputs[0]
    for one in inputs:
        named = one.raw.get("architectures")
        if not isinstance(named, list) or len(named) != 1:
            message = f"config.json of {one.name} has to name one architecture (architectures) for mergekit"
            yield Finding("error", "config", f"{message}; write the class of the model there, LlamaForCausalLM for one")
        if one.raw.get("auto_map") and not is_known_type(one.raw):
            kind = one.raw.get("model_type")
            message = f"{one.name} needs code of its own (auto_map in its config.json; transformers has no {kind})"
            mend = "kinship runs no code from models: run mergekit-yaml --trust-remote-code yourself"
            yield Finding("error", "code", f"{message}; {mend}")
    differences = config_differences({one.name: config_values(one.raw) for one in inputs})
    for difference in differences:
        yield Finding("warning", "config", f"{difference}; the child is run with the config of {first.name}")
    if len(inputs) > 1 and not differences:
        yield Finding("ok", "config", "all models are run alike")
