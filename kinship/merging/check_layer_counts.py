"""Where mergekit reads the number of layers, which transformers has elsewhere in some models of text and images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kinship.merging.architecture import Architecture
from kinship.merging.finding import Finding
from kinship.merging.inputs import Input

__all__ = ["check_layer_counts"]


def check_layer_counts(architecture: Architecture, inputs: Sequence[Input]) -> Iterator[Finding]:
    """Yield an error for each model whose config, as transformers opens it, lacks the number that mergekit asks for.

    A class with a text_config has what belongs to the text there alone, wherever the file has it; what stands at the
    top of a file with a text_config stays there as well.
    """
    for module in architecture.modules.values():
        key = module.layers_key
        if key is None or module.layers is not None or "." in key:
            continue
        for one in inputs:
            composite = any(isinstance(one.raw.get(part), Mapping) for part in ("text_config", "vision_config"))
            if composite and not (key in one.raw and isinstance(one.raw.get("text_config"), Mapping)):
                told = f"mergekit looks for {key} at the top of {one.name}'s config, transformers has it in text_config"
                count = module.count(one.raw)
                mend = (
                    f'its config.json needs a text_config and, at the top, "{key}": {"N" if count is None else count}'
                )
                yield Finding("error", "architecture", f"{told}; {mend}")
