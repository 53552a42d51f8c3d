"""GGUF files at a path, in a folder, in the cache and on the hub: which is meant, and what is said where none is."""

import hashlib
import os
import subprocess
import sys

import huggingface_hub.constants as constants
import pytest

from explorer.engine.files.address import as_typed, read_address, split_file
from explorer.engine.files.hub import locate, locate_tokenizer
from explorer.engine.files.local import local_model, whole_path
from explorer.engine.files.selection import Place, models_among, quantisation_in, select, short_name
from explorer.errors import ModelError
from tests.engine.gguf_files import write_gguf
from tests.engine.hub_server import COMMIT, MODEL, HubServer

QUANTISED = ("x-Q4_K_M.gguf", "x-Q8_0.gguf", "x-UD-Q4_K_XL.gguf", "BF16/x-BF16-00001-of-00002.gguf")
PARTS = ("BF16/x-BF16-00002-of-00002.gguf",)
OTHERS = ("mmproj-F16.gguf", "imatrix_unsloth.gguf", "README.md")


def said(call, *arguments, **options) -> str:
    with pytest.raises(ModelError) as caught:
        call(*arguments, **options)
    return str(caught.value)


# Names.


@pytest.mark.parametrize(
    ("name", "quantisation"),
    [
        ("x-Q4_K_M.gguf", "Q4_K_M"),
        ("x.q8_0.GGUF", "Q8_0"),
        ("ggml-model-f16.gguf", "F16"),
        ("x-UD-IQ2_XXS.gguf", "UD-IQ2_XXS"),
        ("BF16/x-BF16-00001-of-00002.gguf", "BF16"),
        ("x-MXFP4.gguf", "MXFP4"),
        ("Qwen3-0.6B.gguf", ""),
        ("gemma-7b.gguf", ""),
    ],
)
def test_the_quantisation_is_read_from_the_end_of_a_name(name, quantisation):
    assert quantisation_in(name) == quantisation


def test_files_beside_a_model_and_its_later_parts_are_no_models():
    assert models_among([*QUANTISED, *PARTS, *OTHERS]) == list(QUANTISED)


@pytest.mark.parametrize(
    ("wanted", "file"),
    [
        ("x-Q8_0.gguf", "x-Q8_0.gguf"),
        ("X-q8_0.GGUF", "x-Q8_0.gguf"),
        ("x-Q8_0", "x-Q8_0.gguf"),
        ("q4_k_m", "x-Q4_K_M.gguf"),
        ("Q4_K_XL", "x-UD-Q4_K_XL.gguf"),
        ("UD-Q4_K_XL", "x-UD-Q4_K_XL.gguf"),
    ],
)
def test_a_file_is_named_by_its_name_or_by_its_quantisation(wanted, file):
    assert select(Place("The folder x", "x"), dict.fromkeys([*QUANTISED, *OTHERS]), wanted) == file


@pytest.mark.parametrize("wanted", [None, "", "latest"])
def test_of_several_files_the_sentence_lists_what_there_is_and_how_to_name_one(wanted):
    sizes = {"x-Q8_0.gguf": 8_000_000_000, "x-Q4_K_M.gguf": 4_000_000_000, "mmproj-F16.gguf": 7, **dict.fromkeys(PARTS)}
    assert said(select, Place("The folder x", "x"), sizes, wanted) == (
        "The folder x has 2 GGUF files: Q4_K_M (4 GB), Q8_0 (8 GB). Name one of them, as in “x:Q4_K_M”."
    )


def test_what_is_none_of_the_files_is_said_with_those_that_there_are():
    names = dict.fromkeys([*QUANTISED, *OTHERS])
    assert "x has no GGUF file Q3_K_S. x has 4 GGUF files: " in said(select, Place("x", "x"), names, "Q3_K_S")
    twice = dict.fromkeys(["a-Q4_0.gguf", "b-Q4_0.gguf"])
    assert "x has several files of Q4_0: a-Q4_0.gguf, b-Q4_0.gguf." in said(select, Place("x", "x"), twice, "Q4_0")
    assert "has no GGUF file of a language model (mmproj-F16.gguf)" in said(
        select, Place("x", "x"), {OTHERS[0]: 1}, None
    )


def test_parts_and_what_goes_beside_a_model_are_refused_by_name():
    names = dict.fromkeys([*QUANTISED, *PARTS, *OTHERS])
    for wanted in ("BF16", PARTS[0]):
        assert "is one of 2 parts of a model" in said(select, Place("x", "x"), names, wanted)
        assert "llama-gguf-split --merge" in said(select, Place("x", "x"), names, wanted)
    assert "mmproj-F16.gguf of x goes beside a model" in said(select, Place("x", "x"), names, "mmproj-F16.gguf")


def test_pieces_of_a_file_are_told_to_be_joined(tmp_path):
    names = dict.fromkeys(["x.Q8_0.gguf.part2of2", "x.Q8_0.gguf.part1of2", "README.md"])
    assert "x.Q8_0.gguf.part1of2 of x is a piece of a file that was cut up." in said(
        select, Place("x", "x"), names, None
    )
    for name in names:
        (tmp_path / name).write_bytes(b"GGUF")
    assert "is a piece of a file that was cut up" in said(local_model, str(tmp_path))


def test_the_shortest_name_of_a_file_finds_that_file():
    names = [*QUANTISED, "a.gguf", "y-Q8_0.gguf"]
    assert [short_name(names, name) for name in names] == [
        "Q4_K_M",
        "x-Q8_0.gguf",
        "UD-Q4_K_XL",
        "BF16",
        "a.gguf",
        "y-Q8_0.gguf",
    ]


# Paths.


def test_a_file_is_opened_by_its_path_whatever_it_is_called(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    file, blob = write_gguf(tmp_path / "X.GGUF"), write_gguf(tmp_path / "sha256-12")
    link = tmp_path / "link"
    link.symlink_to(file)
    assert [local_model(str(path)) for path in (file, blob, link)] == [file, blob, link]
    assert local_model("~/X.GGUF") == file
    assert local_model(f"{file}/") == file
    monkeypatch.chdir(tmp_path)
    assert local_model("X.GGUF") is not None
    assert locate("./X.GGUF", lambda progress: None)[1] is None


def test_a_file_that_is_not_there_is_said(tmp_path):
    link = tmp_path / "link.gguf"
    link.symlink_to(tmp_path / "gone.gguf")
    assert said(local_model, "nowhere.gguf") == "There is no file nowhere.gguf."
    assert said(local_model, "./nowhere.gguf") == "There is no file ./nowhere.gguf."
    assert f"is a link to {tmp_path / 'gone.gguf'}, which is not there" in said(local_model, str(link))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.gguf", b"", "is empty"),
        ("x.gguf", b"version https://git-lfs.github.com/spec/v1\noid sha256:1", "is a pointer of git-lfs"),
        ("x.gguf", b"<!DOCTYPE html><html>Log in</html>", "is a web page"),
        ("x.gguf", b"tjgg" + bytes(99), "is in the format ggjt, which llama.cpp wrote before GGUF"),
        ("ggml-model-q4_0.bin", b"lmgg" + bytes(99), "is in the format ggml, which llama.cpp wrote before GGUF"),
        ("x.gguf", b"PK\x03\x04" + bytes(99), "does not begin as a GGUF file does"),
        ("x.gguf.part", b"GGUF" + bytes(99), "is a download that is not finished"),
        ("sha256-12-partial", b"GGUF" + bytes(99), "is a download that is not finished"),
        ("x.Q8_0.gguf.part1of2", b"GGUF" + bytes(99), "is a piece of a file that was cut up"),
        ("x.txt", b"text", "is a file. Give the folder that holds the model's config.json, or a GGUF file"),
    ],
)
def test_a_file_that_is_no_gguf_is_told_what_it_is(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    assert words in said(local_model, str(tmp_path / name))


def test_a_file_that_is_written_beside_a_list_of_its_pieces_is_not_finished(tmp_path):
    write_gguf(tmp_path / "x.gguf")
    (tmp_path / "x.gguf.aria2").write_bytes(b"")
    assert "is a download that is not finished" in said(local_model, str(tmp_path / "x.gguf"))


def test_what_is_no_file_is_told(tmp_path):
    os.mkfifo(tmp_path / "x.gguf")
    for path in (tmp_path / "x.gguf", "/dev/zero"):
        assert "is a device or a pipe, and no file" in said(local_model, str(path))


# Folders.


def test_a_folder_with_one_gguf_file_is_that_file(tmp_path):
    file = write_gguf(tmp_path / "x.gguf")
    write_gguf(tmp_path / "mmproj-F16.gguf", "clip")
    (tmp_path / "config.json").write_text("{}")  # As many who quantise put beside it.
    assert local_model(str(tmp_path)) == local_model(f"{tmp_path}/") == file
    assert local_model(str(tmp_path), whole=False) == file


def test_a_folder_with_several_lists_them_and_one_is_named_by_path_or_colon(tmp_path):
    files = [write_gguf(tmp_path / name) for name in ("x-Q4_0.gguf", "x-Q8_0.gguf", "sub/y.gguf")]
    sentence = said(local_model, str(tmp_path))
    assert "has 3 GGUF files: sub/y.gguf (992 B), Q4_0 (992 B), Q8_0 (992 B). Name one of them, as in “" in sentence
    assert local_model(f"{tmp_path}/x-Q4_0.gguf") == local_model(f"{tmp_path}:Q4_0") == files[0]
    assert local_model(f"{tmp_path}/:x-Q8_0.gguf") == files[1]
    assert local_model(f"{tmp_path}:sub/y.gguf") == local_model(f"{tmp_path}:y") == files[2]
    assert "has no GGUF file Q6_K" in said(local_model, f"{tmp_path}:Q6_K")


def test_safetensors_come_before_gguf_and_tokenizers_of_a_folder_too(tmp_path):
    write_gguf(tmp_path / "x.gguf")
    for name in ("config.json", "tokenizer.json"):
        (tmp_path / name).write_text("{}")
    assert local_model(str(tmp_path)) == tmp_path / "x.gguf"
    assert local_model(str(tmp_path), whole=False) == tmp_path
    (tmp_path / "model.safetensors").write_bytes(b"x")
    assert local_model(str(tmp_path)) == tmp_path
    assert local_model(f"{tmp_path}:x.gguf") == tmp_path / "x.gguf"


def test_what_is_at_a_path_is_named_from_the_root_on(tmp_path, monkeypatch):
    file = write_gguf(tmp_path / "folder" / "x.gguf")
    link = tmp_path / "folder" / "link.gguf"
    link.symlink_to(file)
    monkeypatch.chdir(tmp_path / "folder")
    here = file.parent
    assert whole_path(here.relative_to(here)) == str(here)
    assert whole_path(type(here)("../folder/link.gguf")) == str(link)
    assert whole_path(type(here)("../folder:x.gguf")) == f"{here}:x.gguf"
    assert whole_path(type(here)("owner/name:Q4_0")) is None


# What a person types.


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ('"a b.gguf"', "a b.gguf"),
        ("'x.gguf' ", "x.gguf"),
        ("“x.gguf”", "x.gguf"),
        ("file:///a%20b/x.gguf", "/a b/x.gguf"),
        ("owner/name", "owner/name"),
        ('"', '"'),
    ],
)
def test_quotes_and_the_address_of_a_file_are_taken_off(typed, meant):
    assert as_typed(typed) == meant


def test_spaces_as_a_terminal_marks_what_is_dropped_on_it_are_spaces_where_such_a_file_is(tmp_path):
    file = write_gguf(tmp_path / "my model.gguf")
    dropped = str(file).replace(" ", "\\ ")
    assert as_typed(dropped) == str(file)
    assert as_typed("no\\ where.gguf") == "no\\ where.gguf"


@pytest.mark.parametrize(
    ("address", "model", "revision"),
    [
        ("https://huggingface.co/owner/name/blob/main/x-Q4_0.gguf", "owner/name:x-Q4_0.gguf", None),
        ("https://huggingface.co/owner/name/resolve/v1/sub/x%20y.gguf?download=true", "owner/name:sub/x y.gguf", "v1"),
        ("hf.co/owner/name:Q4_K_M", "owner/name:Q4_K_M", None),
        ("https://hf.co/owner/name:x.gguf", "owner/name:x.gguf", None),
        ("hf://owner/name/sub/x.gguf", "owner/name:sub/x.gguf", None),
        ("https://huggingface.co/owner/name/blob/main/README.md", "owner/name", None),
        ("owner/name:Q4_K_M", "owner/name:Q4_K_M", None),
    ],
)
def test_the_address_of_a_file_names_the_file(address, model, revision):
    assert read_address(address) == (model, revision)


def test_a_file_stands_behind_the_first_colon():
    assert split_file("owner/name:sub/a:b.gguf") == ("owner/name", "sub/a:b.gguf")
    assert split_file("owner/name") == ("owner/name", "")


# The cache and the hub.


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "hub"
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "no-ollama"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
    return folder


@pytest.fixture
def hub(monkeypatch, tmp_path):
    content = write_gguf(tmp_path / "made" / "x.gguf").read_bytes()
    server = HubServer({**dict.fromkeys((*QUANTISED, *PARTS, *OTHERS), content), "config.json": b"{}"})
    monkeypatch.setattr(constants, "ENDPOINT", server.url)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", server.url + "/{repo_id}/resolve/{revision}/{filename}"
    )
    yield server
    server.close()


def found(model: str, **options):
    return locate(model, lambda progress: None, **options)


@pytest.mark.parametrize("wanted", ["Q4_K_M", "x-Q4_K_M.gguf", "q4_k_m"])
def test_one_file_of_a_repository_is_downloaded_and_is_in_the_cache_from_then_on(cache, hub, wanted):
    file, commit = found(f"owner/name:{wanted}")
    assert (file.name, commit) == ("x-Q4_K_M.gguf", COMMIT)
    assert hub.downloaded() == ["x-Q4_K_M.gguf"]
    assert file.read_bytes() == hub.files["x-Q4_K_M.gguf"]
    hub.requests.clear()
    assert found(f"owner/name:{wanted}") == found(f"owner/name:{wanted}", revision=COMMIT) == (file, commit)
    assert locate_tokenizer(f"owner/name:{wanted}", lambda progress: None) == (file, commit)
    assert hub.requests == []


def test_the_download_of_a_file_is_counted_in_its_bytes(hub):
    seen = []
    locate("owner/name:Q8_0", seen.append)
    length = len(hub.files["x-Q8_0.gguf"])
    assert [progress.stage for progress in seen[:2]] == [
        "asking the hub for owner/name",
        f"downloading owner/name · {length} B",
    ]
    assert (seen[-1].done, seen[-1].total) == (length, length)


def test_a_repository_of_gguf_without_a_name_lists_what_it_has(hub):
    sentence = said(found, "owner/name")
    assert "owner/name on the hub has 4 GGUF files: Q4_K_M (992 B), Q8_0" in sentence
    assert "BF16 (2 parts)" in sentence and "mmproj" not in sentence
    assert "Name one of them, as in “owner/name:" in sentence
    assert hub.downloaded() == []
    with pytest.raises(ModelError, match="has 4 GGUF files"):
        locate_tokenizer("owner/name", lambda progress: None)


def test_a_repository_with_one_gguf_file_is_that_file(hub):
    for name in (*QUANTISED[1:], *PARTS):
        del hub.files[name]
    file, commit = found("owner/name")
    assert (file.name, commit) == ("x-Q4_K_M.gguf", COMMIT)
    assert locate_tokenizer("owner/name", lambda progress: None) == (file, commit)
    hub.answer = 503, {}
    assert found("owner/name") == (file, commit)  # With the hub out of reach.


def test_safetensors_of_a_repository_come_before_its_gguf_files(hub):
    hub.files |= MODEL
    folder, _ = found("owner/name")
    assert folder.is_dir() and not list(folder.glob("*.gguf"))
    file, _ = found("owner/name:Q8_0")
    assert file.parent == folder
    assert found("owner/name") == (folder, COMMIT)


def test_what_a_repository_does_not_have_is_refused_before_anything_is_downloaded(hub):
    assert "owner/name on the hub has no GGUF file Q2_K. owner/name on the hub has 4" in said(found, "owner/name:Q2_K")
    assert "is one of 2 parts" in said(found, "owner/name:BF16")
    assert "goes beside a model, and is none" in said(found, "owner/name:mmproj-F16.gguf")
    assert hub.downloaded() == []


def test_without_the_hub_a_file_that_is_not_in_the_cache_is_said(cache, hub, monkeypatch):
    found("owner/name:Q8_0")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert found("owner/name:Q8_0")[1] == COMMIT
    sentence = said(found, "owner/name:Q4_K_M")
    assert "owner/name is only partly in the local cache (with no Q4_K_M), and HF_HUB_OFFLINE forbids" in sentence
    assert "owner/other is not in the local cache" in said(found, "owner/other:Q4_K_M")


def test_a_revision_is_asked_for(hub):
    assert "owner/name has no revision v9 on the hub" in said(found, "owner/name:Q8_0", revision="v9")


def test_a_file_of_the_cache_that_was_deleted_is_downloaded_again(cache, hub):
    file, _ = found("owner/name:Q8_0")
    file.resolve().unlink()
    assert found("owner/name:Q8_0")[0].read_bytes() == hub.files["x-Q8_0.gguf"]


def test_a_disk_without_room_is_said_before_the_file_is_downloaded(hub, monkeypatch):
    usage = type("Usage", (), {"free": 100})
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    assert "owner/name needs 992 B more on the disk" in said(found, "owner/name:Q8_0")
    assert hub.downloaded() == []


def test_a_download_that_was_killed_goes_on_in_the_middle_of_the_file(cache, hub):
    hub.files["x-Q8_0.gguf"] = content = b"GGUF" + bytes(range(256)) * 4000
    hub.held = "x-Q8_0.gguf"
    code = (
        "from huggingface_hub import constants, file_download\n"
        "constants.DOWNLOAD_CHUNK_SIZE = 1024\n"
        "from explorer.engine.files.hub import locate\n"
        "locate('owner/name:Q8_0', lambda progress: None)"
    )
    environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HUB_CACHE": str(cache)}
    child = subprocess.Popen([sys.executable, "-c", code], env=environment)
    assert hub.halfway.wait(60)
    part = None
    while part is None or not part.stat().st_size:
        part = next(cache.glob("models--owner--name/blobs/*.part"), None)
    child.kill()
    child.wait()
    hub.go_on.set()

    here, hub.held, seen = part.stat().st_size, None, []
    file, _ = locate("owner/name:Q8_0", seen.append)
    assert file.read_bytes() == content
    assert hub.resumed == {"x-Q8_0.gguf": here}
    counts = [progress.done for progress in seen[1:]]
    assert counts == sorted(counts) and here in counts and counts[-1] == len(content)
    assert not list(cache.glob("models--owner--name/blobs/*.part"))


def test_what_came_is_compared_with_the_checksum_of_the_hub(cache, hub, monkeypatch):
    monkeypatch.setattr("tests.engine.hub_server._etag", lambda content: "0" * 64)
    assert "owner/name could not be downloaded: what came is not the file" in said(found, "owner/name:Q8_0")
    assert not list(cache.glob("models--owner--name/blobs/*"))


def test_only_the_rest_of_a_file_that_was_stopped_needs_room(cache, hub, monkeypatch):
    content = hub.files["x-Q8_0.gguf"]
    part = cache / f"models--owner--name/blobs/{hashlib.sha1(content).hexdigest()}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(content[:900])
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 100, "total": 10**9, "used": 0}))
    file, _ = found("owner/name:Q8_0")
    assert file.read_bytes() == content
    assert hub.resumed == {"x-Q8_0.gguf": 900}


@pytest.mark.parametrize("model", ["has space/x:Q4_0", "a--b/c..d:x.gguf"])
def test_an_id_that_cannot_be_one_is_said(model):
    assert "is neither a folder nor the id of a model" in said(found, model)
