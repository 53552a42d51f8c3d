"""Generation: whether a model's generation_config.json can be read, and which ids it says end a sequence, or begin it.

Owns what is taken for an id: a number, whole or written as a text, and lists of them. Must not know tokenizers, nor the
settings of samplers.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from transformers import GenerationConfig, PreTrainedModel

from explorer.core.token import visible
from explorer.engine.vocabulary.faults import one_line
from explorer.errors import ModelError

SHOWN = 40
"""Characters of what is no id, in a sentence."""


def check_generation(folder: Path, name: str) -> None:
    """Raises ModelError for a file that cannot be read, whose ends and settings would be lost without a word.

    So it does for one that transformers refuses, which would not name the file.
    """
    file = folder / "generation_config.json"
    if not file.exists():
        return
    try:
        said = json.loads(file.read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(
            f"The generation_config.json of {name} cannot be read: {error}. Download the model again."
        ) from error
    if not isinstance(said, dict):
        raise ModelError(f"The generation_config.json of {name} is no JSON object. Download the model again.")
    try:
        GenerationConfig.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # Its checks are of every kind; without the file, transformers takes its defaults.
        raise ModelError(
            f"transformers refuses the generation_config.json of {name}: {one_line(error)}. Mend it, or take the file "
            "away: it has the settings of a sampler and the ends of a sequence."
        ) from error


def eos_ids(model: PreTrainedModel, name: str) -> set[int]:
    """The ids that end a sequence, of the generation config and the config together. Raises ModelError."""
    found: set[int] = set()
    for source in (getattr(model, "generation_config", None), model.config, model.config.get_text_config(decoder=True)):
        said = getattr(source, "eos_token_id", None)
        try:
            found.update(_ids(said))
        except ValueError as error:
            shown = visible(json.dumps(said, default=str, ensure_ascii=False))[:SHOWN]
            raise ModelError(
                f"The config of {name} says that a sequence ends with {shown}, which is no token id. "
                "Mend eos_token_id in its generation_config.json or config.json."
            ) from error
    return found


def bos_id(config: Any) -> int | None:
    """The id that begins a sequence; None where a config names none that the model has."""
    text = config.get_text_config(decoder=True)
    said, size = getattr(text, "bos_token_id", None), getattr(text, "vocab_size", None)
    known = isinstance(said, int) and said >= 0 and (not isinstance(size, int) or said < size)
    return said if known else None


def _ids(said: Any) -> Iterator[int]:
    """The ids in whatever a config says. Raises ValueError where it is none."""
    if said is None or said is False:
        return
    if isinstance(said, list | tuple | set):
        for one in said:
            yield from _ids(one)
        return
    if isinstance(said, bool | dict) or (isinstance(said, float) and not said.is_integer()):
        raise ValueError("no id")
    try:
        yield int(said)
    except (TypeError, OverflowError) as error:
        raise ValueError("no id") from error
