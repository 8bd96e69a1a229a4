"""Merges: the tensors are those of mergekit-yaml bit for bit, and nothing half-made is ever left behind."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest

from kinship.checkpoints import open_checkpoint, tokenizer_digest
from kinship.errors import CheckpointError, MergeError
from kinship.merging import METHODS, Parent, Recipe, merge, read_record
from kinship.merging.child_tensors import layout_of
from kinship.merging.inputs import models_of, open_inputs
from kinship.merging.slices import recipe_slices
from tests.families import llama, tuned
from tests.merging.models import TOKENS, raw_weights, save_family, save_mergeable, weights
from tests.merging.recipes import YAML, recipes

NAMES = [*METHODS, "linear in float32", "nuslerp on deltas", *YAML]
RANDOM = [name for name, method in METHODS.items() if method.random]
REFERENCE = """
import json, sys
from mergekit.scripts.run_yaml import main
for recipe, seed, out in json.load(sys.stdin):
    main([recipe, out, "--random-seed", str(seed)], standalone_mode=False)
"""


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    """A base and three models in bf16, and one with one more token: of several, mergekit draws the order in a union."""
    folder = tmp_path_factory.mktemp("family")
    models = save_family(folder, dtype="BF16", hidden=16, mlp=20)
    larger = tuned(llama(0, hidden=16, vocabulary=len(TOKENS) + 2), 9)
    return [*models, save_mergeable(folder / "other", larger, dtype="BF16", tokens=(*TOKENS[::-1], "A"))]


@pytest.fixture(scope="module")
def asked(family):
    return recipes(family[0], family[1:4], family[4])


@pytest.fixture(scope="module")
def reference(tmp_path_factory, asked):
    """What mergekit-yaml makes of all recipes with seed 0, and of those that draw with seed 1: folders by name."""
    folder = tmp_path_factory.mktemp("mergekit")
    runs, made = [], {}
    for name, seed in [*((name, 0) for name in NAMES), *((name, 1) for name in RANDOM)]:
        file, out = folder / f"{name}.yml", folder / f"{name} {seed}"
        file.write_text(asked[name].to_yaml())
        runs.append((str(file), seed, str(out)))
        made[name, seed] = out
    command = [sys.executable, "-c", REFERENCE]
    done = subprocess.run(command, input=json.dumps(runs), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return made


@pytest.fixture
def linear(family):
    return Recipe("linear", tuple(Parent(str(path), {"weight": 1.0}) for path in family[1:3]))


def predicted(recipe):
    """The tensors that the child will have, as preflight sees them."""
    inputs, _ = open_inputs(models_of(recipe, recipe_slices(recipe)))
    return {made.name for made in layout_of(recipe, METHODS[recipe.method], inputs).made}


@pytest.mark.parametrize("name", NAMES)
def test_the_child_is_mergekits_bit_for_bit(name, asked, reference, tmp_path):
    merge(asked[name], tmp_path / "child")
    theirs = reference[name, 0]
    assert raw_weights(tmp_path / "child") == raw_weights(theirs)
    assert predicted(asked[name]) == set(raw_weights(theirs))
    ours = {file.name for file in (tmp_path / "child").iterdir()}
    assert ours == {file.name for file in theirs.iterdir()} | {"kinship_merge.json"}
    for file in sorted(ours - {"README.md", "mergekit_config.yml", "kinship_merge.json"}):
        assert (tmp_path / "child" / file).read_bytes() == (theirs / file).read_bytes(), file


@pytest.mark.parametrize("name", RANDOM)
def test_another_seed_is_mergekits_other_seed(name, asked, reference, tmp_path):
    merge(replace(asked[name], seed=1), tmp_path / "child")
    assert raw_weights(tmp_path / "child") == raw_weights(reference[name, 1])
    if name != "arcee_fusion":  # which draws only in tensors of more than a million weights
        assert raw_weights(tmp_path / "child") != raw_weights(reference[name, 0])


def test_progress_tells_every_tensor_once(linear, tmp_path):
    told = []
    merge(linear, tmp_path / "child", lambda fraction, what: told.append((fraction, what)))
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    names = [what for _, what in told]
    assert sorted(name for name in names if name.endswith(".weight")) == sorted(raw_weights(tmp_path / "child"))


class _Stop(Exception):  # noqa: N818
    pass


@pytest.mark.parametrize("stop", [_Stop("enough"), RuntimeError("mergekit would raise this"), KeyboardInterrupt()])
@pytest.mark.parametrize("moment", [0.0, 0.5, 1.0])
def test_what_progress_raises_ends_the_merge_and_leaves_nothing(stop, moment, linear, tmp_path):
    def progress(fraction, what):
        if fraction >= moment:
            raise stop

    with pytest.raises(type(stop)) as caught:
        merge(linear, tmp_path / "child", progress)
    assert caught.value is stop
    assert list(tmp_path.iterdir()) == []
    merge(linear, tmp_path / "child")
    assert (tmp_path / "child" / "model.safetensors").is_file()


@contextmanager
def largest_file(size):
    """No file may become larger, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [0, 10_000])
def test_a_full_disk_leaves_nothing(size, linear, tmp_path):
    with largest_file(size), pytest.raises(MergeError, match="could not make the merge"):
        merge(linear, tmp_path / "child")
    assert list(tmp_path.iterdir()) == []


KILLED = """
import json, os, signal, sys
from kinship.merging import Recipe, merge
asked = json.load(sys.stdin)
for text, out in asked["whole"]:
    merge(Recipe.from_yaml(text), out)
def progress(fraction, what):
    if fraction > 0.5:
        os.kill(os.getpid(), signal.SIGKILL)
merge(Recipe.from_yaml(asked["killed"]), asked["out"], progress)
"""


def test_a_killed_merge_leaves_no_model_and_the_next_one_cleans_up_and_nobody_asks_the_hub(asked, tmp_path):
    calls = []

    class Hub(BaseHTTPRequestHandler):
        def parse_request(self):
            calls.append(self.raw_requestline)
            return False

    hub = HTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=hub.serve_forever, daemon=True).start()
    whole = [("union of vocabularies", tmp_path / "union"), ("linear", tmp_path / "linear")]
    said = {
        "whole": [(asked[name].to_yaml(), str(out)) for name, out in whole],
        "killed": asked["dare_ties"].to_yaml(),
        "out": str(tmp_path / "child"),
    }
    offline = {name: value for name, value in os.environ.items() if not name.endswith("_OFFLINE")}
    env = offline | {"HF_ENDPOINT": f"http://127.0.0.1:{hub.server_port}", "HF_HOME": str(tmp_path / "hf")}
    command = [sys.executable, "-c", KILLED]
    done = subprocess.run(command, input=json.dumps(said), text=True, capture_output=True, env=env, check=False)
    hub.shutdown()
    hub.server_close()
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert calls == []
    assert all((out / "model.safetensors").is_file() for _, out in whole)
    left = tmp_path / ".child.part"
    assert left.is_dir()
    assert not (tmp_path / "child").exists()
    (left / "model-9.safetensors").write_bytes(b"half")
    merge(asked["dare_ties"], tmp_path / "child")
    assert not left.exists()
    assert not (tmp_path / "child" / "model-9.safetensors").exists()


def test_a_parent_that_changed_is_read_again(tmp_path):
    models = save_family(tmp_path, members=2)
    recipe = Recipe("linear", tuple(Parent(str(path), {"weight": 1.0}) for path in models[1:]))
    merge(recipe, tmp_path / "first")
    changed = {name: values + 1.0 for name, values in weights(models[1]).items()}
    save_mergeable(models[1], changed)
    merge(recipe, tmp_path / "second")
    before, after = weights(tmp_path / "first"), weights(tmp_path / "second")
    assert all(np.allclose(after[name] - before[name], 0.5, atol=1e-5) for name in before)


def test_an_adapter_is_merged_into_its_model_first(tmp_path):
    from safetensors.numpy import save_file

    models = save_family(tmp_path, members=2)
    rng = np.random.default_rng(0)
    name = "model.layers.0.self_attn.q_proj"
    a, b = rng.normal(size=(2, 12)).astype(np.float32), rng.normal(size=(12, 2)).astype(np.float32)
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    factors = {f"base_model.model.{name}.lora_A.weight": a, f"base_model.model.{name}.lora_B.weight": b}
    save_file(factors, adapter / "adapter_model.safetensors")
    about = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj"], "task_type": "CAUSAL_LM"}
    (adapter / "adapter_config.json").write_text(
        json.dumps(about | {"base_model_name_or_path": "", "layers_to_transform": [0]})
    )
    parents = (Parent(f"{models[1]}+{adapter}", {"weight": 1.0}), Parent(str(models[2]), {"weight": 1.0}))
    record = merge(Recipe("linear", parents), tmp_path / "child")
    child, one, two = (weights(path) for path in (tmp_path / "child", models[1], models[2]))
    one[f"{name}.weight"] += 2.0 * b.astype(np.float64) @ a
    assert all(np.allclose(child[tensor], (one[tensor] + two[tensor]) / 2, atol=1e-6) for tensor in child)
    assert [(model.path, model.role) for model in record.models] == [
        (str(models[1]), "base"), (str(adapter), "parent"), (str(models[2]), "parent")
    ]  # fmt: skip
    assert record.parents[0].fingerprint == open_checkpoint(adapter).fingerprint
    assert not (tmp_path / "child" / ".adapters").exists()


def test_without_a_base_config_and_tokenizer_are_the_first_parents(tmp_path):
    models = save_family(tmp_path, members=3)
    for path in models[1:]:
        said = json.loads((path / "config.json").read_text()) | {"max_position_embeddings": len(path.name) + 30}
        (path / "config.json").write_text(json.dumps(said | {"bos_token_id": int(path.name[1:])}))
    for first in (1, 2, 3):
        order = [models[first], *(path for path in models[1:] if path != models[first])]
        recipe = Recipe("linear", tuple(Parent(str(path), {"weight": 1.0}) for path in order))
        merge(recipe, tmp_path / f"child{first}")
        assert json.loads((tmp_path / f"child{first}" / "config.json").read_text())["bos_token_id"] == first


def test_the_folder_tells_how_it_was_made(asked, family, tmp_path):
    recipe = replace(asked["dare_ties"], seed=5)
    record = merge(recipe, tmp_path / "child")
    assert read_record(tmp_path / "child") == record
    assert Recipe.from_yaml(tmp_path / "child" / "mergekit_config.yml", record.seed) == recipe
    identities = {one.path: f"{one.fingerprint} {tokenizer_digest(Path(one.path))}" for one in record.models}
    assert record.digest == recipe.digest(identities)
    assert [model.path for model in record.parents] == [str(path) for path in family[1:4]]
    assert record.models[0].role == "base"
    assert record.versions.keys() == {"kinship", "mergekit", "torch", "transformers"}


def test_transformers_loads_the_child(linear, tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    merge(linear, tmp_path / "child")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "child")
    tokens = AutoTokenizer.from_pretrained(tmp_path / "child")("abc", return_tensors="pt")
    assert model(**tokens).logits.shape == (1, 3, len(TOKENS) + 1)


def test_what_mergekit_refuses_is_one_line(family, tmp_path):
    recipe = Recipe("slerp", tuple(Parent(str(path)) for path in family[1:3]), parameters={"t": 0.5})
    with pytest.raises(MergeError, match=r"could not make the merge: .*base") as caught:
        merge(recipe, tmp_path / "child")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_parent_that_is_not_here_is_named_before_anything_is_written(tmp_path):
    with pytest.raises(CheckpointError, match="org/name"):
        merge(Recipe("linear", (Parent("org/name", {"weight": 1.0}),)), tmp_path / "child")
    assert list(tmp_path.iterdir()) == []
