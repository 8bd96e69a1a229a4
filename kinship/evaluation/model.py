"""A checkpoint as the harness's model: it reports each batch, keeps tokens, and refuses what would score at random."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from kinship.checkpoints import Checkpoint
from kinship.errors import CheckpointError, NonFiniteError
from kinship.evaluation.harness import harness
from kinship.evaluation.options import Options
from kinship.similarity.device import resolve_device

__all__ = ["TokenMemory", "load_model"]

_MOST_TOKENS = 2_000_000


@dataclass
class TokenMemory:
    """Token ids of strings, for one tokenizer.

    The harness encodes a question once a choice, and again for every model; models of a family share a tokenizer.
    """

    tokenizer: str
    ids: dict[Any, list[int]] = field(default_factory=dict)
    count: int = 0

    def look_up(self, key: Any, encode: Callable[[], list[int]]) -> list[int]:
        """Return the ids of a key; beyond two million tokens nothing more is kept."""
        found = self.ids.get(key)
        if found is None:
            found = encode()
            if self.count + len(found) <= _MOST_TOKENS:
                self.ids[key] = found
                self.count += len(found)
        return found


def load_model(checkpoint: Checkpoint, options: Options, tokens: TokenMemory) -> Any:
    """Return the checkpoint as a model of the harness, on its device.

    Raises
    ------
    CheckpointError
        It is no complete model in Hugging Face layout.
    DeviceError
        The device is not there.
    """
    path, adapter = checkpoint.path, None
    if checkpoint.adapter is not None:
        if checkpoint.adapter.base is None:
            fault = checkpoint.adapter.fault
            problem = f"cannot be read ({fault})" if fault else "is not on this machine"
            raise CheckpointError(path, f"the base of this adapter {problem}", "put it where it says")
        path, adapter = checkpoint.adapter.base.path, str(checkpoint.path)
    if not (path / "config.json").is_file():
        raise CheckpointError(path, "it has no config.json", "give a folder in Hugging Face layout")
    device = resolve_device(options.device)
    harness()
    try:
        return _model_class()(
            tokens=tokens,
            pretrained=str(path),
            peft=adapter,
            device=device,
            dtype=options.dtype,
            batch_size=options.batch_size,
            trust_remote_code=False,
        )
    except CheckpointError:
        raise
    except Exception as error:  # whatever transformers may raise for a folder that somebody made
        why = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise CheckpointError(checkpoint.path, f"transformers cannot load it ({why})", "mend the folder") from error


@cache
def _model_class() -> Any:
    from lm_eval.models.huggingface import HFLM

    class WatchedModel(HFLM):  # type: ignore[misc]
        """`HFLM` to the last digit, with a report after every batch.

        Attributes
        ----------
        report : callable
            Called with requests done and requests in all; what it raises ends the evaluation.
        ended_by : Exception or None
            What `report` raised.
        """

        def __init__(self, tokens: TokenMemory, **arguments: Any) -> None:
            self.tokens = tokens
            self.report: Callable[[int, int], None] = lambda *_: None
            self.ended_by: Exception | None = None
            self.done = self.total = 0
            super().__init__(**arguments)

        def loglikelihood(self, requests: Any, disable_tqdm: bool = True) -> Any:
            self._begin(len(requests))
            return super().loglikelihood(requests, disable_tqdm=True)

        def loglikelihood_rolling(self, requests: Any, disable_tqdm: bool = True) -> Any:
            self._begin(sum(-(-len(self.tok_encode(one.args[0])) // self.max_length) for one in requests))
            return super().loglikelihood_rolling(requests, disable_tqdm=True)

        def generate_until(self, requests: Any, disable_tqdm: bool = True) -> Any:
            self._begin(len(requests))
            return super().generate_until(requests, disable_tqdm=True)

        def tok_encode(self, string: str, *arguments: Any, **options: Any) -> list[int]:
            key = (string, arguments, tuple(sorted(options.items())))
            return self.tokens.look_up(key, lambda: super(WatchedModel, self).tok_encode(string, *arguments, **options))

        def _loglikelihood_tokens(self, requests: Any, disable_tqdm: bool = True, override_bs: Any = None) -> Any:
            answers = super()._loglikelihood_tokens(requests, disable_tqdm=True, override_bs=override_bs)
            if any(math.isnan(answer[0]) for answer in answers):
                raise NonFiniteError(
                    f"{self.pretrained} gives NaN as a likelihood; try --dtype float32, or look for NaN in its weights"
                )
            return answers

        def _model_call(self, inps: Any, *arguments: Any, **options: Any) -> Any:
            logits = super()._model_call(inps, *arguments, **options)
            self._advance(len(inps))
            return logits

        def _model_generate(self, context: Any, *arguments: Any, **options: Any) -> Any:
            found = super()._model_generate(context, *arguments, **options)
            self._advance(len(context))
            return found

        def _create_model(self, pretrained: str, **options: Any) -> None:
            if options.get("peft"):
                super()._create_model(pretrained, **options)
                return
            super()._create_model(pretrained, output_loading_info=True, **options)
            self._model, information = vars(self)["_model"]
            missing = sorted(information["missing_keys"])
            if missing:  # transformers would draw them at random
                raise CheckpointError(pretrained, f"it lacks {missing[0]}", "copy or download the weights again")

        def release(self) -> None:
            """Free the weights at once; frames of transformers keep this object until the next collection."""
            self._model = None

        def _begin(self, total: int) -> None:
            self.done, self.total = 0, total

        def _advance(self, requests: int) -> None:
            self.done += requests
            try:
                self.report(min(self.done, self.total), self.total)
            except Exception as error:
                self.ended_by = error
                raise

    return WatchedModel
