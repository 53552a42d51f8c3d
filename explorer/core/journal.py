"""The record: a header and events as JSON lines, append-only.

Owns the format, its reading and its writing; a torn last line is tolerated. Must not know what the events do.
"""

import contextlib
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from explorer.core.chat import Chat, ChatOptions, read_messages
from explorer.core.distribution import CandidateRow, Distribution
from explorer.core.sampling import SamplingParams
from explorer.core.score import Scored
from explorer.core.token import Bytes, Token
from explorer.core.tree import Source
from explorer.errors import RecordError

FORMAT = "token-explorer-record"
VERSION = 1


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first line: on what the walk was made."""

    format: str = FORMAT
    version: int = VERSION
    model: str
    revision: str | None = None
    dtype: str
    device: str
    tokenizer: str
    """Fingerprint: SHA-256 over the vocabulary's entries in order of their ids."""
    loaded_with: dict[str, Any] = {}
    """What is not as usual in how the model was loaded, such as quantisation, or trust in code that came with it."""
    versions: dict[str, str] = {}
    """Of the libraries that compute."""
    started: str = msgspec.field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"))
    """ISO 8601, UTC."""

    def __post_init__(self) -> None:
        datetime.fromisoformat(self.started)  # A ValueError here is a line that is no header, when a record is read.


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag=str.lower):
    """One line of the record."""

    t: float = 0.0
    """Seconds since the start of the record."""


class Prompt(Event, frozen=True, kw_only=True):
    """A new root: a tree of its own, whose node 0 the cursor goes to."""

    text: str
    ids: list[int]
    bytes: list[str] = []
    """Of each token, in hexadecimal, so that a record can be read without its tokenizer; older records lack them."""
    messages: list[dict[str, Any]] | msgspec.UnsetType = msgspec.UNSET
    """What the person wrote, where the text is a chat in the format of the model's template."""
    options: ChatOptions | msgspec.UnsetType = msgspec.UNSET
    """What the template was told beside the messages."""

    def __post_init__(self) -> None:
        for data in self.bytes:
            Bytes.fromhex(data)  # A ValueError here is a line that is no event, when a record is read.

    @classmethod
    def of(cls, text: str, tokens: Sequence[Token], chat: Chat | None = None) -> "Prompt":
        """The prompt of a text, or of a chat that was rendered as `text`."""
        prompt = cls(text=text, ids=[token.id for token in tokens], bytes=[token.bytes.hex() for token in tokens])
        if chat is None:
            return prompt
        messages = [message.fields() for message in chat.messages]
        return msgspec.structs.replace(prompt, messages=messages, options=chat.options)

    def chat(self) -> Chat | None:
        """The chat, to be edited again; None where the person wrote a text. Raises UsageError."""
        if self.messages is msgspec.UNSET:
            return None
        options = ChatOptions() if self.options is msgspec.UNSET else self.options
        return Chat(read_messages(self.messages, "the prompt"), options)


class Seen(Event, frozen=True, kw_only=True):
    """The table of a node, as it was shown."""

    node: int
    entropy: float | None
    vocab_size: int
    other_prob: float | None
    kept: int
    candidates: list[CandidateRow]
    cut_mass: float | None = None
    sampling_entropy: float | None = None

    @classmethod
    def of(cls, node: int, distribution: Distribution) -> "Seen":
        return cls(
            node=node,
            entropy=distribution.entropy,
            vocab_size=distribution.vocab_size,
            other_prob=distribution.other_prob,
            kept=distribution.kept,
            candidates=[CandidateRow.of(candidate) for candidate in distribution.candidates],
            cut_mass=distribution.cut_mass,
            sampling_entropy=distribution.sampling_entropy,
        )


class Score(Event, frozen=True, kw_only=True):
    """What the model thinks of each token of the prompt; the first has None everywhere."""

    logprobs: list[float | None]
    ranks: list[int | None]
    entropies: list[float | None]

    @classmethod
    def of(cls, tokens: Sequence[Scored]) -> "Score":
        return cls(
            logprobs=[one.logprob for one in tokens],
            ranks=[one.rank for one in tokens],
            entropies=[one.entropy for one in tokens],
        )


class Add(Event, frozen=True, kw_only=True):
    """A new node, to which the cursor goes."""

    parent: int
    node: int
    id: int
    source: Source
    prob: float | None = None
    sampling_prob: float | None = None
    rank: int | None = None
    seed: int | None = None
    draw: int | None = None


class Move(Event, frozen=True, kw_only=True):
    """The cursor goes to a node that exists."""

    node: int
    root: int | msgspec.UnsetType = msgspec.UNSET
    """The number of the prompt, from 0; left out where it is the current one."""
    draw: int | msgspec.UnsetType = msgspec.UNSET
    """Index of the draw, where the sampler drew a token that was there already."""


class Params(Event, frozen=True, kw_only=True):
    """New settings of the samplers, all of them."""

    temperature: float
    top_p: float
    top_k: int
    seed: int | None
    min_p: float = 0.0
    typical_p: float = 1.0
    epsilon_cutoff: float = 0.0
    eta_cutoff: float = 0.0
    top_h: float = 0.0
    repetition_penalty: float = 1.0
    no_repeat_ngram_size: int = 0
    logit_bias: tuple[tuple[int, float], ...] = ()
    suppress_tokens: tuple[int, ...] = ()
    min_new_tokens: int = 0

    @classmethod
    def of(cls, params: SamplingParams) -> "Params":
        return cls(**{name: getattr(params, name) for name in SamplingParams.__struct_fields__})

    def params(self) -> SamplingParams:
        return SamplingParams(**{name: getattr(self, name) for name in SamplingParams.__struct_fields__})


class Engine(Event, frozen=True, kw_only=True):
    """The engine was started again, or another one goes on with the walk."""

    restarted: bool
    model: str
    revision: str | None = None
    dtype: str
    device: str
    tokenizer: str
    loaded_with: dict[str, Any] = {}
    versions: dict[str, str] = {}


class End(Event, frozen=True, kw_only=True):
    """The session was closed."""


AnyEvent = Prompt | Seen | Score | Add | Move | Params | Engine | End

_decode_event = msgspec.json.Decoder(AnyEvent).decode
_decode_header = msgspec.json.Decoder(Header).decode
_encode = msgspec.json.Encoder().encode


class Record(msgspec.Struct, frozen=True):
    """What a file holds."""

    header: Header
    events: list[AnyEvent]
    torn: bytes = b""
    """The beginning of a last line that was not finished."""
    size: int = 0
    """Bytes of the file without the torn line."""


def parse(data: bytes, name: str = "the record") -> Record:
    """The record in the bytes. Raises RecordError, which names the line, for anything but a torn last line."""
    whole, newline, torn = data.rpartition(b"\n")
    lines = whole.split(b"\n") if newline else []
    if not lines:
        raise RecordError(f"{name} has no header: it is empty or was cut off. It cannot be resumed.")
    header = _header(lines[0], name)
    events = []
    for number, line in enumerate(lines[1:], 2):
        try:
            events.append(_decode_event(line))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise RecordError(f"Line {number} of {name} is not an event of a record: {error}.") from error
    return Record(header, events, torn, len(data) - len(torn))


def _header(line: bytes, name: str) -> Header:
    try:
        said: Any = msgspec.json.decode(line)
        if not isinstance(said, dict) or said.get("format") != FORMAT:
            raise RecordError(f"{name} is not a record of the token explorer: its first line is no header.")
        if said.get("version") != VERSION:
            raise RecordError(
                f"{name} has version {said.get('version')!r} of the record; this program reads {VERSION}. "
                "Install a newer version of token-explorer."
            )
        return _decode_header(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RecordError(f"{name} is not a record of the token explorer: line 1: {error}.") from error


def read(path: Path) -> Record:
    """The record in a file. Raises RecordError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RecordError(f"The record {path} cannot be read: {reason(error)}.") from error
    return parse(data, str(path))


class Journal:
    """Appends to one file: each event is with the operating system before `append` returns."""

    def __init__(self, path: Path, descriptor: int, started: str) -> None:
        self.path = path
        self._file: int | None = descriptor
        self._began = time.monotonic() - (time.time() - datetime.fromisoformat(started).timestamp())

    @classmethod
    def create(cls, path: Path, header: Header) -> "Journal":
        """A new file that only its owner may read. Raises RecordError, also where the file exists."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
            _lock(descriptor)
        except OSError as error:
            if path.exists():
                raise RecordError(
                    f"The record {path} exists already and is not overwritten. Choose another name, or go on with it: "
                    f"token-explorer resume {path}"
                ) from error
            raise RecordError(f"The record {path} cannot be written: {reason(error)}.") from error
        journal = cls(path, descriptor, header.started)
        journal._write(header)
        return journal

    @classmethod
    def reopen(cls, path: Path, record: Record) -> "Journal":
        """Go on with a file that was read. A torn last line is moved to FILE.torn, so that nothing is lost."""
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
            try:
                _lock(descriptor)
                if record.torn:
                    aside = os.open(f"{path}.torn", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
                    with open(aside, "ab") as file:
                        file.write(record.torn + b"\n")
                    os.truncate(path, record.size)
            except OSError:
                os.close(descriptor)
                raise
        except BlockingIOError as error:
            raise RecordError(f"The record {path} is open in another explorer. Close it there first.") from error
        except OSError as error:
            raise RecordError(f"The record {path} cannot be written: {reason(error)}.") from error
        return cls(path, descriptor, record.header.started)

    def now(self) -> float:
        """Seconds since the start of the record."""
        return round(time.monotonic() - self._began, 3)

    def append(self, event: AnyEvent) -> None:
        """Write one event. Raises RecordError, after which the file is closed: its last line may be torn."""
        self._write(event)

    def _write(self, line: Header | AnyEvent) -> None:
        if self._file is None:
            return
        data = _encode(line) + b"\n"
        try:
            while data:
                data = data[os.write(self._file, data) :]
        except OSError as error:
            self.close()
            raise RecordError(f"The record {self.path} cannot be written any more: {reason(error)}.") from error

    @property
    def open(self) -> bool:
        return self._file is not None

    def close(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):  # What was written is with the system already.
                os.close(self._file)
            self._file = None


def write_copy(path: Path, header: Header, events: Sequence[AnyEvent]) -> None:
    """A whole record in a new file. Raises RecordError."""
    journal = Journal.create(path, header)
    try:
        for event in events:
            journal.append(event)
    except RecordError:
        path.unlink(missing_ok=True)  # Half a copy is none, and its name is free for another try.
        raise
    finally:
        journal.close()


def _lock(descriptor: int) -> None:
    """Keep the file for this process until it is closed. Raises BlockingIOError where another one has it."""
    with contextlib.suppress(ImportError):  # Windows has no fcntl, and no lock.
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def reason(error: OSError) -> str:
    """The system's words for it, in lower case: `no space left on device`."""
    words = error.strerror or str(error)
    return words[:1].lower() + words[1:]
