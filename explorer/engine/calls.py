"""Calls: what an engine can be asked, one frozen value each, with the type of its answer.

Owns the fields of every call and the values that answer them. An engine answers a call with its method `answer_NAME`;
whoever carries calls from one process to another carries all of them alike. Must not know who asks, who answers, or
what is between the two.
"""

import re
from array import array
from collections.abc import Sequence
from typing import Any, ClassVar, Generic, Literal, TypeVar, get_args

import msgspec

from explorer.core.asked import Asked
from explorer.core.chat import ChatOptions, Message, empty_turn, spelt_markers
from explorer.core.distribution import Candidate, Distribution
from explorer.core.query import Query
from explorer.core.sampling.params import SamplingParams
from explorer.core.sampling.stopping import FinishReason, StopRules
from explorer.core.score import Scored
from explorer.core.token import Token
from explorer.engine.description import EngineInfo, Structure

Answer = TypeVar("Answer")
Part = TypeVar("Part")

DEFAULT_STOP = StopRules()

Padding = Literal["left", "right"]
"""Where a prompt is filled that goes side by side with a longer one."""


# What answers.


class RenderedChat(msgspec.Struct, frozen=True):
    """What the template of a model makes of messages."""

    text: str
    tokens: list[Token]
    """Of the text, encoded once; the template writes every special token itself."""
    lost: str = ""
    """A sentence about the first turn whose text the template leaves out; empty where there is none."""

    def note(self, messages: Sequence[Message]) -> str:
        """A sentence about the first of the messages that is not read as it was written; empty where all are."""
        return self.lost or spelt_markers(messages, self.tokens) or empty_turn(messages)


class Step(msgspec.Struct, frozen=True):
    """One sampled token, and the table after it."""

    drawn: Candidate
    """With the numbers that it had where it was drawn."""
    draw: int
    """Index of the draw of the seed."""
    distribution: Distribution | None
    """After the token; None where the context has no position for it."""
    finish: FinishReason | None
    """Why this step is the last; None while more may come."""


class Drawn(msgspec.Struct, frozen=True):
    """One token of one of several sequences."""

    sequence: int
    """Its index: the first prompt's sequences come first."""
    candidate: Candidate
    """With the numbers that the token had where it was drawn."""
    finish: FinishReason | None
    """Why this token is the sequence's last; None while more may come."""


class Found(msgspec.Struct, frozen=True):
    """What a search found at one prefix."""

    hits: tuple[Candidate, ...]
    """The first of them, by their places."""
    total: int
    """How many tokens match."""


class Floats(msgspec.Struct, frozen=True):
    """Numbers of float32 as their bytes: JSON has no number that is not finite."""

    data: bytes

    @classmethod
    def of(cls, numbers: Sequence[float]) -> "Floats":
        return cls(array("f", numbers).tobytes())

    def numbers(self) -> list[float]:
        return array("f", self.data).tolist()


# What is asked.

CALLS: dict[str, type[Any]] = {}
"""Every call by its name."""


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """What all calls have. A class that says what its answer is, is a call from then on."""

    name: ClassVar[str]
    """That of the class, with underscores: `render_chat`."""
    answer: ClassVar[Any]
    """The type of the answer, or of each part of it."""

    def __init_subclass__(cls, **config: Any) -> None:
        super().__init_subclass__(**config)
        for base in vars(cls).get("__orig_bases__", ()):
            # `Call[Distribution]` says it, `Generic[Answer]` leaves it open.
            for answer in get_args(base):
                if not isinstance(answer, TypeVar):
                    cls.name = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
                    cls.answer = answer
                    CALLS[cls.name] = cls


class Call(Named, Generic[Answer], frozen=True, kw_only=True):
    """Is answered once."""


class Stream(Named, Generic[Part], frozen=True, kw_only=True):
    """Is answered part by part; whoever asks may stop between two of them."""


AnyCall = Call[Any] | Stream[Any]


class PrefixCall(Named, frozen=True, kw_only=True):
    """About a prefix, most of which an earlier call may have been about.

    Raises UsageError for an empty prefix or an id outside the vocabulary, ContextFull where the prefix is longer than
    the context, OutOfMemory, NotFinite where the model's logits are no numbers, EngineError.
    """

    ids: list[int]
    """The prefix."""


class TableCall(PrefixCall, frozen=True, kw_only=True):
    """About what the samplers make of the logits after a prefix."""

    params: SamplingParams
    prompt_length: int | None = None
    """How many tokens of the prefix are the prompt, after which `min_new_tokens` counts; None where all of them are."""

    @property
    def asked(self) -> Asked:
        """The distribution that the call is about."""
        return Asked(self.params, self.ids, len(self.ids) if self.prompt_length is None else self.prompt_length)


class Next(TableCall, Call[Distribution], frozen=True, kw_only=True):
    """The `top` first of the next tokens after the prefix, and those of `include`, by their places."""

    top: int
    include: list[int] = []


class Generate(TableCall, Stream[Step], frozen=True, kw_only=True):
    """Sample up to `max_new_tokens` tokens after the prefix, one Step each.

    `params.seed` must be set unless the temperature is 0. Raises also EngineError where the samplers leave no token.
    """

    draws: int
    """How many draws of the seed the path has used up: the first one here is the draw of that index."""
    max_new_tokens: int
    top: int
    """Rows of the table after each token."""


class Sample(Stream[list[Drawn]], frozen=True, kw_only=True):
    """Sample `num_sequences` sequences after each prompt, a token of some of them at a time.

    The sequences of prompt i are those that `generate()` gives for it alone with the seed `params.seed` + i and
    num_return_sequences: neither other prompts nor the end of another sequence changes what one draws. Which of them go
    on side by side is the engine's affair; each gets its tokens in order. Raises as Generate does, and UsageError for
    several sequences at the temperature 0.
    """

    prompts: list[list[int]]
    params: SamplingParams
    num_sequences: int = 1
    stop: StopRules = DEFAULT_STOP
    padding: Padding = "left"
    """`right` is a demonstration: the prompts go side by side, and a shorter one goes on from its padding.

    Raises UsageError where the engine cannot show that.
    """


class Score(PrefixCall, Stream[list[Scored]], frozen=True, kw_only=True):
    """What the model thinks of each token of a sequence, in one pass, part by part from the token `begin` on.

    What stands before `begin` costs nothing where it is in the cache. Afterwards the sequence is: going on from it
    costs one forward pass a token.
    """

    top: int
    """How many alternatives each token gets."""
    begin: int = 0


class Compare(PrefixCall, Call[list[list[Scored]]], frozen=True, kw_only=True):
    """What the model thinks of each token of several continuations of one prefix, side by side where it can be.

    No token gets alternatives. What is held of the prefix stays.
    """

    continuations: list[list[int]]


class Search(TableCall, Call[Found], frozen=True, kw_only=True):
    """The `limit` first of all the tokens that match a query, as they stand in the table after the prefix.

    Raises also UsageError for a regular expression that is none, or takes too long.
    """

    query: Query
    limit: int


class Logprobs(PrefixCall, Call[Floats], frozen=True, kw_only=True):
    """The natural logarithm of every token's prob after the prefix, by id: float32, -inf and NaN as they are."""


class Encode(Call[list[Token]], frozen=True, kw_only=True):
    """The tokens of a text; with `special_tokens`, also those that the tokenizer adds by default.

    Where it is not the `first` text of a sequence, the bytes of its tokens are exactly the text's: no tokenizer puts a
    space before it. Raises UsageError where the vocabulary cannot spell such a text.
    """

    text: str
    special_tokens: bool = True
    first: bool = True


class Spell(Call[list[Token]], frozen=True, kw_only=True):
    """The fewest tokens whose bytes, after other tokens, join to exactly `data`. Raises UsageError without any."""

    data: bytes


class RenderChat(Call[RenderedChat], frozen=True, kw_only=True):
    """The messages in the format of the model's chat template.

    Raises UsageError for a model without one, for messages that it refuses, and for a flag that is none.
    """

    messages: list[Message]
    options: ChatOptions


class Describe(Call[list[Token]], frozen=True, kw_only=True):
    """The tokens of a sequence of ids. An id without an entry is of the kind `unused`."""

    ids: list[int]


class Inspect(Call[Structure], frozen=True, kw_only=True):
    """What the model is made of. Raises EngineError."""


class Save(Call[int], frozen=True, kw_only=True):
    """Write the model as a Hugging Face folder, with its tokenizer; the bytes of it.

    config.json names the dtype in which the model is loaded, whatever its weights are stored in. Raises EngineError
    where the folder cannot be written, or a weight has no place in the dtype.
    """

    folder: str
    """The folder, which is there and empty."""
    dtype: str
    """In which the weights are stored: float32, bfloat16 or float16."""


NO_ADAPTER = "There is no adapter on {model}: open one with --adapter."


class Adapt(Call[EngineInfo], frozen=True, kw_only=True):
    """The adapter on, or off; what the engine is from then on.

    What is under way in parts ends with an EngineError. Raises UsageError where there is no adapter, or where it cannot
    be switched, ModelError where the tokenizer of the other side cannot be read.
    """

    on: bool
