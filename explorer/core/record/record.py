"""Record: what the file of a walk holds. Must not know how it is read and written, nor what the events do."""

import msgspec

from explorer.core.record.events import AnyEvent, Header


class Record(msgspec.Struct, frozen=True):
    """What a file holds."""

    header: Header
    events: list[AnyEvent]
    torn: bytes = b""
    """The beginning of a last line that was not finished."""
    size: int = 0
    """Bytes of the file without the torn line."""
