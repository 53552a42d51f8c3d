import asyncio
import json
import math
import shutil
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig

from explorer.cli.engines import embedded_folder
from explorer.core.sampling.params import SamplingParams
from explorer.engine.base import Progress
from explorer.engine.compute.loading.causality import check_causal
from explorer.engine.compute.loading.generation import eos_ids
from explorer.engine.compute.loading.loading import (
    load_config,
    load_model,
    load_vocabulary,
    text_context_length,
)
from explorer.engine.compute.loading.placement import resolve_device
from explorer.engine.compute.loading.quantization import compute_dtype
from explorer.engine.compute.local import TransformersEngine
from explorer.engine.description import ModelSettings
from explorer.engine.vocabulary.faults import one_line
from explorer.engine.vocabulary.vocabulary import Vocabulary
from explorer.errors import ModelError, UsageError


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
    with pytest.raises(ModelError, match=r"The model has a config\.json and no weights"):
        await starts(folder)


async def test_pickled_weights_are_opened_only_where_that_is_allowed(folder, tiny_model):
    (folder / "model.safetensors").unlink()
    torch.save(tiny_model("llama").state_dict(), folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"no weights in the safetensors format.*--allow-pickle"):
        await starts(folder)
    await starts(folder, allow_pickle=True)


async def test_weights_that_are_no_safetensors_are_said(folder):
    whole = (folder / "model.safetensors").read_bytes()
    for broken, words in (
        (b"version https://git-lfs.github.com/spec/v1\n", r"model\.safetensors in .* is a pointer of git-lfs"),
        (b"", r"model\.safetensors in .* is empty"),
        (whole[: len(whole) // 2], "a file of weights is not whole"),
    ):
        (folder / "model.safetensors").write_bytes(broken)
        with pytest.raises(ModelError, match=words):
            await starts(folder)


async def test_a_folder_without_a_tokenizer_is_said(folder):
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer_config.json").unlink()
    with pytest.raises(ModelError, match=r"The model has no tokenizer.*tokenizer\.json"):
        await starts(folder)


async def test_no_tokenizer_is_made_up_where_there_is_none(tiny_folder, tmp_path):
    folder = shutil.copytree(tiny_folder("qwen2"), tmp_path / "qwen")
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match="The model has no tokenizer"):
        await starts(folder)


async def test_a_tokenizer_of_another_model_is_said(folder):
    (folder / "tokenizer.json").write_bytes((embedded_folder() / "tokenizer.json").read_bytes())
    engine = TransformersEngine(ModelSettings(model=str(folder), name="The model", device="cpu"))
    await engine.start()
    with pytest.raises(UsageError, match="do not belong together"):
        await engine.encode("the fox and the bear sang")
    await engine.close()


async def test_pickles_that_hold_more_than_tensors_are_said(folder):
    (folder / "model.safetensors").unlink()
    torch.save({"x": Progress("not a tensor")}, folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="hold more than tensors, and were not opened"):
        await starts(folder, allow_pickle=True)


async def test_a_broken_tokenizer_is_said(folder):
    (folder / "tokenizer.json").write_text("{")
    with pytest.raises(ModelError, match=r"tokenizer\.json of The model is broken"):
        await starts(folder)


async def test_a_folder_without_a_config_is_said(folder):
    (folder / "config.json").unlink()
    with pytest.raises(ModelError, match=r"has no config\.json"):
        await starts(folder)


async def test_a_config_that_is_no_json_is_said(folder):
    (folder / "config.json").write_text("{")
    with pytest.raises(ModelError, match=r"config\.json in .* is not JSON at line 1, column 2"):
        await starts(folder)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model_type": None}, r"The config\.json of The model has no model_type"),
        ({"hidden_size": "x"}, r"is broken: Field 'hidden_size' expected int.*Mend it, or download it again"),
        (
            {"rope_parameters": {"rope_type": "bogus"}},
            r"says “bogus” as its rope_type, which transformers does not know",
        ),
        (
            {"hidden_act": "garbage"},
            r"its config\.json says “garbage” as its hidden_act, which transformers does not know",
        ),
        ({"num_hidden_layers": 5, "quantization_config": {"quant_method": "exl2"}}, "that are packed by exl2"),
    ],
)
async def test_what_a_config_says_wrongly_is_told(folder, changes, words):
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    with pytest.raises(ModelError, match=words):
        await starts(folder)


async def test_an_encoder_is_refused_and_opens_as_a_decoder(folder):
    from transformers import BertConfig, BertLMHeadModel

    for decoder in (False, True):
        config = BertConfig(
            vocab_size=320,
            hidden_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=96,
            is_decoder=decoder,
        )
        BertLMHeadModel(config).save_pretrained(folder)
        if decoder:
            await starts(folder)
        else:
            with pytest.raises(ModelError, match=r"is not a causal language model \(BertLMHeadModel\)"):
                await starts(folder)


def test_a_model_that_says_that_it_is_causal_and_is_not_is_found_out():
    from transformers import AutoModelForCausalLM, GPT2Config, XLNetConfig

    torch.manual_seed(0)
    backwards = XLNetConfig(vocab_size=320, d_model=64, n_layer=2, n_head=4, d_inner=96, initializer_range=0.3)
    with pytest.raises(ModelError, match="a later token of a text changes what it says of an earlier one"):
        check_causal(AutoModelForCausalLM.from_config(backwards).eval(), "The model")
    forwards = GPT2Config(vocab_size=320, n_embd=64, n_layer=2, n_head=4, initializer_range=0.3)
    check_causal(AutoModelForCausalLM.from_config(forwards).eval(), "The model")


async def test_an_adapter_beside_whole_weights_is_told(folder):
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA", "base_model_name_or_path": "owner/base"}')
    engine = TransformersEngine(ModelSettings(model=str(folder), name="The model", device="cpu"))
    info = await engine.start()
    await engine.close()
    assert info.warnings[0].startswith("An adapter lies beside the weights, and is not used")
    assert info.warnings[0].endswith("it has no adapter_model.safetensors.")


async def test_a_config_of_an_unknown_kind_of_model_is_said(folder):
    (folder / "config.json").write_text('{"model_type": "abacus"}')
    with pytest.raises(ModelError, match=r"type “abacus”, which transformers .* does not know"):
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
    config = load_config(folder, settings)
    for error in (torch.OutOfMemoryError("CUDA out of memory"), MemoryError()):
        monkeypatch.setattr(
            "explorer.engine.compute.loading.loading.AutoModelForCausalLM.from_pretrained", fails(error)
        )
        with pytest.raises(ModelError, match=r"The model does not fit into .*memory"):
            load_model(folder, config, settings, lambda progress: None)


def test_loading_reports_each_weight(folder):
    seen = []
    settings = ModelSettings(model=str(folder), name="m", device="cpu")
    model, _ = load_model(folder, load_config(folder, settings), settings, seen.append)
    assert not model.training
    assert [p.done for p in seen] == sorted(p.done for p in seen)
    assert {p.stage for p in seen} == {"loading the weights"}
    assert seen[-1].done == seen[-1].total > 10


def test_the_vocabulary_of_a_folder_comes_with_its_end(folder):
    vocabulary, _, ends = load_vocabulary(folder, ModelSettings(model=str(folder), name="m"))
    assert ends == {2}
    assert vocabulary.token(2).kind == "special"


def test_the_ends_of_a_model_are_those_of_both_its_configs(tiny_model):
    assert eos_ids(tiny_model("llama"), "it") >= {2}
    text = SimpleNamespace(eos_token_id=7)
    config = SimpleNamespace(eos_token_id=[5, 6], get_text_config=lambda decoder: text)
    assert eos_ids(SimpleNamespace(generation_config=None, config=config), "it") == {5, 6, 7}
    assert eos_ids(SimpleNamespace(generation_config=SimpleNamespace(eos_token_id=None), config=config), "it") == {
        5,
        6,
        7,
    }


@pytest.mark.parametrize(
    ("said", "ends"), [("7", {7}), (7.0, {7}), ([[7], "8"], {7, 8}), (None, set()), (False, set()), ([], set())]
)
async def test_an_end_that_is_written_in_another_way_is_one(folder, said, ends):
    file = folder / "generation_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"eos_token_id": said}))
    engine = TransformersEngine(ModelSettings(model=str(folder), name="The model", device="cpu"))
    info = await engine.start()
    await engine.close()
    assert info.eos_ids == sorted({2} | ends)


@pytest.mark.parametrize("said", ["<|end|>", 7.5, True, {"a": 2}, [7, [None, {}]], 1e400])
async def test_an_end_that_is_no_id_is_said(folder, said):
    file = folder / "generation_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"eos_token_id": said}))
    with pytest.raises(ModelError, match=r"The config of The model says that a sequence ends with .*, which is no"):
        await starts(folder)


@pytest.mark.parametrize("said", ["{", "[1, 2]", "", "null"])
async def test_a_generation_config_that_cannot_be_read_is_said(folder, said):
    (folder / "generation_config.json").write_text(said)
    with pytest.raises(ModelError, match=r"The generation_config.json of The model (is no JSON object|cannot be read)"):
        await starts(folder)


@pytest.mark.parametrize(
    "said",
    [
        {"bos_token_id": 10**6},
        {"bos_token_id": -7},
        {"output_hidden_states": "yes"},
        {"output_attentions": "yes"},
        {"return_dict": False},
    ],
)
async def test_what_a_config_says_of_outputs_and_of_a_bos_that_there_is_not_changes_nothing(folder, said):
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | said))
    await starts(folder)


@pytest.mark.parametrize(
    ("kind", "length"), [("llama", 96), ("gpt2", 96), ("gemma3_text", 96), ("bloom", None), ("falcon_h1", 96)]
)
def test_the_context_length_is_the_one_of_the_config(tiny_model, kind, length):
    assert text_context_length(tiny_model(kind).config) == length


@pytest.mark.parametrize(
    ("kind", "settings", "length"),
    [
        ("bloom", {"seq_length": 2048}, None),
        ("falcon", {"alibi": True, "max_position_embeddings": 2048}, None),
        ("falcon", {"alibi": False, "max_position_embeddings": 2048}, 2048),
        ("mpt", {"attn_config": {"alibi": True}, "max_seq_len": 2048}, None),
        ("mpt", {"attn_config": {"alibi": False}, "max_seq_len": 2048}, 2048),
        ("mamba", {}, None),
        ("rwkv", {}, None),
    ],
)
def test_a_model_that_knows_distances_or_a_state_has_no_limit(kind, settings, length):
    assert text_context_length(AutoConfig.for_model(kind, **settings)) == length


@pytest.mark.parametrize(
    "leftover",
    [
        {"_attn_implementation": "flash_attention_2"},
        {"attn_implementation": "flash_attention_2"},
        {"_attn_implementation": "someone/kernel"},
        {"return_dict": False},
        {"pad_token_id": 10**6},
        {"bos_token_id": -1},
        {"bos_token_id": 10**6},
    ],
    ids=str,
)
async def test_what_a_training_run_left_in_a_config_stops_nothing_and_moves_no_number(folder, leftover):
    async def logits() -> list[float | None]:
        engine = TransformersEngine(ModelSettings(model=str(folder), name="The model", device="cpu"))
        try:
            await engine.start()
            return [candidate.logit for candidate in (await engine.next([5, 6, 7], SamplingParams(), 9)).candidates]
        finally:
            await engine.close()

    usual = await logits()
    config = folder / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text("utf-8")) | leftover), "utf-8")
    assert await logits() == usual


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
    with pytest.raises(
        ModelError, match=r"lacks 18 of the 74 weights.*not whole, or are those of another kind of model"
    ):
        await engine.start()
    await engine.close()


async def test_the_shape_that_a_config_cannot_have_is_said(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "hidden_size": "wide"}))
    with pytest.raises(ModelError, match=r"is broken: Field 'hidden_size' expected int"):
        await starts(folder)


@pytest.mark.parametrize("bits", ["4bit", "8bit"])
async def test_quantising_without_its_package_is_said(folder, bits, monkeypatch):
    monkeypatch.setattr("explorer.engine.compute.loading.quantization.importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"needs the package bitsandbytes.*token-explorer\[quant\]"):
        await starts(folder, quantize=bits)
    await starts(folder)


async def test_weights_that_are_quantised_already_are_not_quantised_again(folder):
    config = json.loads((folder / "config.json").read_text())
    packed = {"quant_method": "gptq", "bits": 4}
    (folder / "config.json").write_text(json.dumps({**config, "quantization_config": packed}))
    with pytest.raises(ModelError, match=r"already quantised \(gptq\)"):
        await starts(folder, quantize="4bit")
    with pytest.raises(ModelError, match="needs a package that is not installed"):
        await starts(folder)


def test_four_bits_compute_in_the_dtype_of_the_model():
    assert compute_dtype(SimpleNamespace(dtype=torch.float16), "auto") == torch.float16
    assert compute_dtype(SimpleNamespace(dtype=torch.float32), "auto") == torch.bfloat16
    assert compute_dtype(SimpleNamespace(dtype=torch.float16), "float32") == torch.float32


@pytest.fixture
async def answers():
    """The most likely tokens of a folder's model after a prefix, the way it is loaded being given."""
    started = []

    async def ask(folder, **settings):
        engine = TransformersEngine(ModelSettings(model=str(folder), name="m", **settings))
        started.append(engine)
        await engine.start()
        table = await engine.next([1, 5, 9], SamplingParams(), 5)
        return engine, [(c.token.id, c.logprob) for c in table.candidates]

    yield ask
    for engine in started:
        await engine.close()


async def test_a_model_with_layers_on_the_disk_gives_the_same_numbers(folder, answers):
    _, expected = await answers(folder, device="cpu")
    on_cpu = ("model.embed_tokens", "model.layers.0", "model.layers.3", "model.norm", "model.rotary_emb", "lm_head")
    placed = dict.fromkeys(on_cpu, "cpu") | dict.fromkeys(("model.layers.1", "model.layers.2"), "disk")
    engine, rows = await answers(folder, device_map=placed)
    assert rows == expected
    assert engine.info.device == "cpu, disk"
    assert engine.info.loaded_with["device_map"]["model.layers.1"] == "disk"
    structure = await engine.structure()
    assert {w.device for w in structure.weights if w.name.startswith("model.layers.1.")} == {"disk"}
    assert next(m.device for m in structure.modules if not m.name) == "cpu, disk"


async def test_a_memory_limit_puts_layers_on_the_disk(folder, answers):
    _, expected = await answers(folder, device="cpu")
    engine, rows = await answers(folder, device_map="auto", max_memory={"cpu": "300KB"})
    assert rows == expected
    assert engine.info.device == "cpu, disk"


async def test_a_device_map_that_forgets_a_module_is_said(folder):
    with pytest.raises(
        ModelError, match=r"leaves out modules of The model, for example that of model\.embed_tokens\.weight"
    ):
        await starts(folder, device="auto", device_map={"model.layers.0": "disk"})


async def test_a_device_map_with_a_device_that_is_not_there_is_said(folder, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ModelError, match="no CUDA device"):
        await starts(folder, device="auto", device_map={"": "0"})


REMOTE = """
from transformers import LlamaConfig, LlamaForCausalLM


class OwnConfig(LlamaConfig):
    model_type = "own"


class OwnForCausalLM(LlamaForCausalLM):
    config_class = OwnConfig
"""


async def test_code_that_comes_with_a_model_runs_only_where_it_is_trusted(folder, answers):
    _, expected = await answers(folder, device="cpu")
    config = json.loads((folder / "config.json").read_text())
    said = {"AutoConfig": "own.OwnConfig", "AutoModelForCausalLM": "own.OwnForCausalLM"}
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "own", "auto_map": said}))
    (folder / "own.py").write_text(REMOTE)
    with pytest.raises(ModelError, match=r"needs code that comes with it.*--trust-remote-code"):
        await starts(folder)
    engine, rows = await answers(folder, device="cpu", trust_remote_code=True)
    assert rows == expected
    assert engine.info.header().loaded_with == {"trust_remote_code": True}
    assert engine.info.architecture == "OwnForCausalLM"


async def test_the_structure_of_a_model_is_told(folder, answers, tiny_model):
    engine, _ = await answers(folder, device="cpu")
    structure = await engine.structure()
    shape = (structure.layers, structure.heads, structure.key_value_heads, structure.head_dim, structure.hidden_size)
    assert shape == (4, 4, 2, 16, 64)
    assert sum(math.prod(w.shape) for w in structure.weights) == tiny_model("llama").num_parameters()
    assert structure.modules[0].parameters == tiny_model("llama").num_parameters()
    assert structure.memory >= 4 * structure.modules[0].parameters
    assert next(m.kind for m in structure.modules if m.name == "model.layers.0.mlp") == "LlamaMLP"
    assert structure.cache.incremental and structure.cache.crop == "crop"
    assert structure.devices == {"": "cpu"}
    assert structure.quantization is None


@pytest.mark.parametrize(("bos", "begins"), [(None, True), (True, True), (False, False)])
async def test_a_text_begins_with_a_bos_where_that_is_wanted(folder, bos, begins):
    vocabulary, _, _ = load_vocabulary(folder, ModelSettings(model=str(folder), name="m", bos=bos))
    alone = Vocabulary.from_folder(folder, bos)
    for one in (vocabulary, alone):
        ids = one.encode("the fox")
        assert (ids[0] == 1) == begins and ids.count(1) == begins
        assert one.encode("the fox", special_tokens=False)[0] != 1


async def test_a_bos_is_added_where_the_tokenizer_has_one_and_does_not_add_it(folder):
    file = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps({**file, "post_processor": None}))
    assert Vocabulary.from_folder(folder).encode("the")[0] != 1
    assert Vocabulary.from_folder(folder, bos=True).encode("the")[0] == 1


async def test_a_bos_that_is_not_there_cannot_be_asked_for(folder):
    config = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({k: v for k, v in config.items() if k != "bos_token"}))
    with pytest.raises(UsageError, match="no BOS token"):
        Vocabulary.from_folder(folder, bos=True).encode("the")


@pytest.mark.parametrize(
    "changes",
    [{"cache_implementation": "none"}, {"num_return_sequences": 3, "do_sample": False}, {"compile_config": {}}],
)
async def test_a_generation_config_that_transformers_refuses_is_named(folder, changes):
    (folder / "generation_config.json").write_text(json.dumps(changes))
    with pytest.raises(ModelError, match=r"transformers refuses the generation_config\.json of The model: .* Mend it"):
        await starts(folder)


async def test_weights_of_the_language_model_that_a_config_leaves_unused_are_told(folder):
    file, weights = folder / "config.json", folder / "model.safetensors"
    config, tensors = json.loads(file.read_text()), load_file(weights)
    # What is no part of the language model, and buffers that are computed anew.
    others = {"vision.layers.0.weight": torch.zeros(2), "model.layers.0.self_attn.rotary_emb.inv_freq": torch.zeros(2)}
    save_file(tensors | others, weights, {"format": "pt"})
    assert await warned(folder) == ()
    for changes, first in (
        ({"num_hidden_layers": 1}, "model.layers.1.input_layernorm.weight"),
        ({"num_hidden_layers": 0}, "model.layers.0.input_layernorm.weight"),
    ):
        file.write_text(json.dumps(config | changes))
        (said,) = await warned(folder)
        assert f"that config.json leaves unused, for example {first}" in said
    file.write_text(json.dumps(config | {"num_hidden_layers": 3, "num_nextn_predict_layers": 1}))
    assert await warned(folder) == ()
    file.write_text(json.dumps(config))
    bias = torch.zeros(config["hidden_size"])
    save_file(tensors | {"model.layers.0.self_attn.o_proj.bias": bias}, weights, {"format": "pt"})
    (said,) = await warned(folder)
    assert "have one weight that config.json leaves unused" in said
    norm = {"model.layers.0.self_attn.q_norm.weight": torch.zeros(2)}
    save_file(tensors | norm, weights, {"format": "pt"})
    (said,) = await warned(folder)
    assert "for example model.layers.0.self_attn.q_norm.weight" in said


async def warned(folder) -> tuple[str, ...]:
    engine = TransformersEngine(ModelSettings(model=str(folder), name="The model", device="cpu"))
    info = await engine.start()
    await engine.close()
    return info.warnings
