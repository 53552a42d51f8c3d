import errno
import json
import os
import shutil
import subprocess
import sys
import time
from collections import namedtuple

import httpx2
import huggingface_hub.constants as constants
import pytest

from explorer.engine.description import ModelSettings
from explorer.engine.files.hub import locate, locate_tokenizer
from explorer.engine.files.local import looks_like_path
from explorer.engine.files.places import find, find_tokenizer
from explorer.errors import ModelError
from tests.engine.hub_server import COMMIT, MODEL, SHARDS, HubServer

NEEDED = sorted(set(MODEL) - {"README.md"})
PICKLES = {"config.json": b"{}", "tokenizer.json": b"{ }", "pytorch_model.bin": b"pickle"}


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    cache = tmp_path / "hub"
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    return cache


@pytest.fixture
def hub(monkeypatch):
    """A hub on this machine, with `owner/name` on it."""
    server = HubServer(dict(MODEL))
    monkeypatch.setattr(constants, "ENDPOINT", server.url)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", server.url + "/{repo_id}/resolve/{revision}/{filename}"
    )
    yield server
    server.close()


def found(**options):
    """What is located, without a look at the progress."""
    return locate("owner/name", lambda progress: None, **options)


def fails(model: str = "owner/name", **options) -> str:
    """The sentence for a model that cannot be located."""
    with pytest.raises(ModelError) as caught:
        locate(model, lambda progress: None, **options)
    return str(caught.value)


def cached(cache, *files: str, commit: str = "a" * 40, ref: str | None = "main"):
    """A snapshot as the hub's library keeps it; an index names both shards."""
    home = cache / "models--owner--name"
    snapshot = home / "snapshots" / commit
    snapshot.mkdir(parents=True)
    if ref is not None:
        (home / "refs").mkdir(exist_ok=True)
        (home / "refs" / ref).write_text(commit)
    for file in files:
        (snapshot / file).write_bytes(MODEL.get(file, b"{}"))
    return snapshot


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    return folder


# A local folder.


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
    (tmp_path / "README.md").write_text("")
    assert "has no config.json" in fails(str(tmp_path))


def test_a_folder_that_has_some_of_its_shards_is_said(folder):
    (folder / "model.safetensors.index.json").write_bytes(MODEL["model.safetensors.index.json"])
    (folder / SHARDS[0]).write_bytes(b"")
    said = fails(str(folder))
    assert f"has 1 of the 2 weight files that its index names; {SHARDS[1]} is missing" in said
    (folder / SHARDS[1]).write_bytes(b"")
    assert locate(str(folder), lambda progress: None) == (folder, None)


@pytest.mark.parametrize("index", ["", "[]", "{}", '{"weight_map": {"a": 1}}'])
def test_an_index_that_cannot_be_read_is_said(folder, index):
    (folder / "model.safetensors.index.json").write_text(index)
    assert f"model.safetensors.index.json in {folder}" in fails(str(folder))


def test_a_name_that_the_system_refuses_is_said():
    assert "cannot be read: File name too long" in fails("x" * 300)
    assert "cannot be read: Could not determine home" in fails("~nobody-of-this-name/model")


def test_a_folder_that_may_not_be_read_is_said(folder, monkeypatch):
    def refuse(path, **_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr("pathlib.Path.stat", refuse)
    assert fails(str(folder)).startswith(f"{folder} may not be read: permission denied. Ask its owner")


def test_a_file_is_not_a_folder(tmp_path):
    (tmp_path / "model.safetensors").write_text("")
    (tmp_path / "model.py").write_text("")
    assert "is a file of weights. Give the folder that holds it" in fails(str(tmp_path / "model.safetensors"))
    assert "is a file. Give the folder" in fails(str(tmp_path / "model.py"))


@pytest.mark.parametrize("model", ["has space/x", "a--b/c..d", "-a/b", "한글/모델", "x" * 97, "a\0b"])
def test_an_id_that_cannot_be_one_is_said(model):
    assert "is neither a folder nor the id of a model" in fails(model)


@pytest.mark.parametrize(
    ("model", "path"),
    [("gpt2", False), ("owner/name", False), ("./name", True), ("~/name", True), ("/name", True), ("a/b/c", True)],
)
def test_what_was_meant_as_a_path(model, path):
    assert looks_like_path(model) == path


# The cache.


WHOLE = ("config.json", "model.safetensors", "tokenizer.json")


def test_a_model_in_the_cache_needs_no_hub(empty_cache, hub):
    snapshot = cached(empty_cache, *WHOLE)
    assert found() == found(revision="main") == found(revision="a" * 40) == (snapshot, "a" * 40)
    assert hub.requests == []


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ((), "no config.json"),
        (("model.safetensors", "tokenizer.json"), "no config.json"),
        (("config.json", "tokenizer.json"), "no weights"),
        (("config.json", "model.safetensors"), "no tokenizer"),
        (("config.json", "tokenizer.json", "model.safetensors.index.json", SHARDS[0]), "1 of 2 weight files"),
    ],
)
def test_a_model_that_is_in_the_cache_by_half_is_asked_for(empty_cache, hub, files, words):
    hub.answer = 500, {}
    cached(empty_cache, *files)
    said = f"owner/name is only partly in the local cache (with {words}), and the hub answers with HTTP 500. "
    assert fails() == said + "Try again later; what is there already is kept."
    assert hub.requests


def test_a_link_of_the_cache_to_a_file_that_is_gone_is_half_a_model(empty_cache):
    snapshot = cached(empty_cache, "config.json", "tokenizer.json")
    (snapshot / "model.safetensors").symlink_to("../../blobs/gone")
    assert "only partly in the local cache (with no weights)" in fails()


def test_a_model_that_is_in_the_cache_by_half_is_completed(empty_cache, hub):
    small = [name for name in NEEDED if name not in SHARDS]
    snapshot = cached(empty_cache, *small, SHARDS[0], commit=COMMIT)
    assert found() == (snapshot, COMMIT)
    assert hub.downloaded() == [SHARDS[1]]


# A tokenizer alone.


def tokenizer_of(model: str = "owner/name", **options):
    return locate_tokenizer(model, lambda progress: None, **options)


def test_for_a_tokenizer_its_files_are_downloaded_and_no_weights(empty_cache, hub):
    folder, commit = tokenizer_of()
    assert commit == COMMIT
    assert hub.downloaded() == sorted(["config.json", "tokenizer.json", "tokenizer_config.json"])
    hub.requests.clear()
    assert tokenizer_of() == (folder, commit)
    assert hub.requests == []
    # The rest of the model is fetched when it is wanted.
    assert found() == (folder, commit)
    assert set(SHARDS) <= set(hub.downloaded())


def test_a_snapshot_and_a_folder_with_a_tokenizer_alone_are_taken_as_they_are(empty_cache, tmp_path):
    snapshot = cached(empty_cache, "vocab.txt", "tokenizer_config.json")
    assert tokenizer_of() == (snapshot, snapshot.name)
    bare = tmp_path / "bare"
    bare.mkdir()
    assert tokenizer_of(str(bare)) == (bare, None)


def test_a_snapshot_without_the_entries_of_a_tokenizer_is_completed(empty_cache, hub):
    cached(empty_cache, "config.json", "tokenizer_config.json", *SHARDS, commit=COMMIT)
    assert (tokenizer_of()[0] / "tokenizer.json").exists()
    assert "tokenizer.json" in hub.downloaded()


def test_a_repository_without_a_tokenizer_is_told(hub):
    del hub.files["tokenizer.json"]
    with pytest.raises(ModelError, match="owner/name has no tokenizer on the hub"):
        tokenizer_of()


def test_a_revision_that_is_not_in_the_cache_is_asked_for(empty_cache, monkeypatch):
    cached(empty_cache, *WHOLE, commit="b" * 40, ref=None)
    cached(empty_cache, "config.json", commit="a" * 40, ref="main")
    other = f"Check the network, or take a revision that is there: --revision {'b' * 40}."
    half = (
        "owner/name is only partly in the local cache (with no weights), and the hub cannot be reached (ConnectError). "
    )
    not_this = (
        "owner/name is in the local cache, but not its revision v1, and the hub cannot be reached (ConnectError). "
    )
    assert fails() == half + other
    assert fails(revision="v1") == not_this + other


def test_pickles_in_the_cache_are_taken_only_where_they_are_allowed(empty_cache):
    snapshot = cached(empty_cache, *PICKLES)
    assert "(with pickled weights only), and the hub cannot be reached" in fails()
    assert "or open the pickles with --allow-pickle" in fails()
    assert found(allow_pickle=True) == (snapshot, "a" * 40)


def test_code_that_a_model_needs_is_asked_for(empty_cache):
    snapshot = cached(empty_cache, *WHOLE)
    maps = {"auto_map": {"AutoConfig": "configuration_x.XConfig", "AutoModel": "other/repo--modeling_x.X"}}
    (snapshot / "config.json").write_text(json.dumps(maps))
    assert found() == (snapshot, "a" * 40)
    assert "(with no configuration_x.py)" in fails(remote_code=True)
    (snapshot / "configuration_x.py").write_text("")
    assert found(remote_code=True) == (snapshot, "a" * 40)


# The hub.


def test_a_hub_that_cannot_be_reached_is_said():
    sentence = fails()
    assert "owner/name is not in the local cache, and the hub cannot be reached (ConnectError)" in sentence
    assert "--model" in sentence


def test_a_hub_that_is_forbidden_is_said(monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE forbids" in fails()


@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        (403, {"X-Error-Code": "GatedRepo"}, "is gated: accept its terms"),
        (404, {"X-Error-Code": "RepoNotFound"}, "The hub has no model owner/name"),
        (401, {"X-Error-Code": "RepoNotFound"}, "hf auth login"),
        (401, {"X-Error-Message": "Invalid credentials in Authorization header"}, "The hub refuses owner/name"),
        (404, {"X-Error-Code": "RevisionNotFound"}, "owner/name has no revision v9 on the hub"),
        (503, {}, "the hub answers with HTTP 503. Try again later"),
        (200, {}, "does not answer as a model hub does"),
    ],
)
def test_what_the_hub_refuses_is_said(hub, status, headers, words):
    hub.answer = status, headers
    assert words in fails(revision="v9")
    assert hub.requests == ["/api/models/owner/name/revision/v9"]


def test_a_proxy_that_cannot_be_reached_is_said(monkeypatch):
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    assert "the hub cannot be reached (ConnectError). Check the network and its proxy" in fails()


def test_what_a_proxy_refuses_is_said(monkeypatch):
    def refuse(*args, **kwargs):
        raise httpx2.ProxyError("403 Forbidden")

    monkeypatch.setattr("huggingface_hub.HfApi.model_info", refuse)
    assert "the proxy does not let the explorer reach the hub. Check HTTPS_PROXY" in fails()


def test_an_address_of_the_hub_that_is_none_is_said(monkeypatch):
    def refuse(*args, **kwargs):
        raise httpx2.UnsupportedProtocol("Request URL is missing an 'http://' or 'https://' protocol.")

    monkeypatch.setattr("huggingface_hub.HfApi.model_info", refuse)
    assert "is no address of a hub. Write HF_ENDPOINT as https://…, or unset it" in fails()


def test_a_download_is_counted_in_bytes(empty_cache, hub):
    seen = []
    folder, commit = locate("owner/name", seen.append)
    assert commit == COMMIT
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {name: MODEL[name] for name in NEEDED}
    assert hub.downloaded() == NEEDED
    total = sum(len(MODEL[name]) for name in NEEDED)
    stages = ["asking the hub for owner/name", "downloading owner/name · 400 kB"]
    assert list(dict.fromkeys(progress.stage for progress in seen)) == stages
    counts = [(progress.done, progress.total) for progress in seen[1:]]
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == ((0, total), (total, total))


def test_what_was_downloaded_is_in_the_cache(hub):
    located = found()
    hub.requests.clear()
    assert found() == found(revision=COMMIT) == located
    assert hub.requests == []


def test_copies_for_other_programs_are_not_downloaded(hub):
    copies = [
        "consolidated.safetensors",
        "original/model.safetensors",
        "onnx/model.onnx",
        "pytorch_model.bin",
        "x.gguf",
    ]
    hub.files |= dict.fromkeys([*copies, "modeling_x.py", "x/config.json"], b"copy")
    found(allow_pickle=True)
    assert hub.downloaded() == NEEDED


def test_a_whole_file_goes_before_shards(hub):
    hub.files["model.safetensors"] = b"whole"
    found()
    assert set(hub.downloaded()) == set(NEEDED) - set(SHARDS) | {"model.safetensors"}


def test_code_is_downloaded_only_where_it_is_allowed(hub):
    hub.files |= {"modeling_x.py": b"# code", "config.json": b'{"auto_map": {"AutoModel": "modeling_x.X"}}'}
    found()
    assert "modeling_x.py" not in hub.downloaded()
    hub.requests.clear()
    found(remote_code=True)
    assert hub.downloaded() == ["modeling_x.py"]


def test_a_model_of_another_purpose_is_refused_before_its_weights_are_downloaded(hub):
    hub.files["config.json"] = b'{"model_type": "bert", "architectures": ["BertForMaskedLM"]}'
    assert "owner/name is not a causal language model (BertForMaskedLM)" in fails()
    assert not set(SHARDS) & set(hub.downloaded())


def test_an_adapter_on_the_hub_is_downloaded_with_its_tokenizer_and_its_base_is_looked_for(hub):
    config = {"peft_type": "LORA", "base_model_name_or_path": "owner/base", "revision": "v1"}
    hub.files = {
        "adapter_config.json": json.dumps(config).encode(),
        "adapter_model.safetensors": b"x",
        "tokenizer.json": b"{}",
        "training_args.bin": b"x",
        "optimizer.pt": b"x",
    }
    assert "owner/name on the hub is an adapter (LORA) for owner/base, and no whole model" in fails()
    settings = ModelSettings(model="owner/name", name="owner/name")
    for _ in range(2):  # From the hub, and from the cache.
        with pytest.raises(ModelError, match=r"is an adapter \(LORA\) for owner/base, which cannot be opened"):
            find(settings, lambda progress: None)
        assert set(hub.downloaded()) <= {"adapter_config.json", "adapter_model.safetensors", "tokenizer.json"}
    folder, commit = find_tokenizer(settings, lambda progress: None)
    assert (folder.name, commit) == (COMMIT, COMMIT) and (folder / "adapter_model.safetensors").exists()


def test_a_repository_without_an_adapter_is_said(hub):
    with pytest.raises(ModelError, match="owner/name on the hub is no adapter of PEFT"):
        find(ModelSettings(model="owner/name", name="owner/name", adapter="owner/name"), lambda progress: None)


def test_an_adapter_that_was_to_be_off_hinders_no_model(hub):
    settings = ModelSettings(model="owner/name", name="owner/name", adapter="owner/none", adapter_on=False)
    found = find(settings, lambda progress: None)
    assert found.adapter is None and found.warning.startswith("The adapter cannot be switched on: ")


def test_pickles_are_refused_before_anything_is_downloaded(hub):
    hub.files = dict(PICKLES)
    assert "owner/name has pickled weights only" in fails()
    assert "--allow-pickle" in fails()
    assert hub.downloaded() == []
    found(allow_pickle=True)
    assert hub.downloaded() == sorted(PICKLES)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"README.md": b"", "mmproj-F16.gguf": b""}, "has no GGUF file of a language model (mmproj-F16.gguf)"),
        ({"config.json": b"{}", "tf_model.h5": b""}, "on the hub has weights of Flax or TensorFlow only"),
        ({"model.safetensors": b""}, "on the hub has no config.json, only weights"),
    ],
)
def test_a_repository_that_is_no_model_is_refused(hub, files, words):
    hub.files = files
    assert words in fails()
    assert hub.downloaded() == []


def test_a_model_that_the_hub_has_by_half_is_said(hub):
    del hub.files[SHARDS[1]]
    assert "was downloaded from the hub with 1 of 2 weight files" in fails()


Usage = namedtuple("Usage", "total used free")


def test_a_disk_without_room_is_said_before_anything_is_downloaded(empty_cache, hub, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**6, 9 * 10**5, 10**5))
    said = fails()
    assert said.startswith(
        f"owner/name needs 400 kB more on the disk of the local cache {empty_cache}, which has 100 kB free. "
    )
    assert "HF_HUB_CACHE" in said
    assert hub.downloaded() == []


def test_only_what_is_still_to_come_needs_room(empty_cache, hub, monkeypatch):
    cached(empty_cache, *(name for name in NEEDED if name != SHARDS[1]), commit=COMMIT)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**6, 7 * 10**5, 3 * 10**5))
    found()


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space left on device"), RuntimeError("I/O: No space left on device (os error 28)")],
)
def test_a_disk_that_fills_on_the_way_is_said(hub, monkeypatch, error):
    def fill(*args, **kwargs):
        raise error

    monkeypatch.setattr("huggingface_hub.file_download.http_get", fill)
    assert "is full, and owner/name is not whole. Make room and try again" in fails()


def test_a_cache_that_cannot_be_written_is_said(hub, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("huggingface_hub.file_download.http_get", refuse)
    assert fails() == "owner/name could not be downloaded: Permission denied."


def test_a_download_that_was_killed_goes_on_from_the_files_that_are_whole(empty_cache, hub):
    hub.held = SHARDS[1]
    code = "from explorer.engine.files.hub import locate; locate('owner/name', lambda progress: None)"
    environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HUB_CACHE": str(empty_cache)}
    child = subprocess.Popen([sys.executable, "-c", code], env=environment)
    assert hub.halfway.wait(60)
    child.kill()
    child.wait()
    hub.go_on.set()

    snapshot = empty_cache / "models--owner--name" / "snapshots" / COMMIT
    kept = sorted(path.name for path in snapshot.iterdir())
    assert {"config.json", "tokenizer.json", "model.safetensors.index.json"} <= set(kept)
    assert SHARDS[1] not in kept
    parts = list(empty_cache.glob("*/blobs/*.incomplete"))
    assert parts
    for part in parts:
        os.utime(part, (time.time() - 60,) * 2)

    hub.held = None
    hub.requests.clear()
    assert found() == (snapshot, COMMIT)
    # A set: a request of the killed process may come to be noted only now.
    assert set(hub.downloaded()) == set(NEEDED) - set(kept)
    assert not list(empty_cache.glob("*/blobs/*.incomplete"))


def test_a_reference_with_a_line_break_behind_it_names_its_snapshot(empty_cache, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    snapshot = cached(empty_cache, *MODEL)
    (empty_cache / "models--owner--name" / "refs" / "main").write_text(f"{snapshot.name}\n")
    assert found() == (snapshot, snapshot.name)
