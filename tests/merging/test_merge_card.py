"""The model card: front matter that the Hub reads, and what was merged."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

from kinship.checkpoints.config import read_licence
from kinship.merging import MergedModel, MergeRecord, merge_method
from kinship.merging.merge_card import hub_id, merge_card

CACHED = "/home/me/.cache/huggingface/hub/models--org--name-7B/snapshots/0123abcd"
RECORD = MergeRecord(
    "d1",
    "dare_ties",
    3,
    (
        MergedModel("/models/base", "f0", "base", "apache-2.0"),
        MergedModel(CACHED, "f1", "parent", "apache-2.0"),
        MergedModel("/models/tuned/b", "f2", "parent", "apache-2.0"),
        MergedModel("/models/lora", "f3", "parent", "apache-2.0"),
        MergedModel("/models/tokens", "f4", "tokenizer"),
    ),
    {"kinship": "0.1.0", "mergekit": "0.1.5"},
)


def front(card):
    _, matter, body = card.split("---\n", 2)
    return yaml.safe_load(matter), body


def test_the_front_matter_names_parents_relative_to_the_folder_and_by_hub_id(tmp_path):
    said, body = front(merge_card("child", RECORD, "merge_method: dare_ties\n", tmp_path / "x"))
    assert said == {
        "base_model": [
            "../" * len((tmp_path / "x").parts[1:]) + "models/base",
            "org/name-7B",
            "../" * len((tmp_path / "x").parts[1:]) + "models/tuned/b",
            "../" * len((tmp_path / "x").parts[1:]) + "models/lora",
        ],
        "base_model_relation": "merge",
        "library_name": "transformers",
        "license": "apache-2.0",
        "tags": ["mergekit", "merge", "model-kinship"],
    }
    assert (tmp_path / "x" / said["base_model"][2]).resolve().as_posix() == "/models/tuned/b"
    assert body.startswith("\n# child\n")
    for words in (
        "`org/name-7B`, `b` and `lora`",
        "on `base`",
        "--random-seed 3",
        "mergekit 0.1.5",
        "https://arxiv.org/abs/2311",
    ):
        assert words in body
    assert merge_method("dare_ties").does in body
    assert "```yaml\nmerge_method: dare_ties\n```" in body


def test_a_published_card_has_no_path_of_this_machine():
    card = merge_card("child", RECORD, "merge_method: dare_ties\n", None)
    assert front(card)[0]["base_model"] == ["org/name-7B"]
    assert "/models" not in card.replace("huggingface.co/models", "")
    local = replace(RECORD, models=RECORD.models[2:3])
    assert "base_model" not in front(merge_card("child", local, "", None))[0]


@pytest.mark.parametrize("licences", [("mit", "apache-2.0"), ("mit", None)])
def test_a_licence_is_stated_only_where_all_agree(licences, tmp_path):
    models = tuple(MergedModel(f"/m/{i}", "f", "parent", licence) for i, licence in enumerate(licences))
    said, _ = front(merge_card("child", replace(RECORD, models=models), "", tmp_path))
    assert "license" not in said
    agreed = tuple(replace(model, licence="mit") for model in models)
    (tmp_path / "README.md").write_text(merge_card("child", replace(RECORD, models=agreed), "", tmp_path))
    assert read_licence(tmp_path) == "mit"


def test_a_method_of_somebody_else_still_has_a_card(tmp_path):
    assert "Method: mine." in merge_card("child", replace(RECORD, method="mine"), "", tmp_path)


@pytest.mark.parametrize(
    ("path", "expected"),
    [(CACHED, "org/name-7B"), ("/models/org--name/snapshots/1", None), ("/models/a", None), (f"{CACHED}/below", None)],
)
def test_only_the_hub_s_cache_tells_a_hub_id(path, expected):
    assert hub_id(path) == expected
