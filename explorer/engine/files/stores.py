"""Stores: other programs on this machine that keep models, each by the word that begins the names of its models.

Owns which there are. Must not know how any of them keeps its models.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from explorer.engine.files import lmstudio, ollama
from explorer.engine.files.shelf import SHELVES

FINDERS = {
    ollama.PREFIX: ollama.find,
    lmstudio.PREFIX: lmstudio.find,
    **{shelf.prefix: shelf.find for shelf in SHELVES},
}
"""What a name begins with -> what finds its files."""


class Stored(NamedTuple):
    """A model of another program."""

    name: str
    """What it is opened by."""
    file: Path | None
    problem: str = ""
    """Why it cannot be opened, as far as the program's own files tell."""


def find(model: str) -> Path | None:
    """The folder or the GGUF file of a model that a name of another program means; None for any other name.

    Raises ModelError where that program does not have it.
    """
    return next((finder(model) for prefix, finder in FINDERS.items() if model.startswith(prefix)), None)


def is_stored(model: str) -> bool:
    """Whether a name is one of another program."""
    return model.startswith(tuple(FINDERS))


def stored() -> Iterator[Stored]:
    """The models of all of them; one whose folder is not there costs nothing."""
    for one in ollama.kept():
        yield Stored(*one)
    for kept in (lmstudio.kept(), *(shelf.kept() for shelf in SHELVES)):
        for name, file in kept:
            yield Stored(name, file)
