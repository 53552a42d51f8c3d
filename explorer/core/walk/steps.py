"""Steps: the events of a record, applied to a session one after the other. Everything that reads a walk goes this way.

Owns the sentences for a record without a prompt, and for a line that does not fit the ones before it. Must not know
what a step is looked at for.
"""

from collections.abc import Iterator

import msgspec

from explorer.core.record.events import AnyEvent
from explorer.core.record.record import Record
from explorer.core.walk.change import Change
from explorer.core.walk.session import Session
from explorer.errors import RecordError, UsageError


class Step(msgspec.Struct, frozen=True, gc=False):
    """An event that was just applied."""

    line: int
    """Of the record, from 1, which is the header."""
    event: AnyEvent
    changes: list[Change]
    """What it changed in the session."""


def walked(record: Record, name: str, session: Session) -> Iterator[Step]:
    """Apply the events of a record to a session without any, each when it is asked for; `name` is the file's.

    Raises RecordError at once where there is no prompt, and at a line that does not fit the ones before it.
    """
    if not record.has_prompt:
        raise RecordError(no_walk(name))
    return _steps(record, name, session)


def _steps(record: Record, name: str, session: Session) -> Iterator[Step]:
    for line, event in enumerate(record.events, 2):
        try:
            changes = session.apply(event)
        except (RecordError, UsageError) as error:
            raise at_line(line, name, error) from error
        yield Step(line, event, changes)


def restore(record: Record, name: str, session: Session) -> None:
    """Bring a session without events to where a record ends. Raises RecordError as `walked` does."""
    for _ in walked(record, name, session):
        pass


def at_line(line: int, name: str, error: Exception) -> RecordError:
    """What is wrong with an event, and where it stands."""
    return RecordError(f"Line {line} of {name}: {error}")


def no_walk(name: str) -> str:
    """That a record has no prompt."""
    return f"{name} ends before its first prompt: there is no walk in it."
