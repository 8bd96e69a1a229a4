"""A home of its own for every test of a page, with no worker started for it."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import kinship.ui
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
    for found in pkgutil.walk_packages(kinship.ui.__path__, "kinship.ui."):
        module = importlib.import_module(found.name)
        if hasattr(module, "ensure_worker"):
            monkeypatch.setattr(module, "ensure_worker", lambda: False)
    st.cache_resource.clear()
    return tmp_path
