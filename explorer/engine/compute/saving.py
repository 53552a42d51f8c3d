"""Saving: a loaded model as a Hugging Face folder.

Owns that config.json names the dtype in which the model computes, and the weights keep another one: `auto` then
computes as it was loaded, of half the bytes. Must not know where the folder is kept, nor for what.
"""

import math
import shutil
from pathlib import Path

import torch
from transformers import PreTrainedModel

from explorer.core.reading import reason
from explorer.engine import calls
from explorer.engine.files.checkpoint import is_read
from explorer.errors import EngineError


def save(model: PreTrainedModel, source: Path, call: calls.Save) -> int:
    """Write the folder; the tokenizer and the templates are those of the folder `source`. Raises EngineError."""
    folder = Path(call.folder)
    try:
        model.save_pretrained(folder, state_dict=_stored(model, getattr(torch, call.dtype)), safe_serialization=True)
        for file in source.iterdir():
            if is_read(file.name) and not (folder / file.name).exists():
                shutil.copyfile(file, folder / file.name)
        return sum(file.stat().st_size for file in folder.iterdir())
    except OSError as error:
        raise EngineError(f"The model cannot be written to {folder}: {reason(error)}.") from error


def _stored(model: PreTrainedModel, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """Every weight in a dtype; what is one tensor under two names stays one."""
    made: dict[int, torch.Tensor] = {}
    stored = {}
    for name, weight in model.state_dict().items():
        if not weight.is_floating_point():
            stored[name] = weight
            continue
        if weight.data_ptr() not in made:
            largest = max(abs(end.item()) for end in weight.aminmax())
            if torch.finfo(dtype).max < largest < math.inf:
                raise EngineError(f"{name} holds numbers that are too large for {str(dtype).removeprefix('torch.')}.")
            made[weight.data_ptr()] = weight.to(dtype)
        stored[name] = made[weight.data_ptr()]
    return stored
