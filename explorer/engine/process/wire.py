"""Requests and replies as JSON lines: the only place that knows the format of both ends.

One frozen struct a message; `op` names it. Every call is carried alike, by its name. A prefix is named by a handle and
what follows it, so that the message of a step does not grow with the context. Must not know which calls there are, nor
who computes.
"""

from collections import OrderedDict
from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec

from explorer.core.prefix import common_prefix
from explorer.core.size import size_in_words
from explorer.engine.base import Progress
from explorer.engine.calls import CALLS, AnyCall, PrefixCall
from explorer.engine.description import EngineInfo, ModelSettings
from explorer.errors import ContextFull, EngineError, ExplorerError, ModelError, NotFinite, OutOfMemory, UsageError

VERSION = 3
"""Of the protocol: both ends come from one installation, so that a difference is a mistake, and is said."""

LINE_LIMIT = 64 << 20
"""Bytes of the longest line, with its end."""

HANDLES_KEPT = 8


class Message(msgspec.Struct, frozen=True, tag_field="op", tag=str.lower):
    pass


class Prefix(msgspec.Struct, frozen=True):
    """The ids `base[:keep] + append`, which are called `handle` from now on."""

    handle: int
    append: list[int]
    base: int | None = None
    """The handle of an earlier prefix; None where `append` is all."""
    keep: int = 0


# From the parent.


class Load(Message, frozen=True):
    settings: ModelSettings
    version: int = VERSION


class Ask(Message, frozen=True):
    """A call. One about a prefix comes without its ids, which `prefix` names."""

    id: int
    name: str
    call: msgspec.Raw
    prefix: Prefix | None = None

    @classmethod
    def of(cls, request_id: int, call: AnyCall, name: Callable[[list[int]], Prefix]) -> "Ask":
        """The message of a call; `name` gives the name of a prefix."""
        if isinstance(call, PrefixCall):
            bare = msgspec.structs.replace(call, ids=[])
            return cls(request_id, call.name, msgspec.Raw(encode(bare)), name(call.ids))
        return cls(request_id, call.name, msgspec.Raw(encode(call)))

    def read(self, prefixes: "PrefixReader") -> AnyCall:
        """The call as it was asked. Raises UnknownBase, and UsageError for a call that is not known here."""
        kind: Any = CALLS.get(self.name)
        if kind is None:
            raise UsageError(f"The engine knows no call “{self.name}”.")
        call: AnyCall = _decoder(kind).decode(self.call)
        if isinstance(call, PrefixCall) and self.prefix is not None:
            return msgspec.structs.replace(call, ids=prefixes.read(self.prefix))
        return call


class Cancel(Message, frozen=True):
    id: int


Request = Load | Ask | Cancel

# From the worker.


class Ready(Message, frozen=True):
    info: EngineInfo
    version: int = VERSION


class Progressed(Message, frozen=True):
    """How far a request is; `id` is 0 for Load."""

    id: int
    progress: Progress


class Told(Message, frozen=True):
    """The answer to a call, or a part of it, in the type that the call names."""

    id: int
    answer: msgspec.Raw

    @classmethod
    def of(cls, request_id: int, answer: object) -> "Told":
        return cls(request_id, msgspec.Raw(encode(answer)))

    def read(self, call: AnyCall) -> Any:
        """The answer, or the part of it, in the type that the call names."""
        return _decoder(call.answer).decode(self.answer)


class Finished(Message, frozen=True):
    """No more parts come; also the last reply to a request that was cancelled."""

    id: int


class Failed(Message, frozen=True):
    """A request could not be answered; `id` is 0 for Load."""

    id: int
    kind: str
    message: str

    @classmethod
    def of(cls, request_id: int, error: ExplorerError) -> "Failed":
        return cls(request_id, type(error).__name__, str(error))

    def error(self) -> ExplorerError:
        """The error as it was raised in the worker."""
        return ERRORS.get(self.kind, EngineError)(self.message)


class UnknownBase(EngineError):
    """The worker has forgotten the handle: the request is sent again with all its ids."""


ERRORS: dict[str, type[ExplorerError]] = {
    kind.__name__: kind
    for kind in (UsageError, ModelError, EngineError, ContextFull, OutOfMemory, NotFinite, UnknownBase)
}

Reply = Ready | Progressed | Told | Finished | Failed

encode = msgspec.json.Encoder().encode
decode_request = msgspec.json.Decoder(Request).decode
decode_reply = msgspec.json.Decoder(Reply).decode


def line(message: Message) -> bytes:
    """A message as a line, with its end. Raises UsageError where it would be too long."""
    data = encode(message) + b"\n"
    if len(data) > LINE_LIMIT:
        size, most = size_in_words(len(data)), size_in_words(LINE_LIMIT)
        if isinstance(message, Told):
            raise UsageError(f"The answer is {size} long; the engine can send {most} at most. Shorten the text.")
        raise UsageError(f"The request is {size} long; the engine can take {most} at most. Shorten the text.")
    return data


@cache
def _decoder(kind: Any) -> "msgspec.json.Decoder[Any]":
    return msgspec.json.Decoder(kind)


class PrefixWriter:
    """The parent's side: names each prefix by what it shares with the last one."""

    def __init__(self) -> None:
        self._handle = 0
        self._ids: list[int] = []

    def write(self, ids: list[int]) -> Prefix:
        """The shortest name of the ids, which must not change any more."""
        keep = common_prefix(self._ids, ids)
        base = self._handle if keep else None
        return self._named(ids, base, keep)

    def write_whole(self, ids: list[int]) -> Prefix:
        """The name that needs no earlier one."""
        return self._named(ids, None, 0)

    def _named(self, ids: list[int], base: int | None, keep: int) -> Prefix:
        self._handle += 1
        self._ids = ids
        return Prefix(self._handle, ids[keep:], base, keep)


class PrefixReader:
    """The worker's side: the last few prefixes by their handles."""

    def __init__(self) -> None:
        self._known: OrderedDict[int, list[int]] = OrderedDict()

    def read(self, prefix: Prefix) -> list[int]:
        """The ids. Raises UnknownBase."""
        ids = prefix.append
        if prefix.base is not None:
            base = self._known.get(prefix.base)
            if base is None:
                raise UnknownBase(f"The prefix {prefix.base} is not known.")
            ids = base[: prefix.keep] + prefix.append
        self._known[prefix.handle] = ids
        while len(self._known) > HANDLES_KEPT:
            self._known.popitem(last=False)
        return ids
