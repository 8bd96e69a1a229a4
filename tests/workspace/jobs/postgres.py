"""A PostgreSQL of the tests' own: in a folder of its own, reached by a socket in it, never run as root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_FAST = "-c listen_addresses='' -c fsync=off -c synchronous_commit=off -c full_page_writes=off"


@contextmanager
def running_postgres() -> Iterator[str]:
    """Start a server and give the address of its database; it ends with the block."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="kinship-postgres-"))  # another user may have to enter it
    owner = pwd.getpwnam("postgres") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
    os.chown(folder, owner.pw_uid, owner.pw_gid)
    data = folder / "data"

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [programs / program, "-D", data, *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
            user=owner.pw_uid if os.getuid() == 0 else None,
            group=owner.pw_gid if os.getuid() == 0 else None,
        )

    try:
        run("initdb", "--auth=trust", "--username=kinship", "--no-sync", "--encoding=UTF8", "--locale=C")
        run("pg_ctl", "start", "--wait", "--log", str(folder / "log"), "--options", f"-k {folder} {_FAST}")
        try:
            yield f"postgresql://kinship@/postgres?host={folder}"
        finally:
            run("pg_ctl", "stop", "--mode=immediate")
    finally:
        shutil.rmtree(folder)


def _programs() -> Path:
    found = shutil.which("initdb") or next(
        iter(sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb")), reverse=True)), None
    )
    if found is None:
        pytest.fail("the tests with several workers need PostgreSQL; on Debian: apt-get install postgresql")
    return Path(found).resolve().parent
