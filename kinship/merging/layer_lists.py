"""Settings of a config that list a value for each layer, for a child that has other layers than its parents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["with_layer_lists"]


def with_layer_lists(make: Callable[..., Any]) -> Callable[..., Any]:
    """Return mergekit's maker of the child's config, completed: it sets the number of layers and leaves the lists.

    transformers refuses a config whose `layer_types` are not as many as its layers, when all tensors are merged.
    """

    def made(config: Any, *arguments: Any, **named: Any) -> Any:
        child = make(config, *arguments, **named)
        if not config.slices:
            return child
        chosen = [layer for one in config.slices for layer in range(*one.sources[0].layer_range)]
        parent = (config.base_model or config.referenced_models()[0]).config()
        layers = getattr(parent, "num_hidden_layers", None)
        for name, value in list(vars(child).items()):
            if "layer" in name and isinstance(value, list) and len(value) == layers and max(chosen, default=0) < layers:
                setattr(child, name, [value[layer] for layer in chosen])
        return child

    return made
