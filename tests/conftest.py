"""A browser and a Streamlit server for the tests that look at the dashboard as a person does."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pytest
import torch
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

if not torch.cuda.is_available():
    # Triton's interpreter stands in for the GPU; the variable counts when Triton is first imported, by whatever library
    os.environ["TRITON_INTERPRET"] = "1"

CHROMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The Chromium of the system."""
    found = next(filter(None, map(shutil.which, CHROMES)), None)
    if found is None:
        pytest.fail(f"the browser tests need one of {', '.join(CHROMES)}; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def streamlit_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Call with a script (and `env`, more environment variables) for the address of a server that runs it.

    The server works in the script's folder with this project's `.streamlit` settings and ends with the session.
    """
    with ExitStack() as stack:

        def start(script: Path, env: dict[str, str] | None = None) -> str:
            log = tmp_path_factory.mktemp("server") / "log.txt"
            return stack.enter_context(_serving(script, env or {}, log))

        yield start


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Call with an address (and options of a browser context, `color_scheme` for instance) for a page on it.

    At the end every page must have logged no error and asked for nothing beyond this machine.
    """
    faults: list[str] = []
    with ExitStack() as stack:

        def start(url: str, **options: Any) -> Page:
            context = stack.enter_context(browser.new_context(**options))
            page = context.new_page()
            page.on("console", lambda message: faults.extend(_faults_of_message(message)))
            page.on("request", lambda request: faults.extend(_faults_of_request(request.url)))
            page.goto(url)
            return page

        yield start
    assert faults == []


def _faults_of_message(message: ConsoleMessage) -> list[str]:
    # A deep link makes Streamlit's own client look for _stcore below the page's path first.
    own = "/_stcore/" in message.location.get("url", "")
    return [message.text] if message.type == "error" and not own else []


def _faults_of_request(url: str) -> list[str]:
    parts = urlparse(url)
    return [] if parts.scheme in ("data", "blob") or parts.hostname == "127.0.0.1" else [f"request to {url}"]


@contextmanager
def _serving(script: Path, env: dict[str, str], log: Path) -> Iterator[str]:
    settings = script.parent / ".streamlit"
    if not settings.exists():
        shutil.copytree(ROOT / ".streamlit", settings)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(script), f"--server.port={port}", "--server.headless=true"]
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    with log.open("w") as out:
        server = subprocess.Popen(
            command,
            cwd=script.parent,
            env=os.environ | {"PYTHONPATH": path} | env,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_up(url, server, log)
        yield url
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_until_up(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    pytest.fail(f"the server did not come up:\n{log.read_text()[-2000:]}")
