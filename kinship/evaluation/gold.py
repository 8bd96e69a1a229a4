"""The loss of a model on a task: how unlikely it finds the answers that are right.

Loss is the total negative log-likelihood of the gold continuations, in nats, over the number of their tokens, over
all questions asked. The gold continuation of a question is

- multiple choice: the right choice, the first one where several are right;
- a likelihood: the continuation that the task asks for;
- generation: the task's target after its delimiter, the first one where there are several. The harness does not ask
  for its likelihood, so it is asked here, after the same prompt;
- rolling likelihood of a text: the whole text.

Tokens are counted as the harness cuts them, for the likelihood of a pair of prompt and continuation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from kinship.errors import TaskError

__all__ = ["GoldLoss", "gold_loss"]


@dataclass(frozen=True)
class GoldLoss:
    """Negative log-likelihood of gold continuations, in nats, and the number of their tokens."""

    nats: float
    tokens: int


def gold_loss(lm: Any, name: str, content: Mapping[str, Any], *, chat: bool) -> GoldLoss:
    """Return the loss on a task that the harness has just evaluated on a model.

    Parameters
    ----------
    lm : WatchedModel
        The model; it is asked again only for tasks that generate.
    name : str
        The task, for messages.
    content : Mapping
        `LoadedTask.content`: the tasks still hold their requests with the answers.
    chat : bool
        Whether the prompts are in the model's chat template.

    Raises
    ------
    TaskError
        The harness does not say which answer is right.
    """
    nats, tokens, unasked = 0.0, 0, []
    for task in content["tasks"].values():
        for _, requests in groupby(task.instances, key=lambda one: one.doc_id):
            try:
                asked, answered = _gold(task, list(requests), chat=chat)
            except Exception as error:  # whatever a task's own functions raise on a question
                why = next(iter(str(error).splitlines()), type(error).__name__)
                raise TaskError(f"{name} does not say which answer is right ({why}); leave this task out") from error
            if asked is None:
                continue
            tokens += _tokens(lm, asked)
            if answered is None:
                unasked.append(asked)
            else:
                nats -= answered
    if unasked:
        nats -= sum(likelihood for likelihood, _ in lm.loglikelihood(_requests(unasked)))
    return GoldLoss(nats, tokens)


def _gold(task: Any, requests: list[Any], *, chat: bool) -> tuple[tuple[str, ...] | None, float | None]:
    """Return prompt and gold continuation of a question (a text alone: just that), and its log-likelihood if known."""
    first = requests[0]
    if first.request_type == "loglikelihood_rolling":
        return first.args, first.resps[0]
    if first.request_type == "generate_until":
        target = _target(task, first.doc)
        return ((first.args[0], _delimiter(task, chat) + target) if target else None), None
    right = requests[_right_choice(task, first.doc)] if task.OUTPUT_TYPE == "multiple_choice" else first
    return right.args, right.resps[0][0]


def _right_choice(task: Any, doc: Any) -> int:
    gold = task.doc_to_text(doc) if task.multiple_input else task.doc_to_target(doc)
    if isinstance(gold, list):
        gold = gold[0]
    choices = task.doc_to_choice(doc)
    place = choices.index(gold) if isinstance(gold, str) else int(gold)
    if not 0 <= place < len(choices):
        raise ValueError(f"choice {place} of {len(choices)}")
    return place


def _target(task: Any, doc: Any) -> str:
    if isinstance(task.config.doc_to_target, int):  # a placeholder: such a task checks answers without a target
        return ""
    target = task.doc_to_target(doc)
    if isinstance(target, list | tuple):
        target = target[0] if target else ""
    if isinstance(target, int) and task.config.doc_to_choice is not None:
        target = task.doc_to_choice(doc)[target]
    return str(target)


def _delimiter(task: Any, chat: bool) -> str:
    """What the harness puts between a prompt and a continuation (`ConfigurableTask.construct_requests`)."""
    prefix = task.config.gen_prefix
    return "" if chat and (not prefix or prefix[-1:].isspace()) else str(task.config.target_delimiter)


def _tokens(lm: Any, asked: tuple[str, ...]) -> int:
    if len(asked) == 1:
        return len(lm.tok_encode(asked[0]))
    prompt, continuation = asked
    if prompt:
        return len(lm._encode_pair(prompt, continuation)[1])
    ids = lm.tok_encode(continuation, add_special_tokens=False)
    return len(ids[1:] if ids[0] == lm.prefix_token_id else ids)  # the prefix stands in for the prompt


def _requests(asked: Iterable[tuple[str, ...]]) -> list[Any]:
    from lm_eval.api.instance import Instance

    make: Callable[..., Any] = Instance
    return [make("loglikelihood", {}, pair, number) for number, pair in enumerate(asked)]
