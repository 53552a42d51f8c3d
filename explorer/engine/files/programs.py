"""Programs that keep their GGUF files side by side in one folder, as llama.cpp did and GPT4All does.

Owns where they are. Must not know the hub.
"""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from explorer.engine.files import checkpoint
from explorer.engine.files.local import gguf_in
from explorer.engine.files.selection import models_among
from explorer.errors import ModelError


class Program(NamedTuple):
    """A program and its folder."""

    prefix: str
    """Begins the names of its models."""
    called: str
    folder: Callable[[], Path]
    """Raises RuntimeError where the home of the user is unknown."""

    def kept(self) -> Iterator[tuple[str, Path]]:
        """Its GGUF files, and what each is opened by; what cannot be read is left out."""
        with contextlib.suppress(OSError, RuntimeError):
            folder = self.folder()
            if folder.is_dir():
                for name in models_among(checkpoint.names_in(folder, 0)):
                    yield self.prefix + name, folder / name

    def find(self, model: str) -> Path:
        """The file of a model. Raises ModelError."""
        try:
            folder = self.folder()
            if folder.is_dir():
                return gguf_in(folder, str(folder), model.removeprefix(self.prefix).strip())
        except PermissionError as error:
            raise ModelError(checkpoint.denied(model, error)) from error
        except (OSError, RuntimeError):
            pass
        raise ModelError(f"{model} is not on this machine: {self.called} has no folder of models here.")


def _caches() -> Path:
    if sys.platform == "darwin":
        return Path("~/Library/Caches").expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or "~/AppData/Local").expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()


def llama_cpp() -> Path:
    """The cache of llama.cpp before it used that of the hub."""
    return Path(named).expanduser() if (named := os.environ.get("LLAMA_CACHE")) else _caches() / "llama.cpp"


def gpt4all() -> Path:
    """The folder of GPT4All."""
    if sys.platform == "darwin":
        return Path("~/Library/Application Support/nomic.ai/GPT4All").expanduser()
    if sys.platform == "win32":
        return _caches() / "nomic.ai" / "GPT4All"
    return Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser() / "nomic.ai" / "GPT4All"


PROGRAMS = (Program("llama.cpp:", "llama.cpp", llama_cpp), Program("gpt4all:", "GPT4All", gpt4all))
