"""Families of which only a part can be compared, on the pages: the column, the warnings, and the button."""

from __future__ import annotations

import pytest

from kinship.ui.shell.partial import LABEL
from kinship.workspace import list_jobs
from kinship.workspace.store.families import Family, families, family, save_family
from kinship.workspace.store.library import add_paths
from tests.families import EMBEDDING, config, llama, save_model, tuned, without_mlp
from tests.pages.driving import run, words

SAID = "part: only {} % of the weights correspond to those of base"


@pytest.fixture
def make(home):
    """Write a base, a whole model, and one without the MLP of some layers and perhaps the embedding; returns paths."""

    def write(*layers, embedding=True):
        base = llama(0)
        rows = {"base": base, "whole": tuned(base, 1), "part": without_mlp(tuned(base, 2), *layers)}
        if not embedding:
            del rows["part"][EMBEDDING]
        return [str(save_model(home / "models" / name, tensors, config(base))) for name, tensors in rows.items()]

    return write


def pressed(app, label):
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception
    return app


def labels(app):
    return [button.label for button in app.button]


def compared(app):
    table = next(one.value for one in app.dataframe if "compared" in one.value.columns)
    return dict(zip(table["name"], table["compared"], strict=True))


@pytest.mark.parametrize("view", ["this family", "all checkpoints"])
def test_the_column_says_what_share_is_compared(make, view):
    base, *members = make(0)
    save_family(Family("mine", base, tuple(members)))
    add_paths(members)
    shares = compared(run("pages/checkpoints.py", family="mine", view=view))
    assert shares["whole"] == shares["part"] == pytest.approx(1 - 720 / 3372)


def test_the_column_is_there_where_the_comparison_is_refused(make):
    base, *members = make(0, 1, embedding=False)
    save_family(Family("mine", base, tuple(members)))
    app = run("pages/checkpoints.py", family="mine")
    assert not app.exception
    assert compared(app)["part"] == pytest.approx(1 - 1800 / 3372)
    assert LABEL in labels(app)


@pytest.mark.parametrize("page", ["checkpoints", "matrix", "merge", "home", "tree", "evolution"])
def test_a_partial_model_is_warned_of_once(make, page):
    base, *members = make(0)
    save_family(Family("mine", base, tuple(members)))
    app = run(f"pages/{page}.py", family="mine", tasks="demo")
    assert not app.exception
    assert words(app).count(SAID.format(78.6)) == 1
    assert LABEL not in labels(app)


@pytest.mark.parametrize("page", ["checkpoints", "matrix", "merge", "home", "tree", "evolution", "landscape"])
def test_little_in_common_is_refused_until_a_button_allows_it(make, page):
    base, *members = make(0, 1, embedding=False)
    save_family(Family("mine", base, tuple(members)))
    link = {"view": "Recipe search"} if page == "landscape" else {}
    app = run(f"pages/{page}.py", family="mine", tasks="demo", **link)
    assert not app.exception
    assert "only 46.6 % of the weights can be compared" in words(app)
    assert labels(app).count(LABEL) == 1
    pressed(app, LABEL)
    assert family("mine").allow_partial
    after = run(f"pages/{page}.py", family="mine", tasks="demo", **link)
    assert not after.exception
    assert LABEL not in labels(after)
    assert SAID.format(46.6) in words(after)


def test_the_job_is_told(make):
    base, *members = make(0, 1, embedding=False)
    save_family(Family("mine", base, tuple(members), allow_partial=True))
    run("pages/matrix.py", family="mine")
    assert [(one.kind, one.arguments["allow_partial"]) for one in list_jobs()] == [("measure", True)]


def test_a_new_family_with_little_in_common_is_made_on_request(make, home):
    make(0, 1, embedding=False)
    app = run("pages/checkpoints.py")
    app.text_input[0].set_value(str(home / "models"))
    pressed(app, "Add")
    pressed(app, "Make this family")
    assert "only 46.6 % of the weights can be compared" in app.error[0].value
    assert "models" not in [one.name for one in families()]
    pressed(app, LABEL)
    made = family("models")
    assert made.allow_partial
    assert app.sidebar.selectbox(key="family").value == "models"
