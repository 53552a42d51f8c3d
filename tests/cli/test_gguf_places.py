"""GGUF files of other programs, broken and hostile ones, from the command line to the engines."""

import asyncio
import json
import os
import random
from pathlib import Path

import pytest

from explorer.engine.base import Engine
from explorer.engine.compute.local import TransformersEngine
from explorer.engine.description import ModelSettings
from explorer.engine.gguf.header import read_header
from explorer.engine.vocabulary.engine import VocabularyEngine
from explorer.errors import ExplorerError, ModelError
from tests.cli.program import is_one_sentence
from tests.cli.tiny_gguf import write_tiny
from tests.engine.gguf_files import changed, write_gguf
from tests.fuzzing import in_time, rounds

DIGEST = "b" * 64


@pytest.fixture
def home(tmp_path) -> Path:
    """A person with one tiny model, which Ollama and LM Studio share."""
    ollama, studio = tmp_path / ".ollama/models", tmp_path / ".lmstudio/models/someone/Tiny-GGUF"
    manifest = ollama / "manifests/registry.ollama.ai/library/tiny/1b"
    for folder in (ollama / "blobs", studio, manifest.parent):
        folder.mkdir(parents=True)
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{DIGEST}"}
    manifest.write_text(json.dumps({"layers": [layer]}))
    os.link(write_tiny(ollama / f"blobs/sha256-{DIGEST}"), studio / "Tiny-Q4_1.gguf")
    return tmp_path


def test_models_of_other_programs_are_listed_and_opened_by_their_names(run, home):
    environment = {"HOME": str(home), "HF_HUB_CACHE": str(home / "hub"), "OLLAMA_MODELS": "", "HF_HUB_OFFLINE": "1"}
    listed = {one["id"]: one for one in json.loads(run("models", "--json", env=environment).stdout)["models"]}
    names = ("ollama:tiny:1b", "lmstudio:someone/Tiny-GGUF:Q4_1")
    for name in names:
        entry = listed[name]
        assert (entry["architecture"], entry["dtype"], entry["context_length"]) == ("llama", "Q4_1", 96)
        assert entry["complete"] and not entry["problem"]
        told = json.loads(run("tokens", "the fox", "--json", "--model", name, env=environment).stdout)
        assert told["text"].endswith("the fox")
    said = json.loads(run("next", "the fox", "--json", "--model", names[0], env=environment).stdout)
    assert said["model"] == names[0] and len(said["candidates"]) > 1
    assert all(name in run("models", env=environment).stdout for name in names)


@pytest.mark.parametrize("command", ["next", "tokens"])
def test_a_file_that_is_no_gguf_is_one_sentence_of_every_command(run, tmp_path, command):
    (tmp_path / "x.gguf").write_bytes(b"<html>")
    done = run(command, "a", "--model", str(tmp_path / "x.gguf"))
    assert done.returncode == 3
    assert is_one_sentence(done.stderr) and "is a web page" in done.stderr


def test_a_file_without_weights_is_refused_before_any_is_loaded(run, tmp_path):
    file = write_gguf(tmp_path / "x.gguf", weights=False)
    done = run("next", "a", "--model", str(file))
    assert (done.returncode, is_one_sentence(done.stderr)) == (3, True)
    assert f"{file} has a vocabulary and no weights" in done.stderr


async def started(engine: Engine) -> None:
    try:
        await engine.start()
    finally:
        await engine.close()


@pytest.mark.parametrize("count", [60, pytest.param(2_000, marks=pytest.mark.long)])
@pytest.mark.filterwarnings("ignore")
def test_a_file_whose_header_is_changed_at_random_opens_or_is_refused_in_a_sentence(tmp_path, count):
    file = write_tiny(tmp_path / "x.gguf")
    whole, start = file.read_bytes(), read_header(file).weights_start
    for seed in rounds(count):
        file.write_bytes(changed(whole[:start], random.Random(seed)) + whole[start:])
        settings = ModelSettings(model=str(file), name="The model", device="cpu")
        for engine in (VocabularyEngine(settings), TransformersEngine(settings)):
            with in_time(seed):
                try:
                    asyncio.run(started(engine))
                except ExplorerError as error:
                    assert isinstance(error, ModelError), f"seed {seed}: {error!r}"
                    assert str(error).endswith("."), f"seed {seed}: {error}"
                except Exception as error:
                    raise AssertionError(f"seed {seed}: {type(engine).__name__}: {error!r}") from error
