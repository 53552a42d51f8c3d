import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from explorer.engine.calls import Save
from explorer.engine.compute.local import TransformersEngine
from explorer.engine.description import ModelSettings
from explorer.errors import EngineError


async def saved(source, folder, dtype):
    folder.mkdir()
    engine = TransformersEngine(ModelSettings(model=str(source), name="tiny", device="cpu", dtype="float32"))
    await engine.start()
    try:
        return await engine.ask(Save(folder=str(folder), dtype=dtype))
    finally:
        await engine.close()


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
async def test_a_saved_model_keeps_its_weights_in_one_dtype_and_computes_in_another(kind, tiny_folder, tmp_path):
    source, folder = tiny_folder(kind), tmp_path / "saved"
    size = await saved(source, folder, "float16")
    assert size == sum(file.stat().st_size for file in folder.iterdir())
    before = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32)
    after = AutoModelForCausalLM.from_pretrained(folder, dtype="auto")
    assert {weight.dtype for weight in load_file(folder / "model.safetensors").values()} == {torch.float16}
    assert after.dtype == torch.float32
    for (name, one), other in zip(before.named_parameters(), after.parameters(), strict=True):
        assert torch.equal(one.half().float(), other), name


async def test_a_saved_model_has_the_tokenizer_and_the_ends_of_the_one_it_was_made_of(tiny_folder, tmp_path):
    source, folder = tiny_folder("llama"), tmp_path / "saved"
    await saved(source, folder, "float32")
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        assert (folder / name).read_bytes() == (source / name).read_bytes()
    ends = json.loads((folder / "generation_config.json").read_text())["eos_token_id"]
    assert ends == json.loads((source / "generation_config.json").read_text())["eos_token_id"]


async def test_a_weight_that_has_no_place_in_the_dtype_is_told(tiny_folder, tmp_path):
    source = tmp_path / "large"
    source.mkdir()
    for file in tiny_folder("llama").iterdir():
        (source / file.name).write_bytes(file.read_bytes())
    weights = load_file(source / "model.safetensors")
    weights["model.norm.weight"][0] = 1e6
    save_file(weights, source / "model.safetensors", {"format": "pt"})
    with pytest.raises(EngineError, match=r"model\.norm\.weight holds numbers that are too large for float16"):
        await saved(source, tmp_path / "saved", "float16")


async def test_a_folder_that_cannot_be_written_is_told(tiny_folder, tmp_path):
    source, folder = tiny_folder("llama"), tmp_path / "saved"
    engine = TransformersEngine(ModelSettings(model=str(source), name="tiny", device="cpu"))
    await engine.start()
    folder.write_text("a file")
    with pytest.raises(EngineError, match="cannot be written to"):
        await engine.ask(Save(folder=str(folder), dtype="float32"))
    await engine.close()
