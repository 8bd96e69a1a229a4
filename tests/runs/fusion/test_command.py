"""Somebody else's command: what it said, and that it ends when its caller does."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from kinship.runs.fusion.command import run_command


def python(code):
    return [sys.executable, "-u", "-c", code]


def test_status_last_word_and_both_streams_in_order(tmp_path):
    code = "import sys; print('one'); print('two', file=sys.stderr); print('three'); sys.exit('four')"
    assert run_command(python(code), tmp_path / "log", lambda: None) == (1, "four")
    assert (tmp_path / "log").read_text() == "one\ntwo\nthree\nfour\n"


def test_one_that_says_nothing(tmp_path):
    assert run_command(python(""), tmp_path / "log", lambda: None) == (0, "")


def test_what_the_caller_raises_ends_it_with_its_children(tmp_path, until):
    code = (
        "import os, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(os.getpid(), child.pid)\n"
        "time.sleep(60)\n"
    )

    def look():
        if (tmp_path / "log").exists() and (tmp_path / "log").read_text():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_command(python(code), tmp_path / "log", look)
    for pid in map(int, (tmp_path / "log").read_text().split()):
        until(lambda pid=pid: ended(pid))


def ended(pid):
    """Say whether a process is gone, or dead and only waiting to be counted by its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
