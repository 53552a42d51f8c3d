"""Engine: what every engine can do, whatever computes behind it.

Owns the interface and the values that cross it. The essential call is stateless: these ids, these settings, this many
candidates -> a Distribution. Must not know torch, processes or servers.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any, Literal

import msgspec

from explorer.core.distribution import Candidate, Distribution
from explorer.core.journal import Engine as EngineEvent
from explorer.core.journal import Header
from explorer.core.sampling import SamplingParams
from explorer.core.score import Scored
from explorer.core.token import Token
from explorer.errors import ContextFull, UsageError

FinishReason = Literal["stop", "length", "context"]
"""`stop`: an end-of-sequence token was drawn; `length`: the asked number of tokens; `context`: no position is left."""


class ModelSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Which model, and how it is loaded."""

    model: str
    """A folder, or an id of the Hugging Face hub."""
    name: str
    """What the model is called on the screen and in the record."""
    device: str = "auto"
    dtype: str = "auto"


class EngineInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine is, once it is ready."""

    model: str
    revision: str | None = None
    architecture: str
    parameters: int | None = None
    dtype: str
    device: str
    vocab_size: int
    """Rows of the output, which may be more than the tokenizer has."""
    context_length: int | None
    """Positions of the model; None where it has no limit."""
    eos_ids: list[int]
    """Ends a sequence: the union of generation config, config and tokenizer."""
    tokenizer: str
    """Fingerprint of the vocabulary."""
    versions: dict[str, str] = {}
    sampling_defaults: dict[str, Any] = {}
    """The settings of the sampler that the model's generation_config sets, for a Preset; empty if there are none."""

    def header(self) -> Header:
        """The first line of a record made on this engine."""
        return Header(
            model=self.model,
            revision=self.revision,
            dtype=self.dtype,
            device=self.device,
            tokenizer=self.tokenizer,
            versions=self.versions,
        )

    def event(self, restarted: bool) -> EngineEvent:
        """The event that says that this engine goes on with a walk."""
        return EngineEvent(
            restarted=restarted,
            model=self.model,
            revision=self.revision,
            dtype=self.dtype,
            device=self.device,
            tokenizer=self.tokenizer,
            versions=self.versions,
        )


class Progress(msgspec.Struct, frozen=True):
    """How far a long call is."""

    stage: str
    done: int = 0
    total: int = 0
    """0 where it is not known."""


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
    def score(self, ids: Sequence[int], top: int) -> AsyncGenerator[list[Scored], None]:
        """What the model thinks of each token of a sequence, in one pass, part by part from the first token on.

        `top`: how many alternatives each gets. Afterwards the sequence is in the cache: going on from it costs one
        forward pass a token. Raises as `next` does.
        """

    @abstractmethod
    async def encode(self, text: str, special_tokens: bool = True) -> list[Token]:
        """The tokens of a text; with `special_tokens`, also those that the tokenizer adds by default."""

    @abstractmethod
    async def describe(self, ids: Sequence[int]) -> list[Token]:
        """The tokens of a sequence of ids. An id without an entry is of the kind `unused`."""

    @abstractmethod
    async def close(self) -> None:
        """Let everything go. May be called twice."""


async def encode_prompt(engine: Engine, text: str) -> list[Token]:
    """The tokens of a text that a walk can begin with.

    Raises UsageError where there are none, ContextFull where there are more than the context holds, EngineError.
    """
    tokens = await engine.encode(text)
    length = engine.info.context_length if engine.info else None
    if not tokens:
        raise UsageError("The prompt is empty, and this model has no token to begin with. Write one.")
    if length is not None and len(tokens) > length:
        raise ContextFull(f"The prompt has {len(tokens):,} tokens; the model's context holds {length:,}. Shorten it.")
    return tokens
