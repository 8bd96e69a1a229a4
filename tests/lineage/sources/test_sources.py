"""What each source says of a child's parents."""

import json

import pytest

from kinship.checkpoints import open_checkpoint
from kinship.errors import LineageError
from kinship.lineage import Claim, csv_declarations, folder_declarations, genealogy, paper_declarations
from kinship.lineage.export import to_data
from kinship.lineage.sources.adapter_config import adapter_declaration
from kinship.lineage.sources.mergekit_config import mergekit_declarations
from kinship.lineage.sources.model_card import card_declarations, claims_of_card
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
MOE = """\
base_model: org/host
gate_mode: hidden
experts:
- source_model: org/first
  positive_prompts: [write a poem]
- source_model: {model: {path: org/second, revision: v2}}
shared_experts:
- source_model: org/third
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
        (TIES.replace("org/first", "org/base+org/first"), PARENTS | {("org/base", "base")}),
        (SLERP.replace("org/first", "org/base+org/first"), PARENTS | {("org/base", "base")}),
    ],
)
def test_a_merge_configuration_tells_parents_from_base(tmp_path, text, expected):
    (tmp_path / "mergekit_config.yml").write_text(text)
    (found,) = mergekit_declarations(tmp_path)
    assert _claims(found) == expected
    assert found.method in text
    assert "merge_method" in found.recipe


@pytest.mark.parametrize("text", ["", "merge_method: [", "nothing: here", "\x00"])
def test_a_configuration_that_cannot_be_read_says_nothing(tmp_path, text):
    assert mergekit_declarations(tmp_path) == []
    (tmp_path / "mergekit_config.yml").write_text(text)
    assert mergekit_declarations(tmp_path) == []


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
    (found,) = card_declarations(tmp_path)
    assert {relation for _, relation in _claims(found)} == {"unknown"}
    (tmp_path / "README.md").write_text(f"{front}\n```yaml\nother: 1\n```\n\n```yaml\n{TIES}```\n")
    (found,) = card_declarations(tmp_path)
    assert _claims(found) == PARENTS | {("org/base", "base")}
    assert found.method == "ties"


@pytest.mark.parametrize("text", ["no front matter", "---\n- a\n---\n", "---\nlicense: mit\n---\n"])
def test_a_card_without_a_base_says_nothing(tmp_path, text):
    assert card_declarations(tmp_path) == []
    (tmp_path / "README.md").write_text(text)
    assert card_declarations(tmp_path) == []


@pytest.mark.parametrize(
    ("front", "line"),
    [(": [", 0), ("date: 2024-02-31", 0), ("base_model:\tbase", 1), ("base_model: base\ntitle: a: b: c", 2)],
)
def test_front_matter_that_is_no_yaml_is_warned_of(tmp_path, front, line):
    folder = save_model(tmp_path / "child", llama(0))
    (folder / "README.md").write_text(f"---\n{front}\n---\n")
    checkpoint = open_checkpoint(folder)
    family = genealogy([checkpoint], folder_declarations(checkpoint))
    (warning,) = family.warnings
    assert f"{folder / 'README.md'} is not valid YAML" in warning
    assert not line or f"in line {line})" in warning
    assert "\n" not in warning
    assert to_data(family)["warnings"] == [warning]
    assert list(family.graph) == [checkpoint.fingerprint]
    (folder / "mergekit_config.yml").write_text(TIES)
    assert [one.source for one in folder_declarations(checkpoint)] == ["mergekit_config.yml", "README.md"]


@pytest.mark.parametrize(("config", "said"), [("mergekit_config.yml", LINEAR), ("mergekit_moe_config.yml", MOE)])
def test_a_card_adds_no_parent_to_a_merge(tmp_path, config, said):
    folder = save_model(tmp_path / "child", llama(0))
    (folder / config).write_text(said)
    alone = folder_declarations(open_checkpoint(folder))
    (folder / "README.md").write_text("---\nbase_model: [org/other]\n---\n")
    assert folder_declarations(open_checkpoint(folder)) == alone
    assert [one.source for one in alone] == [config]


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
    assert [one.source for one in said] == ["mergekit_config.yml"]
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
        ("child,mother\n", "lacks the columns child and parent"),
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


STEPS = (
    "models:\n- model: org/first\n- model: org/second\nmerge_method: linear\nparameters: {weight: 0.5}\nname: step1\n",
    "models:\n- model: step1\n- model: org/third\nmerge_method: slerp\nbase_model: step1\nparameters: {t: 0.5}\n",
)


def test_a_mixture_of_experts_has_its_experts_and_host_as_parents(tmp_path):
    (tmp_path / "mergekit_moe_config.yml").write_text(MOE)
    (found,) = mergekit_declarations(tmp_path)
    assert _claims(found) == {(f"org/{one}", "merge parent") for one in ("host", "first", "second@v2", "third")}
    assert (found.source, found.method) == ("mergekit_moe_config.yml", "mixture of experts")
    (tmp_path / "mergekit_moe_config.yml").write_text("experts: [1, {source_model: []}]\n")
    assert mergekit_declarations(tmp_path) == []


def _chain(folder):
    """A chain's declarations as child and parents; steps of this folder by their name."""
    return {
        one.child.removeprefix(f"{folder}/"): {claim.parent.removeprefix(f"{folder}/") for claim in one.claims}
        for one in [*mergekit_declarations(folder), *card_declarations(folder)]
    }


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("where", ["card", "one block", "configuration"])
def test_the_last_step_makes_the_model(tmp_path, where, order):
    texts = [STEPS[i] for i in order]
    blocks = texts if where == "card" else ["---\n".join(texts)]
    text = "".join(f"Step:\n\n```yaml\n{block}```\n\n" for block in blocks)
    file, text = ("mergekit_config.yml", blocks[0]) if where == "configuration" else ("README.md", text)
    (tmp_path / file).write_text(text)
    made = _chain(tmp_path)
    assert made.pop("step1") == {"org/first", "org/second"}
    assert made == {str(tmp_path): {"step1", "org/third"}}


def test_of_recipes_without_names_the_last_counts_unless_the_card_says_which(tmp_path):
    first, second = STEPS[0].replace("name: step1\n", ""), STEPS[1]
    card = (
        "The following YAML configuration was used to produce this model:\n\n```yaml\n{}```\n\nBefore:\n\n```\n{}```\n"
    )
    (tmp_path / "README.md").write_text(f"```yaml\n{first}```\n\n~~~yml\n{second}~~~\n")
    assert _chain(tmp_path) == {str(tmp_path): {"step1", "org/third"}}
    (tmp_path / "README.md").write_text(card.format(second, first))
    assert _chain(tmp_path) == {str(tmp_path): {"step1", "org/third"}}


def test_steps_of_one_name_in_two_cards_are_two_models(tmp_path):
    for name, seed in (("x", 1), ("y", 2)):
        folder = save_model(tmp_path / name, llama(seed))
        (folder / "README.md").write_text("".join(f"```yaml\n{step}```\n" for step in STEPS))
    found = [open_checkpoint(tmp_path / name) for name in "xy"]
    family = genealogy(found, [said for one in found for said in folder_declarations(one)])
    parents = [set(family.graph.predecessors(one.fingerprint)) for one in found]
    assert parents[0] & parents[1] == {"org/third"}
    assert len([node for node in family.graph if str(node).endswith("/step1")]) == 2


def test_a_recipe_in_a_list_of_a_card_and_one_of_a_mixture(tmp_path):
    indented = "".join(f"   {line}\n" for line in f"```YAML\n{TIES}```".split("\n"))
    (tmp_path / "README.md").write_text(f"1. So:\n\n{indented}")
    (found,) = card_declarations(tmp_path)
    assert found.method == "ties"
    (tmp_path / "README.md").write_text(f"```yaml\n{MOE}```\n")
    (found,) = card_declarations(tmp_path)
    assert found.method == "mixture of experts"


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf---\nbase_model: org/base\n---\n",
        "---\r\nbase_model: org/base\r\n---\r\n".encode("utf-16"),
        b"\n \n---\nbase_model: org/base\n---\n",
        b"\r\n--- \r\nbase_model: org/base\r\n--- \r\n# Title",
        b"---\rbase_model: org/base\r---\r",
        b"---\nbase_model: org/base\n---",
    ],
)
def test_the_front_matter_of_a_card_however_it_was_saved(tmp_path, content):
    (tmp_path / "README.md").write_bytes(content)
    (found,) = card_declarations(tmp_path)
    assert _claims(found) == {("org/base", "fine-tune")}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("None", []),
        ("'none'", []),
        ("n/a", []),
        ("[None, null, '']", []),
        ("[More Information Needed]", []),
        ("trained from scratch", []),
        ("https://huggingface.co/org/base", ["org/base"]),
        ("[https://hf.co/org/base/tree/main]", ["org/base"]),
        ("[[org/a], [org/b, None]]", ["org/a", "org/b"]),
        ("[{name: org/a}, {model: org/b}]", ["org/a", "org/b"]),
        ("org/a, org/b", ["org/a", "org/b"]),
        ("gpt2", ["gpt2"]),
        ("/my models/base", ["/my models/base"]),
    ],
)
def test_what_a_card_names_as_base(tmp_path, said, expected):
    (tmp_path / "README.md").write_text(f"---\nbase_model: {said}\nbase_model_relation: [Finetune]\n---\n")
    found = card_declarations(tmp_path)
    assert [claim.parent for one in found for claim in one.claims] == expected
    if len(expected) == 1:
        assert found[0].claims[0].relation == "fine-tune"


def test_no_model_is_called_none_in_recipes_and_adapters(tmp_path):
    (tmp_path / "mergekit_config.yml").write_text(LINEAR + "base_model: None\n")
    (found,) = mergekit_declarations(tmp_path)
    assert _claims(found) == {("/a", "merge parent"), ("org/b@v2", "merge parent")}
    (tmp_path / "adapter_config.json").write_bytes(b'\xef\xbb\xbf{"base_model_name_or_path": "org/base"}')
    assert _claims(adapter_declaration(tmp_path)) == {("org/base", "adapter")}
    (tmp_path / "adapter_config.json").write_text('{"base_model_name_or_path": "None"}')
    assert adapter_declaration(tmp_path) is None
