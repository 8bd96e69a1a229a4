"""What kinship 0.1.0 (commit 0c7c62b) left, kept in `data/old_runs.tar.xz`: a home, its database, runs of each kind.

All is about four random Llamas of 1,200 weights, which lie in the archive too, with the children merged from them.
Absolute paths stand in it as `PLACE`, the interpreter as `PYTHON`, databases as SQL, and the times of all files in a
list: `restore` brings them back below any folder, where fingerprints and paths fit again. The data stay as they are;
`python -m tests.workspace.old_runs FILE` makes others, by the program that is there then.
"""

from __future__ import annotations

import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Any

ARCHIVE = Path(__file__).parent / "data" / "old_runs.tar.xz"
PLACE, PYTHON = "@PLACE@", "@PYTHON@"
TIMES, VERSIONS = "times.json", "versions.json"
LIBRARIES = ("lm_eval", "mergekit", "torch", "transformers")
KINDS = {"evolve": "runs", "fuse": "fusions", "search": "recipe-runs"}
"""Each kind of run by its command, and the folder below the home that its runs lie in."""

TEXTS = ("abcabcabc", "helloworld", "thequick", "brownfox", "jumpsover", "lazydogs", "packmybox", "liquorjugs")
TRAINER = """
import random, shutil, struct, sys
from pathlib import Path
model, out, seed = sys.argv[1:]
shutil.copytree(model, out)
file = Path(out, "model.safetensors")
raw = file.read_bytes()
start = 8 + int.from_bytes(raw[:8], "little")
draw = random.Random(int(seed))
values = [value + draw.gauss(0.0, 0.02) for (value,) in struct.iter_unpack("<f", raw[start:])]
file.write_bytes(raw[:start] + struct.pack(f"<{len(values)}f", *values))
"""


def command(place: Path, kind: str, name: str) -> list[str]:
    """Return the arguments of the command that began a run, and goes on with it."""
    models = [str(place / "models" / one) for one in ("m1", "m2", "m3")]
    how = ["--base", str(place / "models" / "base"), "--tasks", str(place / "verse.jsonl")]
    how += ["--device", "cpu", "--dtype", "float32", "--out", str(place / "home" / KINDS[kind] / name), "--json"]
    trainer = f"{sys.executable} {place / 'trainer.py'} {{model}} {{out}} {{seed}}"
    own = {
        ("evolve", "finished"): [*models, "--max-generations", "2", "--top-k", "2"],
        ("evolve", "killed"): [*models, "--max-generations", "2", "--method", "linear"],
        ("fuse", "finished"): [*["--contributor", trainer] * 2, "--rounds", "2"],
        ("fuse", "killed"): [*["--contributor", trainer] * 2, "--rounds", "3", "--seed", "1"],
        ("search", "finished"): [*models[:2], "--method", "linear", "--trials", "4"],
        ("search", "killed"): [*models, "--method", "ties", "--trials", "6", "--seed", "1", "--max-kinship", "0.99"],
    }
    return [kind, *own[kind, name], *how]


def record_file(place: Path, kind: str, name: str) -> Path:
    """Return the file that says how a run stands."""
    folder = KINDS[kind]
    return place / "home" / folder / name / f"{folder.removesuffix('s')}.json"


def restore(place: Path, archive: Path = ARCHIVE) -> None:
    """Unpack the archive into an empty folder, whose path must need no quotes."""
    with tarfile.open(archive) as packed:
        packed.extractall(place, filter="data")
    for file in _files(place):
        raw = file.read_bytes()
        told = raw.replace(PLACE.encode(), str(place).encode()).replace(PYTHON.encode(), sys.executable.encode())
        if told != raw:
            file.write_bytes(told)
    for dump in list((place / "home").glob("*.sql")):
        with closing(sqlite3.connect(dump.with_suffix(".sqlite"))) as connection:
            connection.executescript(dump.read_text(encoding="utf-8"))
        dump.unlink()
    times = place / TIMES
    for name, told in json.loads(times.read_text()).items():
        os.utime(place / name, ns=(told, told))
    times.unlink()


def _pack(place: Path, archive: Path) -> None:
    """Write all below a folder into an archive, free of this machine's paths."""
    for file in (place / "home").glob("*.sqlite"):
        with closing(sqlite3.connect(file)) as connection:
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'presences'").fetchone():
                connection.execute("DELETE FROM presences")  # names this machine
                connection.commit()
            file.with_suffix(".sql").write_text("\n".join(connection.iterdump()) + "\n", encoding="utf-8")
    names = [one for one in _files(place) if ".sqlite" not in one.name and not one.name.endswith(".lock")]
    times = {one.relative_to(place).as_posix(): one.stat().st_mtime_ns for one in names if one.suffix != ".sql"}
    contents = {one.relative_to(place).as_posix(): one.read_bytes() for one in names}
    contents[TIMES] = json.dumps(times, indent=1).encode()
    here, python = str(place).encode(), sys.executable.encode()
    with tarfile.open(archive, "w:xz", preset=9) as packed:
        for name, content in sorted(contents.items()):
            told = content.replace(here, PLACE.encode()).replace(python, PYTHON.encode())
            about = tarfile.TarInfo(name)
            about.size = len(told)
            packed.addfile(about, io.BytesIO(told))


def _files(place: Path) -> Iterator[Path]:
    return (one for one in sorted(place.rglob("*")) if one.is_file())


def _make(archive: Path) -> None:
    """Make the data with the program that is here, and write the archive."""
    with tempfile.TemporaryDirectory(prefix="kinship-old-") as name, tempfile.TemporaryDirectory() as other:
        place, again = Path(name).resolve(), Path(other).resolve() / "place"
        os.environ |= {"KINSHIP_HOME": str(place / "home"), "HF_HUB_OFFLINE": "1"}
        os.environ.pop("KINSHIP_DATABASE_URL", None)
        _make_models(place)
        answers = place / "answers"
        answers.mkdir()
        (place / VERSIONS).write_text(json.dumps({one: version(one) for one in LIBRARIES}))
        for kind in KINDS:
            (answers / f"{kind}-finished.json").write_text(_answer(command(place, kind, "finished")))
            _killed(command(place, kind, "killed"), record_file(place, kind, "killed"), _HALF_DONE[kind])
        _fill_workspace(place)
        for told, asked in asked_of_the_database(place).items():
            (answers / f"{told}.json").write_text(_answer(asked))
        _pack(place, archive)
        again.mkdir()
        restore(again, archive)
        os.environ["KINSHIP_HOME"] = str(again / "home")
        for kind in KINDS:
            ended = _answer(command(again, kind, "killed")).replace(str(again), str(place))
            (answers / f"{kind}-killed.json").write_text(ended)
        _pack(place, archive)


def asked_of_the_database(place: Path) -> dict[str, list[str]]:
    """Return what is asked on the command line of what the database holds, by the name of its answer."""
    base, *models = (str(place / "models" / one) for one in ("base", "m1", "m2", "m3"))
    tasks = f"{place / 'verse.jsonl'},{place / 'quiz.jsonl'}"
    how = ["--tasks", tasks, "--device", "cpu", "--dtype", "float32", "--json"]
    return {
        "matrix": ["matrix", *models, "--base", base, "--json"],
        "matrix-of-two": ["matrix", *models[1:], "--base", base, "--json"],
    } | {f"scores-of-{Path(one).name}": ["evaluate", one, *how] for one in (base, models[0])}


def _make_models(place: Path) -> None:
    """Write a base and three models, of weights large enough that a merge has less noise than its parents."""
    from tests.families import HEAD, llama, tuned
    from tests.merging.models import TOKENS, save_mergeable

    base = llama(0, layers=1, hidden=8, vocabulary=len(TOKENS) + 1)
    rows = {"base": base} | {f"m{seed}": tuned(base, seed, 0.03) for seed in (1, 2, 3)}
    for name, row in rows.items():
        scaled = {one: 10.0 * w if one == HEAD else w + ("norm" in one) for one, w in row.items()}
        about = save_mergeable(place / "models" / name, scaled) / "tokenizer_config.json"
        about.write_text(json.dumps(json.loads(about.read_text()) | {"eos_token": "<pad>"}))
    (place / "verse.jsonl").write_text("".join(json.dumps({"text": one}) + "\n" for one in TEXTS))
    quiz = [{"prompt": one, "answer": one[0], "choices": [*sorted({one[0], "q", "z"})]} for one in TEXTS]
    (place / "quiz.jsonl").write_text("".join(json.dumps(one) + "\n" for one in quiz))
    (place / "trainer.py").write_text(TRAINER)


def _program(arguments: list[str], **options: Any) -> subprocess.Popen[str]:
    program = [sys.executable, "-c", "from kinship.cli import main; main()", *arguments]
    return subprocess.Popen(program, text=True, stdout=subprocess.PIPE, start_new_session=True, **options)


def _answer(arguments: list[str]) -> str:
    said, _ = (process := _program(arguments)).communicate()
    assert process.returncode == 0, arguments
    return said


_HALF_DONE: dict[str, Callable[[dict[str, Any]], bool]] = {
    "evolve": lambda said: bool(said["run"]) and len(said["run"]["generations"]) > 1,
    "fuse": lambda said: bool(said["fusion"]) and len(said["fusion"]["rounds"]) > 1 and bool(said["fusion"]["made"]),
    "search": lambda said: sum(one["state"] != "running" for one in said["trials"]) > 1,
}
"""Whether a run is in the midst: of its first generation, of its second round, after its second trial."""


def _killed(arguments: list[str], file: Path, half_done: Callable[[dict[str, Any]], bool]) -> None:
    process = _program(arguments)
    while not (file.exists() and half_done(json.loads(file.read_text()))):
        assert process.poll() is None, "it must be killed before it ends"
        time.sleep(0.005)
    _kill(process)


def _kill(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def _fill_workspace(place: Path) -> None:
    """Save families, let a worker merge one's models and score them, kill it at the next job, and ask for more."""
    from dataclasses import asdict

    from kinship.evaluation import Options, Scores, TaskScore
    from kinship.merging import Recipe, uniform_soup
    from kinship.workspace import cancel, enqueue, job, log_tail
    from kinship.workspace.store.families import Family, save_family
    from kinship.workspace.store.library import add_paths
    from kinship.workspace.store.published_records import store_published

    base, *models = (str(place / "models" / one) for one in ("base", "m1", "m2", "m3"))
    save_family(Family("tiny", base, tuple(models)))
    save_family(Family("two of them", base, tuple(models[:2]), vocabulary="leave-out", allow_partial=True))
    add_paths([Path(models[0])])
    store_published("a paper", {"m1": Scores({"verse": TaskScore("verse", 61.5, None, "percent", "acc")})})
    recipe: Recipe = uniform_soup(models[:2])
    how: dict[str, Any] = {"include_path": None, "options": asdict(Options("cpu", "float32"))}
    how["tasks"] = [str(place / "verse.jsonl")]
    done = enqueue("merge", "tiny", recipe=recipe.to_yaml(), seed=0, name="soup", family_name="tiny", **how)
    worker = _program(["worker"], env=os.environ | {"KINSHIP_IDLE_SECONDS": "600"})
    _until(lambda: job(done).state not in ("queued", "running"))
    assert job(done).state == "done", job(done).error
    running = enqueue("evolve", "killed", run="killed")
    _until(lambda: "begins" in log_tail(running))
    _kill(worker)
    assert job(running).state == "running"
    enqueue("hash", "base", path=base)
    enqueue("measure", "two of them", base=base, members=models[:2], vocabulary="leave-out")
    cancel(enqueue("hash", "m3", path=models[2]))


def _until(holds: Callable[[], bool]) -> None:
    while not holds():
        time.sleep(0.02)


if __name__ == "__main__":
    _make(Path(sys.argv[1]).absolute())
