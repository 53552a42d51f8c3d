"""Fragments: what a folder or a repository holds that is no whole model of transformers, in a sentence.

Owns how the files of other programs are called, and what a person does about each. It gets names of files, relative to
the folder, and a way to read a small one of them. Must not know the hub, or how a model is loaded.
"""

import re
from collections.abc import Callable, Sequence
from fnmatch import fnmatch
from pathlib import PurePosixPath
from typing import Any

from explorer.engine.files import checkpoint
from explorer.engine.files.adapters import CONFIG as ADAPTER
from explorer.engine.files.purpose import SENTENCE_TRANSFORMERS
from explorer.engine.files.selection import is_gguf_name

SHARD = re.compile(r"(model|pytorch_model)-\d+-of-(\d+)\.(safetensors|bin)")
SHOWN = 4
"""Names that a sentence lists at the most."""

ORIGINAL = "Give the same model in the format of transformers: a folder with config.json and model.safetensors."
MADE_FROM = "Give the model that they were made from: a folder with safetensors, or an id of the hub."

FORMATS = (
    (("consolidated*.safetensors",), "the weights in the format of Mistral", ORIGINAL),
    (
        ("consolidated*.pth", "original/*.pth"),
        "the weights in the format of Meta",
        f"{ORIGINAL} transformers converts them with convert_llama_weights_to_hf.py.",
    ),
    (("*.onnx", "onnx/*.onnx"), "ONNX files only", MADE_FROM),
    (("*.msgpack", "*.h5", "*.ckpt*"), "weights of Flax or TensorFlow only", ORIGINAL),
    (("*.mlmodel", "*.mlpackage/*", "*.tflite", "*.task", "*.engine"), "weights of another program", MADE_FROM),
    (("*.pth", "*.pt"), "pickled weights under a name of their own", ORIGINAL),
)
"""Patterns of names, what they are, and the way out; the first that is there holds."""


def is_gguf_alone(names: Sequence[str]) -> bool:
    """Whether the model of a folder or a repository is in GGUF, and neither in another format nor another library's."""
    if not any(map(is_gguf_name, names)) or "model_index.json" in names:
        return False
    if any(marker in names for marker in SENTENCE_TRANSFORMERS):
        return False
    _, weights = checkpoint.wanted(names, allow_pickle=True, remote_code=False)
    return not weights if checkpoint.CONFIG in names else ADAPTER not in names


def why_no_model(name: str, names: Sequence[str], read: Callable[[str], dict[str, Any]]) -> str:
    """The sentence for what has no config.json, or no weights that transformers opens; `name` begins it.

    `read` gives the object in a JSON file of the folder, or an empty one.
    """
    if ADAPTER in names:
        return why_adapter(name, read(ADAPTER))
    if "model_index.json" in names:
        kind = read("model_index.json").get("_class_name")
        kind = f" ({kind})" if isinstance(kind, str) else ""
        return f"{name} is a pipeline of diffusers{kind}, and no language model."
    if any(marker in names for marker in SENTENCE_TRANSFORMERS):
        return f"{name} is a model of sentence-transformers, which makes one vector of a whole text: no language model."
    if checkpoint.CONFIG in names and (said := _why_shards(name, names)):
        return said
    for patterns, what, way_out in FORMATS:
        found = [file for file in names if any(fnmatch(file, pattern) for pattern in patterns)]
        if found:
            return f"{name} has {what} ({listed(found)}), which the explorer does not read. {way_out}"
    return _why_config(name, names) if checkpoint.CONFIG not in names else _why_weights(name, names)


def why_adapter(name: str, config: dict[str, Any]) -> str:
    """The sentence for an adapter where a model must be; `config` is its adapter_config.json, or empty."""
    kind, base = config.get("peft_type"), config.get("base_model_name_or_path")
    kind = f" ({kind})" if isinstance(kind, str) else ""
    base = base if isinstance(base, str) and base else "the model that its adapter_config.json names"
    return f"{name} is an adapter{kind} for {base}, and no whole model. Give that model, and this beside it: --adapter"


def why_mlx(name: str, config: dict[str, Any]) -> str:
    """The sentence for weights that MLX has packed; empty for others."""
    packed = config.get("quantization", config.get("quantization_config"))
    if not isinstance(packed, dict) or "quant_method" in packed or not {"group_size", "bits"} <= packed.keys():
        return ""
    return (
        f"{name} has weights that MLX has packed into {packed['bits']} bits, which transformers does not read. "
        f"{MADE_FROM.replace('they were', 'it was')}"
    )


def kind_of_fragment(names: Sequence[str]) -> str:
    """In a few words, what a folder without config.json is that no download completes; empty where it is none."""
    if ADAPTER in names:
        return "an adapter, no whole model"
    if "model_index.json" in names:
        return "a pipeline of diffusers, no language model"
    if any(marker in names for marker in SENTENCE_TRANSFORMERS):
        return "a model of sentence-transformers, no language model"
    return ""


def _why_shards(name: str, names: Sequence[str]) -> str:
    """For shards whose index is not there."""
    for stem, suffix in (("model", "safetensors"), ("pytorch_model", "bin")):
        found = [match for file in names if (match := SHARD.fullmatch(file)) and match[3] == suffix]
        found = [match for match in found if match[1] == stem]
        if found:
            total = int(found[0][2])
            here = "all" if len(found) == total else f"{len(found)} of the"
            return (
                f"{name} has {here} {total} weight files, but not their index {stem}.{suffix}{checkpoint.INDEX}. Copy "
                "or download it into the folder."
            )
    return ""


def _why_config(name: str, names: Sequence[str]) -> str:
    homes = [str(PurePosixPath(file).parent) for file in names if file.endswith(f"/{checkpoint.CONFIG}")]
    homes += [str(PurePosixPath(file).parent) for file in names if file.endswith(f"/{ADAPTER}")]
    homes = sorted(dict.fromkeys(homes))
    if len(homes) == 1:
        return f"{name} has no config.json; its folder {homes[0]} has one. Give that folder."
    if homes:
        return f"{name} holds {len(homes)} folders of models: {listed(homes)}. Give one of them."
    if not names:
        return f"{name} is empty. Give a folder with a model: config.json, weights and tokenizer."
    weights = [file for file in names if file.endswith((".safetensors", ".bin"))]
    if weights:
        return f"{name} has no config.json, only weights ({listed(weights)}). Put that of the same model beside them."
    if any(checkpoint.is_tokenizer(file) for file in names):
        return f"{name} has a tokenizer, and neither a config.json nor weights. Give the folder of the whole model."
    return f"{name} has no config.json: it is not a model of Hugging Face transformers."


def _why_weights(name: str, names: Sequence[str]) -> str:
    others = [file for file in names if file.endswith(".safetensors") and "/" not in file]
    if others:
        return (
            f"{name} has no {checkpoint.SAFETENSORS}; its weights are called {listed(others)}. Where that is the whole "
            f"model in one file, rename it to {checkpoint.SAFETENSORS}."
        )
    return f"{name} has a config.json and no weights. Copy or download them: {checkpoint.SAFETENSORS}."


def listed(names: Sequence[str]) -> str:
    """The first of some names, and how many more there are."""
    first, more = ", ".join(sorted(names)[:SHOWN]), len(names) - SHOWN
    return f"{first} and {more} more" if more > 0 else first
