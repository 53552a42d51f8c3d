"""Engine: what every engine can do, whatever computes behind it.

Owns the interface and the values that cross it. The essential call is stateless: these ids, these settings, this many
candidates -> a Distribution. Must not know torch, processes or servers.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Sequence

import msgspec

from explorer.core.chat import Chat, ChatOptions, Message, PromptSource
from explorer.core.distribution import Candidate, Distribution
from explorer.core.query import Query
from explorer.core.record.events import Prompt
from explorer.core.sampling.params import SamplingParams
from explorer.core.sampling.stopping import FinishReason, StopRules
from explorer.core.score import Scored
from explorer.core.token import Token
from explorer.engine.description import EngineInfo, Structure
from explorer.errors import ContextFull, EngineError, UsageError

DEFAULT_STOP = StopRules()


class Progress(msgspec.Struct, frozen=True):
    """How far a long call is."""

    stage: str
    done: int = 0
    total: int = 0
    """0 where it is not known."""


class RenderedChat(msgspec.Struct, frozen=True):
    """What the template of a model makes of messages."""

    text: str
    tokens: list[Token]
    """Of the text, encoded once; the template writes every special token itself."""


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


class Engine(ABC):
    """A model that answers. Every call can be cancelled, and a cancelled call leaves the engine right."""

    info: EngineInfo | None = None
    """None until `start` has returned."""
    on_progress: Callable[[Progress], None] = staticmethod(lambda progress: None)
    """Called while a long call is under way; on the event loop that made the call."""
    on_death: Callable[[str], None] = staticmethod(lambda sentence: None)
    """Called once when the engine ends by itself."""

    @abstractmethod
    async def start(self) -> EngineInfo:
        """Load the model, or load it again. Raises ModelError, EngineDied."""

    @abstractmethod
    async def next(
        self,
        ids: Sequence[int],
        params: SamplingParams,
        top: int,
        include: Sequence[int] = (),
        *,
        prompt_length: int | None = None,
    ) -> Distribution:
        """The `top` first of the next tokens after the prefix `ids`, and those of `include`, by their places.

        `prompt_length`: how many tokens of the prefix are the prompt, after which `min_new_tokens` counts; None where
        all of them are. Raises UsageError for an empty prefix or an id outside the vocabulary, ContextFull where the
        prefix is longer than the context, EngineError.
        """

    @abstractmethod
    def generate(
        self,
        ids: Sequence[int],
        params: SamplingParams,
        *,
        draws: int,
        max_new_tokens: int,
        top: int,
        prompt_length: int | None = None,
    ) -> AsyncGenerator[Step, None]:
        """Sample up to `max_new_tokens` tokens after the prefix, one Step each.

        `draws` tells how many draws of the seed the path has used up: the first one here is the draw of that index.
        `params.seed` must be set unless the temperature is 0. `prompt_length` is as in `next`. Closing the iterator
        stops between two tokens. Raises as `next` does, and EngineError where the samplers leave no token.
        """

    @abstractmethod
    def sample(
        self,
        prompts: Sequence[Sequence[int]],
        params: SamplingParams,
        *,
        num_sequences: int = 1,
        stop: StopRules = DEFAULT_STOP,
    ) -> AsyncGenerator[list[Drawn], None]:
        """Sample `num_sequences` sequences after each prompt, a token of some of them at a time.

        The sequences of prompt i are those that `generate()` gives for it alone with the seed `params.seed` + i and
        num_return_sequences: neither other prompts nor the end of another sequence changes what one draws. Which of
        them go on side by side is the engine's affair; each gets its tokens in order. Closing the iterator stops
        between two tokens. Raises as `generate` does, and UsageError for several sequences at the temperature 0.
        """

    @abstractmethod
    def score(self, ids: Sequence[int], top: int, begin: int = 0) -> AsyncGenerator[list[Scored], None]:
        """What the model thinks of each token of a sequence, in one pass, part by part from the token `begin` on.

        `top`: how many alternatives each gets. What stands before `begin` costs nothing where it is in the cache.
        Afterwards the sequence is: going on from it costs one forward pass a token. Raises as `next` does.
        """

    @abstractmethod
    async def compare(self, ids: Sequence[int], continuations: Sequence[Sequence[int]]) -> list[list[Scored]]:
        """What the model thinks of each token of several continuations of one prefix, side by side where it can be.

        No token gets alternatives. What is held of the prefix stays. Raises as `next` does for each of the texts.
        """

    @abstractmethod
    async def search(
        self,
        ids: Sequence[int],
        query: Query,
        params: SamplingParams,
        limit: int,
        *,
        prompt_length: int | None = None,
    ) -> Found:
        """The `limit` first of all the tokens that match a query, as they stand in the table after the prefix.

        Raises as `next` does, and UsageError for a regular expression that is none, or takes too long.
        """

    @abstractmethod
    async def logprobs(self, ids: Sequence[int]) -> list[float]:
        """The natural logarithm of every token's prob after the prefix, by id: float32, -inf and NaN as they are.

        Raises as `next` does.
        """

    @abstractmethod
    async def encode(self, text: str, special_tokens: bool = True, *, first: bool = True) -> list[Token]:
        """The tokens of a text; with `special_tokens`, also those that the tokenizer adds by default.

        Where it is not the `first` text of a sequence, the bytes of its tokens are exactly the text's: no tokenizer
        puts a space before it. Raises UsageError where the vocabulary cannot spell such a text.
        """

    @abstractmethod
    async def spell(self, data: bytes) -> list[Token]:
        """The fewest tokens whose bytes, after other tokens, join to exactly `data`. Raises UsageError without any."""

    @abstractmethod
    async def render_chat(self, messages: Sequence[Message], options: ChatOptions) -> RenderedChat:
        """The messages in the format of the model's chat template.

        Raises UsageError for a model without one, for messages that it refuses, and for a flag that is none.
        """

    @abstractmethod
    async def describe(self, ids: Sequence[int]) -> list[Token]:
        """The tokens of a sequence of ids. An id without an entry is of the kind `unused`."""

    @abstractmethod
    async def structure(self) -> Structure:
        """What the model is made of. Raises EngineError."""

    @abstractmethod
    async def close(self) -> None:
        """Let everything go. May be called twice."""


async def encode_prompt(engine: Engine, text: str, special_tokens: bool = True) -> list[Token]:
    """The tokens of a text that a walk can begin with; with `special_tokens`, also those of the tokenizer.

    Raises UsageError where there are none, ContextFull where there are more than the context holds, EngineError.
    """
    return _fitting(engine, await engine.encode(text, special_tokens))


async def encode_source(engine: Engine, source: str | Chat) -> tuple[list[Token], Prompt]:
    """The tokens of a text or a chat, and the event that begins a walk with them. Raises as `encode_prompt` does."""
    if isinstance(source, str):
        tokens = await encode_prompt(engine, source)
        return tokens, Prompt.of(source, tokens)
    rendered = await engine.render_chat(source.messages, source.options)
    return _fitting(engine, rendered.tokens), Prompt.of(rendered.text, rendered.tokens, source)


def _fitting(engine: Engine, tokens: list[Token]) -> list[Token]:
    length = engine.info.context_length if engine.info else None
    if not tokens:
        raise UsageError("The prompt is empty, and this model has no token to begin with. Write one.")
    if length is not None and len(tokens) > length:
        raise ContextFull(f"The prompt has {len(tokens):,} tokens; the model's context holds {length:,}. Shorten it.")
    return tokens


async def carry_over(engine: Engine, path: Sequence[Token], tokenizer: str) -> tuple[str, list[Token]]:
    """A path of a vocabulary (its fingerprint is `tokenizer`) as a prompt of an engine: the text, and its tokens there.

    The ids are kept where the engine has the same vocabulary. Otherwise the text is encoded anew, without the special
    tokens and without an unfinished character at its end. Raises as `encode_prompt` does.
    """
    data = b"".join(token.bytes for token in path if token.kind != "special")
    text = data.decode(errors="ignore")
    if engine.info is not None and engine.info.tokenizer == tokenizer:
        return text, list(path)
    return text, await encode_prompt(engine, text)


def check_sampling(params: SamplingParams, num_sequences: int = 1) -> None:
    """Raises UsageError where no engine could draw."""
    if num_sequences < 1:
        raise UsageError(f"The number of sequences must be at least 1, not {num_sequences}.")
    if params.temperature == 0 and num_sequences > 1:
        raise UsageError("At the temperature 0 every sequence is the same: ask for one, or for a higher temperature.")
    if params.seed is None and params.temperature != 0:
        raise UsageError("Drawing needs a seed.")


def ready(engine: Engine) -> EngineInfo:
    """What the engine is. Raises EngineError before it is ready."""
    if engine.info is None:
        raise EngineError("The engine is not running.")
    return engine.info


async def prompt_ids(engine: Engine, source: PromptSource, special_tokens: bool = True) -> list[int]:
    """The ids of a prompt; `special_tokens` is about those that a tokenizer adds to a text. Raises UsageError."""
    if isinstance(source, list):
        return source
    if isinstance(source, Chat):
        return [token.id for token in (await engine.render_chat(source.messages, source.options)).tokens]
    return [token.id for token in await engine.encode(source, special_tokens)]
