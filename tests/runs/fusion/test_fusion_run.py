"""A fusion as a durable thing: real averages, killed and taken up, nothing made twice, nothing half-made kept."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from kinship.demo import demo_path
from kinship.errors import ContributionError, SearchError, UnknownNameError
from kinship.evaluation import Evaluator, Options
from kinship.evolution.cold_fusion import contribution_seed
from kinship.runs.fusion.contributors import commands, demo_trainer
from kinship.runs.fusion.fusion_record import (
    FusionPlan,
    FusionRecord,
    fusion_folder,
    load_fusion,
    new_fusion_name,
    read_fusion,
    write_fusion,
)
from kinship.runs.fusion.fusion_run import contributors_of, fuse
from kinship.workspace.jobs.queue import cancel, enqueue, job
from tests.families import HEAD
from tests.merging.models import raw_weights, save_mergeable, weights
from tests.runs.searches import Judge, family, quiet

NAMES = ("left", "right", "up")


class Trainer:
    """Stands in for fine-tuning: adds noise of the seed, the same for the same seed, and notes whom it trained."""

    def __init__(self):
        self.asked = []

    def __call__(self, shared, contributor, number, seed, out, report):
        self.asked.append((shared.name, contributor, number, seed))
        report(0.5)
        rng = np.random.default_rng(seed)
        save_mergeable(out, {n: w + rng.normal(0, 0.01, w.shape) for n, w in weights(shared).items()})


@pytest.fixture
def base(tmp_path):
    return Path(family(tmp_path / "family")[0])


def plan(base, rounds=2, **changes):
    return FusionPlan(str(base), NAMES, ("addition",), rounds=rounds, **changes)


def demo_plan(rounds=2):
    options = Options(batch_size=64, limit=8)
    return FusionPlan(str(demo_path() / "base"), ("addition", "sorting"), ("demo",), rounds=rounds, steps=1,
                      options=options)  # fmt: skip


def timeless(record):
    """All that a record says but the seconds."""
    fusion = record.fusion
    rounds = [
        replace(one, contributions=tuple(replace(made, seconds=None) for made in one.contributions))
        for one in fusion.rounds
    ]
    return replace(record, fusion=replace(fusion, rounds=tuple(rounds)))


def shared(folder):
    return {path.name: raw_weights(path) for path in sorted((folder / "models").iterdir())}


def test_the_shared_model_is_the_mean_of_the_contributions(home, base, tmp_path, monkeypatch):
    kept = {}
    trainer = Trainer()

    def keeping(shared, contributor, number, seed, out, report):
        trainer(shared, contributor, number, seed, out, report)
        kept[number, contributor] = weights(out)

    fuse(plan(base), tmp_path / "run", keeping, Judge(), quiet)
    for number in (1, 2):
        mean = {name: np.mean([kept[number, one][name] for one in NAMES], axis=0) for name in kept[number, "up"]}
        made = weights(tmp_path / "run" / "models" / f"fused-{number}")
        assert made.keys() == mean.keys()
        for name, values in made.items():
            assert values == pytest.approx(mean[name], rel=1e-6, abs=1e-8), "mergekit stores float32"
    starts = [(start, name, number) for start, name, number, _ in trainer.asked]
    assert starts == [(start, name, n) for n, start in ((1, "base"), (2, "fused-1")) for name in NAMES]
    assert {seed for *_, seed in trainer.asked} == {contribution_seed(0, n, name) for n in (1, 2) for name in NAMES}


def test_kinship_and_drift_are_those_of_the_weights(home, base, tmp_path):
    kept = {}
    trainer = Trainer()

    def keeping(shared, contributor, number, seed, out, report):
        trainer(shared, contributor, number, seed, out, report)
        kept[number, contributor] = flat(out)

    def flat(folder):
        return np.concatenate([one.ravel() for _, one in sorted(weights(folder).items())])

    record = fuse(plan(base), tmp_path / "run", keeping, Judge(), quiet)
    start = flat(base)
    fused = [start, *(flat(tmp_path / "run" / "models" / f"fused-{number}") for number in (1, 2))]
    upper = np.triu_indices(3, 1)
    for number, one in enumerate(record.fusion.rounds[1:], 1):
        for value, origin in (
            (one.relation.kinship, fused[number - 1]),
            (one.relation.kinship_since_base, start),
        ):
            rows = np.array([kept[number, name] - origin for name in NAMES])
            assert value == pytest.approx(np.corrcoef(rows)[upper].mean(), abs=1e-9)
        drift = np.linalg.norm(fused[number] - start) / np.linalg.norm(start)
        assert one.relation.drift == pytest.approx(drift, rel=1e-9)
    second = record.fusion.rounds[2].relation
    assert second.kinship_since_base > second.kinship + 0.1, "all share the first round's delta"


def test_scores_are_of_the_search_half_and_both_ends_of_the_other(home, base, tmp_path):
    judge = Judge()
    record = fuse(plan(base), tmp_path / "run", Trainer(), judge, quiet)
    assert [one for one in judge.asked if one[1] == "search"] == [
        ("base", "search"), ("fused-1", "search"), ("fused-2", "search")
    ]  # fmt: skip
    assert [one for one in judge.asked if one[1] == "held-out"] == [("base", "held-out"), ("fused-2", "held-out")]
    assert record.held_out.keys() == {"base", "fused-2"}
    assert record.over_base["search"].points == pytest.approx(record.fusion.scores[-1] - record.fusion.scores[0])
    assert record.over_base["held-out"].points == pytest.approx(record.held_out["fused-2"] - record.held_out["base"])
    assert record.over
    assert read_fusion(tmp_path / "run") == record


def test_shared_models_stay_with_their_recipe_and_contributions_go(home, base, tmp_path):
    fuse(plan(base), tmp_path / "run", Trainer(), Judge(), quiet)
    assert list((tmp_path / "run" / "contributions").iterdir()) == []
    for number in (1, 2):
        files = {file.name for file in (tmp_path / "run" / "models" / f"fused-{number}").iterdir()}
        assert {"model.safetensors", "mergekit_config.yml", "kinship_merge.json", "README.md"} <= files


@pytest.mark.parametrize("moment", range(0, 60, 10))
def test_a_fusion_stopped_anywhere_goes_on_to_the_same_end(home, base, tmp_path, moment):
    calls = []

    def stopping(fraction, what):
        calls.append(what)
        if len(calls) == 1 + moment:
            raise KeyboardInterrupt

    trainer, judge = Trainer(), Judge()
    with pytest.raises(KeyboardInterrupt):
        fuse(plan(base), tmp_path / "run", trainer, judge, stopping)
    stopped = len(trainer.asked)
    record = fuse(plan(base), tmp_path / "run", trainer, judge, quiet)
    repeated = len(trainer.asked) - len(set(trainer.asked))
    assert repeated <= 1, "only the contribution that was under way"
    assert stopped <= 6
    whole = fuse(plan(base), tmp_path / "whole", Trainer(), Judge(), quiet)
    assert timeless(record) == timeless(whole)
    assert shared(tmp_path / "run") == shared(tmp_path / "whole")
    assert list((tmp_path / "run" / "contributions").iterdir()) == []


def test_more_rounds_go_on_and_the_same_again_does_nothing(home, base, tmp_path):
    trainer = Trainer()
    fuse(plan(base, 1), tmp_path / "run", trainer, Judge(), quiet)
    longer = fuse(plan(base, 2), tmp_path / "run", trainer, Judge(), quiet)
    assert [number for *_, number, _ in trainer.asked] == [1, 1, 1, 2, 2, 2]
    whole = fuse(plan(base, 2), tmp_path / "whole", Trainer(), Judge(), quiet)
    assert timeless(longer) == timeless(whole)
    assert fuse(plan(base, 2), tmp_path / "run", trainer, Judge(), quiet) == longer
    assert len(trainer.asked) == 6


def test_another_fusion_is_left_alone(home, base, tmp_path):
    kept = fuse(plan(base, 1), tmp_path / "run", Trainer(), Judge(), quiet)
    for other in (plan(base, 1, seed=1), replace(plan(base, 1), contributors=NAMES[:2]), plan(base, 1, family="")):
        if replace(other, keep=kept.plan.keep) == kept.plan:
            continue
        with pytest.raises(SearchError, match="another fusion"):
            fuse(other, tmp_path / "run", Trainer(), Judge(), quiet)
    assert read_fusion(tmp_path / "run") == kept


def broken(kind):
    """A contributor that makes something that no average should hold."""

    def train(shared, contributor, number, seed, out, report):
        tensors = weights(shared)
        if kind == "nothing":
            return
        if kind == "NaN":
            tensors[HEAD][0, 0] = np.nan
        if kind == "another size":
            tensors = {name: np.pad(one, 1) for name, one in tensors.items()}
        if kind == "a part":
            del tensors[HEAD]
        save_mergeable(out, tensors, tie_word_embeddings=False)

    return train


@pytest.mark.parametrize(
    ("kind", "words"),
    [("nothing", "no such"), ("NaN", "NaN"), ("another size", "cannot be"), ("a part", "lm_head.weight")],
)
def test_what_cannot_be_averaged_is_refused_and_not_kept(home, base, tmp_path, kind, words):
    def second(shared, contributor, *rest):
        (Trainer() if contributor == "left" else broken(kind))(shared, contributor, *rest)

    with pytest.raises(ContributionError, match=f"right.*{words}"):
        fuse(plan(base, 1), tmp_path / "run", second, Judge(), quiet)
    assert [one.name for one in (tmp_path / "run" / "contributions").iterdir()] == ["round-1-left"]
    kept = read_fusion(tmp_path / "run")
    assert [one.contributor for one in kept.fusion.made] == ["left"]
    trainer = Trainer()
    assert fuse(plan(base, 1), tmp_path / "run", trainer, Judge(), quiet).over
    assert [name for _, name, *_ in trainer.asked] == ["right", "up"]


COPY = "import shutil, sys; shutil.copytree(sys.argv[1], sys.argv[2]); print(sys.argv[3:])"


def test_a_command_gets_its_places_filled_in_without_a_shell(base, tmp_path):
    command = shlex.join([sys.executable, "-c", COPY, "{model}", "{out}", "{seed}/{round}", "$HOME; {other}", "a b"])
    out = tmp_path / "a 'quoted' {seed} folder" / "out"
    out.parent.mkdir()
    commands({"me": command}, tmp_path / "log")(base, "me", 3, 17, out, lambda share: None)
    assert raw_weights(out) == raw_weights(base)
    assert (tmp_path / "log").read_text().strip() == str(["17/3", "$HOME; {other}", "a b"])


def test_a_command_that_fails_says_its_last_word(base, tmp_path):
    code = "import sys; print('much', file=sys.stderr); print('out'); sys.exit('there are no data')"
    command = shlex.join([sys.executable, "-c", code, "{model}", "{out}"])
    run = commands({"me": command}, tmp_path / "log")
    with pytest.raises(ContributionError, match=r"me: .* ended with 1: there are no data; .*log"):
        run(base, "me", 1, 0, tmp_path / "out", lambda share: None)
    assert {"much", "out", "there are no data"} == set((tmp_path / "log").read_text().split("\n")) - {""}
    missing = commands({"me": "/no/such/program {model} {out}"}, tmp_path / "log")
    with pytest.raises(ContributionError, match="cannot be started"):
        missing(base, "me", 1, 0, tmp_path / "out", lambda share: None)


@pytest.mark.parametrize(
    ("command", "words"),
    [("train '{model} {out}", "cannot be split"), ("train {out}", "{model}"), ("train {model}", "{out}"), ("", "no ")],
)
def test_a_command_that_cannot_be_run_is_refused_at_once(tmp_path, command, words):
    with pytest.raises(SearchError, match=words):
        commands({"me": command}, tmp_path / "log")


def test_the_demo_s_trainer_is_for_the_demo(base):
    with pytest.raises(SearchError, match="--contributor"):
        demo_trainer(base, ("addition", "sorting"))
    with pytest.raises(UnknownNameError, match="did you mean addition"):
        demo_trainer(demo_path() / "base", ("adition", "sorting"))


@pytest.mark.parametrize(
    "changes",
    [{"rounds": 0}, {"steps": 0}, {"contributors": ("one",)}, {"commands": ("a",)},
     {"commands": ("a", "b", "c"), "steps": 1}],
)  # fmt: skip
def test_a_plan_that_cannot_be(base, changes):
    with pytest.raises(SearchError):
        replace(plan(base), **changes)


def test_a_record_is_read_as_it_was_written_and_named_anew(home, base, tmp_path):
    one = FusionRecord(plan(base, commands=("a", "b", "c"), family="my own", options=Options(limit=3)))
    write_fusion(tmp_path / "run", one)
    assert read_fusion(tmp_path / "run") == one
    name = new_fusion_name(one.plan)
    assert name == "my-own-fusion-1"
    write_fusion(fusion_folder(name), one)
    assert new_fusion_name(one.plan) == "my-own-fusion-2"
    assert load_fusion(name) == one
    assert json.loads((fusion_folder(name) / "fusion.json").read_text())["plan"] == json.loads(
        json.dumps(asdict(one.plan))
    )


def test_a_kill_does_not_change_a_fusion_of_the_demo(home, tmp_path, monkeypatch, start_worker, until):
    with monkeypatch.context() as patch:  # a home of its own: nothing is shared with the killed one
        patch.setenv("KINSHIP_HOME", str(tmp_path / "quiet"))
        folder = fusion_folder("one")
        whole = fuse(demo_plan(), folder, contributors_of(demo_plan(), folder), Evaluator(), quiet)
        expected = shared(folder)
    write_fusion(fusion_folder("one"), FusionRecord(demo_plan()))
    id = enqueue("fuse", "one", run="one")
    worker = start_worker()
    until(lambda: (found := load_fusion("one").fusion) is not None and found.progress >= 1.5, 120)
    assert job(id).state == "running", "the kill must come before the end"
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    assert load_fusion("one").fusion.made, "within the second round"
    start_worker()
    until(lambda: job(id).state not in ("queued", "running"), 120)
    assert job(id).state == "done", job(id).error
    assert timeless(load_fusion("one")) == timeless(whole)
    assert shared(fusion_folder("one")) == expected
    own = load_fusion("one").fusion.rounds[1].contributions
    assert all(made.score is not None for made in own), "each is scored on the task of its name"


def test_a_pause_keeps_what_is_made_and_it_goes_on(home, start_worker, until):
    write_fusion(fusion_folder("one"), FusionRecord(demo_plan()))
    start_worker()
    first = enqueue("fuse", "one", run="one")
    until(lambda: (found := load_fusion("one").fusion) is not None and found.progress >= 0.5, 120)
    cancel(first)
    until(lambda: job(first).state == "cancelled")
    second = enqueue("fuse", "one", run="one")
    until(lambda: job(second).state == "done", 120)
    assert load_fusion("one").over
    assert len(load_fusion("one").fusion.rounds) == 3
