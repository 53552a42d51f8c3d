"""The weights of a GGUF file under the names that transformers has for them.

Owns that no tensor of the file is left out in silence. How one is unpacked is stored.py's affair. Must not know where
the file comes from.
"""

from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, GenerationConfig, PreTrainedModel

from explorer.core.token import visible
from explorer.engine.base import Reporter, silent
from explorer.engine.compute.loading.changes import CHANGES
from explorer.engine.compute.loading.packed import load_packed
from explorer.engine.compute.loading.placement import first_device
from explorer.engine.compute.loading.stored import Content, Stored
from explorer.engine.compute.loading.unpacking import announce
from explorer.engine.description import ModelSettings
from explorer.engine.gguf.config import family_of
from explorer.engine.gguf.family import Source
from explorer.engine.gguf.header import Header, Tensor
from explorer.engine.gguf.keys import ELSEWHERE, Keys
from explorer.errors import ModelError

IN_CONFIG = {"rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight"}
"""Tensors that the config has taken in."""

TOWERS = ("v.", "a.", "mm.")
"""How tensors begin that read pictures and sound, which some files have beside the text."""

ENDINGS = (".weight", ".bias")


def load_gguf(
    header: Header,
    folder: Path,
    config: Any,
    settings: ModelSettings,
    packed: Any,
    placed: dict[str, Any],
    report: Reporter = silent,
) -> tuple[PreTrainedModel, dict[str, Any]]:
    """The model of a config with the weights of a file, and what the loader of transformers says of them.

    `folder` has the files that the header was unfolded into. Raises ModelError, also for a tensor that
    the model has no place for, and what transformers raises.
    """
    device = first_device(placed)
    dtype = dtype_of(config, settings.dtype, device)
    if settings.packed:
        model, loaded = load_packed(header, settings.name, config, dtype, placed)
    else:
        announce(header, settings, dtype, device, report)
        model, loaded = MODEL_FOR_CAUSAL_LM_MAPPING[type(config)].from_pretrained(
            None,
            config=config,
            state_dict=weights_of(header, config, dtype),
            dtype=dtype,
            quantization_config=packed,
            output_loading_info=True,
            **placed,
        )
    _check_places(header, loaded["unexpected_keys"])
    model.generation_config = GenerationConfig.from_pretrained(folder, local_files_only=True)
    return model, loaded


def dtype_of(config: Any, wanted: str, device: torch.device) -> torch.dtype:
    """The dtype of the weights: the wanted one; else that of the file where it is F32 or BF16 throughout.

    What is unpacked, or is F16, is float32 on a processor: blocks give numbers that 16 bits do not hold, and F16 is
    slow there. On a GPU it is bfloat16, for its memory.
    """
    if wanted != "auto":
        named: torch.dtype = getattr(torch, wanted)
        return named
    own = getattr(config, "dtype", None)
    if isinstance(own, torch.dtype):
        return own
    return torch.float32 if device.type == "cpu" else torch.bfloat16


def weights_of(header: Header, config: Any, dtype: torch.dtype) -> dict[str, Stored]:
    """Name -> what gives the weight, for the loader of transformers.

    Raises ModelError for tensors that have no place in the model, and for what is stored in a type not known here.
    """
    content = Content(header)
    there = {tensor.name: tensor for tensor in header.tensors}
    layers = range(config.num_hidden_layers)
    ahead = tuple(f"blk.{len(layers) + one}." for one in range(Keys(header).ahead()))
    found: dict[str, Stored] = {}
    taken = set(IN_CONFIG)
    for name, sources in family_of(header).weights.items():
        for number in layers if "{}" in name else (0,):
            for target, tensors, change in _named(name.format(number), sources, number, there):
                undo = partial(CHANGES[change], config=config) if change else None
                found[target] = Stored(content, tensors, undo, dtype)
                taken.update(tensor.name for tensor in tensors)
    _check_places(header, {name for name in there.keys() - taken if not name.startswith((*TOWERS, *ahead))})
    return found


def _check_places(header: Header, left: Collection[str]) -> None:
    """Raises ModelError where names of tensors, the file's or those of transformers, are left that have no place."""
    if left:
        count = f"{len(left):,} tensors" if len(left) > 1 else "one tensor"
        raise ModelError(
            f"{header.path} has {count} for which a model of the architecture {header.architecture} has no place in "
            f"transformers, for example {visible(min(left))[:80]}: without it the numbers would be others. {ELSEWHERE}"
        )


def _named(
    name: str, sources: tuple[Source, ...], number: int, there: dict[str, Tensor]
) -> Iterator[tuple[str, tuple[Tensor, ...], str]]:
    """The weights of one row that the file has: name, tensors, change."""
    for source in sources:
        wanted = [tensor.format(number) for tensor in source.tensors]
        for ending in ENDINGS:
            if all(one + ending in there for one in wanted):
                yield name + ending, tuple(there[one + ending] for one in wanted), source.change
        if all(one in there for one in wanted):
            yield name, tuple(there[one] for one in wanted), source.change
