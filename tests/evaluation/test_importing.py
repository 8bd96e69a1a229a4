"""Published scores in the three forms that people have them in."""

from __future__ import annotations

import json
import math

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
    assert found.warnings == (
        "README.md: Loss of TheMerge is left out: loss is better when less",
        "README.md: Loss of TheMerge is left out: perplexity is better when less",
        "README.md: Broken of TheMerge is left out: n/a is no finite number",
        "README.md: Hard of TheMerge is taken for 0.76 percent, since the file has scores above 1",
        "README.md: ARC goes by acc_norm; acc is left out",
        "README.md: imdb of Other is left out: loss is better when less",
    )


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.json", "{", "not valid JSON"),
        ("a.json", "3", "no results by task"),
        ("a.json", "[]", "holds no score"),
        ("a.json", "[3]", "object 1: it has no model, task and score"),
        ("a.json", '{"a": {"b": true}}', "a, b: .* is no score"),
        ("a.json", '{"a": {"b": "x"}}', "a, b, column score: 'x' is no number"),
        ("a.json", '{"a": {"b": NaN}}', "holds no score; a.json, a, b: b of a is left out: nan is no finite number"),
        ("a.json", '{"results": {"x": 1}}', "no results by task"),
        ("a.json", '{"results": {"x": {"perplexity": 3.0}}}', "none of its tasks has a score"),
        ("a.csv", "model,task\nA,b\n", "no column score"),
        ("a.csv", "model,task\n", "no column score"),
        ("a.csv", "model,task,score\nA,b,c\n", "line 2, column score: 'c' is no number"),
        ("a.csv", "model,task,score\nA,b,nan\n", "line 2: b of A is left out: nan is no finite number"),
        ("a.csv", "model,task,score\nA,b,1\n,b,2\n", "line 3: model is empty"),
        ("a.csv", "model,task,score\nA,b,1\nA,b,2\n", "line 3: A has a score on b already"),
        ("a.csv", "model,task,score\nA,b,101\n", "line 2: b of A is left out: 101 percent is no score"),
        ("a.csv", "model,task,score,unit\nA,b,1,points\n", "line 2, column unit: 'points' is no unit"),
        ("a.csv", 'model,task,score\nA,b,"61,5"\n', "line 2, column score: '61,5' is no number"),
        ("a.csv", "model,task,score\nA,b,61,5\n", r"row 1: not as many cells as the header's 3, but 4 \(line 2\)"),
        ("a.csv", "model,task,score,score\nA,b,1,2\n", "'score' is there 2 times"),
        ("a.csv", "model,task,score\nA,wikitext,9.1\n", "wikitext is better when less"),
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


def values(found):
    return {model: {name: one.value for name, one in own.tasks.items()} for model, own in found.items()}


OPEN_LLM = {
    "harness|arc:challenge|25": {"acc": 0.5, "acc_stderr": 0.01, "acc_norm": 0.55, "acc_norm_stderr": 0.014},
    "harness|hellaswag|10": {"acc": 0.6, "acc_norm": 0.8},
    "harness|hendrycksTest-anatomy|5": {"acc": 0.4, "acc_stderr": 0.03, "acc_norm": 0.1},
    "harness|hendrycksTest-virology|5": {"acc": 0.5, "acc_stderr": 0.04, "acc_norm": 0.1},
    "harness|truthfulqa:mc|0": {"mc1": 0.3, "mc2": 0.45},
    "harness|winogrande|5": {"acc": 0.7},
    "harness|gsm8k|5": {"acc": 0.12},
    "harness|drop|3": {"em": 0.001, "f1": 0.05},
    "all": {"acc": 0.44, "acc_norm": 0.4, "mc1": 0.3},
}
SIX = {"arc_challenge": 55, "hellaswag": 80, "mmlu": 45, "truthfulqa_mc": 45, "winogrande": 70, "gsm8k": 12}
SHOTS = {"arc_challenge": 25, "hellaswag": 10, "mmlu": 5, "truthfulqa_mc": 0, "winogrande": 5, "gsm8k": 5}


def test_the_first_open_llm_leaderboard_s_six_benchmarks(tmp_path):
    """By the metrics and with the numbers of examples of its page; MMLU is the mean over its subjects."""
    said = {"results": OPEN_LLM, "config_general": {"model_name": "a"}}
    found = read_published(write(tmp_path / "r.json", said))
    assert values(found)["a"] == pytest.approx(SIX)
    assert {name: one.few_shot for name, one in found["a"].tasks.items()} == SHOTS
    assert found["a"].tasks["mmlu"].stderr == pytest.approx(2.5)  # half of hypot(3, 4)
    assert found.warnings == (
        "drop is left out: the leaderboard withdrew it as wrongly scored",
        "mmlu is the mean over 2 of its 57 subjects",
    )


def test_a_subject_without_a_number_costs_itself_alone(tmp_path):
    subjects = {f"hendrycksTest-s{i}": {"acc": 0.5, "acc_norm": 0.1} for i in range(56)}
    lost = {"hendrycksTest-lost": {"acc": math.nan, "acc_norm": 0.9}}
    found = read_published(write(tmp_path / "r.json", {"results": subjects | lost, "config": {"num_fewshot": 5}}))
    (mmlu,) = next(iter(found.values())).tasks.values()
    assert (mmlu.task, mmlu.value, mmlu.metric, mmlu.few_shot) == ("mmlu", 50.0, "acc", 5)
    assert "mmlu_lost is left out of mmlu: it has no number" in found.warnings


def test_a_subject_of_mmlu_without_samples_is_left_out_and_one_without_an_error_is_not(tmp_path):
    rows = {
        "anatomy": {"acc": -1, "acc_stderr": -1, "acc_norm": 0.9},
        "law": {"acc": 0.6, "acc_stderr": "N/A", "acc_norm": math.nan},
        "bio": {"acc": 0.7, "acc_stderr": 0.02, "acc_norm": 0.8},
    }
    said = {"results": {f"harness|hendrycksTest-{name}|5": row for name, row in rows.items()}}
    found = read_uploaded("r.json", json.dumps(said).encode(), "a")
    (mmlu,) = found["a"].tasks.values()
    assert (mmlu.value, mmlu.metric, mmlu.stderr) == (pytest.approx(65.0), "acc", None)
    assert "mmlu_anatomy is left out of mmlu: it has no number" in found.warnings
    assert "mmlu is the mean over 2 of its 57 subjects" in found.warnings


def test_a_group_whose_mean_counts_minus_one_gives_way_to_its_tasks(tmp_path):
    rows = {"ruler": 0.2333, "r1": 0.8, "r2": 0.9, "r3": -1}
    said = {
        "results": {name: {"4096,none": value} for name, value in rows.items()},
        "group_subtasks": {"ruler": ["r1", "r2", "r3"]},
    }
    found = read_uploaded("r.json", json.dumps(said).encode(), "a")
    assert values(found) == {"a": {"r1": 80.0, "r2": 90.0}}
    assert any(told.startswith("r3 is left out") for told in found.warnings)


def test_lighteval_s_own_averages_are_groups(tmp_path):
    rows = {"law": 0.4, "anatomy": 0.6, "_average": 0.5}
    results = {f"leaderboard|mmlu:{name}|5|0": {"acc": value} for name, value in rows.items()}
    results |= {f"lighteval|bigbench:{name}|0|0": {"acc": value} for name, value in rows.items()}
    results |= {"leaderboard|truthfulqa:mc|0|0": {"truthfulqa_mc1": 0.3, "truthfulqa_mc2": 0.44}, "all": {"acc": 0.5}}
    found = read_published(write(tmp_path / "r.json", {"results": results, "config_general": {"model_name": "a"}}))
    assert values(found) == {"a": {"mmlu": 50.0, "bigbench": 50.0, "truthfulqa_mc": 44.0}}


def test_the_leaderboard_in_today_s_harness_goes_by_one_truthfulqa(tmp_path):
    results = {
        "arc_challenge": {"acc,none": 0.5, "acc_norm,none": 0.55},
        "truthfulqa": {"acc,none": 0.37, "bleu_max,none": 20.0},
        "truthfulqa_gen": {"bleu_max,none": 20.0, "bleu_acc,none": 0.3},
        "truthfulqa_mc1": {"acc,none": 0.3},
        "truthfulqa_mc2": {"acc,none": 0.44},
    }
    below = {"truthfulqa": ["truthfulqa_gen", "truthfulqa_mc1", "truthfulqa_mc2"]}
    said = {"results": results, "group_subtasks": below, "n-shot": {"arc_challenge": 25}, "model_name": "a"}
    whole = {**said, "group_subtasks": below | {"openllm": ["arc_challenge", "truthfulqa"]}}
    leaderboard = read_published(write(tmp_path / "r.json", whole))
    assert values(leaderboard) == {"a": {"arc_challenge": pytest.approx(55), "truthfulqa_mc2": 44.0}}
    alone = read_published(write(tmp_path / "r.json", said))
    assert set(alone["a"].tasks) == {"arc_challenge", "truthfulqa_gen", "truthfulqa_mc1", "truthfulqa_mc2"}


def version_2(**more):
    everything = {"inst_level_loose_acc": 0.43, "acc_norm": 0.4, "acc": 0.21, "exact_match": 0.03}
    rows = {
        "leaderboard": everything,
        "leaderboard_bbh": {"acc_norm": 0.42},
        "leaderboard_bbh_navigate": {"acc_norm": 0.6},
        "leaderboard_ifeval": {"inst_level_strict_acc": 0.41, "prompt_level_strict_acc": 0.3},
        "leaderboard_math_hard": {"exact_match": 0.03},
        "leaderboard_math_algebra_hard": {"exact_match": 0.03},
        "leaderboard_mmlu_pro": {"acc": 0.21},
    }
    depths = dict.fromkeys(rows, 1) | {"leaderboard": 0, "leaderboard_bbh_navigate": 2}
    depths |= {"leaderboard_math_algebra_hard": 2}
    alias = {name: f"{' ' * depth}- {name}" if depth else name for name, depth in depths.items()}
    results = {name: {f"{m},none": v for m, v in row.items()} | {"alias": alias[name]} for name, row in rows.items()}
    return {"results": results, "model_name": "a", **more}


BELOW = {
    "leaderboard": ["leaderboard_bbh", "leaderboard_ifeval", "leaderboard_math_hard", "leaderboard_mmlu_pro"],
    "leaderboard_bbh": ["leaderboard_bbh_navigate"],
    "leaderboard_math_hard": ["leaderboard_math_algebra_hard"],
}


@pytest.mark.parametrize("more", [{"group_subtasks": BELOW}, {}], ids=["groups named", "by the indents alone"])
def test_a_group_over_different_metrics_does_not_stand_for_its_members(tmp_path, more):
    """The second leaderboard: one group over six benchmarks, of which four are here."""
    found = read_published(write(tmp_path / "r.json", version_2(**more)))
    assert values(found)["a"] == pytest.approx(
        {"leaderboard_bbh": 42, "leaderboard_ifeval": 30, "leaderboard_math_hard": 3, "leaderboard_mmlu_pro": 21}
    )


def test_a_group_over_different_metrics_without_its_members_is_no_score(tmp_path):
    results = {"leaderboard": {"acc,none": 0.21, "acc_norm,none": 0.4}, "arc": {"acc,none": 0.5}}
    said = {"results": results, "group_subtasks": {"leaderboard": ["leaderboard_bbh"]}, "model_name": "a"}
    found = read_published(write(tmp_path / "r.json", said))
    assert values(found) == {"a": {"arc": 50.0}}
    assert "leaderboard is a group over different metrics (acc, acc_norm)" in found.warnings[0]


def test_a_group_whose_number_was_lost_gives_way_to_its_members(tmp_path):
    results = {"both": {"acc,none": math.nan}, "x": {"acc,none": math.nan}, "y": {"acc,none": 0.5}}
    said = {"results": results, "group_subtasks": {"both": ["x", "y"]}, "model_name": "a"}
    found = read_published(write(tmp_path / "r.json", said))
    assert values(found) == {"a": {"y": 50.0}}
    assert found.warnings == ("x is left out: x has no score for this model: acc is nan, no number",)


@pytest.mark.parametrize("lost", [math.nan, math.inf, "N/A", -1, None])
def test_one_bad_task_never_sinks_a_file(tmp_path, lost):
    results = {"bad": {"acc,none": lost}, "worse": 3, "good": {"acc,none": 0.5, "acc_stderr,none": "N/A"}}
    found = read_published(write(tmp_path / "r.json", {"results": results, "configs": [], "model_name": "a"}))
    assert values(found) == {"a": {"good": 50.0}}
    assert [warning.split(" is ")[0] for warning in found.warnings] == ["worse", "bad"]


def test_groups_that_hold_each_other_are_tasks(tmp_path):
    results = {name: {"acc,none": 0.5} for name in "tab"}
    below = {"t": ["a", 3], "a": ["b"], "b": ["a"], "x": 3}
    found = read_published(write(tmp_path / "r.json", {"results": results, "group_subtasks": below, "model_name": "m"}))
    assert values(found) == {"m": {"t": 50.0, "b": 50.0}}


def test_what_stands_in_for_a_first_metric_is_said(tmp_path):
    results = {"truthfulqa_gen": {"bleurt_max": -0.53, "bleurt_acc": 0.46, "bleu_max": 30.1, "bleu_acc": 0.44}}
    found = read_published(write(tmp_path / "r.json", {"results": results, "model_name": "a"}))
    assert found["a"].tasks["truthfulqa_gen"].value == 46.0
    assert found.warnings == ("truthfulqa_gen: bleurt_max is no share of 1; bleurt_acc stands in",)
    assert found["a"].tasks["truthfulqa_gen"].note == found.warnings[0]


def test_plain_json_is_read_as_a_table_is(tmp_path):
    """Shares where nothing in the file is above 1; one number cannot tell, the file can."""
    shares = {"a": {"arc": 0.5, "tqa": 0.3}, "b": {"arc": {"score": 0.52, "stderr": 0.01, "metric": "acc"}, "tqa": 0.4}}
    found = read_published(write(tmp_path / "s.json", shares))
    assert values(found) == {"a": {"arc": 50.0, "tqa": 30.0}, "b": {"arc": 52.0, "tqa": 40.0}}
    assert (found["b"].tasks["arc"].stderr, found["b"].tasks["arc"].metric) == (1.0, "acc")
    percent = read_published(write(tmp_path / "s.json", {"a": {"arc": 0.5}, "b": {"arc": 52.0}}))
    assert values(percent) == {"a": {"arc": 0.5}, "b": {"arc": 52.0}}
    assert percent.warnings == (
        f"{tmp_path}/s.json, a, arc: arc of a is taken for 0.5 percent, since the file has scores above 1",
    )
    rows = [{"model": "a", "task": "arc", "score": 0.5}, {"model": "b", "task": "arc", "score": None}]
    assert values(read_published(write(tmp_path / "s.json", rows))) == {"a": {"arc": 50.0}}


def test_a_bad_number_in_a_plain_file_costs_itself_alone(tmp_path):
    text = '{"a": {"arc": 50.0, "tqa": NaN, "x": "N/A", "ruler": -1}, "b": {"arc": 52.0, "average": 47.1, "y": null}}'
    found = read_published(write(tmp_path / "s.json", text))
    assert values(found) == {"a": {"arc": 50.0}, "b": {"arc": 52.0}}
    assert [warning.partition(": ")[2] for warning in found.warnings] == [
        "tqa of a is left out: nan is no finite number",
        "x of a is left out: N/A is no finite number",
        "average of b is left out: an average is no task",
        "ruler of a is left out: -1 stands for no samples",
    ]


def test_a_perplexity_in_a_table_is_left_out_and_named(tmp_path):
    rows = ["A,arc,acc,61.5", "A,wiki,word_perplexity,9.1", "A,wiki,bits_per_byte,0.9", "A,wikitext,,9.1", ""]
    found = read_published(write(tmp_path / "s.csv", "\n".join(["model,task,metric,score", *rows])))
    assert values(found) == {"A": {"arc": 61.5, "wiki": -0.9}}
    assert found["A"].tasks["wiki"].unit == "bits per byte"
    assert [warning.partition(": ")[2] for warning in found.warnings] == [
        "wiki of A is left out: word_perplexity is better when less",
        "wikitext of A is left out: wikitext is better when less",
    ]


def test_a_bleu_has_no_say_in_whether_a_table_is_in_shares(tmp_path):
    rows = ["A,arc,acc,0.615", "A,wmt,bleu,35.8", "B,wmt,bleu,0.358", "B,cola,mcc,-0.1", ""]
    found = read_published(write(tmp_path / "s.csv", "\n".join(["model,task,metric,score", *rows])))
    assert values(found) == {"A": {"arc": 61.5, "wmt": 35.8}, "B": {"wmt": 0.358, "cola": -10.0}}


@pytest.mark.parametrize("metric", ["bleu", "chrf", "exact", "best_f1"])
def test_what_other_programs_write_as_a_share_is_told_by_the_whole_file(metric, tmp_path):
    def read(*rows):
        lines = ["model,task,score,metric,unit", *rows, ""]
        return read_published(write(tmp_path / "s.csv", "\n".join(lines)))

    alone = read(f"m,trans,0.31,{metric},", "m,arc,0.6,acc,")
    assert values(alone) == {"m": {"trans": pytest.approx(31.0), "arc": 60.0}}
    (told,) = alone.warnings
    assert "s.csv, line 2: trans of m is taken for 31 percent" in told
    beside = read(f"m,trans,0.31,{metric},", "m,arc,60,acc,")
    assert values(beside) == {"m": {"trans": 0.31, "arc": 60.0}}
    assert "trans of m is taken for 0.31 percent" in beside.warnings[0]
    for unit, value in (("percent", 0.31), ("share", 31.0)):
        stated = read(f"m,trans,0.31,{metric},{unit}")
        assert values(stated) == {"m": {"trans": pytest.approx(value)}}
        assert stated.warnings == ()


def test_a_card_by_hugging_faces_own_bleu_is_in_shares(tmp_path):
    metrics = "{dataset: {name: wmt}, metrics: [{type: bleu, value: 0.2812}]}"
    card = f"---\nmodel-index:\n- name: m\n  results: [{metrics}]\n---\n"
    found = read_published(write(tmp_path / "README.md", card))
    assert values(found) == {"m": {"wmt": pytest.approx(28.12)}}
    assert "wmt of m is taken for 28.12 percent" in found.warnings[0]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_card_is_read_in_the_encoding_that_it_has(encoding, tmp_path):
    (tmp_path / "README.md").write_bytes(CARD.encode(encoding))
    assert (
        list(read_published(tmp_path))
        == list(read_uploaded("README.md", CARD.encode(encoding)))
        == ["TheMerge", "Other"]
    )


def test_a_card_with_a_byte_that_is_no_text_keeps_its_scores():
    assert list(read_uploaded("README.md", CARD.encode() + b"caf\xe9\n")) == ["TheMerge", "Other"]


def test_a_name_that_looks_like_a_number_keeps_its_comma(tmp_path):
    found = read_published(write(tmp_path / "s.csv", "model;task;score;stderr\n1,5;2,0;61,5;1,4\n"))
    assert values(found) == {"1,5": {"2,0": 61.5}}
    assert found["1,5"].tasks["2,0"].stderr == 1.4


def test_a_unit_that_is_stated_settles_it(tmp_path):
    rows = [
        "A,x,0.8,percent",
        "A,y,0.8,share",
        "A,z,0.8%,",
        "A,w,0.8,",
        "A,wikitext,0.8,bits per byte",
        "A,ppl,9,percent",
        "",
    ]
    found = read_published(write(tmp_path / "s.csv", "\n".join(["model,task,score,unit", *rows])))
    assert values(found) == {"A": {"x": 0.8, "y": 80.0, "z": 0.8, "w": 80.0, "wikitext": -0.8}}
    assert "ppl of A is left out" in found.warnings[0]


def test_a_table_as_spreadsheets_write_it(tmp_path):
    text = '\ufeffModel; Task ;Score;\r\nA;arc;61,5;\r\n"B; the ""second""";"arc";58,2;\r\n;;;\r\n'
    found = read_published(write(tmp_path / "s.csv", text))
    assert values(found) == {"A": {"arc": 61.5}, 'B; the "second"': {"arc": 58.2}}


def test_of_two_metrics_the_first_of_the_file_stands_for_every_model(tmp_path):
    rows = ["A,arc,acc,60", "A,arc,acc_norm,65", "B,arc,acc_norm,64", "B,arc,acc,59", "B,arc,acc,58", ""]
    with pytest.raises(TaskError, match="line 6: B has a score on arc already"):
        read_published(write(tmp_path / "s.csv", "\n".join(["model,task,metric,score", *rows])))
    found = read_published(write(tmp_path / "s.csv", "\n".join(["model,task,metric,score", *rows[:4], ""])))
    assert values(found) == {"A": {"arc": 60.0}, "B": {"arc": 59.0}}
    assert found.warnings == ("s.csv: arc goes by acc; acc_norm is left out",)


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
