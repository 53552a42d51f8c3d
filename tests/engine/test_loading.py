import asyncio
import json
import shutil
from types import SimpleNamespace

import pytest
import torch

from explorer.engine.base import ModelSettings
from explorer.engine.loading import context_length, eos_ids, load_model, load_vocabulary, one_line, resolve_device
from explorer.engine.local import TransformersEngine
from explorer.engines import embedded_folder
from explorer.errors import ModelError


@pytest.fixture
def folder(tiny_folder, tmp_path):
    """A copy of a model folder, to be broken."""
    return shutil.copytree(tiny_folder("llama"), tmp_path / "model")


async def starts(folder, **settings) -> None:
    engine = TransformersEngine(ModelSettings(model=str(folder), name="The model", **{"device": "cpu", **settings}))
    try:
        await asyncio.wait_for(engine.start(), 30)
    finally:
        await engine.close()


async def test_a_folder_without_weights_is_said(folder):
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="The model has no weights in the safetensors format"):
        await starts(folder)


async def test_pickled_weights_are_not_opened(folder):
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="no weights in the safetensors format"):
        await starts(folder)


async def test_weights_that_are_no_safetensors_are_said(folder):
    (folder / "model.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(ModelError, match="The model cannot be loaded"):
        await starts(folder)


async def test_a_folder_without_a_tokenizer_is_said(folder):
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer_config.json").unlink()
    with pytest.raises(ModelError, match=r"The tokenizer of The model cannot be loaded.*tokenizer\.json"):
        await starts(folder)


async def test_a_broken_tokenizer_is_said(folder):
    (folder / "tokenizer.json").write_text("{")
    with pytest.raises(ModelError, match="The tokenizer of The model cannot be loaded"):
        await starts(folder)


async def test_a_folder_without_a_config_is_said(folder):
    (folder / "config.json").unlink()
    with pytest.raises(ModelError, match=r"has no config\.json"):
        await starts(folder)


async def test_a_config_that_is_no_json_is_said(folder):
    (folder / "config.json").write_text("{")
    with pytest.raises(ModelError, match="The model"):
        await starts(folder)


async def test_a_config_of_an_unknown_kind_of_model_is_said(folder):
    (folder / "config.json").write_text('{"model_type": "abacus"}')
    with pytest.raises(ModelError, match=r"The (model|tokenizer of The model) cannot be loaded"):
        await starts(folder)


@pytest.mark.parametrize("kind", ["t5", "clip"])
async def test_a_model_that_is_not_causal_is_said(folder, kind):
    config = {"model_type": kind, "architectures": ["Some"], "d_model": 8, "num_layers": 1, "d_kv": 4, "num_heads": 2}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="is not a causal language model"):
        await starts(folder)


@pytest.mark.parametrize("device", ["abacus", "cuda:x", "cuda:99", "mps:9"])
async def test_a_device_that_is_not_there_is_said(folder, device):
    with pytest.raises(ModelError):
        await starts(folder, device=device)


async def test_a_dtype_that_is_none_is_said(folder):
    with pytest.raises(ModelError, match="The model cannot be loaded"):
        await starts(folder, dtype="float31")


async def test_the_asked_dtype_is_the_one_that_is_loaded(folder):
    engine = TransformersEngine(ModelSettings(model=str(folder), name="m", device="cpu", dtype="bfloat16"))
    assert (await engine.start()).dtype == "bfloat16"
    await engine.close()


def test_cuda_where_there_is_none_is_said(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for wanted in ("cuda", "cuda:0", "cuda:1"):
        with pytest.raises(ModelError, match=r"no CUDA device.*--device cpu"):
            resolve_device(wanted)


def test_the_best_device_is_chosen(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [resolve_device(wanted) for wanted in ("auto", "cuda", "cuda:1")] == ["cuda:0", "cuda:0", "cuda:1"]
    with pytest.raises(ModelError, match=r"no cuda:2.*2 CUDA devices"):
        resolve_device("cuda:2")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert resolve_device("auto") == "mps"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert (resolve_device("auto"), resolve_device("cpu")) == ("cpu", "cpu")
    with pytest.raises(ModelError, match="mps"):
        resolve_device("mps")


def test_a_full_memory_is_said(folder, monkeypatch):
    def fails(error):
        def load(*args, **kwargs):
            raise error

        return load

    settings = ModelSettings(model=str(folder), name="The model", device="cpu")
    for error in (torch.OutOfMemoryError("CUDA out of memory"), MemoryError()):
        monkeypatch.setattr("explorer.engine.loading.AutoModelForCausalLM.from_pretrained", fails(error))
        with pytest.raises(ModelError, match=r"The model does not fit into .*memory"):
            load_model(folder, settings, lambda progress: None)


def test_loading_reports_each_weight(folder):
    seen = []
    model = load_model(folder, ModelSettings(model=str(folder), name="m", device="cpu"), seen.append)
    assert not model.training
    assert [p.done for p in seen] == sorted(p.done for p in seen)
    assert {p.stage for p in seen} == {"loading the weights"}
    assert seen[-1].done == seen[-1].total > 10


def test_the_vocabulary_of_a_folder_comes_with_its_end(folder):
    vocabulary, ends = load_vocabulary(folder, "m")
    assert ends == {2}
    assert vocabulary.token(2).kind == "special"


def test_the_ends_of_a_model_are_those_of_both_its_configs(tiny_model):
    assert eos_ids(tiny_model("llama")) >= {2}
    text = SimpleNamespace(eos_token_id=7)
    config = SimpleNamespace(eos_token_id=[5, 6], get_text_config=lambda decoder: text)
    assert eos_ids(SimpleNamespace(generation_config=None, config=config)) == {5, 6, 7}
    assert eos_ids(SimpleNamespace(generation_config=SimpleNamespace(eos_token_id=None), config=config)) == {5, 6, 7}


@pytest.mark.parametrize(
    ("kind", "length"), [("llama", 96), ("gpt2", 96), ("gemma3_text", 96), ("bloom", None), ("falcon_h1", 96)]
)
def test_the_context_length_is_the_one_of_the_config(tiny_model, kind, length):
    assert context_length(tiny_model(kind).config) == length


def test_an_error_of_a_library_is_cut_to_one_line():
    assert one_line(ValueError("What happened.\nA traceback")) == "What happened"
    assert one_line(ValueError()) == "ValueError"
    assert len(one_line(ValueError("x" * 9999))) == 300


async def test_weights_that_are_missing_are_said_and_never_made_up(tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(embedded_folder(), folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 8}))
    engine = TransformersEngine(ModelSettings(model=str(folder), name="broken", device="cpu"))
    with pytest.raises(ModelError, match="lacks 18 of the weights"):
        await engine.start()
    await engine.close()
