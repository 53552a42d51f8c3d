"""Why a model cannot be loaded, in sentences: what is wrong, with what, and the way out.

Owns what the errors of transformers, safetensors and accelerate mean to a person. Must not load anything.
"""

import errno
import re
from collections.abc import Sequence
from pathlib import Path

import transformers
from transformers import PreTrainedModel

from explorer.engine.compute.loading.quantization import method as packing
from explorer.engine.description import ModelSettings
from explorer.engine.files import checkpoint
from explorer.engine.vocabulary.faults import one_line


def why_no_config(name: str, error: Exception) -> str:
    said = str(error)
    if "trust_remote_code" in said:
        return NEEDS_CODE.format(name=name)
    if "does not recognize this architecture" in said:
        kind = re.search(r"model type `([^`]*)`", said)
        if kind is not None and kind[1] == "None":
            return why_no_config(name, ValueError("`model_type` key"))
        return (
            f"{name} is a model of the type “{kind[1] if kind else '?'}”, which transformers "
            f"{transformers.__version__} does not know. A newer one may: pip install -U transformers"
        )
    if "`model_type` key" in said:
        return (
            f"The config.json of {name} has no model_type, so that nothing tells what kind of model it is. Copy that "
            "of the model that it was made of."
        )
    reason = said.strip().split("\n")[-1].strip().removeprefix("ValueError: ").removeprefix("TypeError: ")
    return f"The config.json of {name} is broken: {reason.rstrip('. ')[:300]}. Mend it, or download it again."


NEEDS_CODE = "{name} needs code that comes with it. If you trust it, look at it first, then: --trust-remote-code"


def why_not_loaded(folder: Path, settings: ModelSettings, error: Exception, gguf: bool = False) -> str:
    """`gguf`: whether the weights are in a GGUF file, which the folder was made of."""
    name, said = settings.name, str(error)
    if "trust_remote_code" in said:
        return NEEDS_CODE.format(name=name)
    if "Unrecognized configuration class" in said:
        return f"{name} is not a causal language model: transformers has no text generation head for it."
    if not gguf and not any(folder.glob("*.safetensors")):
        if any(folder.glob("*.bin")) and not settings.allow_pickle:
            return (
                f"{name} has no weights in the safetensors format, only pickles (*.bin), which can run "
                "code when they are opened. If you trust them: --allow-pickle"
            )
        if "Weights only load failed" in said:
            return (
                f"The pickled weights of {name} hold more than tensors, and were not opened: they could run code. "
                "Take a model with safetensors."
            )
        return f"{name} has no weights in the safetensors format. Convert them, or download the model again."
    if "ignore_mismatched_sizes" in said or "size mismatch" in said:
        where = "header" if gguf else "config.json"
        return f"{name} cannot be loaded: its weights do not have the shapes that its {where} says."
    if isinstance(error, ImportError):
        return f"{name} needs a package that is not installed: {one_line(error)}."
    if "does not give any device" in said:
        first = said.partition("parameters: ")[2].partition(",")[0].rstrip(".")
        return f"The device map leaves out modules of {name}, for example that of {first}. Add them to it."
    if getattr(error, "errno", None) == errno.ENOSPC:
        return f"The disk is full: weights of {name} could not be put aside. Give another --offload-folder."
    if "while deserializing header" in said:
        return f"{name} cannot be loaded: a file of weights is not whole ({one_line(error)}). Download it again."
    if isinstance(error, KeyError) and (said := _unknown_word(folder, error)):
        return f"{name} cannot be loaded: its config.json says {said}, which transformers does not know."
    if isinstance(error, KeyError | AttributeError | TypeError):
        return (
            f"{name} cannot be loaded: its config.json says something that transformers does not understand "
            f"({type(error).__name__}: {one_line(error)})."
        )
    return f"{name} cannot be loaded: {one_line(error)}."


def _unknown_word(folder: Path, error: KeyError) -> str:
    """Which key of a config has the word that was looked up in vain, and the word; "" where none has."""
    config = checkpoint.read_config(folder)
    texts = [config, *(part for part in config.values() if isinstance(part, dict))]
    word = error.args[0] if error.args else None
    key = next((key for part in texts for key, value in part.items() if value == word and isinstance(value, str)), None)
    return f"“{word}” as its {key}" if key else ""


def why_missing_of_gguf(name: str, model: PreTrainedModel, missing: Sequence[str]) -> str:
    """For weights that a model has and its GGUF file does not; `missing` is their names in transformers."""
    total = sum(1 for _ in model.named_parameters())
    return (
        f"{name} lacks {len(missing)} of the {total} weights of its architecture, for example {missing[0]}: it was "
        "made by a program that calls them otherwise, or of another model than it says. Take a newer file of the model."
    )


def why_missing(name: str, model: PreTrainedModel, missing: Sequence[str]) -> str:
    """For weights that the config asks for and the files do not have; `missing` is their names, of which one is."""
    method = packing(model.config)
    if method and getattr(model, "hf_quantizer", None) is None:
        return (
            f"{name} has weights that are packed by {method}, which transformers does not read. Give the model itself."
        )
    head = next((path for path, module in model.named_modules() if module is model.get_output_embeddings()), None)
    if head is not None and all(weight.startswith(f"{head}.") for weight in missing):
        return (
            f"{name} has no output head ({missing[0]}): what it makes of a text, as embedding models do, is no next "
            "token. Take the language model that it was made from."
        )
    total = sum(1 for _ in model.named_parameters())
    return (
        f"{name} lacks {len(missing)} of the {total} weights that its config.json asks for, for example {missing[0]}: "
        "its files are not whole, or are those of another kind of model. Compare them with where they come from."
    )
