import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import huggingface_hub.constants as constants
import pytest

from explorer.engine.hub import locate, looks_like_path
from explorer.errors import ModelError


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    cache = tmp_path / "hub"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    return cache


@pytest.fixture
def hub(monkeypatch):
    """A hub on this machine that gives one answer to everything; the requests that it got."""
    servers, requests = [], []

    def answers(status: int, **headers: str) -> list[str]:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                requests.append(self.path)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *args):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        servers.append((server, thread))
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.server_address[1]}")
        return requests

    yield answers
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def fails(model: str) -> str:
    """The sentence for a model that cannot be located."""
    with pytest.raises(ModelError) as caught:
        locate(model, lambda progress: None)
    return str(caught.value)


def cached(cache, model: str, *files: str):
    """A snapshot as the hub's library keeps it."""
    home = cache / f"models--{model.replace('/', '--')}"
    snapshot = home / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text("a" * 40)
    for file in files:
        (snapshot / file).write_text("{}")
    return snapshot


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    return folder


def test_a_local_folder_is_taken_as_it_is(folder):
    assert locate(str(folder), lambda progress: None) == (folder, None)


def test_a_folder_below_the_home_is_found(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder.parent))
    assert locate("~/model", lambda progress: None) == (folder, None)


def test_a_folder_that_is_missing_is_said(tmp_path):
    missing = tmp_path / "missing"
    assert fails(str(missing)) == f"There is no folder {missing}."
    assert fails("./missing") == "There is no folder ./missing."
    assert fails("a/b/c") == "There is no folder a/b/c."


def test_a_folder_that_is_no_model_is_said(tmp_path):
    assert "has no config.json" in fails(str(tmp_path))


def test_a_name_that_the_system_refuses_is_said():
    assert "cannot be read: File name too long" in fails("x" * 300)
    assert "cannot be read: Could not determine home" in fails("~nobody-of-this-name/model")


def test_a_file_is_not_a_folder(tmp_path):
    (tmp_path / "model.gguf").write_text("")
    assert "is a file" in fails(str(tmp_path / "model.gguf"))


@pytest.mark.parametrize("model", ["has space/x", "a--b/c..d", "-a/b", "한글/모델", "x" * 97, "a\0b"])
def test_an_id_that_cannot_be_one_is_said(model):
    assert "is neither a folder nor the id of a model" in fails(model)


@pytest.mark.parametrize(
    ("model", "path"),
    [("gpt2", False), ("owner/name", False), ("./name", True), ("~/name", True), ("/name", True), ("a/b/c", True)],
)
def test_what_was_meant_as_a_path(model, path):
    assert looks_like_path(model) == path


def test_a_hub_that_cannot_be_reached_is_said_within_seconds():
    begin = time.monotonic()
    sentence = fails("owner/name")
    assert "owner/name is not in the local cache and the hub cannot be reached" in sentence
    assert "--model" in sentence
    assert time.monotonic() - begin < 10


def test_a_hub_that_is_forbidden_is_said(monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE forbids" in fails("owner/name")


@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        (403, {"X_Error_Code": "GatedRepo"}, "is gated: accept its terms"),
        (404, {"X_Error_Code": "RepoNotFound"}, "The hub has no model owner/name"),
        (401, {"X_Error_Code": "RepoNotFound"}, "hf auth login"),
        (500, {}, "the hub cannot be reached"),
    ],
)
def test_what_the_hub_refuses_is_said(hub, status, headers, words):
    requests = hub(status, **headers)
    assert words in fails("owner/name")
    assert len(requests) == 1 and "/api/models/owner/name" in requests[0]


def test_asking_the_hub_is_reported(hub):
    hub(404, X_Error_Code="RepoNotFound")
    seen = []
    with pytest.raises(ModelError):
        locate("owner/name", seen.append)
    assert [progress.stage for progress in seen] == ["asking the hub for owner/name"]


def test_a_model_in_the_cache_needs_no_hub(empty_cache, hub):
    requests = hub(500)
    snapshot = cached(empty_cache, "owner/name", "config.json", "model.safetensors")
    assert locate("owner/name", lambda progress: None) == (snapshot, "a" * 40)
    assert requests == []


@pytest.mark.parametrize("files", [("config.json",), ("model.safetensors",), ()])
def test_a_model_that_is_in_the_cache_by_half_is_asked_for(empty_cache, hub, files):
    requests = hub(500)
    cached(empty_cache, "owner/name", *files)
    assert "cannot be reached" in fails("owner/name")
    assert requests
