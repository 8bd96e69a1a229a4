"""Importing published scores on the page Checkpoints: cards of one file name, with and without a model's name."""

from __future__ import annotations

from kinship.workspace.store.published_records import published_scores
from tests.pages.driving import run, words

NAMELESS = b"---\nmodel-index:\n- results:\n  - {dataset: {name: ARC}, metrics: [{type: acc, value: 61.0}]}\n---\n"


def upload(model):
    app = run("pages/checkpoints.py")
    app.file_uploader[0].upload("README.md", NAMELESS)
    next(one for one in app.text_input if one.label.startswith("Its model")).set_value(model)
    next(one for one in app.button if one.label == "Import scores").click()
    return app.run()


def test_two_cards_without_a_name_are_two_models():
    assert "README.md: scores of first." in words(upload("first"))
    upload(" second ")
    assert {source: sorted(models) for source, models in published_scores().items()} == {
        "README.md": ["first", "second"]
    }


def test_a_card_without_a_name_needs_one():
    app = upload("")
    assert not app.exception
    assert "README.md: it does not name its model; give the model's name beside it" in words(app)
    assert published_scores() == {}


def test_what_was_left_out_of_a_file_is_said():
    app = run("pages/checkpoints.py")
    app.file_uploader[0].upload("s.json", b'{"a": {"arc": 0.5, "tqa": NaN}, "b": {"arc": 0.4, "wikitext": 9.1}}')
    next(one for one in app.button if one.label == "Import scores").click()
    app = app.run()
    assert not app.exception
    assert {name: own.averages for name, own in published_scores()["s.json"].items()} == {
        "a": {"percent": 50.0},
        "b": {"percent": 40.0},
    }
    assert "tqa of a is left out: nan is no finite number" in words(app)
    assert "wikitext of b is left out: wikitext is better when less" in words(app)
