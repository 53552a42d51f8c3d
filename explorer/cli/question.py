"""Question: what a command asks of an engine, whoever wants to know, and however the answer is printed.

A command of the command line makes one of its flags, and has it answered on an engine that is started for it; `ask`
makes one of each line that it reads, and has all of them answered on one engine.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from explorer.cli.engines import with_engine
from explorer.cli.output import say
from explorer.config import Config

if TYPE_CHECKING:
    from explorer.engine.base import Engine, Reporter

Answer = TypeVar("Answer")

Say = Callable[[str], None]
"""Takes a sentence that is worth knowing beside the answer."""


@dataclass(frozen=True, slots=True)
class Question(Generic[Answer]):
    """All that does not need an engine is checked when it is made."""

    config: Config
    """Of the engine that it is for, where one is started for it."""
    ask: "Callable[[Engine, Reporter, Say], Awaitable[Answer]]"
    """Asks an engine that is ready. Raises UsageError, ContextFull, EngineError."""

    def answer(self) -> Answer:
        """The answer of an engine of its own. Raises what `ask` raises, and ModelError."""
        return with_engine(self.config, lambda engine, report: self.ask(engine, report, say))
