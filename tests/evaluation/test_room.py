"""What fits a window: the room for an answer is counted in tokens, and every prompt that is cut is counted."""

from __future__ import annotations

import pytest

from kinship.errors import ScoreError
from kinship.evaluation import Options, caveats, resolve_tasks
from kinship.evaluation.room import answer_room, is_cut
from tests.evaluation.bigram import bigram
from tests.evaluation.cases import write_jsonl

TREES = ("ash", "birch", "cedar", "fir", "larch", "oak", "pine", "yew")
ANSWER = [f"considerablylongword{letter}" for letter in "abcdef"]
CHAIN = dict(zip(["so", *ANSWER], ANSWER, strict=False)) | dict.fromkeys(TREES, "oak")


def words(text):
    return text.split()


def prompt(length):
    return " ".join([*(TREES[i % len(TREES)] for i in range(length - 1)), "so"])


def asked(tmp_path, lengths, **more):
    rows = [{"prompt": prompt(length), "answer": " ".join(ANSWER)} | more for length in lengths]
    return resolve_tasks([str(write_jsonl(tmp_path / "asked.jsonl", rows))])


def test_an_answer_has_room_for_its_bytes_and_where_they_do_not_fit_for_its_tokens():
    answers = ["ab cd", "é"]
    assert answer_room(answers, ["a"], words, 100) == 1 + len(b"ab cd")
    assert answer_room(answers, ["a b c"], words, 8) == 8 - 3
    assert answer_room(answers, ["a b c d e f"], words, 8) == 1 + 2, "the prompt is cut, the answer is not"
    assert not is_cut(5, 3, 8)
    assert is_cut(6, 3, 8)


def test_an_answer_of_long_words_leaves_its_prompt_whole(evaluator, tmp_path):
    """28 tokens of 150, and 138 bytes."""
    model = bigram(tmp_path / "model", CHAIN, window=150)
    score = evaluator.evaluate(model, asked(tmp_path, [22] * 5)).tasks["asked"]
    assert (score.value, score.questions, score.cut) == (100.0, 5, 0)
    assert caveats("model", evaluator.evaluate(model, asked(tmp_path, [22]))) == []


@pytest.mark.parametrize("batch_size", [1, 4])
def test_prompts_that_are_cut_are_counted_and_the_answers_keep_their_room(evaluator, tmp_path, batch_size):
    model = bigram(tmp_path / "model", CHAIN, window=29)
    scores = evaluator.evaluate(model, asked(tmp_path, [3, 22, 23, 60]), Options(batch_size=batch_size))
    assert (scores.tasks["asked"].value, scores.tasks["asked"].cut) == (100.0, 2)
    (caveat,) = caveats("model", scores)
    assert caveat.startswith("asked has 2 of 4 questions that do not fit the window of model; their prompts were cut")


def test_a_question_counts_once_however_many_choices_it_has(evaluator, tmp_path):
    """A choice of one token may stand behind as many tokens as the window has."""
    model = bigram(tmp_path / "model", CHAIN, window=40)
    task = asked(tmp_path, [39, 40, 41, 62, 62], choices=[*ANSWER[:3]], answer=ANSWER[0])
    score = evaluator.evaluate(model, task).tasks["asked"]
    assert (score.value, score.cut) == (100.0, 3)


def test_texts_are_read_in_windows_and_nothing_is_cut(evaluator, tmp_path):
    model = bigram(tmp_path / "model", CHAIN, window=16)
    write_jsonl(tmp_path / "long.jsonl", [{"text": prompt(100)}])
    assert evaluator.evaluate(model, resolve_tasks([str(tmp_path / "long.jsonl")])).tasks["long"].cut == 0


def test_what_leaves_no_room_for_a_prompt_is_named_with_the_way_that_there_is(evaluator, tmp_path):
    model = bigram(tmp_path / "model", CHAIN, window=6)
    with pytest.raises(
        ScoreError, match="asked: 7 tokens may follow a prompt, and the window of model has 6; give a"
    ) as own:
        evaluator.evaluate(model, asked(tmp_path, [3]))
    assert "generation_kwargs" not in str(own.value), "who asks with own text has none"
    (tmp_path / "said.yaml").write_text(
        "task: said\ndataset_path: json\ndataset_kwargs: {data_files: {test: asked.jsonl}}\ntest_split: test\n"
        "output_type: generate_until\ndoc_to_text: '{{prompt}}'\ndoc_to_target: '{{answer}}'\n"
        "generation_kwargs: {until: ['x'], max_gen_toks: 6}\n"
    )
    with pytest.raises(ScoreError, match=r"6 tokens may follow .* \(max_gen_toks in generation_kwargs\)"):
        evaluator.evaluate(model, resolve_tasks([str(tmp_path / "said.yaml")]))
