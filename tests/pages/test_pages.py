"""Every page runs without an exception in every state of the workspace; the wishes in a link are kept."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from kinship.ui.shell.frame import PAGES
from kinship.workspace import list_jobs
from kinship.workspace.store.families import DEMO, Family, families, family, save_family
from kinship.workspace.store.library import add_paths, added_paths
from tests.families import llama, save, save_model, tuned
from tests.pages.driving import ROOT, measured, run, words

ALL = [entry["page"] for entries in PAGES.values() for entry in entries]


@pytest.mark.parametrize("page", ALL)
@pytest.mark.parametrize("name", [DEMO, "paper-path-1"])
@pytest.mark.parametrize("ready", [False, True])
def test_every_page_runs_in_every_state(page, name, ready):
    if ready:
        measured(family(DEMO))
    app = run(page, family=name)
    assert not app.exception
    assert app.title[0].value
    assert app.sidebar.selectbox(key="family").value == name


def test_every_page_is_short_and_has_a_question():
    for page in ALL:
        lines = (ROOT / page).read_text().splitlines()
        assert len(lines) < 80, page
        assert any(line.startswith("page(") for line in lines), page


def test_a_matrix_link_brings_back_its_choices():
    measured(family(DEMO))
    app = run("pages/matrix.py", metric="Euclidean", order="name", part="attention", first="reversing")
    assert not app.exception
    assert app.segmented_control(key="metric").value == "euclidean"
    assert app.selectbox(key="part").value == "attention"
    assert app.selectbox(key="first").value == "reversing"
    assert any("attention" in metric.label for metric in app.metric)


def test_an_invalid_link_falls_back():
    measured(family(DEMO))
    app = run("pages/matrix.py", metric="taste", family="nobody", base="ghost")
    assert not app.exception
    assert app.segmented_control(key="metric").value == "pcc"


def test_another_base_of_the_set_answers_at_once():
    measured(family(DEMO))
    app = run("pages/matrix.py", base="reversing")
    assert not app.exception
    assert "Weight changes since reversing" in words(app)
    assert "base" in app.selectbox(key="first").options


def test_chosen_models_narrow_the_matrix():
    measured(family(DEMO))
    app = run("pages/matrix.py")
    app.sidebar.multiselect(key="models").set_value(["reversing", "sorting"]).run()
    assert any("2 models" in metric.label for metric in app.metric)


def test_pages_that_need_weights_say_so_of_a_published_family():
    assert "published figures without weights" in words(run("pages/matrix.py", family="paper-path-1"))


def test_a_family_that_cannot_be_compared_says_what_differs(home):
    base, other = save(home / "base.safetensors", llama(0)), save(home / "m.safetensors", llama(0, layers=3))
    save_family(Family("odd", str(base), (str(other),)))
    for page in ("pages/matrix.py", "pages/checkpoints.py", "pages/home.py"):
        app = run(page, family="odd")
        assert not app.exception
        assert "number of layers 3, not 2" in words(app)


def test_a_checkpoint_that_is_gone_is_named(home):
    base, member = (save(home / f"{n}.safetensors", llama(i)) for i, n in enumerate("bm"))
    save_family(Family("gone", str(base), (str(member),)))
    member.unlink()
    for page in ALL:
        app = run(page, family="gone")
        assert not app.exception, page
    assert "there is no such file" in words(run("pages/matrix.py", family="gone"))


def test_a_torch_file_that_the_worker_could_not_open_says_so_and_is_not_asked_for_again(home, monkeypatch):
    bad = home / "bad.bin"
    bad.write_bytes(b"no pickle")
    add_paths([bad])
    failed = SimpleNamespace(state="failed", error=f"{bad} is damaged; download it again")
    monkeypatch.setattr("kinship.ui.checkpoints.checkpoint_table.latest_job", lambda kind, **match: failed)
    app = run("pages/checkpoints.py", family=DEMO, view="all checkpoints")
    assert not app.exception
    states = [state for one in app.dataframe for state in one.value.get("state", [])]
    assert f"{bad} is damaged; download it again (see Jobs)" in states
    assert not list_jobs()


def test_a_folder_is_added_and_becomes_a_family(home):
    base = llama(0)
    for name, values in (("base", base), ("one", tuned(base, 1)), ("two", tuned(base, 2))):
        save(home / "models" / f"{name}.safetensors", values)
    app = run("pages/checkpoints.py")
    app.text_input[0].set_value(str(home / "models"))
    next(button for button in app.button if button.label == "Add").click().run()
    assert not app.exception
    assert "Found 3 checkpoints" in words(app)
    next(button for button in app.button if button.label == "Make this family").click().run()
    assert not app.exception
    made = family("models")
    assert Path(made.base).name == "base.safetensors"
    assert [Path(m).stem for m in made.members] == ["one", "two"]
    assert app.sidebar.selectbox(key="family").value == "models"


@pytest.fixture
def mixed(home):
    """A base that no name gives away, two tuned from it, one of another shape, and a truncated file; all added."""
    root = llama(0)
    rows = {"start": root, "adder": tuned(root, 1), "sorter": tuned(root, 2), "other": llama(3, layers=3)}
    for name, values in rows.items():
        save_model(home / "models" / name, values)
    broken = home / "models" / "broken.safetensors"
    save(broken, root)
    broken.write_bytes(broken.read_bytes()[:-100])
    app = run("pages/checkpoints.py")
    app.text_input[0].set_value(str(home / "models"))
    return next(button for button in app.button if button.label == "Add").click().run()


def test_what_cannot_be_compared_is_not_proposed_and_no_base_is_made_up(mixed):
    assert not mixed.exception
    members = next(one for one in mixed.multiselect if one.label == "Members")
    assert sorted(members.value) == ["adder", "sorter", "start"]
    assert "Not proposed: broken (cannot be opened, see its state above), other (another shape)." in words(mixed)
    assert next(one for one in mixed.selectbox if one.label == "Base").value is None
    app = next(button for button in mixed.button if button.label == "Make this family").click().run()
    assert app.error[0].value.startswith("no base is chosen")


def test_a_family_that_cannot_be_compared_is_not_made(mixed):
    next(one for one in mixed.selectbox if one.label == "Base").set_value("start")
    members = next(one for one in mixed.multiselect if one.label == "Members")
    members.set_value(["adder", "other"])
    app = next(button for button in mixed.button if button.label == "Make this family").click().run()
    assert "other cannot be compared with start" in app.error[0].value
    assert "models" not in [one.name for one in families()]


@pytest.mark.parametrize("card", ["", "---\nbase_model: org/far\n---\n"])
def test_the_base_that_cards_name_is_proposed(home, card):
    root = llama(0)
    for name, values in {"start": root, "adder": tuned(root, 1), "sorter": tuned(root, 2)}.items():
        save_model(home / "models" / name, values)
    (home / "models" / "adder" / "README.md").write_text(f"---\nbase_model: {home / 'models' / 'start'}\n---\n")
    (home / "models" / "start" / "README.md").write_text(card)  # where it comes from itself is of no consequence
    app = run("pages/checkpoints.py")
    app.text_input[0].set_value(str(home / "models"))
    app = next(button for button in app.button if button.label == "Add").click().run()
    assert next(one for one in app.selectbox if one.label == "Base").value == "start"


@pytest.mark.parametrize(
    ("given", "said"),
    [("relative/path/x", "neither a full path nor a Hub id"), ("/no/such/folder", "there is no such folder")],
)
def test_what_cannot_be_added_says_why(given, said):
    app = run("pages/checkpoints.py")
    app.text_input[0].set_value(given)
    next(button for button in app.button if button.label == "Add").click().run()
    assert not app.exception
    assert said in words(app)


def test_an_empty_folder_says_what_to_do(home):
    (home / "empty").mkdir()
    app = run("pages/checkpoints.py")
    app.text_input[0].set_value(str(home / "empty"))
    next(button for button in app.button if button.label == "Add").click().run()
    assert "there are no checkpoints below" in words(app)


def test_an_added_checkpoint_is_taken_off_the_list(home):
    def page(picked):
        from kinship.ui.checkpoints.library import remove_button

        remove_button(picked)

    add_paths([home / "one", home / "two"])
    app = AppTest.from_function(page, kwargs={"picked": [str(home / "one"), "/of/the/demo"]}).run()
    assert [button.label for button in app.button] == ["Take 1 off this list"]
    app.button[0].click().run()
    assert added_paths() == [home / "two"]
    assert not app.button


def test_a_broken_checkpoint_stays_in_the_table_with_its_reason(home):
    (home / "broken.safetensors").write_bytes(b"no")
    add_paths([home / "broken.safetensors"])
    app = run("pages/checkpoints.py", view="all checkpoints")
    assert not app.exception
    table = app.dataframe[0].value
    assert "not a safetensors file" in table[table["name"] == "broken"]["state"].iloc[0]


def test_a_broken_workspace_is_a_message(home, monkeypatch):
    (home / "file").write_text("")
    monkeypatch.setenv("KINSHIP_HOME", str(home / "file" / "home"))
    app = run("pages/home.py")
    assert not app.exception
    assert app.error


def test_every_look_at_the_worker_replaces_one_that_died(home, monkeypatch):
    looks = []
    monkeypatch.setattr("kinship.ui.shell.frame.replace_worker", lambda: looks.append(1))
    app = run("pages/jobs.py")
    app.run()
    assert len(looks) == 2


def test_the_garbage_collection_after_a_rerun_looks_at_no_import(home):
    run("pages/home.py")
    assert gc.get_freeze_count() > 50_000


def test_the_app_imports_no_heavy_library(home):
    code = (
        "import sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        "import kinship.workspace.jobs.launch as launch\n"
        "launch.alive = lambda kind: [kind]\n"
        f"app = AppTest.from_file({str(ROOT / 'app.py')!r}, default_timeout=60)\n"
        f"for page in {ALL!r}:\n"
        "    app.switch_page(page)\n"
        "    app.run()\n"
        "    assert not app.exception, app.exception\n"
        "heavy = {'torch', 'transformers', 'mergekit', 'lm_eval', 'numba', 'plotly.express'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
