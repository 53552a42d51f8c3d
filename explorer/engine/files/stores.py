"""Stores: what a name means on this machine, where other programs keep models, too.

Owns which programs there are, each by the word that begins the names of its models. Must not know how any of them keeps
its models, nor the hub.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from explorer.engine.files import lmstudio, ollama
from explorer.engine.files.local import local_model
from explorer.engine.files.programs import PROGRAMS
from explorer.errors import ModelError

FINDERS = {
    ollama.PREFIX: ollama.find,
    lmstudio.PREFIX: lmstudio.find,
    **{program.prefix: program.find for program in PROGRAMS},
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


def here(model: str, whole: bool = True) -> Path | None:
    """What a name means on this machine, a path or a model of another program; None for what may be an id of the hub.

    `whole`: as for `local_model`. Raises ModelError.
    """
    place = find(model) or local_model(model, whole)
    if place is None and "/" not in model and ":" in model and ollama.has(model):
        raise ModelError(f"{model} is a model of Ollama here: write {ollama.PREFIX}{model} for it.")
    return place


def stored() -> Iterator[Stored]:
    """The models of all of them; one whose folder is not there costs nothing."""
    for one in ollama.kept():
        yield Stored(*one)
    for kept in (lmstudio.kept(), *(program.kept() for program in PROGRAMS)):
        for name, file in kept:
            yield Stored(name, file)
