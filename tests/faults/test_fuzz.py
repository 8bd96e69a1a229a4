"""Whatever a file holds, reading it gives an answer or an error of ours, soon and in little memory.

``KINSHIP_FUZZ=100000 pytest tests/faults`` tries more than the 2,000 inputs of a plain run.
"""

from __future__ import annotations

import json
import os
import resource
import struct
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest
import yaml

from kinship.checkpoints import align, open_checkpoint, scan
from kinship.errors import KinshipError
from kinship.evaluation import read_published, resolve_tasks
from kinship.lineage import folder_declarations
from kinship.merging import Recipe, preflight
from kinship.similarity import gram_table, grouped_kinship
from tests.checkpoints.test_adapter import Q, factors
from tests.families import llama, save, save_adapter, tuned
from tests.faults.files import ADAPTER, CARD, CONFIG, QUESTIONS, RECIPE, RESULTS, ROWS, SLICES, TASK
from tests.faults.mutations import as_json, broken, changed
from tests.merging.models import save_mergeable

INPUTS = int(os.environ.get("KINSHIP_FUZZ", "2000"))
SEED = int(os.environ.get("KINSHIP_FUZZ_SEED", "17"))
SECONDS, BYTES = 5.0, 300_000_000


class Target(NamedTuple):
    """A file that is changed, how it is written, and what reads it."""

    file: Path
    write: Callable[[Any], bytes]
    data: Any
    read: Callable[[], object]


def as_yaml(data: Any) -> bytes:
    return yaml.dump(data, allow_unicode=True).encode("utf-8", errors="replace")


def as_card(data: Any) -> bytes:
    return b"---\n" + as_yaml(data) + b"---\n# A model\n```yaml\n" + as_yaml(RECIPE) + b"```\n"


def as_csv(data: Any) -> bytes:
    rows = data if isinstance(data, list) else [data]
    lines = (",".join(map(str, row)) if isinstance(row, list) else str(row) for row in rows)
    return "\n".join(lines).encode("utf-8", errors="replace")


def as_lines(data: Any) -> bytes:
    return b"\n".join(map(as_json, data if isinstance(data, list) else [data]))


def make_targets(place: Path) -> dict[str, Target]:
    base = llama(0, vocabulary=27)
    models = {name: save_mergeable(place / name, tuned(base, seed)) for seed, name in enumerate(("base", "m1", "m2"))}
    one = models["m1"]

    def matrix() -> object:
        alignment = align(open_checkpoint(models["base"]), [open_checkpoint(one)], allow_partial=True)
        return grouped_kinship(gram_table(alignment), "pcc", "layer")

    def merged() -> object:
        opened = open_checkpoint(one)
        recipe = {**RECIPE, "base_model": str(models["base"])}
        recipe["models"] = [{"model": str(one), "parameters": {"weight": 1.0}}, {"model": str(models["m2"])}]
        return opened, preflight(Recipe.from_config(recipe))

    def recipe() -> object:
        return preflight(Recipe.from_yaml(place / "recipe.yaml"), folder=place)

    def lineage() -> object:
        return scan(place / "card"), folder_declarations(open_checkpoint(place / "card"))

    weights = one / "model.safetensors"
    content = weights.read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    header, tensors = json.loads(content[8 : 8 + length]), content[8 + length :]

    def as_weights(data: Any) -> bytes:
        text = as_json(data)
        return struct.pack("<Q", len(text)) + text + tensors

    save_mergeable(place / "card", base)
    shards = place / "shards"
    save(shards / "model-1.safetensors", base)
    index = {"metadata": {"total_size": 9}, "weight_map": dict.fromkeys(base, "model-1.safetensors")}
    adapter = save_adapter(place / "adapter", factors(Q, 12, 12))
    (place / "own.jsonl").write_bytes(as_lines(QUESTIONS))

    def adapted() -> object:
        return align(open_checkpoint(models["base"]), [open_checkpoint(adapter)], allow_partial=True)

    def of_file(name: str, reader: Callable[[Path], object]) -> Callable[[], object]:
        return lambda: reader(place / name)

    tokenizer = json.loads((one / "tokenizer.json").read_text())
    about = json.loads((one / "tokenizer_config.json").read_text())
    return {
        "weights": Target(weights, as_weights, header, matrix),
        "config": Target(one / "config.json", as_json, CONFIG, merged),
        "tokenizer": Target(one / "tokenizer.json", as_json, tokenizer, merged),
        "tokenizer_config": Target(one / "tokenizer_config.json", as_json, about, merged),
        "generation_config": Target(one / "generation_config.json", as_json, {"eos_token_id": [1, 2]}, merged),
        "index": Target(shards / "model.safetensors.index.json", as_json, index, lambda: open_checkpoint(shards)),
        "adapter": Target(adapter / "adapter_config.json", as_json, ADAPTER, adapted),
        "card": Target(place / "card" / "README.md", as_card, CARD, lineage),
        "published-card": Target(place / "card.md", as_card, CARD, of_file("card.md", read_published)),
        "recipe": Target(place / "recipe.yaml", as_yaml, RECIPE, recipe),
        "slices": Target(place / "recipe.yaml", as_yaml, SLICES, recipe),
        "results": Target(place / "results.json", as_json, RESULTS, of_file("results.json", read_published)),
        "plain": Target(place / "plain.json", as_json, {"a": {"arc": 61.5}}, of_file("plain.json", read_published)),
        "table": Target(place / "table.csv", as_csv, ROWS, of_file("table.csv", read_published)),
        "task": Target(place / "own.yaml", as_yaml, TASK, lambda: resolve_tasks([str(place / "own.yaml")])),
        "questions": Target(
            place / "questions.jsonl", as_lines, QUESTIONS, lambda: resolve_tasks([str(place / "questions.jsonl")])
        ),
    }


NAMES = [
    *("weights", "config", "tokenizer", "tokenizer_config", "generation_config", "index", "adapter", "card"),
    *("published-card", "recipe", "slices", "results", "plain", "table", "task", "questions"),
]


@pytest.mark.parametrize("name", NAMES)
def test_a_changed_file_gives_an_answer_or_an_error_of_ours(name, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    target = make_targets(tmp_path)[name]
    target.file.write_bytes(target.write(target.data))
    draw = Random(f"{SEED} {name}")
    for number in range(INPUTS // len(NAMES)):
        if draw.random() < 0.75:
            content = target.write(changed(target.data, draw))
        else:
            content = broken(target.write(target.data), draw)
        target.file.write_bytes(content)
        before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
        said = "an answer"
        try:
            target.read()
        except KinshipError as error:
            said = str(error)
        except Exception as error:
            error.add_note(f"input {number} of {name}: {content[:2000]!r}")
            raise
        taken = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert said.strip()
        assert time.process_time() - began < SECONDS, f"input {number} of {name}: {content[:2000]!r}"
        assert taken * 1024 < BYTES, f"input {number} of {name}: {content[:2000]!r}"
