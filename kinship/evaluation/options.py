"""How a score is made: where, in which precision, on which questions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kinship.errors import KinshipError
from kinship.similarity import Device

__all__ = ["Dtype", "Options", "Part"]

Dtype = Literal["auto", "float32", "bfloat16", "float16"]
Part = Literal["all", "search", "held-out"]

_FIRST = {"search": 0, "held-out": 1}


@dataclass(frozen=True)
class Options:
    """Options of an evaluation; the defaults are those of lm-evaluation-harness.

    Attributes
    ----------
    device : {"auto", "cpu", "cuda"}
    dtype : {"auto", "float32", "bfloat16", "float16"}
        "auto" is the checkpoint's own.
    batch_size : int
        Requests in one forward pass. In 16 bits a larger batch may tip a close question the other way.
    num_fewshot : int or None
        Examples before each question; None leaves it to the task. A task that says 0 keeps 0.
    limit : int or None
        At most so many questions a task, the first ones.
    apply_chat_template : bool
        Wrap the questions in the model's chat template.
    part : {"all", "search", "held-out"}
        Every question, or every second one: a search scores on the one half and reports on the other.
    """

    device: Device = "auto"
    dtype: Dtype = "auto"
    batch_size: int = 1
    num_fewshot: int | None = None
    limit: int | None = None
    apply_chat_template: bool = False
    part: Part = "all"

    def __post_init__(self) -> None:
        for name, least in (("batch_size", 1), ("num_fewshot", 0), ("limit", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise KinshipError(f"{name.replace('_', ' ')} is {value}; give a number of at least {least}")

    def questions(self, count: int) -> range:
        """Return the positions of the questions to ask, of `count` that the task has."""
        every = range(count) if self.part == "all" else range(_FIRST[self.part], count, 2)
        return every[: self.limit]
