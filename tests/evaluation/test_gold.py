"""The loss of right answers against logits and a log-softmax by hand, one question after another."""

from __future__ import annotations

import pytest

from kinship.checkpoints import open_checkpoint
from kinship.demo import demo_path
from kinship.errors import TaskError
from kinship.evaluation import Answer, Answers, Mixture, Options, TaskScore, resolve_tasks
from tests.evaluation.cases import questions, write_jsonl
from tests.evaluation.mixing import ids, likelihood, merged, tiny_family

PAIR = [demo_path() / name for name in ("addition", "sorting")]
WEIGHTS = (0.6, 0.4)
EXACT = Options(batch_size=8, dtype="float32")


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """The mixture as a folder that mergekit made, loaded in float32."""
    import torch
    from transformers import AutoModelForCausalLM

    folder = merged(PAIR, WEIGHTS, tmp_path_factory.mktemp("merge") / "out")
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


def answer(evaluator, *names, include=None, **options):
    mixture = Mixture(tuple(open_checkpoint(path) for path in PAIR), WEIGHTS)
    return evaluator.evaluate_mixture(mixture, resolve_tasks(names, include), Options(**vars(EXACT) | options))


def by_hand(network, pairs):
    return -sum(likelihood(network, ids(prompt), ids(right)) for prompt, right in pairs)


def test_multiple_choice_counts_the_right_choice(evaluator, network):
    pairs = [(one["question"], one["choices"][one["answer"]]) for one in questions("addition", 25)]
    found = answer(evaluator, "addition", limit=25).tasks["kinship_addition"]
    assert found.tokens == sum(len(right) for _, right in pairs)
    assert found.nats == pytest.approx(by_hand(network, pairs), rel=1e-5)
    assert found.loss == found.nats / found.tokens


def test_every_token_counts_once_over_all_tasks(evaluator, network):
    found = answer(evaluator, "addition", "sorting", limit=12)
    nats = tokens = 0
    for name in ("addition", "sorting"):
        pairs = [(one["question"], one["choices"][one["answer"]]) for one in questions(name, 12)]
        nats += by_hand(network, pairs)
        tokens += sum(len(right) for _, right in pairs)
    assert found.loss == pytest.approx(nats / tokens, rel=1e-5)
    assert found.loss != pytest.approx(sum(one.loss for one in found.tasks.values()) / 2, rel=1e-2)


def test_examples_are_part_of_the_prompt(evaluator, network):
    plain = answer(evaluator, "shifting", limit=5)
    shown = answer(evaluator, "shifting", limit=5, num_fewshot=1)
    assert shown.tasks["kinship_shifting"].tokens == plain.tasks["kinship_shifting"].tokens
    assert shown.loss != plain.loss


def test_half_of_the_questions_is_half_of_the_loss(evaluator):
    halves = [answer(evaluator, "addition", part=part).tasks["kinship_addition"] for part in ("search", "held-out")]
    whole = answer(evaluator, "addition").tasks["kinship_addition"]
    assert sum(half.tokens for half in halves) == whole.tokens == 1500
    assert sum(half.nats for half in halves) == pytest.approx(whole.nats, rel=1e-6)


def test_generation_is_asked_for_the_likelihood_of_its_target(evaluator, network, tmp_path):
    asked = [(one["question"], one["choices"][one["answer"]]) for one in questions("addition", 9)]
    write_jsonl(tmp_path / "asked.jsonl", [{"prompt": prompt, "answer": right} for prompt, right in asked])
    found = answer(evaluator, str(tmp_path / "asked.jsonl")).tasks["asked"]
    pairs = [(prompt, f" {right}") for prompt, right in asked]  # the harness parts them by a space
    assert found.tokens == sum(len(right) for _, right in pairs)
    assert found.nats == pytest.approx(by_hand(network, pairs), rel=1e-5)
    assert found.score.metric.startswith("exact_match")


def test_a_text_counts_every_token(evaluator, network, tmp_path):
    texts = [one["question"] + one["choices"][one["answer"]] for one in questions("sorting", 6)]
    write_jsonl(tmp_path / "lines.jsonl", [{"text": text} for text in texts])
    found = answer(evaluator, str(tmp_path / "lines.jsonl")).tasks["lines"]
    assert found.tokens == sum(map(len, texts))
    assert found.nats == pytest.approx(-sum(likelihood(network, [1], ids(text)) for text in texts), rel=1e-5)


TASK = "task: {name}\ndataset_path: json\ndataset_kwargs: {{data_files: {{test: rows.jsonl}}}}\ntest_split: test\n"
CHOICE = "output_type: multiple_choice\ndoc_to_text: q\ndoc_to_choice: c\ndoc_to_target: right\ntarget_delimiter: ''\n"
ACC = "metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]\n"


def folder_task(folder, name, said, rows):
    folder.mkdir(exist_ok=True)
    write_jsonl(folder / "rows.jsonl", rows)
    (folder / f"{name}.yaml").write_text(TASK.format(name=name) + said)
    return folder


def test_where_several_choices_are_right_the_first_counts(evaluator, network, tmp_path):
    rows = [{"q": one["question"], "c": one["choices"], "right": [2, 0]} for one in questions("addition", 7)]
    folder = folder_task(tmp_path / "t", "several", CHOICE + ACC, rows)
    found = answer(evaluator, "several", include=folder).tasks["several"]
    pairs = [(row["q"], row["c"][2]) for row in rows]
    assert found.nats == pytest.approx(by_hand(network, pairs), rel=1e-5)


def test_where_the_prompt_is_chosen_the_right_prompt_counts(evaluator, network, tmp_path):
    rows = [
        {"prompts": [one["question"], f"sort {one['question']}"], "right": place % 2, "end": one["choices"][0]}
        for place, one in enumerate(questions("addition", 8))
    ]
    said = "output_type: multiple_choice\ndoc_to_text: right\ndoc_to_choice: prompts\ndoc_to_target: end\n"
    folder = folder_task(tmp_path / "t", "prompts", said + "target_delimiter: ''\n" + ACC, rows)
    found = answer(evaluator, "prompts", include=folder).tasks["prompts"]
    pairs = [(row["prompts"][row["right"]], row["end"]) for row in rows]
    assert found.tokens == sum(len(end) for _, end in pairs)
    assert found.nats == pytest.approx(by_hand(network, pairs), rel=1e-5)


def test_a_likelihood_counts_the_continuation_asked_for(evaluator, network, tmp_path):
    rows = [{"q": one["question"], "end": one["choices"][one["answer"]]} for one in questions("shifting", 8)]
    folder = folder_task(
        tmp_path / "t", "ends", "output_type: loglikelihood\ndoc_to_text: q\ndoc_to_target: end\n" + ACC, rows
    )
    found = answer(evaluator, "ends", include=folder).tasks["ends"]
    assert found.nats == pytest.approx(by_hand(network, [(row["q"], row["end"]) for row in rows]), rel=1e-5)


def test_a_prompt_of_nothing_is_the_models_own_start(evaluator, network, tmp_path):
    rows = [{"q": "", "end": one["choices"][0]} for one in questions("shifting", 4)]
    folder = folder_task(
        tmp_path / "t", "bare", "output_type: loglikelihood\ndoc_to_text: q\ndoc_to_target: end\n" + ACC, rows
    )
    found = answer(evaluator, "bare", include=folder).tasks["bare"]
    assert found.tokens == sum(len(row["end"]) for row in rows)
    assert found.nats == pytest.approx(-sum(likelihood(network, [1], ids(row["end"])) for row in rows), rel=1e-5)


def test_a_task_that_names_no_right_choice_is_refused(evaluator, tmp_path):
    rows = [{"q": one["question"], "c": one["choices"], "right": one["answer"]} for one in questions("addition", 3)]
    rows[-1]["right"] = 7
    folder = folder_task(tmp_path / "t", "lost", CHOICE + ACC, rows)
    with pytest.raises(TaskError, match=r"lost does not say which answer is right \(choice 7 of 4\)"):
        answer(evaluator, "lost", include=folder)


def test_generation_without_a_target_has_a_score_but_no_loss(evaluator, tmp_path):
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "checks.py").write_text("def check(doc, results):\n    return {'acc': len(results[0]) > 0}\n")
    said = "output_type: generate_until\ndoc_to_text: q\ndoc_to_target: 0\nprocess_results: !function checks.check\n"
    said += "generation_kwargs: {until: ['\\n'], max_gen_toks: 4, do_sample: false}\n"
    rows = [{"q": one["question"]} for one in questions("addition", 3)]
    found = answer(evaluator, "free", include=folder_task(tmp_path / "t", "free", said + ACC, rows))
    assert found.tasks["free"].score.questions == 3
    assert (found.tasks["free"].tokens, found.loss) == (0, None)


def test_progress_rises_also_where_answers_are_asked_again(evaluator, tiny_model, tmp_path):
    write_jsonl(tmp_path / "a.jsonl", [{"prompt": one["question"], "answer": "1"} for one in questions("addition", 20)])
    told = []
    mixture = Mixture(tuple(open_checkpoint(path) for path in tiny_family(tiny_model, "F32")), (0.5, 0.25, 0.25))
    tasks = resolve_tasks([str(tmp_path / "a.jsonl"), "sorting"])
    evaluator.evaluate_mixture(mixture, tasks, Options(limit=20, batch_size=8), lambda share, _: told.append(share))
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0.0, 1.0)


def test_without_gold_tokens_there_is_no_loss():
    score = TaskScore("t", 50.0, None, "percent", "acc")
    assert Answers({"t": Answer(score, 0.0, 0)}).loss is None
    assert Answers({"t": Answer(score, 0.0, 0), "u": Answer(score, 6.0, 4)}).loss == 1.5
