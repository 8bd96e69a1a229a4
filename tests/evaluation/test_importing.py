"""Published scores in the three forms that people have them in."""

from __future__ import annotations

import json

import pytest

from kinship.errors import TaskError
from kinship.evaluation import read_published, read_uploaded

# the shape that lm_eval 0.4.13 wrote for two demo tasks in a group and a text
RESULT = {
    "results": {
        "addition": {"alias": "addition", "acc,none": 0.5, "acc_stderr,none": 0.1147, "sample_len": 20},
        "sorting": {"alias": "sorting", "acc,none": 0.45, "acc_stderr,none": 0.1141, "sample_len": 20},
        "both": {"alias": "both", "acc,none": 0.475, "acc_stderr,none": 0.0809, "sample_count": {"acc,none": 40}},
        "gsm8k": {
            "exact_match,flexible-extract": 0.9,
            "exact_match,strict-match": 0.3,
            "exact_match_stderr,strict-match": "N/A",
        },
        "wikitext": {"word_perplexity,none": 20.0, "bits_per_byte,none": 0.75, "bits_per_byte_stderr,none": "N/A"},
        "lost": {"perplexity,none": 8.0, "perplexity_stderr,none": 0.2},
    },
    "group_subtasks": {"both": ["addition", "sorting"]},
    "configs": {"gsm8k": {"filter_list": [{"name": "strict-match"}], "metric_list": [{"metric": "exact_match"}]}},
    "n-shot": {"both": 0, "gsm8k": 5},
    "n-samples": {"gsm8k": {"original": 1319, "effective": 100}},
    "higher_is_better": {"wikitext": {"word_perplexity": False, "bits_per_byte": False}, "lost": {"perplexity": False}},
    "config": {"model": "hf", "model_args": "pretrained=org/name,dtype=bfloat16"},
}


def write(file, said):
    file.write_text(said if isinstance(said, str) else json.dumps(said))
    return file


def test_a_result_file(tmp_path):
    found = read_published(write(tmp_path / "results_1.json", RESULT))
    assert list(found) == ["org/name"]
    tasks = found["org/name"].tasks
    assert list(tasks) == ["both", "gsm8k", "wikitext"]  # the group for its tasks; no perplexity
    assert (tasks["both"].value, tasks["both"].stderr, tasks["both"].few_shot) == (47.5, pytest.approx(8.09), 0)
    gsm8k = tasks["gsm8k"]
    assert (gsm8k.value, gsm8k.stderr, gsm8k.metric, gsm8k.few_shot) == (30.0, None, "exact_match,strict-match", 5)
    assert gsm8k.questions == 100
    assert (tasks["wikitext"].value, tasks["wikitext"].unit) == (-0.75, "bits per byte")


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({"model_name": "a/b", "config": {"model_args": "pretrained=c/d"}}, "a/b"),
        ({"config": {"model_args": {"pretrained": "c/d"}}}, "c/d"),
        ({"config_general": {"model_name": "e/f"}}, "e/f"),
        ({}, "org__name"),
    ],
)
def test_a_result_file_names_its_model(tmp_path, said, name):
    folder = tmp_path / "org__name"
    folder.mkdir()
    found = read_published(write(folder / "r.json", {"results": {"x": {"acc": 0.25, "acc_stderr": 0.01}}} | said))
    assert list(found) == [name]
    assert (found[name].tasks["x"].value, found[name].tasks["x"].stderr) == (25.0, 1.0)


def test_a_table(tmp_path):
    rows = ["A,arc,64.2,1.4,,x", "A,text,-0.9,,bits per byte,", "B,arc,0.5,,,", "B,gsm,,,,", ""]
    text = "\n".join(["\ufeffmodel,task,score,stderr,unit,note", *rows])
    found = read_published(write(tmp_path / "s.csv", text))
    assert list(found) == ["A", "B"]
    assert (found["A"].tasks["arc"].value, found["A"].tasks["arc"].stderr) == (64.2, 1.4)
    assert found["A"].averages == {"percent": 64.2, "bits per byte": -0.9}
    assert found["B"].tasks["arc"].value == 0.5  # percent, since others are above 1
    assert list(found["B"].tasks) == ["arc"]


def test_a_table_in_shares_of_one(tmp_path):
    text = "model,task,score,stderr,unit\nA,arc,0.642,0.014,\nB,arc,1,,\nA,text,-0.9,,bits per byte\n"
    found = read_published(write(tmp_path / "s.csv", text))
    assert (found["A"].tasks["arc"].value, found["A"].tasks["arc"].stderr) == (64.2, pytest.approx(1.4))
    assert found["B"].tasks["arc"].value == 100.0
    assert found["A"].tasks["text"].value == -0.9


CARD = """---
license: mit
model-index:
- name: TheMerge
  results:
  - task: {type: text-generation}
    dataset: {name: ARC, type: ai2_arc, args: {num_few_shot: 25}}
    metrics: [{type: acc_norm, value: 72.1, name: normalized accuracy}, {type: acc, value: 70.0}]
  - dataset: {name: Hard, type: x}
    metrics: [{type: exact_match, value: 0.76}]
  - dataset: {name: Loss, type: x}
    metrics: [{type: loss, value: 2.1}, {type: perplexity, value: 9.0}]
  - dataset: {name: Broken, type: x}
    metrics: [{type: acc, value: n/a}]
- name: Other
  results:
  - dataset: {type: imdb}
    metrics: [{type: loss, value: 0.3}, {type: accuracy, value: 0.91}]
---
# TheMerge
"""


def test_a_model_card(tmp_path):
    write(tmp_path / "README.md", CARD)
    found = read_published(tmp_path)
    tasks = found["TheMerge"].tasks
    assert {name: (one.value, one.metric) for name, one in tasks.items()} == {
        "ARC": (72.1, "acc_norm"),
        "Hard": (0.76, "exact_match"),  # percent, as the others of this model
    }
    assert tasks["ARC"].few_shot == 25
    assert found["Other"].tasks["imdb"].value == 91.0


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.json", "{", "not valid JSON"),
        ("a.json", "[]", "no results by task"),
        ("a.json", '{"results": {"x": 1}}', "no results by task"),
        ("a.json", '{"results": {"x": {"perplexity": 3.0}}}', "none of its tasks has a score"),
        ("a.csv", "model,task\nA,b\n", "no column score"),
        ("a.csv", "model,task,score\nA,b,c\n", "line 2: score is 'c', which is no number"),
        ("a.csv", "model,task,score\nA,b,nan\n", "line 2: score is 'nan'"),
        ("a.csv", "model,task,score\nA,b,1\n,b,2\n", "line 3: model is empty"),
        ("a.csv", "model,task,score\nA,b,1\nA,b,2\n", "line 3: A has a score on b already"),
        ("a.csv", "model,task,score\nA,b,101\n", "line 2: 101 percent is no score"),
        ("a.csv", "model,task,score,unit\nA,b,1,bits per byte\n", "line 2: 1 bits per byte is no score"),
        ("a.csv", "model,task,score\n", "holds no score"),
        ("a.md", "# no front matter", "no model-index"),
        ("a.md", "---\na: [\n---\n", "not valid YAML"),
        ("a.md", "---\nmodel-index: [{name: a, results: [{dataset: 3}]}]\n---\n", "no score of which more is better"),
        ("a.txt", "", "scores are read from"),
    ],
)
def test_what_is_no_score_is_named(tmp_path, name, text, words):
    with pytest.raises(TaskError, match=words):
        read_published(write(tmp_path / name, text))


NAMELESS = "---\nmodel-index:\n- results:\n  - {dataset: {name: ARC}, metrics: [{type: acc, value: 61.0}]}\n---\n"


def test_a_card_without_a_name_is_called_after_its_folder_or_its_file(tmp_path):
    folder = tmp_path / "my-merge"
    folder.mkdir()
    write(folder / "README.md", NAMELESS)
    write(folder / "other-merge.md", NAMELESS)
    assert list(read_published(folder)) == list(read_published(folder / "README.md")) == ["my-merge"]
    assert list(read_published(folder / "other-merge.md")) == ["other-merge"]


def test_an_upload_has_no_folder_to_be_called_after():
    assert list(read_uploaded("README.md", NAMELESS.encode(), "my-merge")) == ["my-merge"]
    assert list(read_uploaded("README.md", CARD.encode(), "ignored")) == ["TheMerge", "Other"]
    assert list(read_uploaded("/some/where/s.csv", b"model,task,score\nA,b,1\n")) == ["A"]
    nameless = json.dumps({"results": {"x": {"acc": 0.25}}}).encode()
    assert list(read_uploaded("results_1.json", nameless, "my-merge")) == ["my-merge"]
    for name, content in (("README.md", NAMELESS.encode()), ("results_1.json", nameless)):
        with pytest.raises(TaskError, match=f"^{name}: it does not name its model"):
            read_uploaded(name, content)
    with pytest.raises(TaskError, match=r"^notes\.txt: scores are read from"):
        read_uploaded("notes.txt", b"")
    with pytest.raises(TaskError, match=r"^s\.csv: this is not UTF-8"):
        read_uploaded("s.csv", b"\xff\xfe")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(TaskError, match="cannot be read"):
        read_published(tmp_path / "none.csv")
    with pytest.raises(TaskError, match="cannot be read"):
        read_published(tmp_path)
