"""Tasks in the harness's hands: what cannot be read or fetched, and digests that only it can give."""

from __future__ import annotations

import pytest

from kinship.errors import TaskError
from kinship.evaluation import Evaluator, Options, Task, resolve_tasks
from tests.evaluation.cases import questions, write_jsonl

ROWS = """
import datasets

def rows(**_):
    return {{"test": datasets.Dataset.from_list([{{"q": "add 1+1=", "a": "{answer}"}}] * 3)}}
"""
YAML = """
task: made
custom_dataset: !function made.rows
test_split: test
output_type: loglikelihood
doc_to_text: q
doc_to_target: a
target_delimiter: ""
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]
"""


@pytest.fixture
def made(tmp_path):
    """A task whose data are made by its own code, so that only the harness can tell its digest."""
    (tmp_path / "made.yaml").write_text(YAML)
    (tmp_path / "made.py").write_text(ROWS.format(answer="2"))
    return tmp_path


def test_data_that_code_makes_are_in_the_digest(made, evaluator, model):
    (task,) = resolve_tasks(["made"], made)
    assert task.digest is None
    digest = evaluator.digest(task)
    assert digest == Evaluator().digest(task)
    assert evaluator.evaluate(model, [task]).tasks["made"].digest == digest
    (made / "made.py").write_text(ROWS.format(answer="3"))
    assert evaluator.digest(task) != digest


def test_a_group_over_different_metrics_is_refused_before_anything_is_asked(made, evaluator):
    """Or with the answers of hours in hand there would be no one number for them."""
    (made / "other.yaml").write_text(
        YAML.replace("task: made", "task: other").replace("{metric: acc,", "{metric: acc_norm,")
    )
    (made / "same.yaml").write_text(YAML.replace("task: made", "task: same"))
    for name, members in {"mixed": "[made, other]", "alike": "[made, same]"}.items():
        metrics = "[{metric: acc}, {metric: acc_norm}]"
        (made / f"{name}.yaml").write_text(f"group: {name}\ntask: {members}\naggregate_metric_list: {metrics}\n")
    evaluator.check(resolve_tasks(["alike", "other"], made), Options())
    with pytest.raises(TaskError, match=r"mixed is a group over different metrics \(acc, acc_norm\); take its tasks"):
        evaluator.check(resolve_tasks(["mixed"], made), Options())


def test_data_that_cannot_be_fetched(evaluator, model, monkeypatch):
    import datasets

    def offline(*_, **__):
        raise ConnectionError("Couldn't reach 'org/data' on the Hub\nand a long story")

    monkeypatch.setattr(datasets, "load_dataset", offline)
    with pytest.raises(TaskError, match=r"data of piqa are not on this machine .* \(Couldn't reach 'org/data' on"):
        evaluator.evaluate(model, [Task("piqa")])


def test_a_task_that_the_harness_cannot_make(tmp_path, evaluator, model):
    write_jsonl(tmp_path / "rows.jsonl", questions("addition", 3))
    lines = "dataset_path: json\ndataset_kwargs: {data_files: {test: rows.jsonl}}\ntest_split: test\n"
    (tmp_path / "odd.yaml").write_text(f"task: odd\noutput_type: guesswork\n{lines}")
    asked = "output_type: generate_until\ndoc_to_text: '{{question}}'\ndoc_to_target: '{{nothing}}'\n"
    (tmp_path / "blank.yaml").write_text(f"task: blank\n{asked}{lines}")
    for name, words in (("odd", "invalid output_type 'guesswork'"), ("blank", "'nothing' is undefined")):
        with pytest.raises(TaskError, match=f"the harness cannot read {name} .*{words}"):
            evaluator.evaluate(model, resolve_tasks([name], tmp_path))


def test_a_task_that_does_not_fit_the_model(tmp_path, evaluator, model):
    """256 tokens of an answer are more than the model's 64."""
    write_jsonl(tmp_path / "long.jsonl", [{"prompt": "add 1+1=", "answer": "2" * 255}])
    with pytest.raises(TaskError, match=r"long: 257 tokens may follow a prompt, and the window of .* has 64"):
        evaluator.evaluate(model, resolve_tasks([str(tmp_path / "long.jsonl")]))


def test_half_of_one_question_is_none(tmp_path, evaluator, model):
    (tmp_path / "one.txt").write_text("add 1+1=2")
    tasks = resolve_tasks([str(tmp_path / "one.txt")])
    whole = evaluator.evaluate(model, tasks).tasks["one"]
    assert (whole.questions, whole.stderr) == (1, None)
    assert evaluator.evaluate(model, tasks, Options(part="search")).tasks["one"].value == whole.value
    with pytest.raises(TaskError, match="one has too few questions for a held-out half"):
        evaluator.evaluate(model, tasks, Options(part="held-out"))


def test_a_task_with_its_own_zero_examples_keeps_them(tmp_path, evaluator, model):
    (tmp_path / "text.txt").write_text("add 1+1=2")
    (task,) = resolve_tasks([str(tmp_path / "text.txt")])
    assert evaluator.evaluate(model, [task], Options(num_fewshot=3)).tasks["text"].few_shot == 0


def test_examples_asked_for_once_are_not_there_the_next_time(evaluator, model):
    tasks = resolve_tasks(["addition"])
    first, examples, again = (
        evaluator.evaluate(model, tasks, Options(limit=10, batch_size=8, num_fewshot=shots)).tasks["kinship_addition"]
        for shots in (None, 2, None)
    )
    assert (first.few_shot, examples.few_shot) == (0, 2)
    assert again == first
