"""Run a page by its link, and read what it says."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

from kinship.checkpoints import align, open_checkpoint
from kinship.workspace.store.families import Family
from kinship.workspace.work.measure import measure

ROOT = Path(__file__).parents[2]


def measured(one: Family) -> None:
    """Measure a family as the worker would."""
    measure(align(open_checkpoint(one.base), [open_checkpoint(m) for m in one.members]))


def run(page: str, **link: str) -> AppTest:
    """Run a page of the dashboard as its link opens it."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for key, value in link.items():
        app.query_params[key] = value
    app.switch_page(page)
    app.session_state["routed"] = True  # AppTest knows no router, and no widgets of a page that starts over
    return app.run()


def words(app: AppTest) -> str:
    """Return all that a page says in words."""
    shown = [*app.title, *app.subheader, *app.caption, *app.markdown, *app.warning, *app.error, *app.success]
    return "\n".join(str(element.value) for element in shown)
