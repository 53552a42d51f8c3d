"""Event: what the lines of a record have in common: a time, and of an act, that it can be undone.

Owns the fields that several kinds of events share. Must not know the kinds.
"""

from typing import TYPE_CHECKING

import msgspec

from explorer.core.sampling.params import SamplingParams


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag=str.lower):
    """One line of the record."""

    t: float = 0.0
    """Seconds since the start of the record."""


class Act(Event, frozen=True, kw_only=True):
    """What a person did to the walk, and can undo."""

    joined: bool | msgspec.UnsetType = msgspec.UNSET
    """Whether it belongs to the act of the one before, and is undone with it; left out where it does not."""


class NodeAct(Act, frozen=True, kw_only=True):
    """An act that is about a node, which may be of another prompt than the current one."""

    node: int
    root: int | msgspec.UnsetType = msgspec.UNSET

    def root_from(self, current: int) -> int:
        """The number of the node's prompt, where the cursor is in the one of the number `current`."""
        return current if self.root is msgspec.UNSET else self.root


ALWAYS = ("temperature", "top_p", "top_k", "seed")
"""Settings that every record tells; an older one lacks those that came later, which were off."""


def _recorded_settings() -> type[msgspec.Struct]:
    """An event with a field for each of the settings, as SamplingParams declares them."""
    declared = ((setting.name, setting.type, setting.default) for setting in msgspec.structs.fields(SamplingParams))
    fields = [(name, kind) if name in ALWAYS else (name, kind, default) for name, kind, default in declared]
    return msgspec.defstruct("Settings", fields, bases=(Event,), module=__name__, frozen=True, kw_only=True)


if TYPE_CHECKING:
    Settings = Event  # Nobody names the fields: `of` and `params` go over all of them.
else:
    Settings = _recorded_settings()
