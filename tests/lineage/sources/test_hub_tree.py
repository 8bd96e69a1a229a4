"""The Hub's model tree, from the answers of a Hub that is played here."""

from types import SimpleNamespace

import pytest

from kinship.errors import HubError
from kinship.lineage.sources import hub_declaration, hub_declarations


@pytest.fixture
def hub(monkeypatch):
    """Set what the Hub answers, or what it raises."""
    import huggingface_hub

    said = SimpleNamespace(tags=[], card=None, raises=None)

    def model_info(self, repo):
        if said.raises is not None:
            raise said.raises
        return SimpleNamespace(tags=said.tags, card_data=said.card)

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", model_info)
    return said


def _claims(found):
    return {(claim.parent, claim.relation) for claim in found.claims}


def test_relations_in_tags(hub):
    hub.tags = ["base_model:org/a", "base_model:finetune:org/a", "license:mit"]
    found = hub_declaration("org/child")
    assert (found.child, _claims(found), found.source) == ("org/child", {("org/a", "fine-tune")}, "Hugging Face Hub")
    hub.tags = ["base_model:quantized:org/a"]
    assert _claims(hub_declaration("org/child")) == {("org/a", "quantisation")}


def test_of_a_merge_the_base_is_tagged_too(hub):
    hub.tags = ["base_model:merge:org/base", "base_model:merge:org/a", "base_model:merge:org/b"]
    assert _claims(hub_declaration("org/child")) == {
        ("org/base", "unknown"),
        ("org/a", "unknown"),
        ("org/b", "unknown"),
    }


def test_the_card_where_there_are_no_tags(hub):
    hub.card = {"base_model": "org/a", "base_model_relation": "adapter"}
    assert _claims(hub_declaration("org/child")) == {("org/a", "adapter")}
    hub.card = {}
    assert hub_declaration("org/child") is None


def test_offline_it_says_so(hub):
    hub.raises = ConnectionError("no route")
    with pytest.raises(HubError, match="cannot be reached, so that org/child keeps what its card says; go online"):
        hub_declaration("org/child")


def test_offline_mode_of_the_hubs_own_library(monkeypatch):
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubError, match="cannot be reached"):
        hub_declaration("org/child")


def test_another_fault_is_not_hidden(hub):
    hub.raises = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        hub_declaration("org/child")


def test_several_models_and_the_problems_with_some(hub):
    hub.tags = ["base_model:finetune:org/a"]
    found, problems = hub_declarations(["org/child", "org/other"])
    assert [(one.child, _claims(one)) for one in found] == [
        ("org/child", {("org/a", "fine-tune")}),
        ("org/other", {("org/a", "fine-tune")}),
    ]
    assert problems == []
    hub.raises = OSError("no route to host")
    found, problems = hub_declarations(["org/child", "org/other"])
    assert found == []
    assert [problem.startswith("the Hub cannot be reached") for problem in problems] == [True, True]


def test_a_name_that_the_hub_cannot_have():
    for name in ("org/a--b", "org/a..b", "org/a.git"):
        with pytest.raises(HubError, match="is no name that the Hub can have"):
            hub_declaration(name)
