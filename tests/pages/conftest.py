"""A home of its own for every test of a page, with no worker started for it."""

from __future__ import annotations

import pytest

from kinship.workspace import Heartbeat


class OneBeat(Heartbeat):
    """Beats once: a thread that goes on would speak in the homes of later tests."""

    def start(self):
        self.beat()
        return self


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    import streamlit as st

    monkeypatch.setenv("KINSHIP_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("KINSHIP_DATABASE_URL", raising=False)
    monkeypatch.setattr("kinship.ui.shell.frame.Heartbeat", OneBeat)
    monkeypatch.setattr("kinship.workspace.jobs.launch.alive", lambda kind: [kind])
    st.cache_resource.clear()
    return tmp_path
