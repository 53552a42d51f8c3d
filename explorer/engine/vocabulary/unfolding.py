"""Unfolding: the small files of a Hugging Face folder, made of what a GGUF file says, for as long as a process lives.

From there on everything that reads folders reads them. Must not know torch or transformers.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

from explorer.core.reading import reason
from explorer.engine.files.temporary import temporary_folder
from explorer.engine.gguf.config import config_of, generation_config_of
from explorer.engine.gguf.header import Header, read_header
from explorer.engine.vocabulary.gguf import write_tokenizer
from explorer.errors import ModelError


class Unfolded(NamedTuple):
    """The files of a model as a folder."""

    folder: Path
    header: Header | None
    """Of the GGUF file that was unfolded, which holds the weights; None where the folder holds them itself."""


def unfolded(place: Path, whole: bool = True) -> Unfolded:
    """A folder as it is, or the small files of a GGUF file; without `whole`, those of its tokenizer alone.

    Raises ModelError for a file that cannot be read, or that says what transformers cannot follow.
    """
    if place.is_dir():
        return Unfolded(place, None)
    header = read_header(place)
    config = config_of(header) if whole else {}
    try:
        folder = temporary_folder()
        ends = write_tokenizer(header, folder)
        said = {"eos_token_id": ends} if ends else {}
        if whole:
            write_json(folder / "config.json", config)
            write_json(folder / "generation_config.json", generation_config_of(header) | said)
    except OSError as error:
        raise ModelError(f"The configuration of {place} could not be put aside: {reason(error)}.") from error
    return Unfolded(folder, header)


def write_json(file: Path, content: dict[str, Any]) -> None:
    """A file of a Hugging Face folder."""
    file.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
