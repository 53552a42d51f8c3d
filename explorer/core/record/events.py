"""Events: what can happen in a session, one frozen struct each, in the form of a line of its record; and the header.

Owns the format. Must not know files, nor what an event does.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from explorer.core import moment
from explorer.core.chat import Chat, ChatOptions, read_messages
from explorer.core.choice import Batch, Choice, Source
from explorer.core.distribution import CandidateRow, Distribution, Logprob, Prob
from explorer.core.place import Place
from explorer.core.record.event import Act, Event, NodeAct, Settings
from explorer.core.sampling.params import SamplingParams
from explorer.core.score import Scored
from explorer.core.token import Bytes, Token

FORMAT = "token-explorer-record"
VERSION = 2
"""What is written. A new kind of event is a new version; a new field is not."""
READABLE = (1, 2)
"""Every older one too: a field never changes its meaning."""


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
    special_tokens: list[int] = []
    """Ids of the vocabulary that are markers, and no text; older records lack them."""
    loaded_with: dict[str, Any] = {}
    """What is not as usual in how the model was loaded, such as quantisation, or trust in code that came with it."""
    versions: dict[str, str] = {}
    """Of the libraries that compute."""
    started: str = msgspec.field(default_factory=lambda: moment.now().isoformat(timespec="milliseconds"))
    """ISO 8601, UTC."""

    def __post_init__(self) -> None:
        # A ValueError is a line that is no header, when a record is read.
        started = datetime.fromisoformat(self.started)
        if started.tzinfo is None or not moment.EARLIEST.year <= started.year <= moment.LATEST.year:
            raise ValueError(f"{self.started} is not a moment with its time zone")


class Prompt(Act, frozen=True, kw_only=True):
    """A new root: a tree of its own, whose node 0 the cursor goes to."""

    text: str
    ids: list[int]
    bytes: list[str] = msgspec.field(default_factory=list)
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

    @property
    def is_chat(self) -> bool:
        """Whether the text is what a template made of messages."""
        return self.messages is not msgspec.UNSET

    def chat(self) -> Chat | None:
        """The chat, to be edited again; None where the person wrote a text. Raises UsageError."""
        if self.messages is msgspec.UNSET:
            return None
        options = ChatOptions() if self.options is msgspec.UNSET else self.options
        return Chat(read_messages(self.messages, "the prompt"), options)


class Seen(Event, frozen=True, kw_only=True):
    """The table of a node of the current tree, as it was shown."""

    node: int
    at: int | msgspec.UnsetType = msgspec.UNSET
    """Where the table stands inside the prompt, after its first `at` tokens: `node` is 0 then."""
    entropy: float | None
    vocab_size: int
    other_prob: float | None
    kept: int
    candidates: list[CandidateRow]
    cut_mass: float | None = None
    sampling_entropy: float | None = None

    @property
    def place(self) -> Place:
        return Place(self.node, None if self.at is msgspec.UNSET else self.at)

    @classmethod
    def of(cls, node: int, distribution: Distribution, at: int | None = None) -> "Seen":
        return cls(node=node, at=msgspec.UNSET if at is None else at, **distribution.fields())

    def shortened(self, rows: int, tokens: Collection[int]) -> "Seen":
        """The first rows of the table, and those of some tokens; `other_prob` is of all that are left out."""
        kept = [row for index, row in enumerate(self.candidates) if index < rows or row.id in tokens]
        parts = [self.other_prob, *(row.prob for row in self.candidates if row not in kept)]
        known = [part for part in parts if part is not None]
        other = math.fsum(known) if len(known) == len(parts) else None
        return msgspec.structs.replace(self, candidates=kept, other_prob=other)

    def distribution(self, known: Mapping[int, Token]) -> Distribution:
        """The table; its tokens from `known`, else from the bytes of its rows."""
        return Distribution(
            tuple(row.candidate(known) for row in self.candidates),
            self.vocab_size,
            self.entropy,
            self.other_prob,
            self.kept,
            self.cut_mass,
            self.sampling_entropy,
        )


class Score(Event, frozen=True, kw_only=True):
    """What the model thinks of each token of the prompt; the first has None everywhere."""

    logprobs: list[Logprob | None]
    """None beside a rank: the token is impossible, its logprob minus infinity."""
    ranks: list[int | None]
    entropies: list[float | None]

    @classmethod
    def of(cls, tokens: Sequence[Scored]) -> "Score":
        return cls(
            logprobs=[None if one.logprob == -math.inf else one.logprob for one in tokens],
            ranks=[one.rank for one in tokens],
            entropies=[one.entropy for one in tokens],
        )

    @property
    def told(self) -> list[float | None]:
        """The logprobs, with minus infinity for the tokens that are impossible."""
        pairs = zip(self.logprobs, self.ranks, strict=False)
        return [-math.inf if logprob is None and rank is not None else logprob for logprob, rank in pairs]


class Add(Act, frozen=True, kw_only=True):
    """A new node, to which the cursor goes."""

    parent: int
    node: int
    id: int
    bytes: str = ""
    """In hexadecimal; older records lack them."""
    source: Source
    prob: Prob | None = None
    sampling_prob: Prob | None = None
    rank: int | None = None
    entropy: float | None = None
    """Of the distribution that the token was chosen from, in bits, where no table of its parent tells it."""
    seed: int | None = None
    draw: int | None = None
    row: int | msgspec.UnsetType = msgspec.UNSET
    """Which of the sequences it is of that were drawn side by side, from 0; left out where a token was drawn alone."""
    rows: int | msgspec.UnsetType = msgspec.UNSET
    """How many those are. `draw` counts from the token that they follow then."""

    def __post_init__(self) -> None:
        Bytes.fromhex(self.bytes)

    @property
    def drawn(self) -> int | None:
        """The index of the draw; None where nothing was drawn."""
        return self.draw

    @property
    def batch(self) -> Batch | None:
        """Which of several sequences it is of; None where it is of none."""
        return _batch(self.seed, self.row, self.rows)

    def choice(self) -> Choice:
        """How the token came to stand there."""
        rows = None if self.rows is msgspec.UNSET else self.rows
        return Choice(self.source, self.prob, self.sampling_prob, self.rank, self.entropy, self.seed, self.draw, rows)


def _batch(seed: int | None, row: int | msgspec.UnsetType, rows: int | msgspec.UnsetType) -> Batch | None:
    return None if rows is msgspec.UNSET else Batch(seed, 0 if row is msgspec.UNSET else row, rows)


class Move(NodeAct, frozen=True, kw_only=True):
    """The cursor goes to a node that exists."""

    root: int | msgspec.UnsetType = msgspec.UNSET
    """The number of the prompt, from 0; left out where it is the current one."""
    draw: int | msgspec.UnsetType = msgspec.UNSET
    """Index of the draw, where the sampler drew a token that was there already."""
    seed: int | msgspec.UnsetType = msgspec.UNSET
    """With `row` and `rows`, as of an addition, where that was in one of several sequences."""
    row: int | msgspec.UnsetType = msgspec.UNSET
    rows: int | msgspec.UnsetType = msgspec.UNSET

    @property
    def drawn(self) -> int | None:
        """The index of the draw; None where nothing was drawn."""
        return None if self.draw is msgspec.UNSET else self.draw

    @property
    def batch(self) -> Batch | None:
        """Which of several sequences it is of; None where it is of none."""
        return _batch(None if self.seed is msgspec.UNSET else self.seed, self.row, self.rows)


class Delete(NodeAct, frozen=True, kw_only=True):
    """A node and everything after it is not shown any more; the cursor leaves it. A move there brings it back."""


class Bookmark(NodeAct, frozen=True, kw_only=True):
    """A node gets a name."""

    name: str | None
    """None takes it away."""


class Undo(Event, frozen=True, kw_only=True):
    """The last act is undone: cursor, deletions and bookmarks are as before. Tokens that were added stay."""


class Redo(Event, frozen=True, kw_only=True):
    """The act that was undone last is done again."""


class Params(Settings, frozen=True, kw_only=True):
    """New settings of the samplers, all of them."""

    @classmethod
    def of(cls, params: SamplingParams) -> "Params":
        return cls(**{name: getattr(params, name) for name in SamplingParams.__struct_fields__})

    def params(self) -> SamplingParams:
        """Raises UsageError for a value out of range."""
        return SamplingParams(**{name: getattr(self, name) for name in SamplingParams.__struct_fields__})


class Engine(Event, frozen=True, kw_only=True):
    """The engine was started again, or another one goes on with the walk."""

    restarted: bool
    model: str
    revision: str | None = None
    dtype: str
    device: str
    tokenizer: str
    special_tokens: list[int] = msgspec.field(default_factory=list)
    loaded_with: dict[str, Any] = msgspec.field(default_factory=dict)
    versions: dict[str, str] = msgspec.field(default_factory=dict)


class End(Event, frozen=True, kw_only=True):
    """The session was closed."""


AnyEvent = Prompt | Seen | Score | Add | Move | Delete | Bookmark | Undo | Redo | Params | Engine | End
