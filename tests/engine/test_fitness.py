import json
import os
import pwd
import struct

import pytest
import torch
from safetensors.torch import save_file

from explorer.engine.files.address import read_address
from explorer.engine.files.catalogue import entry
from explorer.engine.files.checkpoint import LONGEST, has_tokenizer, lacking, weight_names
from explorer.engine.files.fitness import check_fitness
from explorer.engine.files.local import local_model
from explorer.engine.files.purpose import ENCODERS, OTHERS, PAIRS, TIED, purpose
from explorer.engine.files.shards import why_ambiguous
from explorer.errors import ModelError

LLAMA = {"model_type": "llama", "architectures": ["LlamaForCausalLM"]}
INDEX = "model.safetensors.index.json"


def put(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return folder


def fails(folder, **options) -> str:
    """The sentence for a folder that cannot be loaded, where it is looked for or where its files are checked."""
    with pytest.raises(ModelError) as caught:
        local_model(str(folder))
        check_fitness(folder, "The model", options.get("allow_pickle", False))
    return str(caught.value)


ADAPTER = {"peft_type": "LORA", "base_model_name_or_path": "owner/base"}


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"model_index.json": {"_class_name": "FluxPipeline"}}, "is a pipeline of diffusers (FluxPipeline)"),
        ({"modules.json": b"[]", "0_Transformer/config.json": LLAMA}, "is a model of sentence-transformers"),
        ({"modules.json": b"[]", "config.json": LLAMA}, "it is an embedding model of sentence-transformers"),
        ({"consolidated.safetensors": b"x", "params.json": {}}, "the weights in the format of Mistral (consolidated"),
        (
            {"original/consolidated.00.pth": b"x", "config.json": LLAMA},
            "in the format of Meta (original/consolidated.00",
        ),
        ({"consolidated.00.pth": b"x", "params.json": {}}, "in the format of Meta"),
        ({"onnx/model.onnx": b"x", "config.json": LLAMA}, "has ONNX files only (onnx/model.onnx)"),
        ({"flax_model.msgpack": b"x", "config.json": LLAMA}, "weights of Flax or TensorFlow only"),
        ({"tf_model.h5": b"x", "config.json": LLAMA}, "weights of Flax or TensorFlow only"),
        ({"model.pt": b"x", "config.json": LLAMA}, "pickled weights under a name of their own (model.pt)"),
        ({"model.fp16.safetensors": b"x", "config.json": LLAMA}, "its weights are called model.fp16.safetensors"),
        (
            {f"model-0000{n}-of-00002.safetensors": b"x" for n in (1, 2)} | {"config.json": LLAMA},
            "has all 2 weight files, but not their index model.safetensors.index.json",
        ),
        (
            {"model-00002-of-00003.safetensors": b"x", "config.json": LLAMA},
            "has 1 of the 3 weight files, but not their index model.safetensors.index.json",
        ),
        (
            {"pytorch_model-00001-of-00001.bin": b"x", "config.json": LLAMA},
            "but not their index pytorch_model.bin.index.json",
        ),
        ({"model.safetensors": b"x", "tokenizer.json": {}}, "no config.json, only weights (model.safetensors)"),
        ({"tokenizer.json": {}, "tokenizer_config.json": {}}, "has a tokenizer, and neither a config.json nor weights"),
        ({}, "is empty"),
        ({"README.md": b""}, "it is not a model of Hugging Face transformers"),
        ({"checkpoint-10/config.json": LLAMA}, "its folder checkpoint-10 has one. Give that folder"),
        (
            {f"{name}/config.json": LLAMA for name in "abcdef"},
            "holds 6 folders of models: a, b, c, d and 2 more. Give one of them",
        ),
        ({"config.json": LLAMA}, "has a config.json and no weights"),
        (
            {"model.safetensors": b"x", "config.json": LLAMA | {"quantization": {"group_size": 64, "bits": 4}}},
            "weights that MLX has packed into 4 bits",
        ),
        ({"model.safetensors": b"version https://git-lfs.x", "config.json": LLAMA}, "is a pointer of git-lfs"),
        (
            {"model.safetensors": b"x", "config.json": LLAMA, "tokenizer.json": b"version https://git-lfs.x"},
            "tokenizer.json in",
        ),
        *(
            ({"model.safetensors": b"x", "config.json": LLAMA, name: b"version https://git-lfs.x"}, f"{name} in")
            for name in ("special_tokens_map.json", "generation_config.json", "chat_template.jinja")
        ),
        ({"model.safetensors": b"x", "config.json": b"version https://git-lfs.x"}, "is a pointer of git-lfs"),
        ({"model.safetensors": b"", "config.json": LLAMA}, "is empty: a copy or a download was cut off"),
    ],
)
def test_what_is_no_whole_model_is_named_for_what_it_is(tmp_path, files, words):
    assert words in fails(put(tmp_path, files))


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (b"[]", "is not a JSON object"),
        (b"7", "is not a JSON object"),
        (b"\xff\xfe", "is not JSON"),
        (b"[" * 99_999, "is nested too deep"),
        (b'{"a": ' + b"9" * 5000 + b"}", "is not JSON"),
        ({"model_type": 7}, "its model_type is no text"),
        ({"model_type": ["llama"]}, "its model_type is no text"),
        (LLAMA | {"num_hidden_layers": -1}, "says num_hidden_layers: -1, and no model has fewer than no layers"),
        (LLAMA | {"text_config": {"n_layer": -6}}, "says n_layer: -6"),
    ],
)
def test_a_config_of_another_shape_is_said(tmp_path, config, words):
    assert words in fails(put(tmp_path, {"config.json": config, "model.safetensors": b"x"}))


@pytest.mark.parametrize(
    ("index", "words"),
    [
        (b"[" * 99_999, "is nested too deep"),
        ({"weight_map": {"a": "x" * (LONGEST + 1)}}, "which is no name of a file beside it"),
        ({"weight_map": {"a": "../../model.safetensors"}}, "which is no name of a file beside it"),
        ({"weight_map": {"a": "a\0b"}}, "which is no name of a file beside it"),
        ({"weight_map": {"a": "\ud800"}}, "which is no name of a file beside it"),
        ({"weight_map": ["a"]}, "names no weights"),
        (b'{"weight_map": {"a": "1", "b": "2", "a": "2"}}', "names a twice"),
        (b'{"weight_map": {"a": "1"}, "weight_map": {}}', "names weight_map twice"),
        (b'{"weight_map": {"\\ud800": "1", "\\ud800": "2"}}', "twice, with another value each time"),
    ],
)
def test_an_index_that_names_no_files_is_said(tmp_path, index, words):
    said = fails(put(tmp_path, {"config.json": LLAMA, INDEX: index}))
    assert words in said
    said.encode()


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_file_of_somebody_else_is_said_with_its_owner_and_its_permissions(tmp_path, name, monkeypatch):
    put(tmp_path, {"config.json": LLAMA, "model.safetensors": b"x", "tokenizer.json": {}})
    (tmp_path / name).chmod(0o600)
    access = os.access
    monkeypatch.setattr("os.access", lambda path, mode: path != tmp_path / name and access(path, mode))
    owner = pwd.getpwuid(os.getuid()).pw_name
    said = fails(tmp_path)
    assert f"{name} in {tmp_path} may not be read: it belongs to {owner}, and its permissions are 600" in said
    assert "broken" not in said


@pytest.mark.parametrize(
    ("config", "refused"),
    [
        ({"architectures": ["LlamaForCausalLM"]}, False),
        ({"architectures": ["GPT2LMHeadModel"]}, False),
        ({"architectures": ["Gemma3ForConditionalGeneration"], "model_type": "gemma3"}, False),
        ({"architectures": ["Qwen2VLForConditionalGeneration"], "model_type": "qwen2_vl"}, False),
        ({"architectures": ["T5ForConditionalGeneration"], "is_encoder_decoder": True}, True),
        ({"architectures": ["T5ForConditionalGeneration"], "model_type": "t5"}, True),
        ({"architectures": ["T5EncoderModel"], "model_type": "t5"}, True),
        ({"architectures": ["WhisperForConditionalGeneration"], "model_type": "whisper"}, True),
        ({"architectures": ["BartForCausalLM"], "model_type": "bart"}, False),
        ({"architectures": ["BertModel"]}, True),
        ({"architectures": ["BertLMHeadModel"], "model_type": "bert"}, True),
        ({"architectures": ["BertLMHeadModel"], "model_type": "bert", "is_decoder": True}, False),
        ({"model_type": "roberta"}, True),
        ({"architectures": ["XLNetLMHeadModel"], "model_type": "xlnet"}, True),
        ({"architectures": ["XLNetLMHeadModel"], "model_type": "xlnet", "attn_type": "uni"}, False),
        ({"architectures": ["LlamaForSequenceClassification"], "model_type": "llama"}, True),
        ({"architectures": ["Qwen2ForProcessRewardModel"], "auto_map": {"AutoModelForCausalLM": "m.C"}}, True),
        ({"architectures": ["Qwen2ForTokenClassification"], "model_type": "qwen2"}, True),
        ({"architectures": ["MistralModel"], "model_type": "mistral", "tie_word_embeddings": False}, False),
        ({"architectures": ["BloomModel"], "model_type": "bloom"}, False),
        ({"architectures": ["CLIPModel"]}, True),
        ({"architectures": ["BlipForConditionalGeneration"], "model_type": "blip"}, True),
        ({"architectures": ["ChatGLMModel"], "auto_map": {"AutoModelForCausalLM": "m.C"}}, False),
        ({"architectures": "x", "auto_map": [], "text_config": 7, "vision_config": None}, False),
        ({"model_type": "llama"}, False),
        ({}, False),
    ],
)
def test_what_a_config_says_of_the_purpose_of_a_model(config, refused):
    assert bool(purpose(config).refusal) == refused


def test_a_body_without_its_head_is_told_by_its_weights(tmp_path):
    config = {"architectures": ["MistralModel"], "model_type": "mistral", "tie_word_embeddings": False}
    put(tmp_path, {"config.json": config, "tokenizer.json": {}})
    for names, headless in ((["embed_tokens.weight"], True), (["model.norm.weight", "lm_head.weight"], False)):
        head = json.dumps({name: {} for name in names}).encode()
        (tmp_path / "model.safetensors").write_bytes(struct.pack("<Q", len(head)) + head)
        assert weight_names(tmp_path) == names
        assert bool(entry("x", tmp_path).problem) == headless
        if headless:
            assert "is not a causal language model (MistralModel): it has no output head" in fails(tmp_path)


@pytest.mark.parametrize(
    ("kinds", "note"),
    [
        (["vision_config"], "text part of a vision-language model"),
        (["audio_config"], "text part of an audio-language model"),
        (["vision_config", "audio_config"], "text part of a model that also sees and hears"),
        ([], "text part of a multimodal model"),
    ],
)
def test_what_is_opened_of_a_model_with_more_senses_is_listed(tmp_path, kinds, note):
    config = {"architectures": ["XForConditionalGeneration"], **{kind: {"a": 1} for kind in kinds}}
    listed = entry("x", put(tmp_path, {"config.json": config, "model.safetensors": b"x", "tokenizer.json": {}}))
    assert (listed.note, listed.problem) == (note, "")


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"model_index.json": {}}, "a pipeline of diffusers, no language model"),
    ],
)
def test_a_fragment_is_listed_for_what_it_is_and_not_as_a_part_of_a_download(tmp_path, files, problem):
    listed = entry("x", put(tmp_path, files))
    assert (listed.problem, listed.complete) == (problem, True)


@pytest.mark.parametrize(
    ("files", "note", "problem", "complete"),
    [
        ({"adapter_model.safetensors": b"x"}, "adapter for owner/base", "", True),
        ({"adapter_model.safetensors": b"x", "config.json": LLAMA}, "adapter for owner/base", "", True),
        ({"adapter_model.bin": b"x"}, "adapter for owner/base", "pickled weights only", True),
        ({}, "adapter for owner/base", "incomplete: no weights", False),
        (
            {"adapter_model.safetensors": b"x", "adapter_config.json": ADAPTER | {"task_type": "SEQ_CLS"}},
            "adapter for owner/base",
            "it gives a class to a text (SEQ_CLS)",
            True,
        ),
        (
            {"adapter_model.safetensors": b"x", "adapter_config.json": {"peft_type": "LORA"}},
            "adapter for a model that it does not name",
            "",
            True,
        ),
    ],
)
def test_an_adapter_is_listed_with_its_base_model(tmp_path, files, note, problem, complete):
    listed = entry("x", put(tmp_path, {"adapter_config.json": ADAPTER, **files}))
    assert (listed.note, listed.problem, listed.complete) == (note, problem, complete)
    assert listed.architecture == "adapter (LORA)"


@pytest.mark.parametrize(
    ("address", "model", "revision"),
    [
        ("https://huggingface.co/owner/name", "owner/name", None),
        ("https://huggingface.co/owner/name/", "owner/name", None),
        ("http://www.huggingface.co/gpt2", "gpt2", None),
        ("hf.co/owner/name", "owner/name", None),
        ("huggingface.co/owner/name?library=transformers", "owner/name", None),
        ("https://hf.co/owner/name/tree/v1#files", "owner/name", "v1"),
        ("hf://owner/name", "owner/name", None),
        ("hf://models/owner/name", "owner/name", None),
        ("owner/name/", "owner/name", None),
        ("./owner/name/", "./owner/name/", None),
        ("owner/", "owner/", None),
        ("https://huggingface.co/owner/name/tree/main", "owner/name", None),
        ("https://huggingface.co/owner/name/tree/v1.0", "owner/name", "v1.0"),
        ("https://huggingface.co/owner/name/blob/main/config.json", "owner/name", None),
        ("https://huggingface.co/owner/name/resolve/abc/a/b.json", "owner/name", "abc"),
        ("owner/name", "owner/name", None),
        ("./hf.co/owner/name", "./hf.co/owner/name", None),
    ],
)
def test_the_address_of_a_page_is_read_as_the_id_of_its_model(address, model, revision):
    assert read_address(address) == (model, revision)


def test_the_tables_of_types_are_those_of_transformers():
    from transformers.models.auto import modeling_auto as auto
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    causal = auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    generating = {
        *auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
        *auto.MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING_NAMES,
        *auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES,
    }
    assert {kind for kind in generating if CONFIG_MAPPING[kind]().is_encoder_decoder} == PAIRS
    masked = auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES.keys() - PAIRS
    assert {*masked, "bert-generation", "xlnet"} == ENCODERS.keys()
    special = {*ENCODERS, *PAIRS, *OTHERS}
    texts = {kind: CONFIG_MAPPING[kind]().get_text_config() for kind in causal.keys() - special}
    assert {kind for kind, text in texts.items() if getattr(text, "tie_word_embeddings", False)} == TIED


@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer_config.json", "generation_config.json"])
def test_a_link_to_nowhere_is_named_and_of_the_cache_it_is_a_part_that_lacks(tmp_path, name):
    folder = put(tmp_path, {"model.safetensors": b"x", "config.json": LLAMA, "tokenizer.json": {}})
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to("../blobs/gone")
    assert f"{name} in {folder} is a link to ../blobs/gone, which is not there" in fails(folder)
    (folder / "tokenizer.model").write_bytes(b"x")
    assert lacking(folder) == f"no {name}"
    assert not has_tokenizer(folder)


def test_two_shards_with_another_value_of_the_same_weight_are_refused(tmp_path):
    names = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    weight_map = {"a": names[0], "b": names[1]}
    put(tmp_path, {"config.json": LLAMA, "tokenizer.json": {}, INDEX: {"weight_map": weight_map}})
    same, other = torch.arange(6, dtype=torch.float32), torch.zeros(6)
    save_file({"a": same, "c": same + 1}, tmp_path / names[0])
    save_file({"a": same, "b": other}, tmp_path / names[1])
    check_fitness(tmp_path, "The model", allow_pickle=False)
    for different in (other, same.reshape(2, 3), same.double()):
        save_file({"b": other.clone(), "a": different}, tmp_path / names[1])
        with pytest.raises(ModelError, match="both hold the weight a, with other values"):
            check_fitness(tmp_path, "The model", allow_pickle=False)


@pytest.mark.parametrize("offsets", [[10**30, 10**31], [-8, 4], [0, 9999], "a", [0], None])
def test_a_broken_head_of_a_shard_is_left_to_the_loading(tmp_path, offsets):
    head = json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": offsets}}).encode()
    whole = struct.pack("<Q", len(head)) + head + b"\0" * 4
    put(
        tmp_path,
        {"1.safetensors": whole, "2.safetensors": whole[:-1], "3.safetensors": b"\xff", "4.safetensors": b"x" * 99},
    )
    assert why_ambiguous(tmp_path, [f"{number}.safetensors" for number in range(1, 5)]) == ""
