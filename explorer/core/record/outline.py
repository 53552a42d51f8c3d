"""Outline: what a record is about, without its tables, so that a list of hundreds of records comes at once.

Only the lines that count are decoded. Must not know what is done with the list.
"""

import contextlib
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

import msgspec

from explorer.core.reading import reason
from explorer.core.record import mending
from explorer.core.record.journal import opened
from explorer.core.record.lines import HEADER_LIMIT, LINE_LIMIT, NOT_JSON, fault, read_header
from explorer.errors import RecordError

State = Literal["open", "closed", "stopped", "torn", "damaged"]
"""`open`: in an explorer now. `closed`: by a person. `stopped`: without that, as when it was killed. `torn`: within a
line, which a resume cuts off. `damaged`: a line is none of a record."""

CLIPPED = 200
"""Characters of a prompt that are told."""


class Outline(msgspec.Struct, kw_only=True):
    """One record of a folder."""

    path: str
    size: int
    """Bytes."""
    changed: str
    """When it was written to last: ISO 8601, UTC."""
    started: str | None = None
    """ISO 8601, UTC."""
    model: str | None = None
    """The last one."""
    prompt: str | None = None
    """The beginning of the first one; of a chat, of its last message."""
    tokens: int = 0
    """That were added after prompts, over all branches."""
    branches: int = 0
    """Of all prompts: tokens that no other was added after."""
    state: State = "stopped"
    problem: str = ""
    """What is wrong, in a sentence, where it is damaged."""


class _Line(msgspec.Struct):
    """What counts of an event."""

    event: str
    text: str = ""
    messages: list[dict[str, Any]] = []
    model: str = ""
    parent: int | None = None
    node: int | None = None


_decode = msgspec.json.Decoder(_Line).decode
SKIPPED = tuple(f'{{"event":"{event}"'.encode() for event in ("seen", "score", "params"))
"""How lines begin that do not count, as this program writes them."""


def outline(path: Path) -> Outline:
    """What a record is about; a damaged one says why. Raises OSError where there is no such file."""
    status = path.stat()
    changed = datetime.fromtimestamp(status.st_mtime, UTC).isoformat(timespec="milliseconds")
    found = Outline(path=os.fsencode(path).decode(errors="replace"), size=status.st_size, changed=changed)
    try:
        with opened(path) as file:
            found.state = "open" if mending.locked(file.fileno()) else "stopped"
            header = read_header(file.readline(HEADER_LIMIT), path.name)
            found.started, found.model = header.started, header.model
            _Reading(found).read(iter(partial(file.readline, LINE_LIMIT), b""))
    except OSError as error:
        found.state, found.problem = "damaged", f"{path.name} cannot be read: {reason(error)}."
    except RecordError as error:
        found.state, found.problem = "damaged", str(error)
    return found


class _Reading:
    """Reads the lines after the header into an outline."""

    def __init__(self, found: Outline) -> None:
        self._found = found
        self._nodes: list[int] = []
        """Of each prompt, the number of the next node."""
        self._root = 0
        self._parents: set[tuple[int, int]] = set()

    def read(self, lines: Iterable[bytes]) -> None:
        """Raises RecordError, which names the line."""
        state: State = "stopped"
        for number, line in enumerate(lines, 2):
            if not line.endswith(b"\n"):
                state = "torn"
            elif line.startswith(SKIPPED):
                state = "stopped"
            else:
                try:
                    event = _decode(line)
                    self._take(event)
                except (*NOT_JSON, LookupError) as error:
                    name = Path(self._found.path).name
                    raise RecordError(
                        f"Line {number} of {name} is not an event of a record: {fault(error)}."
                    ) from error
                state = "closed" if event.event == "end" else "stopped"
        self._found.branches = self._found.tokens - len(self._parents)
        if self._found.state != "open":  # Its last line is being written.
            self._found.state = state

    def _take(self, line: _Line) -> None:
        found = self._found
        match line.event:
            case "prompt":
                found.prompt = _first_words(line) if found.prompt is None else found.prompt
                self._root = len(self._nodes)
                self._nodes.append(1)
            case "engine":
                found.model = line.model or found.model
            case "add":
                found.tokens += 1
                self._place(line)

    def _place(self, line: _Line) -> None:
        """Find the tree of a token: its number is the next one there, so that no move and no undo must be followed."""
        if line.parent is None or line.node is None:
            raise LookupError("an addition names its parent and its node")
        roots = (self._root, *range(len(self._nodes) - 1, -1, -1))
        self._root = next((root for root in roots if root < len(self._nodes) and self._nodes[root] == line.node), -1)
        if self._root < 0:
            raise LookupError(f"node {line.node} has no place in a tree")
        self._nodes[self._root] += 1
        if line.parent:
            self._parents.add((self._root, line.parent))


def _first_words(prompt: _Line) -> str:
    """The beginning of a text, or of the last message of a chat."""
    content = prompt.messages[-1].get("content") if prompt.messages else prompt.text
    text = content if isinstance(content, str) else prompt.text
    return text if len(text) <= CLIPPED else text[: CLIPPED - 1] + "…"


def outlines(folder: Path) -> list[Outline]:
    """The records of a folder, the newest first. Raises RecordError where the folder cannot be read."""
    found = []
    try:
        for path in folder.iterdir():
            if path.suffix == ".jsonl":
                with contextlib.suppress(FileNotFoundError):  # Deleted meanwhile.
                    found.append(outline(path))
    except OSError as error:
        raise RecordError(f"The folder {folder} cannot be read: {reason(error)}.") from error
    return sorted(found, key=lambda one: one.started or one.changed, reverse=True)
