"""The child of chat models on a plain base keeps their template, and loads with it."""

from __future__ import annotations

import pytest
from transformers import AutoTokenizer

from kinship.merging import Parent, Recipe, compose, keeping_template, merge
from tests.merging.models import save_family, weights

CHAT = "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}{% endfor %}"


def kept(tmp_path, templates, method="task_arithmetic"):
    """The tokenizer's source by its folder's name, of a recipe of two parents on a base with these templates."""
    models = save_family(tmp_path)[:3]
    for path, template in zip(models, templates, strict=True):
        if template:
            (path / "chat_template.jinja").write_text(template)
    recipe = keeping_template(compose(method, [str(one) for one in models[1:]], str(models[0]), {}))
    names = {str(path): name for path, name in zip(models, ("base", "a", "b"), strict=True)}
    return recipe, names.get(recipe.tokenizer or "")


@pytest.mark.parametrize(
    ("templates", "source"),
    [
        (("", CHAT, CHAT), "a"),
        (("", "", CHAT), "b"),
        (("", CHAT, f"{CHAT}."), None),
        ((CHAT, f"{CHAT}.", ""), None),
        (("", "", ""), None),
    ],
)
def test_the_tokenizer_is_that_of_a_parent_with_the_template_they_agree_on(templates, source, tmp_path):
    assert kept(tmp_path, templates)[1] == source


def test_a_first_parent_without_a_template_gives_way_where_no_base_counts(tmp_path):
    assert kept(tmp_path, ("", "", CHAT), "linear")[1] == "b"


def test_a_recipe_that_names_a_tokenizer_keeps_it(tmp_path):
    recipe = Recipe("linear", (Parent(str(tmp_path)),), tokenizer="base")
    assert keeping_template(recipe) == recipe


def test_the_child_has_the_template_and_the_same_weights(tmp_path):
    recipe, _ = kept(tmp_path, ("", CHAT, CHAT))
    plain = compose("task_arithmetic", [one.path for one in recipe.parents], recipe.base, {})
    merge(recipe, tmp_path / "child")
    merge(plain, tmp_path / "plain")
    assert AutoTokenizer.from_pretrained(tmp_path / "child").chat_template == CHAT
    ours, theirs = weights(tmp_path / "child"), weights(tmp_path / "plain")
    assert all((ours[name] == theirs[name][: len(ours[name])]).all() for name in theirs)
