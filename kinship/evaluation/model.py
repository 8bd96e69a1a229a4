"""A checkpoint as the harness's model: it reports each batch, keeps tokens, and refuses what would score at random."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from kinship.checkpoints import Checkpoint
from kinship.errors import CheckpointError, ScoreError
from kinship.evaluation.harness import harness
from kinship.evaluation.nonfinite import no_number
from kinship.evaluation.options import Options
from kinship.evaluation.room import answer_room, is_cut
from kinship.evaluation.unloadable import lacks_tokenizer, unloadable
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
    if lacking := lacks_tokenizer(path):
        raise lacking
    device = resolve_device(options.device)
    harness()
    try:
        return _model_class()(
            tokens=tokens,
            checkpoint=checkpoint,
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
        raise unloadable(path, error) from error


@cache
def _model_class() -> Any:
    from lm_eval.models.huggingface import HFLM
    from lm_eval.models.utils import normalize_gen_kwargs

    class WatchedModel(HFLM):  # type: ignore[misc]
        """`HFLM` to the last digit, with a report after every batch.

        Attributes
        ----------
        checkpoint : Checkpoint
            What it was loaded from.
        answers : sequence of str
            Those that are to be generated, where the room for them follows from the tokenizer.
        cut : set
            The questions, by task and place, whose prompts were cut since somebody emptied it.
        report : callable
            Called with requests done and requests in all; what it raises ends the evaluation.
        ended_by : Exception or None
            What `report` raised.
        """

        def __init__(self, tokens: TokenMemory, checkpoint: Checkpoint, **arguments: Any) -> None:
            self.tokens = tokens
            self.checkpoint = checkpoint
            self.answers: Sequence[str] = ()
            self.cut: set[tuple[str, int]] = set()
            self.report: Callable[[int, int], None] = lambda *_: None
            self.ended_by: Exception | None = None
            self.done = self.total = 0
            self._asked: Sequence[Any] = ()
            super().__init__(**arguments)

        def loglikelihood(self, requests: Any, disable_tqdm: bool = True) -> Any:
            self._begin(len(requests), requests)
            return super().loglikelihood(requests, disable_tqdm=True)

        def loglikelihood_rolling(self, requests: Any, disable_tqdm: bool = True) -> Any:
            self._begin(sum(-(-len(self.tok_encode(one.args[0])) // self.max_length) for one in requests))
            return super().loglikelihood_rolling(requests, disable_tqdm=True)

        def generate_until(self, requests: Any, disable_tqdm: bool = True) -> Any:
            self._begin(len(requests))
            if self.tokenizer.eos_token_id is None:
                mend = "name it in tokenizer_config.json (eos_token)"
                raise CheckpointError(self.checkpoint.path, "its tokenizer has no token that ends an answer", mend)
            if self.answers:
                window = self.max_length - len(self.tok_encode("")) if self._causal else self.max_length
                own = partial(self.tok_encode, add_special_tokens=False)
                room = {"max_gen_toks": answer_room(self.answers, [one.args[0] for one in requests], own, window)}
                requests = [replace(one, arguments=(one.args[0], one.args[1] | room)) for one in requests]
            for one in requests:
                following = normalize_gen_kwargs(one.args[1], self.max_gen_toks)["max_gen_toks"] if self._causal else 0
                self._note(one, len(self.tok_encode(one.args[0])), following, self.max_length)
            return super().generate_until(requests, disable_tqdm=True)

        def tok_encode(self, string: str, *arguments: Any, **options: Any) -> list[int]:
            key = (string, arguments, tuple(sorted(options.items())))
            return self.tokens.look_up(key, lambda: super(WatchedModel, self).tok_encode(string, *arguments, **options))

        def _loglikelihood_tokens(self, requests: Any, disable_tqdm: bool = True, override_bs: Any = None) -> Any:
            for one, (_, prompt, following) in zip(self._asked, requests, strict=False):
                if not following:
                    raise ScoreError(f"{self.checkpoint.name} has no token for {one.args[1]!r}; leave the task out")
                # the last token is never put in: the window is one longer than what the model reads
                self._note(one, len(prompt), len(following) if self._causal else 0, self.max_length + self._causal)
            answers = super()._loglikelihood_tokens(requests, disable_tqdm=True, override_bs=override_bs)
            if not all(math.isfinite(answer[0]) for answer in answers):
                raise no_number(self.model, self.checkpoint)
            return answers

        def _model_call(self, inps: Any, *arguments: Any, **options: Any) -> Any:
            logits = super()._model_call(inps, *arguments, **options)
            self._advance(len(inps))
            return logits

        def _model_generate(self, context: Any, *arguments: Any, **options: Any) -> Any:
            found = super()._model_generate(context, *arguments, logits_processor=[self._finite], **options)
            self._advance(len(context))
            return found

        def _finite(self, _tokens: Any, logits: Any) -> Any:
            """Let the logits of a step of generation pass; some may be minus infinity, as of tokens that are barred."""
            if not logits.amax(-1).isfinite().all():
                raise no_number(self.model, self.checkpoint)
            return logits

        def _create_model(self, pretrained: str, **options: Any) -> None:
            if options.get("peft"):
                super()._create_model(pretrained, **options)
                return
            super()._create_model(pretrained, output_loading_info=True, **options)
            self._model, information = vars(self)["_model"]
            missing = sorted(information["missing_keys"])
            if missing:  # transformers would draw them at random
                raise unloadable(self.checkpoint.path, missing=missing[0])

        def _create_tokenizer(self, pretrained: str, *arguments: Any, **options: Any) -> None:
            try:
                super()._create_tokenizer(pretrained, *arguments, **options)
            except Exception as error:  # whatever a tokenizer's files make transformers raise
                raise unloadable(Path(pretrained), error, tokenizer=True) from error
            if self.tokenizer.bos_token_id is None and self.tokenizer.eos_token_id is None:
                problem = "its tokenizer names neither a first nor a last token"
                raise CheckpointError(pretrained, problem, "name one in tokenizer_config.json (bos_token or eos_token)")

        def release(self) -> None:
            """Free the weights at once; frames of transformers keep this object until the next collection."""
            self._model = None

        @property
        def _causal(self) -> bool:
            return bool(self.backend == "causal")

        def _note(self, asked: Any, prompt: int, following: int, window: int) -> None:
            """Count a question whose prompt will be cut."""
            if following >= window:
                what = f"{asked.task_name}: {following} tokens may follow a prompt"
                told = f"{what}, and the window of {self.checkpoint.name} has {window}"
                mend = "give a model with a longer window, or shorter answers"
                limited = asked.request_type == "generate_until" and not self.answers
                raise ScoreError(f"{told}; {f'{mend} (max_gen_toks in generation_kwargs)' if limited else mend}")
            if is_cut(prompt, following, window):
                self.cut.add((asked.task_name, asked.doc_id))

        def _begin(self, total: int, asked: Sequence[Any] = ()) -> None:
            """Start to count; the windows of a rolling likelihood always fit, so that nobody asks about them."""
            self.done, self.total, self._asked = 0, total, asked

        def _advance(self, requests: int) -> None:
            self.done += requests
            try:
                self.report(min(self.done, self.total), self.total)
            except Exception as error:
                self.ended_by = error
                raise

    return WatchedModel
