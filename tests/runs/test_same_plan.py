"""A search that is taken up again: corrected questions are named, never mixed; what else differs is named too."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from kinship.checkpoints import open_checkpoint
from kinship.errors import SearchError
from kinship.evaluation import Options, resolve_tasks
from kinship.runs.pairs.pair_record import read_run, write_run
from kinship.runs.pairs.pair_run import evolve
from kinship.runs.recipes.recipe_plan import RecipePlan
from kinship.runs.recipes.recipe_record import read_recipe_run
from kinship.runs.recipes.recipe_run import carry_out
from kinship.workspace.store.families import Family, save_family
from tests.evaluation.cases import write_jsonl
from tests.runs.searches import Judge, family, quiet, said, tiny_plan


class Reader(Judge):
    """A model's score is shifted by what the questions say, so that it is known of which they are."""

    def digest(self, task):
        return task.digest

    def evaluate(self, model, tasks, options=None, progress=None):
        scores = super().evaluate(model, tasks, options, progress)
        shift = {task.name: task.documents[0]["answer"] for task in tasks}
        return type(scores)(
            {name: replace(one, value=one.value - 10 * shift[name]) for name, one in scores.tasks.items()}
        )


@pytest.fixture
def models(tmp_path):
    return family(tmp_path / "family")


@pytest.fixture
def asked(tmp_path):
    """Write questions of which the first choice is right, or another."""

    def write(answer):
        rows = [{"prompt": "q ", "choices": ["a", "b", "c"], "answer": answer}] * 4
        return str(write_jsonl(tmp_path / "asked.jsonl", rows))

    return write


def values(record):
    scores = [one.score for one in record.run.population.individuals]
    return [*scores, *record.held_out.values(), *(one.score for one in record.baselines)]


def test_corrected_questions_are_named_and_nothing_is_scored(home, models, tmp_path, asked):
    plan = tiny_plan(
        models,
        1,
    )
    plan = replace(plan, tasks=(asked(1),))
    before = evolve(plan, tmp_path / "run", Reader(), quiet)
    asked(0)
    judge = Reader()
    with pytest.raises(SearchError, match=r"the questions of .*asked\.jsonl have changed .* --rescore, or give .*run"):
        evolve(replace(plan, limits=tiny_plan(models, 3).limits), tmp_path / "run", judge, quiet)
    assert judge.asked == []
    assert read_run(tmp_path / "run") == before


def test_all_is_scored_anew_where_that_is_asked_for(home, models, tmp_path, asked):
    plan = replace(tiny_plan(models, 1), tasks=(asked(1),))
    evolve(plan, tmp_path / "run", Reader(), quiet)
    asked(0)
    longer = replace(plan, limits=tiny_plan(models, 2).limits)
    record = evolve(longer, tmp_path / "run", Reader(), quiet, rescore=True)
    whole = evolve(longer, tmp_path / "whole", Reader(), quiet)
    assert values(record) == values(whole)
    assert record.attempt == 2
    assert not (tmp_path / "run" / "models").exists()
    assert evolve(longer, tmp_path / "run", Reader(), quiet, rescore=True) == record, "nothing has changed since"
    assert evolve(replace(longer, limits=tiny_plan(models, 3).limits), tmp_path / "run", Reader(), quiet).over


def test_models_of_the_questions_before_stay_where_a_family_has_them(home, models, tmp_path, asked):
    plan = replace(tiny_plan(models, 1), tasks=(asked(1),))
    before = evolve(plan, tmp_path / "run", Reader(), quiet)
    child = Path(before.paths[before.run.generations[1][0].name])
    save_family(Family("mine", models[0], (models[1], str(child))))
    asked(0)
    evolve(plan, tmp_path / "run", Reader(), quiet, rescore=True)
    assert [one.name for one in (tmp_path / "run" / "models").iterdir()] == [child.name]
    assert open_checkpoint(child)


def test_it_goes_on_with_the_copy_of_the_old_questions(home, models, tmp_path, asked):
    plan = replace(tiny_plan(models, 1), tasks=(asked(1),))
    evolve(plan, tmp_path / "run", Reader(), quiet)
    asked(0)
    copy = str(tmp_path / "run" / "questions" / "asked.jsonl")
    longer = replace(plan, tasks=(copy,), limits=tiny_plan(models, 2).limits)
    record = evolve(longer, tmp_path / "run", Reader(), quiet)
    asked(1)
    whole = evolve(replace(longer, tasks=plan.tasks), tmp_path / "whole", Reader(), quiet)
    assert values(record) == values(whole)


@pytest.mark.parametrize(
    "rows",
    [
        [{"text": "one\n\ntwo"}, {"text": " three"}],
        [{"prompt": "q:", "answer": " a b "}],
        [{"prompt": "q:", "choices": ["a", "b"], "answer": "b"}],
        [{"prompt": "q: ", "choices": ["a", "b"], "answer": 0}],
    ],
)
def test_a_copy_is_the_same_task(home, models, tmp_path, rows):
    file = write_jsonl(tmp_path / "mine.jsonl", rows)
    (tmp_path / "essays.v2").mkdir()
    (tmp_path / "essays.v2" / "a.md").write_text("word " * 900)
    plan = replace(tiny_plan(models, 1), tasks=(str(file), str(tmp_path / "essays.v2")))
    judge = Judge()
    judge.digest = lambda task: task.digest
    evolve(plan, tmp_path / "run", judge, quiet)
    copies = sorted(map(str, (tmp_path / "run" / "questions").iterdir()))
    tasks = {task.name: task.digest for task in resolve_tasks(copies)}
    assert tasks == {task.name: task.digest for task in resolve_tasks(plan.tasks)}


def test_what_else_differs_is_named(home, models, tmp_path):
    plan = tiny_plan(models, 1)
    evolve(plan, tmp_path / "run", Judge(), quiet)
    differing = {
        "k: 3, now 4": replace(plan, k=4),
        "batch size: 1, now 8; num fewshot: none, now 2": replace(plan, options=Options(batch_size=8, num_fewshot=2)),
        r"foundations: .*m1, .*m2, .*m3, now .*m1, .*m2\)": replace(plan, foundations=plan.foundations[:2]),
    }
    for words, other in differing.items():
        with pytest.raises(SearchError, match=f"run holds another search .*{words}.*; choose another folder"):
            evolve(other, tmp_path / "run", Judge(), quiet)
    with pytest.raises(SearchError, match="was begun with other tasks: kinship_addition, now kinship_sorting"):
        evolve(replace(plan, tasks=("sorting",)), tmp_path / "run", Judge(), quiet)


def test_a_search_from_before_digests_were_kept_goes_on(home, models, tmp_path):
    evolve(tiny_plan(models, 1), tmp_path / "run", Judge(), quiet)
    old = said(tmp_path / "run")
    for name in ("questions", "noted", "attempt"):
        del old[name]
    for one in (one for generation in old["run"]["generations"] for one in generation):
        del one["fault"]
    for one in old["baselines"]:
        del one["fault"]
    (tmp_path / "run" / "run.json").write_text(json.dumps(old))
    record = evolve(tiny_plan(models, 2), tmp_path / "run", Judge(), quiet)
    assert record.over
    assert record.questions == {"kinship_addition": "digest of kinship_addition"}
    write_run(tmp_path / "run", record)


def test_a_recipe_search_is_asked_the_same(home, models, tmp_path, asked):
    plan = RecipePlan(models[0], tuple(models[1:]), (asked(1),), method="task_arithmetic", trials=3)
    before = carry_out(plan, tmp_path / "run", Reader(), quiet)
    asked(0)
    with pytest.raises(SearchError, match=r"asked\.jsonl have changed"):
        carry_out(replace(plan, trials=4), tmp_path / "run", Reader(), quiet)
    assert read_recipe_run(tmp_path / "run") == before
    record = carry_out(replace(plan, trials=4), tmp_path / "run", Reader(), quiet, rescore=True)
    whole = carry_out(replace(plan, trials=4), tmp_path / "whole", Reader(), quiet)
    assert [one.score for one in record.trials] == [one.score for one in whole.trials]
    assert record.held_out == whole.held_out
    with pytest.raises(SearchError, match="method: task_arithmetic, now ties"):
        carry_out(replace(plan, method="ties"), tmp_path / "run", Reader(), quiet)
