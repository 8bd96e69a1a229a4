"""What each source says of a child's parents."""

import json

import pytest

from kinship.checkpoints import open_checkpoint
from kinship.errors import LineageError
from kinship.lineage import Claim, csv_declarations, folder_declarations, genealogy, paper_declarations
from kinship.lineage.sources.adapter_config import adapter_declaration
from kinship.lineage.sources.mergekit_config import mergekit_declaration
from kinship.lineage.sources.model_card import card_declaration, claims_of_card
from kinship.lineage.sources.own_merge import own_declaration
from kinship.merging import MergedModel, MergeRecord
from kinship.merging.record import write_record
from tests.families import llama, save_model

SLERP = """\
merge_method: slerp
base_model: org/first
models:
- model: org/first
- model: org/second
parameters: {t: 0.5}
"""
TIES = """\
merge_method: ties
base_model: org/base
models:
- model: org/base
- model: org/first
  parameters: {weight: 0.5, density: 0.5}
- model: org/second
  parameters: {weight: 0.5, density: 0.5}
"""
LINEAR = """\
merge_method: linear
models:
- {model: /a, parameters: {weight: 1}}
- {model: org/b@v2, parameters: {weight: 2}}
"""
PARENTS = {("org/first", "merge parent"), ("org/second", "merge parent")}


def _claims(declaration):
    return {(claim.parent, claim.relation) for claim in declaration.claims}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (SLERP, PARENTS),
        (TIES, PARENTS | {("org/base", "base")}),
        (LINEAR, {("/a", "merge parent"), ("org/b@v2", "merge parent")}),
        (TIES.replace("ties", "a-method-of-tomorrow"), PARENTS | {("org/base", "base")}),
    ],
)
def test_a_merge_configuration_tells_parents_from_base(tmp_path, text, expected):
    (tmp_path / "mergekit_config.yml").write_text(text)
    found = mergekit_declaration(tmp_path)
    assert _claims(found) == expected
    assert found.method in text
    assert "merge_method" in found.recipe


@pytest.mark.parametrize("text", ["", "merge_method: [", "nothing: here", "\x00"])
def test_a_configuration_that_cannot_be_read_says_nothing(tmp_path, text):
    assert mergekit_declaration(tmp_path) is None
    (tmp_path / "mergekit_config.yml").write_text(text)
    assert mergekit_declaration(tmp_path) is None


def test_our_own_record_knows_fingerprints(tmp_path):
    models = tuple(
        MergedModel(path, f"print-of-{path}", role)
        for path, role in (("a", "parent"), ("b", "parent"), ("base", "base"), ("words", "tokenizer"))
    )
    write_record(tmp_path, MergeRecord("d", "ties", 0, models, {}))
    found = own_declaration(tmp_path)
    assert found.claims == (
        Claim("a", "merge parent", "print-of-a"),
        Claim("b", "merge parent", "print-of-b"),
        Claim("base", "base", "print-of-base"),
    )
    assert (found.method, found.recipe) == ("ties", "")
    (tmp_path / "mergekit_config.yml").write_text(TIES)
    assert own_declaration(tmp_path).recipe == TIES
    (tmp_path / "kinship_merge.json").write_text("{")
    assert own_declaration(tmp_path) is None


@pytest.mark.parametrize(
    ("front", "expected"),
    [
        ({"base_model": "org/a"}, {("org/a", "fine-tune")}),
        ({"base_model": ["org/a"], "base_model_relation": "finetune"}, {("org/a", "fine-tune")}),
        ({"base_model": "org/a", "base_model_relation": "quantized"}, {("org/a", "quantisation")}),
        ({"base_model": "org/a", "base_model_relation": "adapter"}, {("org/a", "adapter")}),
        ({"base_model": "org/a", "base_model_relation": "merge"}, {("org/a", "merge parent")}),
        ({"base_model": "org/a", "base_model_relation": "copied"}, {("org/a", "unknown")}),
        ({"base_model:merge": "org/a"}, {("org/a", "merge parent")}),
        ({"base_model": ["o/x", "o/a", "o/b"]}, {("o/x", "unknown"), ("o/a", "unknown"), ("o/b", "unknown")}),
        ({"base_model": ["o/x", "o/a"], "base_model_relation": "merge"}, {("o/x", "unknown"), ("o/a", "unknown")}),
        ({"base_model": {"odd": 1}}, set()),
        ({"base_model": ["org/a", 7, ""]}, {("org/a", "fine-tune")}),
        ({}, set()),
    ],
)
def test_a_card_that_lists_several_models_leaves_open_which_is_the_base(front, expected):
    assert {(claim.parent, claim.relation) for claim in claims_of_card(front)} == expected


def test_a_card_with_the_recipe_in_it(tmp_path):
    front = "---\nbase_model: [org/base, org/first, org/second]\ntags: [merge]\n---\n# Merge\n"
    (tmp_path / "README.md").write_text(front)
    assert {relation for _, relation in _claims(card_declaration(tmp_path))} == {"unknown"}
    (tmp_path / "README.md").write_text(f"{front}\n```yaml\nother: 1\n```\n\n```yaml\n{TIES}```\n")
    found = card_declaration(tmp_path)
    assert _claims(found) == PARENTS | {("org/base", "base")}
    assert found.method == "ties"


@pytest.mark.parametrize(
    "text", ["no front matter", "---\n: [\n---\n", "---\ndate: 2024-02-31\n---\n", "---\n- a\n---\n"]
)
def test_a_card_that_cannot_be_read_says_nothing(tmp_path, text):
    assert card_declaration(tmp_path) is None
    (tmp_path / "README.md").write_text(text)
    assert card_declaration(tmp_path) is None


def test_an_adapter_names_its_base(tmp_path):
    assert adapter_declaration(tmp_path) is None
    for said in ("{", "[]", '{"base_model_name_or_path": null}'):
        (tmp_path / "adapter_config.json").write_text(said)
        assert adapter_declaration(tmp_path) is None
    (tmp_path / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "org/base"}))
    assert _claims(adapter_declaration(tmp_path)) == {("org/base", "adapter")}


def test_a_folder_says_what_was_done_before_what_somebody_wrote(tmp_path):
    folder = save_model(tmp_path / "child", llama(0))
    (folder / "README.md").write_text("---\nbase_model: [org/base, org/first, org/second]\n---\n")
    (folder / "mergekit_config.yml").write_text(TIES)
    checkpoint = open_checkpoint(folder)
    said = folder_declarations(checkpoint)
    assert [one.source for one in said] == ["mergekit_config.yml", "README.md"]
    family = genealogy([checkpoint], said)
    edges = {family.name(p): about["relation"] for p, _, about in family.graph.edges(data=True)}
    assert edges == {"org/first": "merge parent", "org/second": "merge parent", "org/base": "base"}
    assert folder_declarations(open_checkpoint(folder / "model.safetensors")) == []


def test_a_csv_file(tmp_path):
    file = tmp_path / "known.csv"
    file.write_text("\ufeffchild,parent,relation,note\nm,a,merge parent,\nm,b,merge parent,\nm,x,base,\nn,m,,old\n")
    first, second = csv_declarations(file)
    assert (first.child, _claims(first)) == ("m", {("a", "merge parent"), ("b", "merge parent"), ("x", "base")})
    assert (second.child, _claims(second), second.source) == ("n", {("m", "unknown")}, "known.csv")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("child,mother\na,b\n", "lacks the columns child and parent"),
        ("child,parent\na,\n", "line 2: child and parent are both needed"),
        ("child,parent,relation\na,b,cousin\n", "line 2: no relation is called 'cousin'; use one of merge parent"),
        ("", "lacks the columns"),
        (b"\xff\xfe\x00", "not a CSV file"),
    ],
)
def test_a_csv_file_at_fault(tmp_path, text, said):
    file = tmp_path / "known.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(LineageError, match=said):
        csv_declarations(file)


def test_a_csv_file_as_a_spreadsheet_writes_it(tmp_path):
    file = tmp_path / "known.csv"
    file.write_bytes('\ufeffChild; Parent ;Relation\r\n"my; merge";a;merge parent\r\n;;\r\n"my; merge";b;\r\n'.encode())
    (found,) = csv_declarations(file)
    assert (found.child, _claims(found)) == ("my; merge", {("a", "merge parent"), ("b", "unknown")})
    file.write_text("child,parent\na,b,c\n")
    with pytest.raises(LineageError, match=r"known.csv, row 1: not as many cells as the header's 2, but 3 \(line 2\)"):
        csv_declarations(file)


def test_a_csv_file_that_is_not_there(tmp_path):
    with pytest.raises(LineageError, match="cannot be read"):
        csv_declarations(tmp_path / "no.csv")


def test_the_papers_lineages():
    said = {one.child: [claim.parent for claim in one.claims] for one in paper_declarations("paper-path-1")}
    assert said["YamShadow-7B"] == ["shadow-clown-7B-slerp", "yam-jom-7B"]
    assert said["shadow-clown-7B-slerp"] == ["StrangeMerges_32-7B-slerp"]  # the other is not legible
    assert "CatPPT-base" in {one.child for one in paper_declarations("paper-path-2")}
    assert paper_declarations("demo") == []
