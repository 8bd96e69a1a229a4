"""A model whose logits are no numbers has no score, and the reason says what helps."""

from __future__ import annotations

import numpy as np
import pytest

from kinship.errors import ScoreError
from kinship.evaluation import Options, resolve_tasks
from tests.evaluation.bigram import bigram
from tests.evaluation.cases import write_jsonl
from tests.families import NORM

CHAIN = {"so": "be", "be": "it"}
SIZE = 6  # words and ends
UP, DOWN, GATE = (f"model.layers.0.mlp.{part}_proj.weight" for part in ("up", "down", "gate"))
ROWS = {
    "generation": {"prompt": "so", "answer": "be it"},
    "choice": {"prompt": "so", "choices": ["be", "it"], "answer": 0},
    "text": {"text": "so be it"},
}
BIG = np.zeros((SIZE, 20))
BIG[0] = 4e4


@pytest.fixture(params=ROWS)
def task(request, tmp_path):
    return resolve_tasks([str(write_jsonl(tmp_path / "asked.jsonl", [ROWS[request.param]]))])


def norm(value):
    return {NORM: np.where(np.arange(SIZE) == 3, value, 1.0)}


def test_the_model_answers_right_as_long_as_nothing_is_broken(evaluator, tmp_path):
    for kind in ("generation", "choice"):
        task = resolve_tasks([str(write_jsonl(tmp_path / f"{kind}.jsonl", [ROWS[kind]]))])
        assert evaluator.evaluate(bigram(tmp_path / kind / "m", CHAIN), task).average == 100.0


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_weight_that_is_no_number_is_named_in_every_kind_of_task(evaluator, tmp_path, task, value):
    model = bigram(tmp_path / "m", CHAIN, changes=norm(value))
    with pytest.raises(ScoreError, match=rf"m answers NaN or infinity in float32: its weight {NORM} holds .* no prec"):
        evaluator.evaluate(model, task)


def test_what_overflows_in_float16_is_told_the_types_that_hold_it(evaluator, tmp_path, task):
    """Each weight fits; gate times up, of words of 1, is 60,000 squared."""
    wide = {GATE: np.full((20, SIZE), 6e4), UP: np.full((20, SIZE), 6e4), DOWN: np.ones((SIZE, 20))}
    model = bigram(tmp_path / "m", CHAIN, changes=wide, dtype="F16")
    with pytest.raises(ScoreError, match="its weights are finite, but values in float16 end at 65,504; use --dtype"):
        evaluator.evaluate(model, task)
    assert evaluator.evaluate(model, task, Options(dtype="float32")).average is not None


def test_a_weight_too_large_for_float16_is_named_by_what_it_was_stored_as(evaluator, tmp_path, task):
    stored = bigram(tmp_path / "bf16", CHAIN, changes={DOWN: 2.5 * BIG}, dtype="BF16")
    with pytest.raises(ScoreError, match=rf"its weight {DOWN} does not fit.* use --dtype bfloat16 or float32"):
        evaluator.evaluate(stored, task, Options(dtype="float16"))
    merged = bigram(tmp_path / "f16", CHAIN, changes={DOWN: 2.5 * BIG}, dtype="F16")
    with pytest.raises(ScoreError, match=rf"its weight {DOWN} is infinite.* make it again with the dtype bfloat16"):
        evaluator.evaluate(merged, task)
