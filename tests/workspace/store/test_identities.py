"""A number belongs to what files hold: not to where they lie, nor to the time that they bear."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from kinship.checkpoints import file_stamp, open_checkpoint
from kinship.errors import CheckpointError
from kinship.evaluation import Options, Scores, Task, TaskScore
from kinship.workspace.store import identities as store
from kinship.workspace.store import score_records
from kinship.workspace.store.identities import Identity, changed_files, identities, identity
from kinship.workspace.store.merges import remove_model
from kinship.workspace.store.same_weights import read_stamps, same_weights
from kinship.workspace.store.score_records import comparable_scores, evaluate_kept, known_scores, store_scores
from kinship.workspace.work.hash_weights import hash_checkpoint
from tests.families import llama, save_model

TASK = Task("a", "da")
OLD = 1_700_000_000_123_456_789


class Scorer:
    """Stands in for the harness: the number of the call is the score."""

    def __init__(self, meanwhile=lambda: None):
        self.calls = 0
        self.meanwhile = meanwhile

    def digest(self, task):
        return task.digest

    def evaluate(self, model, tasks, options=None, progress=None):
        self.calls += 1
        self.meanwhile()
        return Scores({one.name: TaskScore(one.name, self.calls, 1.0, "percent", "acc", digest="da") for one in tasks})


class Context:
    """A job that nobody watches."""

    def step(self, name, function, *arguments):
        return function(*arguments)

    def check(self):
        pass

    def progress(self, fraction, what):
        pass

    def log(self, text):
        pass


@pytest.fixture
def folder(home, tmp_path):
    place = save_model(tmp_path / "model", llama(0))
    (place / "tokenizer.json").write_text('{"version": "1"}')
    os.utime(place / "model.safetensors", ns=(OLD, OLD))
    return place


def swap(folder, seed):
    """Write other weights into the same file, and set size and time back to what they were."""
    weights = folder / "model.safetensors"
    stat = weights.stat()
    other = save_model(folder.parent / f"seed-{seed}", llama(seed)) / "model.safetensors"
    weights.write_bytes(other.read_bytes())
    os.utime(weights, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert (weights.stat().st_size, weights.stat().st_mtime_ns) == (stat.st_size, stat.st_mtime_ns)


def known(folder):
    return comparable_scores(identities([open_checkpoint(folder)]))[0]


def test_digests_are_those_of_the_files(folder):
    found = identity(open_checkpoint(folder))
    names = ("config.json", "model.safetensors", "tokenizer.json")
    assert found.files == {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}


def test_a_file_is_read_once(folder, monkeypatch):
    before = identity(open_checkpoint(folder))
    monkeypatch.setattr(store, "file_digest", lambda file, advance: pytest.fail(f"{file} is read again"))
    assert identity(open_checkpoint(folder)) == before


def test_large_weights_are_read_by_a_job_alone(folder, monkeypatch):
    monkeypatch.setattr(store, "READ_AT_ONCE", 1000)
    checkpoint = open_checkpoint(folder)
    found = identities([checkpoint])[0]
    assert (found.files["model.safetensors"], found.content) == (None, None)
    assert found.files["tokenizer.json"] is not None
    hash_checkpoint(Context(), str(folder))
    assert identities([checkpoint])[0].content == identity(checkpoint).content is not None


def test_what_changed_is_named():
    assert changed_files({"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "9", "d": "4"}) == ("b", "c", "d")
    assert changed_files({"a": "1"}, {"a": None}) == ("a",), "what is not known may have changed"


def test_scores_go_with_a_copy_and_a_new_time(folder, tmp_path):
    scorer = Scorer()
    evaluate_kept(scorer, open_checkpoint(folder), [TASK])
    copy = shutil.copytree(folder, tmp_path / "copy", copy_function=shutil.copyfile)
    os.utime(folder / "model.safetensors")
    for one in (copy, folder):
        assert known(one).scores.tasks["a"].value == 1.0
        evaluate_kept(scorer, open_checkpoint(one), [TASK])
    assert scorer.calls == 1


@pytest.mark.parametrize("name", ["tokenizer.json", "config.json", "chat_template.jinja", "generation_config.json"])
def test_a_score_from_before_the_change_of_a_file_is_not_shown_and_the_file_named(folder, name):
    scorer = Scorer()
    evaluate_kept(scorer, open_checkpoint(folder), [TASK])
    before = (folder / name).read_text() if (folder / name).exists() else None
    config = json.loads((folder / "config.json").read_text())
    (folder / name).write_text(json.dumps(config | {"changed": True}))
    assert known(folder).scores.tasks == {}
    assert known(folder).before == {"a": (name,)}
    assert known(folder).notes("model") == [
        f"model was scored on a before the change of {name}: this is not shown; measure again"
    ]
    assert evaluate_kept(scorer, open_checkpoint(folder), [TASK]).tasks["a"].value == 2.0
    assert (known(folder).scores.tasks["a"].value, known(folder).before) == (2.0, {})
    if before is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(before)
    assert known(folder).scores.tasks["a"].value == 1.0, "put back, it is what it was"


def test_other_weights_of_the_same_size_and_time_are_other_weights(folder):
    scorer = Scorer()
    fingerprint = open_checkpoint(folder).fingerprint
    evaluate_kept(scorer, open_checkpoint(folder), [TASK])
    swap(folder, 1)
    assert open_checkpoint(folder).fingerprint == fingerprint, "headers, sizes and times are the same"
    assert known(folder).before == {"a": ("model.safetensors",)}
    assert evaluate_kept(scorer, open_checkpoint(folder), [TASK]).tasks["a"].value == 2.0


def test_large_weights_that_may_have_changed_are_not_taken_for_the_same(folder, monkeypatch):
    scorer = Scorer()
    evaluate_kept(scorer, open_checkpoint(folder), [TASK])
    monkeypatch.setattr(store, "READ_AT_ONCE", 1000)
    assert known(folder).scores.tasks["a"].value == 1.0
    os.link(folder / "model.safetensors", folder / "link")
    assert known(folder).before == {"a": ("model.safetensors",)}
    assert evaluate_kept(scorer, open_checkpoint(folder), [TASK]).tasks["a"].value == 1.0, "read, not scored again"
    assert known(folder).scores.tasks["a"].value == 1.0


def test_the_score_of_another_copy_is_no_score_from_before(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    evaluate_kept(Scorer(), open_checkpoint(folder), [TASK])
    (copy / "tokenizer.json").write_text("{}")
    assert known(copy) == (Scores({}), {}, ())


def test_a_model_known_by_its_fingerprint_alone_has_the_scores_that_bear_it(folder):
    evaluate_kept(Scorer(), open_checkpoint(folder), [TASK])
    assert known_scores(Identity(open_checkpoint(folder).fingerprint)).tasks["a"].value == 1.0


def test_weights_that_change_while_they_are_scored_have_no_score(folder):
    scorer = Scorer(meanwhile=lambda: swap(folder, 1))
    with pytest.raises(CheckpointError, match=r"model\.safetensors changed while it was measured"):
        evaluate_kept(scorer, open_checkpoint(folder), [TASK])
    assert known(folder) == (Scores({}), {}, ())


def test_a_link_made_while_a_model_is_scored_is_no_change(folder):
    scorer = Scorer(meanwhile=lambda: os.link(folder / "model.safetensors", folder / "link"))
    assert evaluate_kept(scorer, open_checkpoint(folder), [TASK]).tasks["a"].value == 1.0
    assert known(folder).scores.tasks["a"].value == 1.0


@pytest.fixture
def earlier(home, tmp_path, monkeypatch):
    """A model, and the database of the last release without versions, in which it has a score on t made on a CPU."""
    weights = save_model(tmp_path / "models" / "a", llama(1)) / "model.safetensors"
    os.utime(weights, ns=(OLD + 1, OLD + 1))
    home.mkdir()
    script = Path(__file__).with_name("before_versions.sql").read_text()
    with closing(sqlite3.connect(home / "kinship.sqlite")) as database:
        database.executescript(script.replace("PLACE", str(tmp_path / "models")))
    monkeypatch.setattr(score_records, "version", lambda library: "1.0")
    return weights.parent


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_a_score_of_an_earlier_release_counts_and_is_marked(earlier, device):
    model = identities([open_checkpoint(earlier)])
    found = comparable_scores(model, Options(device=device))[0]
    assert (found.scores.tasks["t"].value, found.before, found.unread) == (42.25, {}, ("t",))
    told = "an earlier release, which knew the weights by size and time alone"
    assert found.notes("a") == [f"a was scored on t by {told}"]
    scorer = Scorer()
    again = evaluate_kept(scorer, open_checkpoint(earlier), [Task("t", "dt")], Options(device=device))
    assert (again.tasks["t"].value, scorer.calls) == (42.25, 0)
    assert comparable_scores(model, Options(batch_size=2))[0].scores.tasks == {}


def test_a_score_of_an_earlier_release_ends_with_a_change_of_the_tokenizer(earlier):
    (earlier / "tokenizer.json").write_text("{}")
    assert known(earlier) == (Scores({}), {"t": ("the tokenizer",)}, ())
    scores = evaluate_kept(Scorer(), open_checkpoint(earlier), [Task("t", "dt")])
    assert scores.tasks["t"].value == 1.0


def test_a_row_that_another_release_wrote_otherwise_is_no_traceback(folder, home):
    model = identity(open_checkpoint(folder))
    store_scores(model, Scores({"a": TaskScore("a", 5.0, None, "percent", "acc", digest="da")}), Options())
    with closing(sqlite3.connect(home / "kinship.sqlite")) as database, database:
        ((text,),) = database.execute("SELECT score FROM scores").fetchall()
        more = json.dumps([json.loads(text)[0] | {"confidence": [1, 2]}])
        database.execute("UPDATE scores SET score = ?", (more,))
    assert known_scores(model).tasks["a"].value == 5.0
    with closing(sqlite3.connect(home / "kinship.sqlite")) as database, database:
        database.execute("""UPDATE scores SET score = '{"form": 2}'""")
    assert known_scores(model).tasks == {}


def test_a_file_that_cannot_be_read_leaves_a_page_with_less(folder, monkeypatch):
    read = store.file_digest

    def refuse(file, advance):
        if file.name == "tokenizer.json":
            raise CheckpointError(file, "cannot be read", "mend its permissions")
        return read(file, advance)

    monkeypatch.setattr(store, "file_digest", refuse)
    checkpoint = open_checkpoint(folder)
    (found,) = identities([checkpoint])
    assert (found.files["tokenizer.json"], found.content) == (None, None)
    assert found.files["config.json"] is not None
    with pytest.raises(CheckpointError, match="mend its permissions"):
        identity(checkpoint)


def test_what_is_known_of_a_file_stays_known_when_a_link_to_it_goes(folder, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy, copy_function=os.link)
    weights = folder / "model.safetensors"
    digest = store.read_digest(weights)
    remove_model(copy)
    assert not copy.exists()
    assert store.known_digests([file_stamp(weights)]) == {file_stamp(weights): digest}


def test_a_table_is_not_that_of_large_weights_whose_content_was_learnt_later(folder, monkeypatch):
    monkeypatch.setattr(store, "READ_AT_ONCE", 1000)
    then = read_stamps([open_checkpoint(folder)])
    swap(folder, 5)
    assert same_weights(then, [open_checkpoint(folder)]), "size and time have to do until somebody reads them"
    hash_checkpoint(Context(), str(folder))
    assert not same_weights(then, [open_checkpoint(folder)])
