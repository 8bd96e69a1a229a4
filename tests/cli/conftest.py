"""Two ways to run the command line: as a program of its own, and in this process."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from kinship.cli import main


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """Run kinship as a program, with a home that its module shares; returns the ended process."""
    home = tmp_path_factory.mktemp("home")

    def run(*arguments):
        command = [sys.executable, "-c", "from kinship.cli import main; main()", *map(str, arguments)]
        env = os.environ | {"KINSHIP_HOME": str(home), "HF_HUB_OFFLINE": "1"}
        env.pop("KINSHIP_DATABASE_URL", None)
        return subprocess.run(command, capture_output=True, text=True, env=env, timeout=180, check=False)

    return run


@pytest.fixture
def in_process(tmp_path, monkeypatch, capsys):
    """Run kinship in this process with a home of its own; returns exit status, standard output and error."""
    monkeypatch.setenv("KINSHIP_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("KINSHIP_DATABASE_URL", raising=False)

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["kinship", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return ended.value.code or 0, out, err

    return run
