import asyncio
import copy

import pytest
import torch
from safetensors.torch import save_file

from explorer.engine.compute.forward import cache
from explorer.engine.compute.local import TransformersEngine
from explorer.engine.description import ModelSettings
from tests.engine import architectures, matrix, multimodal


@pytest.fixture(autouse=True)
def short_passes(monkeypatch):
    monkeypatch.setattr(cache, "CHUNK", matrix.CHUNK)
    yield
    architectures.build.cache_clear()


def holds(kind: str) -> None:
    result = matrix.measure(kind)
    assert result.error < matrix.TOLERANCE
    assert result.control > matrix.SENSITIVITY
    assert not result.log


@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=[pytest.mark.matrix] * (kind not in multimodal.FAST)) for kind in multimodal.TYPES],
)
@pytest.mark.filterwarnings("ignore")
def test_a_walk_on_the_text_part_equals_its_recompute(kind):
    holds(kind)


@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=[pytest.mark.matrix] * (kind not in multimodal.FAST)) for kind in multimodal.TYPES],
)
@pytest.mark.filterwarnings("ignore")
async def test_the_text_part_of_a_folder_goes_on_as_generate_does(kind, tiny_folder, tmp_path):
    model = multimodal.build(kind)
    for file in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / file).write_bytes((tiny_folder("llama") / file).read_bytes())
    model.save_pretrained(tmp_path)
    await goes_on_as(model, tmp_path)


async def goes_on_as(model, folder) -> None:
    engine = TransformersEngine(ModelSettings(model=str(folder), name="The model", device="cpu"))
    info = await asyncio.wait_for(engine.start(), 60)
    assert not info.warnings
    assert info.part.startswith("text part of a") != ("CausalLM" in info.architecture)
    ids = [5, 17, 60, 33, 90]
    wanted = model.generate(
        torch.tensor([ids]), max_new_tokens=6, do_sample=False, output_logits=True, return_dict_in_generate=True
    )
    for count, logits in enumerate(wanted.logits, len(ids)):
        logprobs = torch.tensor(list(await engine.logprobs(wanted.sequences[0, :count].tolist())))
        assert torch.allclose(logprobs, logits[0].float().log_softmax(-1), atol=1e-4)
    await engine.close()


@pytest.mark.filterwarnings("ignore")
async def test_of_a_model_that_also_speaks_the_part_that_writes_is_opened(tiny_folder, tmp_path):
    from transformers import Qwen2_5OmniConfig

    model = multimodal.build("qwen2_5_omni_thinker")
    thinker = copy.deepcopy(model.config)  # The whole config writes into its parts.
    Qwen2_5OmniConfig(thinker_config=thinker, architectures=["Qwen2_5OmniModel"]).save_pretrained(tmp_path)
    weights = {f"thinker.{name}": weight.contiguous() for name, weight in model.state_dict().items()}
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    for file in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / file).write_bytes((tiny_folder("llama") / file).read_bytes())
    await goes_on_as(model, tmp_path)


def test_every_language_model_of_transformers_is_measured_or_has_a_reason():
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES,
        MODEL_FOR_MULTIMODAL_LM_MAPPING_NAMES,
    )

    decoders = {*architectures.ARCHITECTURES, *architectures.NOT_BUILT}
    assert not set(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES) - decoders
    others = {*MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES, *MODEL_FOR_MULTIMODAL_LM_MAPPING_NAMES}
    assert not others - decoders - {*multimodal.TYPES, *multimodal.NOT_BUILT}
