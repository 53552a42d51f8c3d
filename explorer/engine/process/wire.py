"""Requests and replies as JSON lines: the only place that knows the format of both ends.

One frozen struct a message; `op` names it. A prefix is named by a handle and what follows it, so that the message of
a step does not grow with the context. Must not know who computes.
"""

from array import array
from collections import OrderedDict
from collections.abc import Sequence

import msgspec

from explorer.core.chat import ChatOptions
from explorer.core.chat import Message as ChatMessage
from explorer.core.distribution import Distribution
from explorer.core.prefix import common_prefix
from explorer.core.query import Query
from explorer.core.sampling.params import SamplingParams
from explorer.core.sampling.stopping import StopRules
from explorer.core.score import Scored
from explorer.core.token import Token
from explorer.engine.base import Drawn, Found, Progress, RenderedChat, Step
from explorer.engine.description import EngineInfo, ModelSettings, Structure
from explorer.errors import ContextFull, EngineError, ExplorerError, ModelError, OutOfMemory, UsageError

VERSION = 2
"""Of the protocol: both ends come from one installation, so that a difference is a mistake, and is said."""

LINE_LIMIT = 64 << 20
"""Bytes of the longest line."""

TOKENS_LIMIT = 300_000
"""Of one text: its tokens are one line."""

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


class Next(Message, frozen=True):
    id: int
    prefix: Prefix
    params: SamplingParams
    top: int
    include: list[int]
    prompt_length: int | None = None


class Generate(Message, frozen=True):
    id: int
    prefix: Prefix
    params: SamplingParams
    draws: int
    max_new_tokens: int
    top: int
    prompt_length: int | None = None


class Sample(Message, frozen=True):
    id: int
    prompts: list[list[int]]
    params: SamplingParams
    num_sequences: int
    stop: StopRules


class Score(Message, frozen=True):
    id: int
    prefix: Prefix
    top: int
    begin: int = 0


class Compare(Message, frozen=True):
    id: int
    prefix: Prefix
    continuations: list[list[int]]


class Search(Message, frozen=True):
    id: int
    prefix: Prefix
    query: Query
    params: SamplingParams
    limit: int
    prompt_length: int | None = None


class Logprobs(Message, frozen=True):
    id: int
    prefix: Prefix


class Encode(Message, frozen=True):
    id: int
    text: str
    special_tokens: bool
    first: bool = True


class Spell(Message, frozen=True):
    id: int
    data: bytes


class RenderChat(Message, frozen=True):
    id: int
    messages: list[ChatMessage]
    options: ChatOptions


class Describe(Message, frozen=True):
    id: int
    ids: list[int]


class Inspect(Message, frozen=True):
    id: int


class Cancel(Message, frozen=True):
    id: int


Request = (
    Load
    | Next
    | Generate
    | Sample
    | Score
    | Compare
    | Search
    | Logprobs
    | Encode
    | Spell
    | RenderChat
    | Describe
    | Inspect
    | Cancel
)

# From the worker.


class Ready(Message, frozen=True):
    info: EngineInfo
    version: int = VERSION


class Progressed(Message, frozen=True):
    progress: Progress


class Table(Message, frozen=True):
    id: int
    distribution: Distribution


class Stepped(Message, frozen=True):
    id: int
    step: Step


class Sampled(Message, frozen=True):
    id: int
    drawn: list[Drawn]


class ScoredPart(Message, frozen=True):
    id: int
    tokens: list[Scored]


class Compared(Message, frozen=True):
    id: int
    continuations: list[list[Scored]]


class Hits(Message, frozen=True):
    id: int
    found: Found


class Floats(Message, frozen=True):
    """Numbers of float32, as their bytes: JSON has none that are not finite."""

    id: int
    data: bytes

    @classmethod
    def of(cls, request_id: int, numbers: Sequence[float]) -> "Floats":
        return cls(request_id, array("f", numbers).tobytes())

    def numbers(self) -> list[float]:
        return array("f", self.data).tolist()


class Finished(Message, frozen=True):
    """The last reply to a Generate, a Sample or a Score, and to a request that was cancelled."""

    id: int


class Tokens(Message, frozen=True):
    id: int
    tokens: list[Token]


class Rendered(Message, frozen=True):
    id: int
    chat: RenderedChat


class Inspected(Message, frozen=True):
    id: int
    structure: Structure


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
    kind.__name__: kind for kind in (UsageError, ModelError, EngineError, ContextFull, OutOfMemory, UnknownBase)
}

Reply = (
    Ready
    | Progressed
    | Table
    | Stepped
    | Sampled
    | ScoredPart
    | Compared
    | Hits
    | Floats
    | Finished
    | Tokens
    | Rendered
    | Inspected
    | Failed
)

encode = msgspec.json.Encoder().encode
decode_request = msgspec.json.Decoder(Request).decode
decode_reply = msgspec.json.Decoder(Reply).decode


class PrefixWriter:
    """The parent's side: names each prefix by what it shares with the last one."""

    def __init__(self) -> None:
        self._handle = 0
        self._ids: list[int] = []

    def write(self, ids: Sequence[int]) -> Prefix:
        """The shortest name of the ids."""
        ids = list(ids)
        keep = common_prefix(self._ids, ids)
        base = self._handle if keep else None
        return self._named(ids, base, keep)

    def write_whole(self, ids: Sequence[int]) -> Prefix:
        """The name that needs no earlier one."""
        return self._named(list(ids), None, 0)

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
