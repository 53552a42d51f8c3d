"""Provenance: of which file a model's weights are, and its checksum, for the record.

A large file is read for its checksum beside the loading, in a thread, and once: what was found is kept in the cache
folder until the file changes. Must not know what is in the file beyond its header.
"""

import contextlib
import hashlib
import threading
from pathlib import Path
from typing import Any

from explorer.core.folders import cache_folder
from explorer.core.reading import reason
from explorer.engine.files.disk import sha256
from explorer.engine.files.origin import origin_of
from explorer.engine.gguf.header import Header
from explorer.engine.gguf.kinds import quantisation
from explorer.errors import ModelError


class Provenance:
    """Begins to read at once; `facts` waits for it. Of a folder there is what its origin says, if it has any."""

    def __init__(self, header: Header | None, place: Path) -> None:
        self._header, self._place, self._found, self._error = header, place, "", ""
        self._thread = threading.Thread(target=self._read, daemon=True, name="checksum")
        self._thread.start()

    def facts(self) -> dict[str, Any]:
        """What the record says of the file: its name, how its numbers are stored, its SHA-256. Raises ModelError."""
        if self._header is None:
            origin = origin_of(self._place)
            return origin.facts() if origin is not None else {}
        self._thread.join()
        if self._error:
            raise ModelError(f"{self._header.path} cannot be read: {self._error}.")
        stored = quantisation(self._header.metadata, self._header.tensors)
        return {"gguf": self._header.path.name, "stored_as": stored, "sha256": self._found}

    def _read(self) -> None:
        if self._header is None:
            return
        try:
            self._found = checksum(self._header.path)
        except OSError as error:
            self._error = reason(error)


def checksum(file: Path) -> str:
    """The SHA-256 of a file, as it was found before where the file is the same by all that its folder says.

    Raises OSError.
    """
    status = file.stat()
    same = f"{file.resolve()}\0{status.st_size}\0{status.st_mtime_ns}\0{status.st_ino}"
    kept = kept_in() / hashlib.sha256(same.encode("utf-8", "surrogateescape")).hexdigest()
    with contextlib.suppress(OSError, UnicodeDecodeError):
        if len(said := kept.read_text("ascii")) == 64:
            return said
    digest = sha256(file)
    with contextlib.suppress(OSError):  # Where nothing can be kept, it is computed again.
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(digest, "ascii")
    return digest


def kept_in() -> Path:
    """The folder of the checksums."""
    return cache_folder() / "checksums"
