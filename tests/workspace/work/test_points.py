"""Points between models as a durable thing: kept one by one, found again, and the same after a kill."""

from __future__ import annotations

import os
import shutil
import signal
from dataclasses import replace

import pytest
from sqlalchemy import text

from kinship.checkpoints import open_checkpoint
from kinship.connectivity import line_positions, line_weights
from kinship.demo import demo_path
from kinship.errors import ConnectivityError, JobCancelledError, UnknownNameError
from kinship.evaluation import Answer, Answers, Evaluator, Options, TaskScore
from kinship.workspace import transaction
from kinship.workspace.jobs.queue import cancel, enqueue, job
from kinship.workspace.work import points
from kinship.workspace.work.points import Request, measure_points, measured_points, seconds_needed
from tests.runs.searches import quiet

THIRD = 1 / 3


class Judge:
    """Stands in for the harness: the loss of a mixture follows from its weights alone."""

    def __init__(self):
        self.asked = []

    def digest(self, task):
        return f"digest of {task.name}"

    def evaluate_mixture(self, mixture, tasks, options=None, progress=None):
        (task,) = tasks
        self.asked.append((tuple(one.name for one in mixture.models), mixture.weights, task.name))
        progress(0.5, "judging")
        nats = sum((place + 1) * weight**2 for place, weight in enumerate(mixture.weights))
        return Answers({task.name: Answer(TaskScore(task.name, 50.0, 1.0, "percent", "acc"), nats, 2)})


def request(*names, points=None, tasks=("addition", "sorting"), **options) -> Request:
    models = tuple(open_checkpoint(demo_path() / name) for name in names or ("addition", "sorting"))
    points = points or line_weights(line_positions(5))
    return Request(models, points, tasks, None, Options(**{"batch_size": 64, "limit": 20} | options))


def test_what_is_known_is_not_asked_again(home):
    judge, asked = Judge(), request()
    assert measured_points(asked) == (None,) * 5
    found = measure_points(judge, asked, quiet)
    assert [one.loss for one in found] == [0.5, 0.34375, 0.375, 0.59375, 1.0]
    assert len(judge.asked) == len(set(judge.asked)) == 10
    assert measured_points(asked) == found
    assert measure_points(judge, asked, quiet) == found
    assert len(judge.asked) == 10
    measure_points(judge, request(points=line_weights(line_positions(9))), quiet)
    assert len(judge.asked) == 18, "the coarser line's points are known"
    measure_points(judge, request(tasks=("addition", "sorting", "shifting")), quiet)
    assert len(judge.asked) == 23, "only the new task is asked"


def test_points_are_not_shown_for_a_task_that_has_changed_since(home, tmp_path):
    notes = tmp_path / "notes.txt"
    notes.write_text("add 1+1=2\n")
    asked = request(tasks=(str(notes),))
    found = measure_points(Judge(), asked, quiet)
    assert measured_points(asked) == found
    notes.write_text("add 1+1=2, and more\n")
    assert measured_points(asked) == (None,) * 5


def test_an_end_is_known_to_every_line_and_plane_that_it_is_on(home):
    judge = Judge()
    measure_points(judge, request("addition", "sorting", tasks=("addition",)), quiet)
    assert len(judge.asked) == 5
    measure_points(judge, request("addition", "shifting", tasks=("addition",)), quiet)
    assert len(judge.asked) == 9
    corners = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (THIRD, THIRD, THIRD))
    plane = request("sorting", "addition", "shifting", points=corners, tasks=("addition",))
    measure_points(judge, plane, quiet)
    assert judge.asked[9:] == [(("sorting", "addition", "shifting"), corners[3], "kinship_addition")]


@pytest.mark.parametrize(
    "changes",
    [{"limit": 10}, {"batch_size": 8}, {"num_fewshot": 1}, {"dtype": "float32"}, {"part": "search"}],
)
def test_another_way_of_asking_is_another_answer(home, changes):
    judge = Judge()
    measure_points(judge, request(), quiet)
    other = request(**changes)
    assert measured_points(other) == (None,) * 5
    measure_points(judge, other, quiet)
    assert len(judge.asked) == 20


def test_another_model_at_the_same_place_is_another_answer(home, tmp_path):
    judge, folder = Judge(), tmp_path / "model"
    shutil.copytree(demo_path() / "addition", folder)
    asked = request(folder, "sorting")
    measure_points(judge, asked, quiet)
    shutil.copy(demo_path() / "shifting" / "model.safetensors", folder / "model.safetensors")
    again = request(folder, "sorting")
    assert measured_points(again) == (None,) * 5
    measure_points(judge, again, quiet)
    assert len(judge.asked) == 18, "all but the other end"


def test_a_page_sees_points_as_they_come(home):
    asked, seen = request(), []

    def watching(fraction, what):
        seen.append((fraction, sum(point is not None for point in measured_points(asked))))

    measure_points(Judge(), asked, watching)
    assert [count for _, count in seen] == sorted(count for _, count in seen)
    assert {count for _, count in seen} == {0, 1, 2, 3, 4, 5}
    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


@pytest.mark.parametrize("moment", [0, 1, 4, 9])
def test_what_ends_it_keeps_what_is_measured(home, moment):
    calls = []

    def stopping(fraction, what):
        calls.append(what)
        if len(calls) > moment:
            raise JobCancelledError("the job was cancelled")

    first, second = Judge(), Judge()
    with pytest.raises(JobCancelledError):
        measure_points(first, request(), stopping)
    whole = measure_points(second, request(), quiet)
    assert len(second.asked) == 10 - moment
    assert whole == measured_points(request())


def test_what_cannot_be_measured_is_refused_before_anything_is_asked(home):
    judge = Judge()
    with pytest.raises(ConnectivityError, match="between a model and itself"):
        measure_points(judge, request("addition", "addition"), quiet)
    with pytest.raises(UnknownNameError, match="nonsense"):
        measure_points(judge, request(tasks=("nonsense",)), quiet)
    assert judge.asked == []


def test_the_estimate_comes_from_points_alike_and_counts_what_is_missing(home):
    asked = request()
    assert seconds_needed(asked) is None
    measure_points(Judge(), asked, quiet)
    assert seconds_needed(asked) == 0.0
    finer = request(points=line_weights(line_positions(9)))
    longest = request(points=line_weights(line_positions(17)))
    assert seconds_needed(longest) == pytest.approx(17 / 9 * seconds_needed(finer), rel=1e-9)
    assert seconds_needed(request(limit=10)) is None


def test_a_kill_does_not_change_the_line_and_nothing_is_measured_twice(
    home, tmp_path, monkeypatch, start_worker, until
):
    asked = request(points=line_weights(line_positions(11)), tasks=("demo",), limit=40)
    with monkeypatch.context() as patch:  # a home of its own: nothing is shared with the killed job
        patch.setenv("KINSHIP_HOME", str(tmp_path / "quiet"))
        undisturbed = measure_points(Evaluator(), asked, quiet)
    id = enqueue("interpolate", "addition to sorting", **asked.arguments)
    worker = start_worker()
    until(lambda: sum(one is not None for one in measured_points(asked)) >= 3, 120)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    before = made()
    assert 12 <= len(before) < 44, "the kill must come before the end"
    assert job(id).state == "running"
    start_worker()
    until(lambda: job(id).state not in ("queued", "running"), 180)
    assert job(id).state == "done", job(id).error
    after = made()
    assert len(after) == 44
    assert before.items() <= after.items()
    found = measured_points(asked)
    assert [one.loss for one in found] == [one.loss for one in undisturbed]
    assert [one.scores for one in found] == [_plain(one).scores for one in undisturbed]
    assert job(id).result == {"points": 11, "loss": [one.loss for one in undisturbed]}


def made() -> dict[str, float]:
    """When each answer that is kept was made."""
    with transaction() as connection:
        return {row.key: row.made for row in connection.execute(text("select key, made from mixture_answers"))}


def _plain(answers: Answers) -> Answers:
    """Without the values of single questions, which are not kept."""
    return Answers(
        {task: replace(one, score=replace(one.score, per_question=None)) for task, one in answers.tasks.items()}
    )


def test_a_cancelled_plane_keeps_its_points_and_goes_on(home, start_worker, until):
    points = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), *((1.0 - k / 9, k / 18, k / 18) for k in range(1, 9)))
    asked = request("addition", "sorting", "shifting", points=points, tasks=("demo",), limit=60)
    start_worker()
    first = enqueue("plane", "addition, sorting, shifting", **asked.arguments)
    until(lambda: sum(one is not None for one in measured_points(asked)) >= 2, 120)
    cancel(first)
    until(lambda: job(first).state == "cancelled")
    kept = [one for one in measured_points(asked) if one is not None]
    assert 2 <= len(kept) < 11
    second = enqueue("plane", "addition, sorting, shifting", **asked.arguments)
    until(lambda: job(second).state == "done", 180)
    assert list(measured_points(asked))[: len(kept)] == kept
    assert None not in measured_points(asked)


def test_no_page_walks_over_a_disk_for_its_tasks(tmp_path):
    (tmp_path / "b").mkdir()
    for name in ("a.jsonl", "b/c.txt"):
        (tmp_path / name).write_text("x")
    assert [one[0] for one in points._stamps([str(tmp_path / "a.jsonl"), "arc_easy", "", str(tmp_path)])] == [
        str(tmp_path / "a.jsonl"),
        str(tmp_path / "a.jsonl"),
        str(tmp_path / "b" / "c.txt"),
    ]
    assert points._stamps(["/usr", "x" * 300, "~nosuchuser/x"]) == []
