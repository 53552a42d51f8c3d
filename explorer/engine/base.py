"""Engine: what every engine can do, whatever computes behind it.

Owns the interface. An engine answers calls, which are values (calls.py); for each there is a method here that makes it
and asks it. The essential call is stateless: these ids, these settings, this many candidates -> a Distribution. Must
not know torch, processes or servers.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

import msgspec

from explorer.core.chat import ChatOptions, Message
from explorer.core.distribution import Distribution
from explorer.core.query import Query
from explorer.core.sampling.params import SamplingParams
from explorer.core.sampling.stopping import StopRules
from explorer.core.score import Scored
from explorer.core.token import Token
from explorer.engine import calls
from explorer.engine.calls import DEFAULT_STOP as DEFAULT_STOP
from explorer.engine.calls import Answer, AnyCall, Call, Part, Stream
from explorer.engine.calls import Drawn as Drawn
from explorer.engine.calls import Found as Found
from explorer.engine.calls import Padding as Padding
from explorer.engine.calls import RenderedChat as RenderedChat
from explorer.engine.calls import Step as Step
from explorer.engine.description import EngineInfo, Structure
from explorer.errors import EngineError, UsageError


class Progress(msgspec.Struct, frozen=True):
    """How far a long call is."""

    stage: str
    done: int = 0
    total: int = 0
    """0 where it is not known."""


Reporter = Callable[[Progress], None]
"""Takes how far a call is while it is under way; called on the event loop that made the call."""


def silent(progress: Progress) -> None:
    """Where nobody wants to know how far a call is."""


class Engine(ABC):
    """A model that answers. Every call can be cancelled, and a cancelled call leaves the engine right.

    A subclass answers the call `Next` with `answer_next(call, report)`, and so on: a coroutine for a Call, an async
    generator for a Stream. A call that it has no method for is refused, and not among `answered()`.
    """

    info: EngineInfo | None = None
    """None until `start` has returned."""
    on_death: Callable[[str], None] = staticmethod(lambda sentence: None)
    """Called once when the engine ends by itself."""

    @abstractmethod
    async def start(self, report: Reporter = silent) -> EngineInfo:
        """Load the model, or load it again. Raises ModelError, EngineDied."""

    @abstractmethod
    async def close(self) -> None:
        """Let everything go. May be called twice."""

    @classmethod
    def answered(cls) -> tuple[str, ...]:
        """The names of the calls that an engine of this class answers, sorted; for its EngineInfo."""
        return tuple(sorted(name for name in calls.CALLS if hasattr(cls, f"answer_{name}")))

    async def ask(self, call: Call[Answer], report: Reporter = silent) -> Answer:
        """The answer to a call; `report` takes how far it is, where it takes long.

        Raises what the call says, and UsageError where this engine does not answer it.
        """
        answer: Answer = await self._answering(call)(call, report)
        return answer

    def stream(self, call: Stream[Part], report: Reporter = silent) -> AsyncGenerator[Part, None]:
        """The answer to a call, part by part. Closing the iterator stops it between two parts. Raises as `ask` does."""
        parts: AsyncGenerator[Part, None] = self._answering(call)(call, report)
        return parts

    def _answering(self, call: AnyCall) -> Callable[[AnyCall, Reporter], Any]:
        method: Callable[[AnyCall, Reporter], Any] | None = getattr(self, f"answer_{call.name}", None)
        if method is None:
            model = self.info.model if self.info else "this model"
            raise UsageError(f"The engine of {model} does not answer “{call.name}”. Open the model on another engine.")
        return method

    # The calls, one by one: what each means, and what it raises, is said in calls.py.

    async def next(
        self,
        ids: Sequence[int],
        params: SamplingParams,
        top: int,
        include: Sequence[int] = (),
        *,
        prompt_length: int | None = None,
        report: Reporter = silent,
    ) -> Distribution:
        """The first of the next tokens after a prefix: `calls.Next`."""
        call = calls.Next(ids=list(ids), params=params, top=top, include=list(include), prompt_length=prompt_length)
        return await self.ask(call, report)

    def generate(
        self,
        ids: Sequence[int],
        params: SamplingParams,
        *,
        draws: int,
        max_new_tokens: int,
        top: int,
        prompt_length: int | None = None,
        report: Reporter = silent,
    ) -> AsyncGenerator[Step, None]:
        """Tokens drawn one after the other: `calls.Generate`."""
        call = calls.Generate(
            ids=list(ids),
            params=params,
            draws=draws,
            max_new_tokens=max_new_tokens,
            top=top,
            prompt_length=prompt_length,
        )
        return self.stream(call, report)

    def sample(
        self,
        prompts: Sequence[Sequence[int]],
        params: SamplingParams,
        *,
        num_sequences: int = 1,
        stop: StopRules = DEFAULT_STOP,
        padding: Padding = "left",
        report: Reporter = silent,
    ) -> AsyncGenerator[list[Drawn], None]:
        """Several sequences after each prompt, side by side: `calls.Sample`."""
        whole = [list(ids) for ids in prompts]
        call = calls.Sample(prompts=whole, params=params, num_sequences=num_sequences, stop=stop, padding=padding)
        return self.stream(call, report)

    def score(
        self, ids: Sequence[int], top: int, begin: int = 0, *, report: Reporter = silent
    ) -> AsyncGenerator[list[Scored], None]:
        """What the model thinks of each token of a text: `calls.Score`."""
        return self.stream(calls.Score(ids=list(ids), top=top, begin=begin), report)

    async def compare(
        self, ids: Sequence[int], continuations: Sequence[Sequence[int]], *, report: Reporter = silent
    ) -> list[list[Scored]]:
        """What the model thinks of several texts that could follow: `calls.Compare`."""
        listed = [list(continuation) for continuation in continuations]
        return await self.ask(calls.Compare(ids=list(ids), continuations=listed), report)

    async def search(
        self,
        ids: Sequence[int],
        query: Query,
        params: SamplingParams,
        limit: int,
        *,
        prompt_length: int | None = None,
        report: Reporter = silent,
    ) -> Found:
        """The tokens that match a query, at their places after a prefix: `calls.Search`."""
        call = calls.Search(ids=list(ids), query=query, params=params, limit=limit, prompt_length=prompt_length)
        return await self.ask(call, report)

    async def logprobs(self, ids: Sequence[int], *, report: Reporter = silent) -> list[float]:
        """The logprob of every token after a prefix, by id: `calls.Logprobs`."""
        return (await self.ask(calls.Logprobs(ids=list(ids)), report)).numbers()

    async def encode(self, text: str, special_tokens: bool = True, *, first: bool = True) -> list[Token]:
        """The tokens of a text: `calls.Encode`."""
        return await self.ask(calls.Encode(text=text, special_tokens=special_tokens, first=first))

    async def spell(self, data: bytes) -> list[Token]:
        """The fewest tokens of these bytes: `calls.Spell`."""
        return await self.ask(calls.Spell(data=data))

    async def render_chat(self, messages: Sequence[Message], options: ChatOptions) -> RenderedChat:
        """The messages in the format of the model's template: `calls.RenderChat`."""
        return await self.ask(calls.RenderChat(messages=list(messages), options=options))

    async def describe(self, ids: Sequence[int]) -> list[Token]:
        """The tokens of ids: `calls.Describe`."""
        return await self.ask(calls.Describe(ids=list(ids)))

    async def adapt(self, on: bool) -> EngineInfo:
        """The adapter on, or off, as it stays when the engine is started again: `calls.Adapt`."""
        self.info = await self.ask(calls.Adapt(on=on))
        return self.info

    async def structure(self) -> Structure:
        """What the model is made of: `calls.Inspect`."""
        return await self.ask(calls.Inspect())


MOST_SEQUENCES = 10_000
"""Side by side after one prompt: each has a row of its own in every pass."""


def check_sampling(params: SamplingParams, num_sequences: int = 1) -> None:
    """Raises UsageError where no engine could draw."""
    if num_sequences < 1:
        raise UsageError(f"The number of sequences must be at least 1, not {num_sequences}.")
    if num_sequences > MOST_SEQUENCES:
        raise UsageError(f"The number of sequences must be at most {MOST_SEQUENCES:,}, not {num_sequences}.")
    if params.temperature == 0 and num_sequences > 1:
        raise UsageError("At the temperature 0 every sequence is the same: ask for one, or for a higher temperature.")
    if params.seed is None and params.temperature != 0:
        raise UsageError("Drawing needs a seed.")


def ready(engine: Engine) -> EngineInfo:
    """What the engine is. Raises EngineError before it is ready."""
    if engine.info is None:
        raise EngineError("The engine is not running.")
    return engine.info
