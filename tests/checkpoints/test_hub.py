"""Downloading from the Hub, tried against a small Hub on this machine."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import huggingface_hub
import numpy as np
import pytest
from huggingface_hub import constants
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id
from hypothesis import given
from hypothesis import strategies as some

from kinship.checkpoints import download, is_hub_id, local_path, open_checkpoint
from kinship.checkpoints.hub import cached_folder
from kinship.errors import CheckpointError, HubError
from tests.families import config, llama, pack, save, save_adapter

COMMIT = "4f" * 20
FACTORS = {"A": (3, 12), "B": (20, 3)}


class _Hub(BaseHTTPRequestHandler):
    """Serves the files of `org/apple` and counts what was fetched."""

    files: dict[str, bytes] = {}  # noqa: RUF012
    fetched: list[str] = []  # noqa: RUF012

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if "org/gated" in path:
            self._answer(403, b"{}", {"X-Error-Code": "GatedRepo"})
        elif "org/broken" in path:
            self._answer(500, b"{}")
        elif path.startswith("/api/models/org/apple/tree/"):
            tree = [{"type": "file", "path": n, "size": len(b), "oid": "0" * 40} for n, b in self.files.items()]
            self._answer(200, json.dumps(tree).encode())
        elif path.startswith("/api/models/org/apple"):
            siblings = [{"rfilename": name} for name in self.files]
            self._answer(200, json.dumps({"id": "org/apple", "sha": COMMIT, "siblings": siblings}).encode())
        elif f"/resolve/{COMMIT}/" in path:
            name = path.partition(f"/resolve/{COMMIT}/")[2]
            self.fetched.append(name) if self.command == "GET" else None
            self._answer(200, self.files[name], {"ETag": f'"{len(name):040d}"', "X-Repo-Commit": COMMIT})
        else:
            self._answer(404, b"{}", {"X-Error-Code": "RepoNotFound"})

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Hub]]:
    """A Hub with one model, and an empty cache."""
    weights = save(tmp_path / "weights", llama(0)).read_bytes()
    _Hub.files = {
        "model.safetensors": weights,
        "config.json": json.dumps(config(llama(0))).encode(),
        "README.md": b"---\nlicense: mit\n---\n",
        "pytorch_model.bin": b"x",
        "model-q4.gguf": b"x",
        "optimizer.pt": b"x",
    }
    _Hub.fetched = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    _use(monkeypatch, tmp_path / "cache", f"http://127.0.0.1:{server.server_port}")
    yield _Hub
    server.shutdown()
    server.server_close()


@pytest.fixture
def no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Hub that nobody answers for."""
    _use(monkeypatch, tmp_path / "cache", "http://127.0.0.1:9")


def _use(monkeypatch: pytest.MonkeyPatch, cache: Path, endpoint: str) -> None:
    settings = {
        "ENDPOINT": endpoint,
        "HUGGINGFACE_CO_URL_TEMPLATE": endpoint + "/{repo_id}/resolve/{revision}/{filename}",
        "HF_HUB_CACHE": str(cache),
        "HF_HUB_OFFLINE": False,
    }
    for name, value in settings.items():
        monkeypatch.setattr(constants, name, value)


@pytest.mark.parametrize(
    ("source", "is_id"),
    [
        ("org/apple", True),
        ("org/apple-7b.v2@refs/pr/1", True),
        ("org/apple@4f2c", True),
        ("apple", False),
        ("/m/apple", False),
        ("./org/apple", False),
        ("~/apple", False),
        ("a/b/c", False),
        ("org/apple@", False),
    ],
)
def test_what_reads_as_a_hub_id(source, is_id):
    assert is_hub_id(source) is is_id


def test_a_folder_on_this_machine_is_no_hub_id(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "org" / "apple").mkdir(parents=True)
    assert not is_hub_id("org/apple")
    assert local_path("org/apple") == Path("org/apple")


def test_a_model_is_downloaded_with_progress(hub):
    told: list[tuple[float, str]] = []
    folder = local_path("org/apple", lambda share, what: told.append((share, what)))
    opened = open_checkpoint(folder)
    assert (opened.name, opened.licence, opened.config.layers) == (folder.parents[1].name.rpartition("--")[2], "mit", 2)
    assert opened.name == "apple"
    assert sorted(hub.fetched) == ["README.md", "config.json", "model.safetensors"]
    assert all(0.0 <= share <= 1.0 for share, _ in told)
    assert max(share for share, _ in told) == 1.0
    assert re.fullmatch(r"\d+ of \d+ MB", told[-1][1])


def test_a_second_download_fetches_nothing(hub):
    first = download("org/apple@main")
    count = len(hub.fetched)
    assert download("org/apple@main") == first
    assert len(hub.fetched) == count


def test_the_makers_own_files_are_not_fetched_beside_others(hub):
    hub.files["consolidated.safetensors"] = hub.files["model.safetensors"]
    download("org/apple")
    assert "consolidated.safetensors" not in hub.fetched


@pytest.mark.parametrize("form", ["consolidated.safetensors", "consolidated.00.pth"])
def test_the_makers_own_files_are_fetched_where_they_are_all(hub, form):
    for name in ("model.safetensors", "pytorch_model.bin", "config.json"):
        del hub.files[name]
    hub.files |= {form: b"x", "params.json": b"{}"}
    download("org/apple")
    assert {form, "params.json"} <= set(hub.fetched)


def test_torch_files_are_fetched_where_there_are_no_safetensors(hub):
    del hub.files["model.safetensors"]
    download("org/apple")
    assert "pytorch_model.bin" in hub.fetched


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("org/nothing", "the Hub has no model org/nothing, or it is private"),
        ("org/gated", "org/gated is gated; accept its terms"),
        ("org/broken", "the Hub refused org/broken"),
    ],
)
def test_what_the_hub_refuses_is_said(hub, source, problem):
    with pytest.raises(HubError, match=problem) as caught:
        download(source)
    assert "\n" not in str(caught.value)


def test_without_a_network_it_says_so(no_network):
    with pytest.raises(HubError, match="org/apple is not on this machine and the Hub cannot be reached; go online"):
        download("org/apple")


def test_without_a_network_the_cache_will_do(hub, monkeypatch):
    folder = download("org/apple")
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert download("org/apple") == folder


def test_offline_mode_says_so(hub, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubError, match="is not on this machine and the Hub cannot be reached"):
        download("org/apple")


def test_a_full_disk_is_said(hub, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", full)
    with pytest.raises(HubError, match=r"could not be stored \(No space left on device\); make room"):
        download("org/apple")


def test_what_is_neither_is_refused():
    with pytest.raises(CheckpointError, match="neither a path nor a Hub id; write org/name"):
        download("apple")


def test_an_adapter_finds_its_base_in_the_cache(hub, tmp_path):
    factors = {f"model.layers.0.mlp.up_proj.lora_{k}.weight": pack(np.ones(s), "F32") for k, s in FACTORS.items()}
    (tmp_path / "adapter").mkdir()
    folder = save_adapter(tmp_path / "adapter", factors, base_model_name_or_path="org/apple")
    assert open_checkpoint(folder).adapter.base is None
    fetched = download("org/apple")
    assert open_checkpoint(folder).adapter.base.path == fetched


@given(some.text("ab-._/", min_size=1, max_size=12) | some.sampled_from(["a/b.git", f"a/{'b' * 96}", f"a/{'b' * 97}"]))
def test_an_id_is_what_the_hub_takes_for_one(text):
    try:
        validate_repo_id(text)
    except HFValidationError:
        assert not is_hub_id(text)
        assert cached_folder(text) is None
    else:
        assert is_hub_id(text) == ("/" in text)
