"""Own text, checked before a model is loaded."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinship.errors import TaskError
from kinship.evaluation.own_text import own_task
from kinship.evaluation.texts import passages


@given(st.text(alphabet="ab \n\té", max_size=400), st.integers(2, 60))
def test_passages_lose_nothing_and_fit(text, size):
    pieces = passages(text, size)
    assert "".join(pieces) == text
    assert all(0 < len(piece) <= size for piece in pieces)


def test_a_passage_ends_with_a_paragraph_where_it_can():
    assert passages("one two\n\nthree four\nfive six", 12) == ["one two\n\n", "three four\n", "five six"]
    assert passages("abcdefgh ij", 4) == ["abcd", "efgh", " ij"]


def test_a_folder_of_texts_is_one_task(tmp_path):
    folder = tmp_path / "essays.v2"
    (folder / "deep").mkdir(parents=True)
    (folder / ".git").mkdir()
    (folder / "b.md").write_text("# bee\n")
    (folder / "deep" / "a.txt").write_text("ay\n" * 2000)
    (folder / ".git" / "c.txt").write_text("hidden")
    (folder / "d.py").write_text("print()")
    task = own_task(folder)
    assert task.name == "essays.v2"
    assert "".join(one["text"] for one in task.documents) == "# bee\n" + "ay\n" * 2000
    assert len(task.documents) > 2
    assert task.config["output_type"] == "loglikelihood_rolling"


def test_the_digest_follows_the_words_and_not_the_place(tmp_path):
    texts = {"one": "same", "two": "same", "three": "other"}
    tasks = {}
    for name, text in texts.items():
        (tmp_path / f"{name}.txt").write_text(text)
        tasks[name] = own_task(tmp_path / f"{name}.txt")
    assert tasks["one"].digest == tasks["two"].digest != tasks["three"].digest


def lines(tmp_path, *rows):
    file = tmp_path / "task.jsonl"
    file.write_text("".join(row if isinstance(row, str) else json.dumps(row) + "\n" for row in rows))
    return file


def test_lines_of_text_stay_whole(tmp_path):
    task = own_task(lines(tmp_path, {"text": "x" * 5000}, "\n", {"text": "[1, 2]", "other": 3}))
    assert [one["text"] for one in task.documents] == ["x" * 5000, "[1, 2]"]


def test_prompt_and_answer_are_generated(tmp_path):
    task = own_task(lines(tmp_path, {"prompt": "2+2=", "answer": " 4 "}, {"prompt": "é?", "answer": "né"}))
    assert task.documents == ({"prompt": "2+2=", "answer": "4"}, {"prompt": "é?", "answer": "né"})
    assert task.config["generation_kwargs"] == {"until": ["\n"], "do_sample": False}
    assert task.answers == ("4", "né")


def test_choices_are_parted_from_the_prompt_by_one_space(tmp_path):
    asked = {"choices": ["a", "b"], "answer": "b"}
    task = own_task(lines(tmp_path, asked | {"prompt": "Q:"}, asked | {"prompt": "Q: ", "answer": 0}))
    assert task.documents[0] == {"prompt": "Q:", "choices": [" a", " b"], "answer": 1}
    assert task.documents[1] == {"prompt": "Q: ", "choices": ["a", "b"], "answer": 0}


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ((), "the file is empty"),
        ((" \n",), "the file is empty"),
        (({"text": "a"}, "{nonsense\n"), "line 2: this is not valid JSON"),
        (("[1]\n",), "line 1: this is not a JSON object"),
        (({"prompt": "a"},), "line 1: it has prompt; write text, or prompt and answer"),
        (({},), "line 1: it has nothing"),
        (({"text": "a"}, "\n", {"text": " "}), "line 3: text is missing"),
        (({"text": "a"}, {"prompt": "a", "answer": "b"}), "line 2: text is missing"),
        (({"prompt": "a", "answer": "b"}, {"prompt": "a", "answer": 3}), "line 2: answer is missing or no text"),
        (({"prompt": "a", "choices": ["x"], "answer": 0},), "line 1: choices is not a list of two"),
        (({"prompt": "a", "choices": ["x", ""], "answer": 0},), "line 1: choices is not a list of two"),
        (({"prompt": "a", "choices": ["x", "y"], "answer": "z"},), "line 1: answer is none of the choices"),
        (({"prompt": "a", "choices": ["x", "y"], "answer": 2},), "line 1: answer is none of the choices"),
        (({"prompt": "a", "choices": ["x", "y"], "answer": True},), "line 1: answer is none of the choices"),
    ],
)
def test_a_bad_line_is_named(tmp_path, rows, words):
    with pytest.raises(TaskError, match="task.jsonl.*" + words):
        own_task(lines(tmp_path, *rows))


def test_files_that_hold_no_text_are_named(tmp_path):
    (tmp_path / "empty.txt").write_text(" \n")
    with pytest.raises(TaskError, match=r"empty\.txt: the file is empty"):
        own_task(tmp_path)
    (tmp_path / "empty.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TaskError, match=r"empty\.txt: this is not UTF-8"):
        own_task(tmp_path / "empty.txt")
    (tmp_path / "empty.txt").rename(tmp_path / "picture.png")
    with pytest.raises(TaskError, match=r"no \.txt or \.md file; put some there"):
        own_task(tmp_path)
    with pytest.raises(TaskError, match="rename or convert"):
        own_task(tmp_path / "picture.png")
    (tmp_path / "task.yaml").write_text("task: x")
    with pytest.raises(TaskError, match="--include-path"):
        own_task(tmp_path)
