from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen

import pytest

from kinship.errors import KinshipError, UnknownNameError, WorkspaceError
from kinship.workspace.jobs.queue import cancel, enqueue, job, jobs_under_way, latest_job, list_jobs, log_tail, retry

Run = Callable[..., "Popen[str]"]

ENQUEUE = """
import sys
from kinship.workspace.jobs.queue import enqueue
print(enqueue("hash", "same", path="/same"))
enqueue("hash", "own", path="/" + sys.argv[1])
"""

LIGHT = """
import sys
from kinship.workspace.jobs.queue import list_jobs
heavy = {"torch", "numba", "streamlit", "dbos", "transformers"} & set(sys.modules)
list_jobs()
print(heavy | {"torch", "numba", "streamlit", "transformers"} & set(sys.modules))
"""


def test_newest_first_with_all_that_was_asked(home: Path) -> None:
    ids = [enqueue("hash", f"title {number}", path=f"/{number}") for number in range(5)]
    found = list_jobs()
    assert [one.id for one in found] == ids[::-1]
    assert [one.title for one in found] == [f"title {number}" for number in (4, 3, 2, 1, 0)]
    assert len(list_jobs(limit=2)) == 2
    one = job(ids[3])
    assert (one.kind, one.state, one.fraction, one.arguments) == ("hash", "queued", 0.0, {"path": "/3"})
    assert (one.started, one.ended, one.error, one.result) == (None, None, None, None)


def test_what_is_under_way_is_found_below_any_number_of_newer_jobs(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[enqueue.__module__], "_RECENT", 3)
    first = enqueue("evolve", "mine", run="mine")
    for number in range(4):
        cancel(enqueue("hash", f"title {number}", path=f"/{number}"))
    found = latest_job("evolve", run="mine")
    assert found is not None
    assert found.id == first
    assert latest_job("evolve", run="other") is None
    assert latest_job("hash", path="/0") is None, "over, and not among the newest"
    newest = latest_job("hash")
    assert newest is not None
    assert newest.arguments == {"path": "/3"}


def test_what_is_queued_is_not_queued_again(home: Path) -> None:
    first = enqueue("hash", "a", path="/a")
    assert enqueue("hash", "a", path="/a") == first
    assert enqueue("hash", "b", path="/b") != first
    cancel(first)
    assert job(first).state == "cancelled"
    assert enqueue("hash", "a", path="/a") != first


def test_processes_that_ask_at_once_share_a_job(home: Path, run_python: Run) -> None:
    outputs = [process.communicate() for process in [run_python(ENQUEUE, number) for number in range(2)]]
    assert [problems for _, problems in outputs] == ["", ""]
    assert len({same for same, _ in outputs}) == 1
    assert sorted(one.title for one in list_jobs()) == ["own", "own", "same"]


def test_an_unknown_kind_is_refused_with_the_close_name(home: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean hash"):
        enqueue("hsah", "a", path="/a")
    assert list_jobs() == []


def test_an_unknown_job_is_named(home: Path) -> None:
    with pytest.raises(KinshipError, match="has no job 'nobody'"):
        job("nobody")
    assert log_tail("../../etc/passwd") == ""


def test_a_queued_job_cannot_be_tried_again(home: Path) -> None:
    with pytest.raises(KinshipError, match="is queued; only a failed or cancelled one"):
        retry(enqueue("hash", "a", path="/a"))


def test_a_damaged_jobs_database_says_so(home: Path) -> None:
    home.mkdir()
    (home / "kinship-jobs.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(WorkspaceError, match="damaged"):
        list_jobs()


def test_the_pages_side_imports_nothing_heavy(home: Path, run_python: Run) -> None:
    output, problems = run_python(LIGHT).communicate()
    assert (output.strip(), problems) == ("set()", "")


def test_jobs_under_way_are_those_queued_or_running(home: Path) -> None:
    assert jobs_under_way() == []
    assert not list(home.glob("*jobs*")), "nothing is made to find that there is none"
    ids = [enqueue("hash", f"title {number}", path=f"/{number}") for number in range(3)]
    cancel(ids[1])
    assert {one.id for one in jobs_under_way()} == {ids[0], ids[2]}
