"""Publishing: a real HTTP server takes the calls that the Hub would."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yaml

from kinship.errors import HubError, MergeError
from kinship.merging import Parent, Recipe, merge
from kinship.merging.push import published_files, push_model
from tests.merging.models import save_family

PUSH = """
import sys
from kinship.errors import KinshipError
from kinship.merging import push_model
try:
    print(push_model(sys.argv[1], sys.argv[2], private=False, token="hf_test"))
except KinshipError as error:
    sys.exit(str(error))
"""


class Hub(BaseHTTPRequestHandler):
    """Creates repositories and takes commits; weights come by git LFS, everything else in the commit."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.calls.append((self.path, self.headers.get("Authorization")))
        if self.server.status != 200:
            return self._answer({"error": "no"}, self.server.status)
        address = f"http://127.0.0.1:{self.server.server_port}"
        if self.path == "/api/repos/create":
            self.server.created.append(json.loads(body))
            return self._answer({"url": f"{address}/me/child"})
        if self.path == "/api/validate-yaml":
            front = yaml.safe_load(json.loads(body)["content"].split("---\n")[1])
            wrong = [name for name in front.get("base_model", []) if name.count("/") > 1 or name.startswith(".")]
            return self._answer({"errors": [{"message": f"{name} is no model id"} for name in wrong], "warnings": []})
        if "/preupload/" in self.path:
            lfs = {name: name.endswith(".safetensors") for name in (f["path"] for f in json.loads(body)["files"])}
            modes = [{"path": n, "uploadMode": "lfs" if large else "regular"} for n, large in lfs.items()]
            return self._answer({"files": [mode | {"shouldIgnore": False} for mode in modes]})
        if self.path.endswith("/info/lfs/objects/batch"):
            objects = json.loads(body)["objects"]
            upload = [
                {**one, "actions": {"upload": {"href": f"{address}/store/{one['oid']}"}}, "authenticated": True}
                for one in objects
            ]
            return self._answer({"transfer": "basic", "objects": upload})
        for line in map(json.loads, body.splitlines()):
            if line["key"] == "file":
                self.server.files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            elif line["key"] == "lfsFile":
                self.server.files[line["value"]["path"]] = self.server.store[line["value"]["oid"]]
        return self._answer({"commitUrl": f"{address}/me/child/commit/1", "commitOid": "1" * 40})

    def do_PUT(self):
        self.server.store[self.path.rpartition("/")[2]] = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer({})

    def _answer(self, said, status=200):
        data = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@contextmanager
def hub(status=200):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.status, server.calls, server.created, server.files, server.store = status, [], [], {}, {}
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def pushed(folder, repository, port, tmp_path):
    """Run in a process of its own, since huggingface_hub reads its address when it is imported."""
    env = {name: value for name, value in os.environ.items() if not name.endswith("_OFFLINE")}
    env |= {"HF_ENDPOINT": f"http://127.0.0.1:{port}", "HF_HUB_DISABLE_XET": "1", "HF_HOME": str(tmp_path / "hf")}
    command = [sys.executable, "-c", PUSH, str(folder), repository]
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=60, check=False)


@pytest.fixture(scope="module")
def child(tmp_path_factory):
    """A merge of a local model with one from the Hub's cache."""
    folder = tmp_path_factory.mktemp("child")
    models = save_family(folder, members=2)
    cached = folder / "hub" / "models--org--name" / "snapshots" / "0123"
    cached.parent.mkdir(parents=True)
    models[2].rename(cached)
    parents = tuple(Parent(str(path), {"weight": 1.0}) for path in (models[1], cached))
    merge(Recipe("linear", parents), folder / "child")
    return folder / "child"


def test_a_merge_arrives_whole_and_without_the_paths_of_this_machine(child, tmp_path):
    with hub() as server:
        done = pushed(child, "me/child", server.server_port, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"http://127.0.0.1:{server.server_port}/me/child"
    assert server.created[0].items() >= {"name": "child", "organization": "me"}.items()
    assert server.created[0].get("private") is False or server.created[0].get("visibility") == "public"
    assert all(token == "Bearer hf_test" for path, token in server.calls if "/validate-yaml" not in path)
    assert server.files.keys() == {file.name for file in child.iterdir()}
    rewritten = {"README.md", "mergekit_config.yml", "kinship_merge.json"}
    for name, data in server.files.items():
        if name not in rewritten:
            assert data == (child / name).read_bytes(), name
        assert str(child.parent).encode() not in data
    weights = (child / "model.safetensors").read_bytes()
    assert server.store == {hashlib.sha256(weights).hexdigest(): weights}
    recipe = Recipe.from_yaml(server.files["mergekit_config.yml"].decode())
    assert [parent.path for parent in recipe.parents] == ["m1", "org/name"]
    front = yaml.safe_load(server.files["README.md"].decode().split("---\n")[1])
    assert front["base_model"] == ["org/name"]
    assert [one["path"] for one in json.loads(server.files["kinship_merge.json"])["models"]] == ["m1", "org/name"]


@pytest.mark.parametrize(
    ("status", "words"), [(401, "hf auth login"), (403, "hf auth login"), (400, "try again later")]
)
def test_what_the_hub_refuses_is_one_line(status, words, child, tmp_path):
    with hub(status) as server:
        done = pushed(child, "me/child", server.server_port, tmp_path)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert f"HTTP {status}" in done.stderr
    assert words in done.stderr
    assert server.files == {}


def test_a_hub_that_is_not_there_is_said(child, tmp_path):
    with hub() as server:
        port = server.server_port
    done = pushed(child, "me/child", port, tmp_path)
    assert done.returncode == 1
    assert "go online" in done.stderr.strip().splitlines()[-1]


def test_what_is_no_merge_or_no_name_is_refused(child, tmp_path):
    with pytest.raises(MergeError, match="is no merged model"):
        push_model(tmp_path, "me/child")
    with pytest.raises(MergeError, match="is no merged model"):
        published_files(child.parent / "m1", "m1")
    with pytest.raises(HubError, match="cannot be published"):
        push_model(child, "me/child/too/much")
