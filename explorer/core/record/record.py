"""Record: what the file of a walk holds, and the engines that the walk was made on.

Owns what makes two of them the same engine. Must not know how a file is read and written, nor what the events do.
"""

from collections.abc import Callable, Iterator

import msgspec

from explorer.core.record.events import AnyEvent, Engine, Header, Prompt

MadeOn = Header | Engine
"""An engine as a record names it: the first one in the header, every later one in an event."""

ENGINE_FIELDS = ("model", "revision", "dtype", "device", "tokenizer", "loaded_with", "versions")
"""What a number depends on beside the text and the settings."""


def adapter_of(made: MadeOn) -> str:
    """The adapter that lies on the model of an engine, with its revision; empty where there is none."""
    name, revision = (made.loaded_with.get(field) for field in ("adapter", "adapter_revision"))
    return "" if not isinstance(name, str) else f"{name}@{revision}" if revision else name


def model_in_words(made: MadeOn, called: Callable[[str], str] = str) -> str:
    """The model of an engine and the adapter on it; `called` gives what is said for the name of each."""
    names = (made.model, made.loaded_with.get("adapter"))
    return " + ".join(called(name) for name in names if isinstance(name, str))


def same_engine(one: MadeOn, other: MadeOn) -> bool:
    """Whether two names are those of one engine, be it started twice.

    Two engines are the same where they are the same revision of the same model with the same vocabulary, loaded in the
    same way, and computed in the same dtype on the same device by the same versions of the libraries.
    """
    return all(getattr(one, name) == getattr(other, name) for name in ENGINE_FIELDS)


class Record(msgspec.Struct, frozen=True):
    """What a file holds."""

    header: Header
    events: list[AnyEvent]
    torn: bytes = b""
    """The beginning of a last line that was not finished."""
    size: int = 0
    """Bytes of the file without the torn line."""

    @property
    def has_prompt(self) -> bool:
        """Whether there is a walk in it."""
        return any(isinstance(event, Prompt) for event in self.events)

    @property
    def engines(self) -> Iterator[MadeOn]:
        """Those that the walk was made on, in their order; one that was started again comes again."""
        yield self.header
        yield from (event for event in self.events if isinstance(event, Engine))

    @property
    def last_engine(self) -> MadeOn:
        """The one that the walk was made on last."""
        return next((event for event in reversed(self.events) if isinstance(event, Engine)), self.header)

    def by_vocabulary(self) -> Iterator[tuple[str, AnyEvent]]:
        """The events, each with the fingerprint of the vocabulary that its ids are of."""
        tokenizer = self.header.tokenizer
        for event in self.events:
            if isinstance(event, Engine):
                tokenizer = event.tokenizer
            yield tokenizer, event
