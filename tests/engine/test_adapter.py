"""Adapters of peft on a model: on, the numbers of transformers and peft; off, those of the model alone."""

import json
import re
import shutil
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from explorer.core.chat import ChatOptions, Message
from explorer.core.sampling.params import SamplingParams
from explorer.core.sampling.stopping import StopRules
from explorer.engine.compute.local import TransformersEngine
from explorer.engine.description import ModelSettings
from explorer.engine.files import adapters
from explorer.engine.files.places import find
from explorer.engine.process.client import WorkerEngine
from explorer.errors import EngineError, ModelError, UsageError

IDS = [1, 70, 71, 90, 120, 200, 33, 12]
CLOSE = pytest.approx(0, abs=2e-5)
SAVED = {"modules_to_save": ["embed_tokens", "lm_head"]}

METHODS: dict[str, dict[str, Any]] = {
    "LoRA": {},
    "LoRA without a task": {"task_type": None},
    "LoRA of all modules": {"target_modules": "all-linear"},
    "LoRA by patterns": {"rank_pattern": {"q_proj": 12}, "alpha_pattern": {"q_proj": 3}, "layers_to_transform": [0, 2]},
    "rsLoRA": {"use_rslora": True},
    "DoRA": {"use_dora": True},
    "LoRA with biases": {"kind": "gpt2", "target_modules": ["c_attn"], "fan_in_fan_out": True, "bias": "all"},
    "LoRA of the embeddings": {"target_modules": ["embed_tokens", "lm_head", "q_proj"]},
    "LoRA and whole embeddings": SAVED,
    "LoRA and single tokens": {"trainable_token_indices": [3, 70]},
    "LoRA of a state": {"kind": "mamba2", "target_modules": ["in_proj"]},
    "LoRA of both": {"kind": "falcon_h1", "target_modules": ["q_proj", "gate_proj"]},
    "AdaLoRA": {"method": "AdaLoraConfig", "total_step": 10},
    "LoHa": {"method": "LoHaConfig"},
    "LoKr": {"method": "LoKrConfig"},
    "IA3": {
        "method": "IA3Config",
        "target_modules": ["k_proj", "down_proj"],
        "feedforward_modules": ["down_proj"],
    },
    "VeRA": {"method": "VeraConfig", "target_modules": ["q_proj", "o_proj"], "r": 4},
    "VeRA without its projections": {
        "method": "VeraConfig",
        "target_modules": ["q_proj", "o_proj"],
        "r": 4,
        "save_projection": False,
    },
    "VB-LoRA": {"method": "VBLoRAConfig", "num_vectors": 8, "vector_length": 16, "topk": 2, "r": 4},
    "OFT": {"method": "OFTConfig", "oft_block_size": 4},
    "HRA": {"method": "HRAConfig", "r": 4},
    "norms": {"method": "LNTuningConfig", "target_modules": ["input_layernorm"]},
    "FourierFT": {"method": "FourierFTConfig", "n_frequency": 50},
    "single tokens": {"method": "TrainableTokensConfig", "target_modules": None, "token_indices": [3, 70]},
    "further tokens": {"rows": 330},
    "further tokens, whole": {"rows": 330, **SAVED},
    "further tokens, trained alone": {"rows": 330, "trainable_token_indices": [320, 321]},
    "further tokens and LoRA of the embeddings": {"rows": 330, "target_modules": ["embed_tokens", "lm_head", "q_proj"]},
}

TIED: dict[str, dict[str, Any]] = {
    "whole embeddings": {"modules_to_save": ["embed_tokens"]},
    "whole embeddings, tied": {"modules_to_save": ["embed_tokens"], "ensure_weight_tying": True},
    "further tokens": {"rows": 330},
    "further tokens, whole": {"rows": 330, "modules_to_save": ["embed_tokens"]},
}


@asynccontextmanager
async def started(model: Path | str, **settings: Any) -> AsyncIterator[TransformersEngine]:
    engine = TransformersEngine(ModelSettings(model=str(model), name=str(model), device="cpu", **settings))
    try:
        await engine.start()
        yield engine
    finally:
        await engine.close()


async def fails(model: Path | str, **settings: Any) -> str:
    with pytest.raises(ModelError) as caught:
        async with started(model, **settings):
            pass
    return str(caught.value)


def expected(base: Path, adapter: Path, ids: list[int], rows: int | None = None) -> torch.Tensor:
    """What transformers and peft say after ids, as a person would ask them."""
    model = AutoModelForCausalLM.from_pretrained(base)
    if rows is not None:
        model.resize_token_embeddings(rows, mean_resizing=False)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        tuned = peft.PeftModel.from_pretrained(model, str(adapter)).eval()
        logits: torch.Tensor = tuned(input_ids=torch.tensor([ids])).logits[0, -1].float().log_softmax(-1)
    return logits


async def check_sides(base: Path, adapter: Path, rows: int | None = None) -> None:
    """On as peft, off as the model alone to the last bit, on again as before; nothing is kept from the other side."""
    async with started(base) as alone:
        plain = await alone.logprobs(IDS)
        nothing = alone.info
    async with started(adapter) as engine:
        assert engine.info and engine.info.adapter and engine.info.adapter.on and not engine.info.adapter.fixed
        on = await engine.logprobs(IDS)
        want = expected(base, adapter, IDS, rows)
        assert len(on) == len(want) == engine.info.vocab_size
        assert float((torch.tensor(on) - want).abs().max()) == CLOSE
        info = await engine.adapt(False)
        assert (info.loaded_with, info.versions, info.parameters) == ({}, nothing.versions, nothing.parameters)
        assert (info.model, info.vocab_size, info.tokenizer) == (str(base), nothing.vocab_size, nothing.tokenizer)
        assert info.adapter and not info.adapter.on
        assert await engine.logprobs(IDS) == plain
        assert await engine.logprobs(IDS[:-1]) != on
        again = await engine.adapt(True)
        assert again.loaded_with == {"adapter": str(adapter)} and "peft" in again.versions
        assert await engine.logprobs(IDS) == on
        assert max(abs(a - b) for a, b in zip(on, plain, strict=False)) > 1e-3


@pytest.mark.parametrize("name", METHODS)
async def test_on_and_off_are_the_numbers_of_peft_and_of_the_model_alone(name, tiny_folder, tiny_adapter):
    settings = dict(METHODS[name])
    base = tiny_folder(settings.get("kind", "llama"))
    await check_sides(base, tiny_adapter(**settings), settings.get("rows"))


@pytest.mark.parametrize("name", TIED)
async def test_embeddings_that_are_the_output_head_too_are_put_back(name, tiny_folder, tiny_adapter, tmp_path):
    torch.manual_seed(0)
    config = AutoConfig.from_pretrained(tiny_folder("llama"), tie_word_embeddings=True, initializer_range=0.3)
    base = shutil.copytree(tiny_folder("llama"), tmp_path / "tied")
    AutoModelForCausalLM.from_config(config).save_pretrained(base)
    await check_sides(base, tiny_adapter(base=base, **TIED[name]), TIED[name].get("rows"))


async def test_embeddings_that_only_a_configuration_ties_are_not_lengthened(tiny_folder, tiny_adapter, tmp_path):
    base = shutil.copytree(tiny_folder("llama"), tmp_path / "half tied")
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps(config | {"tie_word_embeddings": True}))
    assert "has an output head of its own" in await fails(base, adapter=str(tiny_adapter(rows=330)))


async def test_a_model_of_sixteen_bits_has_the_numbers_of_peft(tiny_folder, tiny_adapter, tmp_path):
    base = shutil.copytree(tiny_folder("llama"), tmp_path / "half")
    AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16).save_pretrained(base)
    adapter = tiny_adapter(base=base)
    async with started(adapter) as engine:
        assert engine.info and engine.info.dtype == "bfloat16"
        on = torch.tensor(await engine.logprobs(IDS[:1]))
        assert float((on - expected(base, adapter, IDS[:1])).abs().max()) == CLOSE


async def test_draws_are_those_of_generate(tiny_folder, tiny_adapter):
    base, adapter = tiny_folder("llama"), tiny_adapter()
    async with started(base, adapter=str(adapter)) as engine:
        params = SamplingParams(temperature=0)
        steps = [
            step.drawn.token.id
            async for step in engine.generate(IDS, params, draws=0, max_new_tokens=8, top=1)
            if step.finish != "stop"
        ]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tuned = peft.PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), str(adapter)).eval()
            written = tuned.generate(input_ids=torch.tensor([IDS]), do_sample=False, max_new_tokens=8, pad_token_id=0)
        assert steps and written[0, len(IDS) :].tolist()[: len(steps)] == steps
        stop = StopRules(max_new_tokens=4, eos=False)
        drawn = [
            one
            async for part in engine.sample([IDS], SamplingParams(seed=3), num_sequences=2, stop=stop)
            for one in part
        ]
        assert len(drawn) == 8


@pytest.mark.parametrize("method", ["pissa", "olora"])
async def test_an_adapter_that_moves_the_weights_under_it_cannot_be_switched_off(method, tiny_folder, tiny_adapter):
    adapter = tiny_adapter(init_lora_weights=method)
    async with started(adapter) as engine:
        assert engine.info and engine.info.adapter
        assert "changes weights of" in engine.info.adapter.fixed
        on = await engine.logprobs(IDS)
        assert float((torch.tensor(on) - expected(tiny_folder("llama"), adapter, IDS)).abs().max()) == CLOSE
        with pytest.raises(UsageError, match="changes weights of"):
            await engine.adapt(False)
        assert await engine.logprobs(IDS) == on


async def test_what_is_under_way_ends_where_the_adapter_is_switched(tiny_adapter):
    async with started(tiny_adapter()) as engine:
        params = SamplingParams(seed=1)
        drawing = engine.generate(IDS, params, draws=0, max_new_tokens=20, top=1)
        sampling = engine.sample([IDS], params, num_sequences=2, stop=StopRules(max_new_tokens=20, eos=False))
        await anext(drawing)
        await anext(sampling)
        await engine.adapt(False)
        for under_way in (drawing, sampling):
            with pytest.raises(EngineError, match="was switched on or off while this was under way"):
                await anext(under_way)
        assert [step async for step in engine.generate(IDS, params, draws=0, max_new_tokens=2, top=1)]


async def test_without_an_adapter_there_is_nothing_to_switch(tiny_folder):
    async with started(tiny_folder("llama")) as engine:
        with pytest.raises(UsageError, match="There is no adapter on"):
            await engine.adapt(True)


async def test_a_worker_comes_back_with_the_adapter_as_it_was(tiny_folder, tiny_adapter, tmp_path):
    settings = ModelSettings(model=str(tiny_folder("llama")), name="tiny", device="cpu", adapter=str(tiny_adapter()))
    engine = WorkerEngine(settings, tmp_path / "engine.log")
    try:
        await engine.start()
        on = await engine.logprobs(IDS)
        assert (await engine.adapt(False)).loaded_with == {}
        off = await engine.logprobs(IDS)
        info = await engine.start()
        assert info.adapter and not info.adapter.on and info.loaded_with == {}
        assert await engine.logprobs(IDS) == off != on
        await engine.adapt(True)
        assert await engine.logprobs(IDS) == on
        assert (await engine.start()).loaded_with == {"adapter": settings.adapter}
    finally:
        await engine.close()


# Tokenizers.


def bring_tokenizer(base: Path, adapter: Path, **config: Any) -> None:
    """The tokenizer of a model, with what is changed in its configuration, in the folder of an adapter."""
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        if (base / name).exists():
            shutil.copy(base / name, adapter)
    said = json.loads((adapter / "tokenizer_config.json").read_text())
    (adapter / "tokenizer_config.json").write_text(json.dumps(said | config))


async def test_the_template_that_an_adapter_brings_is_used_while_it_is_on(tiny_folder, tiny_adapter):
    base, adapter = tiny_folder("llama"), tiny_adapter()
    bring_tokenizer(base, adapter)
    (adapter / "chat_template.jinja").write_text("{% for m in messages %}<{{ m.content }}>{% endfor %}")
    async with started(adapter) as engine:
        assert engine.info and engine.info.adapter and engine.info.adapter.tokenizer
        messages = [Message("user", "Hi")]
        assert (await engine.render_chat(messages, ChatOptions())).text == "<Hi>"
        await engine.adapt(False)
        assert "user: Hi" in (await engine.render_chat(messages, ChatOptions())).text
        await engine.adapt(True)
        assert (await engine.render_chat(messages, ChatOptions())).text == "<Hi>"


async def test_a_tokenizer_without_a_template_leaves_the_template_of_the_model(tiny_folder, tiny_adapter):
    base, adapter = tiny_folder("llama"), tiny_adapter()
    bring_tokenizer(base, adapter, chat_template=None)
    (adapter / "chat_template.jinja").unlink(missing_ok=True)
    async with started(adapter) as engine:
        assert engine.info and engine.info.chat_template


async def test_the_tokens_that_an_adapter_adds_are_there_while_it_is_on(tiny_folder, tiny_adapter):
    base, adapter = tiny_folder("llama"), tiny_adapter(rows=330)
    tokenizer = AutoTokenizer.from_pretrained(base)
    while len(tokenizer) < 330:
        tokenizer.add_tokens([f"<new {len(tokenizer)}>"])
    tokenizer.save_pretrained(adapter)
    async with started(adapter) as engine:
        on = engine.info
        assert [token.id for token in await engine.encode("<new 329>", False)] == [329]
        off = await engine.adapt(False)
        assert on and (on.vocab_size, off.vocab_size) == (330, 320) and on.tokenizer != off.tokenizer
        assert len(await engine.encode("<new 329>", False)) > 1


# What does not fit.


def changed(adapter: Path, tmp_path: Path, **config: Any) -> Path:
    """A copy of an adapter with other things in its configuration."""
    folder = shutil.copytree(adapter, tmp_path / "changed")
    said = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(said | config))
    return folder


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"peft_type": None}, "has to name a peft_type, and names none"),
        ({"peft_type": 7}, "names “7”"),
        ({"peft_type": "SORCERY"}, "of a kind that peft .* does not know"),
        ({"peft_type": "PREFIX_TUNING", "num_virtual_tokens": 5}, "it puts 5 learned vectors before every text"),
        ({"peft_type": "PROMPT_TUNING", "num_virtual_tokens": []}, "it puts learned vectors before every text"),
        ({"peft_type": "XLORA"}, "mixes several adapters"),
        ({"peft_type": "ADAPTION_PROMPT"}, "learned tokens into the attention"),
        ({"alora_invocation_tokens": [3, 4]}, "aLoRA"),
        ({"megatron_config": {"a": 1}, "megatron_core": "antigravity"}, "Megatron"),
        ({"task_type": "SEQ_CLS"}, r"it gives a class to a text \(SEQ_CLS\)"),
        ({"task_type": "FEATURE_EXTRACTION"}, "makes vectors of a text"),
        ({"task_type": "SEQ_2_SEQ_LM"}, "its encoder reads one thing"),
        ({"task_type": {"a": 1}}, "PEFT has no task"),
        ({"base_model_name_or_path": None}, "does not say for which model.*--model BASE --adapter"),
        ({"base_model_name_or_path": {"a": 1}}, "does not say for which model"),
        ({"base_model_name_or_path": "/srv/models/llama"}, "for /srv/models/llama, which is not here.*--model BASE"),
        ({"base_model_name_or_path": "x\0y"}, "neither a folder nor the id"),
        ({"r": 10**9}, "says r: 1000000000, and no weight of it has more than 64 rows"),
        ({"rank_pattern": {"q_proj": 10**9}}, "says rank_pattern of q_proj: 1000000000"),
        ({"rank_pattern": [1]}, "adapter_config.json .* is broken|cannot be put on"),
        ({"r": "eight"}, "cannot be put on|is broken"),
        ({"r": -4}, "cannot be put on|is broken"),
        ({"r": 4}, r"does not fit .*: it has \[8, 64\] where the model has \[4, 64\], for example .*q_proj.lora_A"),
        ({"target_modules": 5}, "cannot be put on|is broken"),
        ({"target_modules": ["nowhere"]}, "has none of the modules that it is for"),
        ({"target_modules": ["q_proj"]}, "8 of its weights have no place there"),
        ({"target_modules": ["q_proj", "v_proj", "o_proj"]}, "lacks 8 of the weights"),
        ({"modules_to_save": ["lm_head"]}, "lacks a weight that its adapter_config.json asks for"),
        ({"lora_alpha": None}, "cannot be put on|is broken"),
    ],
)
async def test_a_configuration_that_cannot_be_is_one_sentence(config, words, tiny_adapter, tmp_path):
    said = await fails(changed(tiny_adapter(), tmp_path, **config))
    assert re.search(words, said), said
    assert "\n" not in said


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b"null"])
async def test_a_configuration_that_is_no_json_is_one_sentence(content, tiny_adapter, tmp_path):
    folder = changed(tiny_adapter(), tmp_path)
    (folder / "adapter_config.json").write_bytes(content)
    assert "adapter_config.json" in await fails(folder)


def damage(weights: dict[str, torch.Tensor], how: str) -> dict[str, torch.Tensor]:
    first = next(iter(weights))
    match how:
        case "NaN":
            weights[first][0, 0] = torch.nan
        case "empty":
            return {}
        case "fewer":
            del weights[first]
        case "more":
            weights["base_model.model.model.layers.9.self_attn.q_proj.lora_A.weight"] = weights[first].clone()
    return weights


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("NaN", r"hold what is no number \(NaN or infinite\), for example base_model"),
        ("empty", "has no weights in its file"),
        ("fewer", "lacks 1 of the weights"),
        ("more", "1 of its weights have no place there, for example model.layers.9"),
    ],
)
async def test_weights_that_do_not_belong_to_it_are_one_sentence(how, words, tiny_adapter, tmp_path):
    folder = changed(tiny_adapter(), tmp_path)
    weights = damage(load_file(folder / "adapter_model.safetensors"), how)
    save_file(weights, folder / "adapter_model.safetensors")
    assert re.search(words, await fails(folder))


@pytest.mark.parametrize("content", [b"", b"x", b"\x08" + bytes(7) + b"{}"])
async def test_a_file_of_weights_that_is_none_is_one_sentence(content, tiny_adapter, tmp_path):
    folder = changed(tiny_adapter(), tmp_path)
    (folder / "adapter_model.safetensors").write_bytes(content)
    assert "cannot be read" in await fails(folder) or not content


async def test_an_adapter_of_another_architecture_and_of_another_size_does_not_fit(tiny_folder, tiny_adapter, tmp_path):
    adapter = tiny_adapter()
    assert "was made for another architecture" in await fails(tiny_folder("gpt2"), adapter=str(adapter))
    config = AutoConfig.from_pretrained(tiny_folder("llama"), num_hidden_layers=2)
    smaller = shutil.copytree(tiny_folder("llama"), tmp_path / "smaller")
    AutoModelForCausalLM.from_config(config).save_pretrained(smaller)
    assert "8 of its weights have no place there" in await fails(smaller, adapter=str(adapter))


async def test_a_pickle_is_opened_only_where_that_is_allowed(tiny_folder, tiny_adapter, tmp_path):
    folder = changed(tiny_adapter(), tmp_path)
    torch.save(load_file(folder / "adapter_model.safetensors"), folder / "adapter_model.bin")
    (folder / "adapter_model.safetensors").unlink()
    assert "pickled weights only" in await fails(folder)
    async with started(folder, allow_pickle=True) as engine:
        on = torch.tensor(await engine.logprobs(IDS))
        assert float((on - expected(tiny_folder("llama"), folder, IDS)).abs().max()) == CLOSE
    (folder / "adapter_model.bin").unlink()
    assert "has no adapter_model.safetensors" in await fails(folder)


async def test_an_adapter_on_an_adapter_is_refused(tiny_folder, tiny_adapter, tmp_path):
    first = tiny_adapter()
    second = changed(tiny_adapter(), tmp_path, base_model_name_or_path=str(first))
    assert "which is an adapter itself" in await fails(second)
    assert "is an adapter itself, and not a model" in await fails(first, adapter=str(second))
    assert "is no adapter of PEFT" in await fails(tiny_folder("llama"), adapter=str(tiny_folder("llama")))
    assert "There is no folder" in await fails(tiny_folder("llama"), adapter=str(tmp_path / "nowhere"))


async def test_an_adapter_made_on_another_model_is_told(tiny_folder, tiny_adapter, tmp_path):
    adapter = changed(tiny_adapter(), tmp_path, base_model_name_or_path="owner/base")
    async with started(tiny_folder("llama"), adapter=str(adapter)) as engine:
        assert engine.info
        assert [said for said in engine.info.warnings if "was made on owner/base, and lies on" in said]
        assert (await engine.adapt(False)).warnings == ()
    copied = shutil.copytree(tiny_folder("llama"), tmp_path / "Base")
    async with started(copied, adapter=str(adapter)) as engine:
        assert engine.info and engine.info.warnings == ()


# Where they lie.


def nothing(_progress: object) -> None:
    pass


def places(model: Path | str, **settings: Any) -> Any:
    return find(ModelSettings(model=str(model), name=str(model), **settings), nothing)


def test_a_base_model_is_found_from_the_folder_of_the_adapter_and_from_the_current_one(
    tiny_folder, tiny_adapter, tmp_path, monkeypatch
):
    base = shutil.copytree(tiny_folder("llama"), tmp_path / "models" / "base")
    adapter = changed(tiny_adapter(), tmp_path / "runs", base_model_name_or_path="../../models/base")
    assert places(adapter).name == str(base)
    monkeypatch.chdir(tmp_path)
    adapter = changed(adapter, tmp_path / "more", base_model_name_or_path="models/base")
    assert (places(adapter).name, places(adapter).adapter.name) == (str(base), str(adapter))


def as_a_trainer_leaves_it(folder: Path) -> None:
    for name in ("optimizer.pt", "scheduler.pt", "training_args.bin", "rng_state.pth"):
        (folder / name).write_bytes(b"x")


def with_the_configuration_of_the_model(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "llama"}')


def with_checkpoints_below(folder: Path) -> None:
    shutil.copytree(folder, folder.parent / "x").rename(folder / "checkpoint-5")


@pytest.mark.parametrize("left", [as_a_trainer_leaves_it, with_the_configuration_of_the_model, with_checkpoints_below])
def test_a_folder_of_a_training_is_an_adapter(left, tiny_folder, tiny_adapter, tmp_path):
    folder = changed(tiny_adapter(), tmp_path)
    left(folder)
    found = places(folder)
    assert (found.place, found.adapter.folder) == (tiny_folder("llama"), folder)


async def test_an_adapter_beside_whole_weights_lies_on_them_and_can_be_left_out(tiny_folder, tiny_adapter, tmp_path):
    whole = shutil.copytree(tiny_folder("llama"), tmp_path / "whole")
    adapter = changed(tiny_adapter(), tmp_path, base_model_name_or_path="owner/base")
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        shutil.copy(adapter / name, whole)
    want = expected(tiny_folder("llama"), adapter, IDS)
    async with started(whole) as engine, started(tiny_folder("llama")) as alone, started(whole, adapter="") as without:
        assert float((torch.tensor(await engine.logprobs(IDS)) - want).abs().max()) == CLOSE
        await engine.adapt(False)
        plain = await alone.logprobs(IDS)
        assert await engine.logprobs(IDS) == plain
        assert without.info and without.info.adapter is None and await without.logprobs(IDS) == plain


async def test_without_peft_it_is_said_how_to_install_it(tiny_folder, tiny_adapter, tmp_path, monkeypatch):
    monkeypatch.setattr(adapters, "has_peft", lambda: False)
    folder = changed(tiny_adapter(), tmp_path, base_model_name_or_path="owner/never-asked-for")
    assert "pip install 'token-explorer[peft]'" in await fails(folder)
    assert "pip install 'token-explorer[peft]'" in await fails(tiny_folder("llama"), adapter=str(folder))
    whole = shutil.copytree(tiny_folder("llama"), tmp_path / "whole")
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        shutil.copy(folder / name, whole)
    async with started(whole) as engine, started(tiny_folder("llama")) as alone:
        assert engine.info and "is not used" in engine.info.warnings[0]
        assert await engine.logprobs(IDS) == await alone.logprobs(IDS)
