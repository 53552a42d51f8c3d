"""Models that other programs keep, and the list of GGUF files."""

import errno
import json
import os

import gguf
import huggingface_hub.constants as constants
import pytest

from explorer.engine.files.catalogue import cached_models, cached_revisions
from explorer.engine.files.hub import locate, locate_tokenizer
from explorer.engine.files.listing import entry_of, stored_models
from explorer.errors import ModelError
from tests.engine.gguf_files import write_gguf

DIGEST = "a" * 64
MODEL = "application/vnd.ollama.image.model"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A person of whom nothing is known yet."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    for name in ("OLLAMA_MODELS", "LLAMA_CACHE", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("explorer.engine.files.ollama.FOLDERS", ("~/.ollama/models", str(tmp_path / "service")))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return folder


def pull(models, name="registry.ollama.ai/library/llama3.2/1b", digest=DIGEST, **others):
    """Ollama's folder with a model in it; `others`: kinds of further layers, and their digests."""
    layers = [{"mediaType": MODEL, "digest": f"sha256:{digest}", "size": 1}] if digest else []
    layers += [{"mediaType": f"application/vnd.ollama.image.{kind}", "digest": value} for kind, value in others.items()]
    manifest = models / "manifests" / name
    manifest.parent.mkdir(parents=True, exist_ok=True)
    manifest.write_text(json.dumps({"schemaVersion": 2, "layers": layers}))
    return write_gguf(models / "blobs" / f"sha256-{digest}", llama__context_length=512, file_type=15)


def found(model: str):
    return locate(model, lambda progress: None)


def said(model: str) -> str:
    with pytest.raises(ModelError) as caught:
        found(model)
    return str(caught.value)


def test_a_machine_without_other_programs_has_none_of_their_models():
    assert stored_models() == []
    assert "ollama:x is not on this machine: there is no Ollama" in said("ollama:x")
    assert "there is no folder of models of LM Studio" in said("lmstudio:a/b")
    assert "llama.cpp has no folder of models here" in said("llama.cpp:x.gguf")


# Ollama.


@pytest.mark.parametrize(
    ("manifest", "names"),
    [
        ("registry.ollama.ai/library/llama3.2/1b", ["llama3.2:1b", "registry.ollama.ai/library/llama3.2:1b"]),
        ("registry.ollama.ai/library/qwen3/latest", ["qwen3:latest", "qwen3"]),
        ("registry.ollama.ai/someone/qwen3/4b", ["someone/qwen3:4b"]),
        ("hf.co/bartowski/X-GGUF/Q4_K_M", ["hf.co/bartowski/X-GGUF:Q4_K_M"]),
    ],
)
def test_a_model_of_ollama_is_opened_by_the_name_that_ollama_has_for_it(home, manifest, names):
    blob = pull(home / ".ollama/models", manifest)
    assert [entry.id for entry in stored_models()] == [f"ollama:{names[0]}"]
    for name in names:
        assert found(f"ollama:{name}") == (blob, None)
        assert locate_tokenizer(f"ollama:{name}", lambda progress: None) == (blob, None)


def test_the_folder_that_the_environment_names_is_the_one(home, tmp_path, monkeypatch):
    pull(home / ".ollama/models")
    blob = pull(tmp_path / "elsewhere")
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "elsewhere"))
    assert found("ollama:llama3.2:1b") == (blob, None)
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "nowhere"))
    assert f"OLLAMA_MODELS names {tmp_path / 'nowhere'}, and there is no such folder" in said("ollama:llama3.2:1b")


def test_models_of_the_service_of_the_system_are_found_too(tmp_path):
    blob = pull(tmp_path / "service")
    assert found("ollama:llama3.2:1b") == (blob, None)


def test_blobs_are_found_under_their_older_name_too(home):
    blob = pull(home / ".ollama/models")
    older = blob.rename(blob.with_name(f"sha256:{DIGEST}"))
    assert found("ollama:llama3.2:1b") == (older, None)


def test_a_model_that_ollama_does_not_have_is_said_with_those_that_it_has(home):
    pull(home / ".ollama/models")
    sentence = said("ollama:llama3.2")
    assert sentence.startswith("Ollama has no model llama3.2 on this machine. It has llama3.2:1b.")
    assert sentence.endswith("Fetch it with: ollama pull llama3.2.")
    for name in ("../../x", "a/b/c/d/e", "", "a b", "x" * 300):
        assert said(f"ollama:{name}").endswith(".")


def test_a_name_of_ollama_without_its_mark_is_told_how_to_write_it(home):
    pull(home / ".ollama/models")
    assert said("llama3.2:1b") == "llama3.2:1b is a model of Ollama here: write ollama:llama3.2:1b for it."
    assert "Ollama" not in said("llama3.2:3b")


@pytest.mark.parametrize(
    ("layers", "words", "short"),
    [
        ({"digest": ""}, "no weights here. It runs on a server", "no weights here"),
        ({"digest": "", "tensor": "sha256:x"}, "tensors in a format of Ollama's own", "tensors in a format"),
        ({"adapter": "sha256:x"}, "which the explorer does not apply. Where you want the weights alone", "an adapter"),
    ],
)
def test_what_is_more_or_less_than_a_gguf_file_is_said(home, layers, words, short):
    pull(home / ".ollama/models", **layers)
    assert words in said("ollama:llama3.2:1b")
    [entry] = stored_models()
    assert short in entry.problem


def test_weights_that_ollama_has_lost_are_said(home):
    pull(home / ".ollama/models").unlink()
    assert "its weights are not here. Fetch them with: ollama pull llama3.2:1b." in said("ollama:llama3.2:1b")
    [entry] = stored_models()
    assert (entry.problem, entry.size, entry.last_used) == ("its weights are not here", 0, "")


@pytest.mark.parametrize("manifest", ["", "[]", "{}", '{"layers": 7}', '{"layers": [7, {"mediaType": 7}]}', "\xff"])
def test_a_manifest_that_makes_no_sense_is_said(home, manifest):
    pull(home / ".ollama/models")
    (home / ".ollama/models/manifests/registry.ollama.ai/library/llama3.2/1b").write_text(manifest, "latin-1")
    assert said("ollama:llama3.2:1b").endswith(".")
    assert stored_models()[0].problem


def test_a_folder_of_ollama_that_may_not_be_read_is_said(home, monkeypatch):
    pull(home / ".ollama/models")
    stat, access = os.stat, os.access

    def refuse(path):
        if str(path).startswith(str(home / ".ollama")):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    def refusing_stat(path, *arguments, **options):
        refuse(path)
        return stat(path, *arguments, **options)

    monkeypatch.setattr("os.stat", refusing_stat)
    monkeypatch.setattr("os.access", lambda path, mode: ".ollama" not in str(path) and access(path, mode))
    assert f"The folder of Ollama {home / '.ollama/models'} may not be read" in said("ollama:llama3.2:1b")
    [entry] = stored_models()
    assert (entry.id, entry.problem) == ("ollama:", f"the folder {home / '.ollama/models'} may not be read")


# LM Studio.


def test_a_model_of_lm_studio_is_opened_by_its_publisher_and_name(home):
    models = home / ".lmstudio/models"
    small = write_gguf(models / "lmstudio-community/X-GGUF/X-Q4_K_M.gguf")
    write_gguf(models / "lmstudio-community/X-GGUF/mmproj-X.gguf", "clip")
    assert found("lmstudio:lmstudio-community/X-GGUF") == (small, None)
    large = write_gguf(models / "lmstudio-community/X-GGUF/X-Q8_0.gguf")
    assert [entry.id for entry in stored_models()] == [
        "lmstudio:lmstudio-community/X-GGUF:Q4_K_M",
        "lmstudio:lmstudio-community/X-GGUF:Q8_0",
    ]
    assert found("lmstudio:lmstudio-community/X-GGUF:Q8_0") == (large, None)
    assert found("lmstudio:lmstudio-community/X-GGUF/X-Q8_0.gguf") == (large, None)
    assert "has 2 GGUF files: Q4_K_M (" in said("lmstudio:lmstudio-community/X-GGUF")
    assert "as in “lmstudio:lmstudio-community/X-GGUF:Q4_K_M”" in said("lmstudio:lmstudio-community/X-GGUF")


def test_the_folder_of_lm_studio_is_where_its_settings_say(home, tmp_path):
    elsewhere, other = tmp_path / "models", tmp_path / "other"
    file = write_gguf(elsewhere / "a/b/c.gguf")
    other.mkdir()
    (home / ".lmstudio-home-pointer").write_text(f"{other}\n")
    (other / "settings.json").write_text(json.dumps({"downloadsFolder": str(elsewhere)}))
    assert found("lmstudio:a/b") == (file, None)
    (other / "settings.json").write_text("no JSON")
    assert "LM Studio" in said("lmstudio:a/b")


def test_the_older_folder_of_lm_studio_is_found_and_nothing_is_listed_twice(home):
    file = write_gguf(home / ".cache/lm-studio/models/a/b/c.gguf")
    (home / ".lmstudio").symlink_to(home / ".cache/lm-studio")
    assert [entry.id for entry in stored_models()] == ["lmstudio:a/b:c.gguf"]
    assert found("lmstudio:a/b:c")[0].samefile(file)


def test_a_folder_of_safetensors_of_lm_studio_is_opened_as_one(home):
    folder = home / ".lmstudio/models/a/b"
    folder.mkdir(parents=True)
    for name in ("config.json", "model.safetensors"):
        (folder / name).write_text("{}")
    assert found("lmstudio:a/b") == (folder, None)


def test_what_lm_studio_does_not_have_is_said_with_what_it_has(home):
    write_gguf(home / ".lmstudio/models/a/b/c.gguf")
    assert said("lmstudio:a/x") == "LM Studio has no a/x on this machine. It has lmstudio:a/b:c.gguf."
    for name in ("../../x", "a", "/etc/passwd", "", "x" * 300 + "/y"):
        assert said(f"lmstudio:{name}").endswith(".")


# Programs with one folder.


def test_files_in_the_old_cache_of_llama_cpp_and_of_gpt4all_are_found(home, tmp_path, monkeypatch):
    cached = write_gguf(home / ".cache/llama.cpp/ggml-org_x_x-Q8_0.gguf")
    (cached.parent / "manifest=ggml-org=x=latest.json").write_text("{}")
    (cached.parent / "half.gguf.downloadInProgress").write_bytes(b"GGUF")
    chat = write_gguf(home / ".local/share/nomic.ai/GPT4All/Llama-Q4_0.gguf")
    assert [entry.id for entry in stored_models()] == ["llama.cpp:ggml-org_x_x-Q8_0.gguf", "gpt4all:Llama-Q4_0.gguf"]
    assert found("llama.cpp:ggml-org_x_x-Q8_0.gguf") == (cached, None)
    assert found("gpt4all:Q4_0") == (chat, None)
    other = write_gguf(tmp_path / "cache/y.gguf")
    monkeypatch.setenv("LLAMA_CACHE", str(tmp_path / "cache"))
    assert found("llama.cpp:y.gguf") == (other, None)
    assert "has no GGUF file z.gguf" in said("llama.cpp:z.gguf")


# The list.


def test_an_entry_tells_what_the_file_says_of_itself(tmp_path):
    file = write_gguf(
        tmp_path / "x.gguf", "qwen3", qwen3__context_length=40960, file_type=gguf.LlamaFileType.MOSTLY_Q6_K
    )
    os.utime(file, (1_700_000_000, 1))
    entry = entry_of("x", file)
    assert (entry.id, entry.size, entry.architecture, entry.dtype) == ("x", file.stat().st_size, "qwen3", "Q6_K")
    assert (entry.context_length, entry.last_used) == (40960, "2023-11-14T22:13:20Z")
    assert (entry.complete, entry.problem) == (True, "")


@pytest.mark.parametrize(
    ("metadata", "length"),
    [
        ({"llama__context_length": 8192}, 8192),
        ({}, None),
        ({"llama__context_length": "many"}, None),
        ({"llama__context_length": 0}, None),
        (
            {
                "llama__context_length": 32768,
                "llama__rope__scaling__type": "yarn",
                "llama__rope__scaling__factor": 4.0,
                "llama__rope__scaling__original_context_length": 32768,
            },
            131072,
        ),
        ({"llama__context_length": 4096, "llama__rope__scaling__factor": "four"}, 4096),
    ],
)
def test_the_context_is_as_long_as_it_is_once_the_model_is_open(tmp_path, metadata, length):
    assert entry_of("x", write_gguf(tmp_path / "x.gguf", **metadata)).context_length == length


def test_a_state_has_no_limit(tmp_path):
    file = write_gguf(tmp_path / "x.gguf", "mamba", mamba__context_length=1 << 20)
    assert entry_of("x", file).context_length is None


@pytest.mark.parametrize(
    ("name", "architecture", "metadata", "problem"),
    [
        ("x.gguf", "bert", {}, "not a causal language model (bert)"),
        ("x.gguf", "rwkv7", {}, "not to be read from GGUF (rwkv7)"),
        ("x.gguf", "clip", {}, "the part of a model that sees or hears (mmproj)"),
        ("x.gguf", "llama", {"general__type": "adapter"}, "a LoRA adapter, no whole model"),
        ("x.gguf", "llama", {"weights": False}, "a vocabulary without weights"),
        ("x-00001-of-00002.gguf", "llama", {}, "in 2 parts, which llama-gguf-split --merge joins"),
    ],
)
def test_what_cannot_be_opened_is_listed_with_the_reason(tmp_path, name, architecture, metadata, problem):
    assert entry_of("x", write_gguf(tmp_path / name, architecture, **metadata)).problem == problem


def test_the_parts_of_a_model_are_one_entry_of_their_whole_size(home):
    folder = home / ".lmstudio/models/a/b"
    parts = [write_gguf(folder / f"x-Q8_0-0000{number}-of-00003.gguf") for number in (1, 2, 3)]
    [entry] = stored_models()
    assert entry.size == sum(part.stat().st_size for part in parts)


def test_what_is_broken_or_no_file_is_an_entry_with_a_problem(tmp_path):
    (tmp_path / "x.gguf").write_bytes(b"GGUF")
    (tmp_path / "folder.gguf").mkdir()
    for path in (tmp_path / "x.gguf", tmp_path / "folder.gguf", tmp_path / "nothing.gguf"):
        entry = entry_of("x", path)
        assert entry.problem and not entry.problem.endswith(".")


def test_looking_at_the_list_is_no_use_of_a_model(tmp_path):
    file = write_gguf(tmp_path / "x.gguf")
    assert entry_of("x", file) == entry_of("x", file)


def cached(tmp_path, *names, commit="b" * 40):
    home = tmp_path / "hub/models--owner--name"
    (home / "refs").mkdir(parents=True, exist_ok=True)
    (home / "refs/main").write_text(commit)
    return [write_gguf(home / "snapshots" / commit / name, file_type=15) for name in names]


def test_each_gguf_file_of_the_cache_is_an_entry_by_which_it_is_opened(tmp_path):
    files = cached(tmp_path, "x-Q4_K_M.gguf", "x.gguf", "mmproj-x.gguf")
    entries = {entry.id: entry for entry in cached_models(tmp_path / "hub")}
    assert set(entries) == {"owner/name:Q4_K_M", "owner/name:x.gguf"}
    assert {entry.revision for entry in entries.values()} == {"b" * 40}
    assert [found(name)[0] for name in ("owner/name:Q4_K_M", "owner/name:x.gguf")] == files[:2]
    assert cached_revisions("owner/name") == []


def test_a_folder_beside_gguf_files_is_an_entry_of_its_own(tmp_path):
    [file] = cached(tmp_path, "x-Q4_K_M.gguf")
    (file.parent / "config.json").write_text("{}")
    (file.parent / "model.safetensors").write_text("x")
    assert {entry.id for entry in cached_models(tmp_path / "hub")} == {"owner/name", "owner/name:Q4_K_M"}


def test_a_file_of_the_cache_that_was_deleted_is_not_listed(tmp_path):
    files = cached(tmp_path, "x-Q4_K_M.gguf", "y.gguf")
    files[0].unlink()
    files[0].symlink_to(tmp_path / "gone")
    assert [entry.id for entry in cached_models(tmp_path / "hub")] == ["owner/name:y.gguf"]
