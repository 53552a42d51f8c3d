"""Player: a record as a film: acts, one after the other, at a pace.

Owns what is one act to be seen, when the next one is due, and the pace. Nothing is computed: all of it was recorded.
Must not know widgets, nor how time passes.
"""

import bisect
from fractions import Fraction

import msgspec

from explorer.core.record import events
from explorer.core.record.event import Act
from explorer.core.record.events import AnyEvent
from explorer.core.record.record import MadeOn, Record
from explorer.core.walk.snapshot import Snapshot
from explorer.core.walk.timeline import Timeline
from explorer.errors import RecordError, UsageError
from explorer.wording import Wording

SPEEDS = tuple(map(Fraction, ("1/4", "1/2", "1", "2", "4", "8", "16")))
"""Times as fast as it was recorded."""

LONGEST = 2.0
"""Seconds of a pause, before the speed counts: whoever thought longer need not be waited for."""

MOST_RATE = 1000.0

Shown = Act | events.Undo | events.Redo | events.Params | events.Engine
"""What a person sees happen; a table or a score belongs to what came before it."""


class Pace(msgspec.Struct, frozen=True):
    """How fast acts follow each other."""

    speed: Fraction = Fraction(1)
    """Times as fast as it was recorded, or as the rate says."""
    rate: float | None = None
    """Acts a second; None follows the recorded times."""

    @classmethod
    def parse(cls, text: str) -> "Pace":
        """`2x`, `1/4x` and `0.5x` are times the recorded pace, `5` and `5/s` acts a second. Raises UsageError."""
        wrong = UsageError(
            f"--speed is 1/4x to 16x of the recorded pace, or up to {MOST_RATE:,.0f} acts a second as in 5/s, "
            f"not “{text}”."
        )
        try:
            if text.endswith("x"):
                speed = Fraction(text.removesuffix("x"))
                if SPEEDS[0] <= speed <= SPEEDS[-1]:
                    return cls(speed)
                raise wrong
            rate = float(text.removesuffix("/s"))
        except (ValueError, ZeroDivisionError) as error:
            raise wrong from error
        if not 0 < rate <= MOST_RATE:
            raise wrong
        return cls(rate=rate)

    def step(self, direction: int) -> "Pace":
        """The next faster one, or the next slower."""
        others = [speed for speed in SPEEDS if (speed > self.speed if direction > 0 else speed < self.speed)]
        if not others:
            return self
        return msgspec.structs.replace(self, speed=min(others) if direction > 0 else max(others))

    @property
    def text(self) -> str:
        """`2x`, or `10/s`."""
        return f"{self.speed}x" if self.rate is None else f"{float(self.rate * self.speed):g}/s"


class Player:
    """Begins with the first prompt; `unread` says why the record could not be read further, where it could not.

    Raises RecordError where there is no prompt.
    """

    def __init__(self, record: Record, name: str, pace: Pace | None = None, unread: str = "") -> None:
        self.pace = pace or Pace()
        self.playing = False
        self._unread = unread
        self.started = record.header.started[:10]
        """The day."""
        self._timeline = Timeline(record, name)
        happened = record.events
        first = next(index for index, event in enumerate(happened) if isinstance(event, events.Prompt))
        later = [index for index, event in enumerate(happened) if index > first and isinstance(event, Shown)]
        self._begins = [first, *later]
        """For each act, which event it is."""
        self._ends = [*later, len(happened)]
        """For each act, how many events have been applied after it."""
        self._times = [happened[index].t for index in self._begins]
        self._engines: list[tuple[int, MadeOn]] = [(0, record.header)]
        self._engines += [
            (index + 1, event) for index, event in enumerate(happened) if isinstance(event, events.Engine)
        ]
        self._act = 0
        self._credit = 0.0
        """Seconds that have passed since the act was due."""
        self.go(0)

    # Where it stands.

    @property
    def act(self) -> int:
        """Which act is shown, from 0."""
        return self._act

    @property
    def acts(self) -> int:
        return len(self._ends)

    @property
    def time(self) -> float:
        """When the act was, in seconds since the first one."""
        return self._times[self._act] - self._times[0]

    @property
    def duration(self) -> float:
        return self._times[-1] - self._times[0]

    @property
    def at_end(self) -> bool:
        return self._act == self.acts - 1

    @property
    def snapshot(self) -> Snapshot:
        return self._timeline.session.snapshot()

    @property
    def engine(self) -> MadeOn:
        """On which it was recorded, at this act."""
        place = bisect.bisect_right(self._engines, self._timeline.at, key=lambda pair: pair[0])
        return self._engines[place - 1][1]

    @property
    def fault(self) -> str:
        """Why it ends before the record does, in a sentence; empty where it does not, as far as is known."""
        return self._timeline.fault or self._unread

    def ending(self, words: Wording) -> str:
        """What the last act is, where nothing is wrong."""
        closed = bool(self._timeline.events) and isinstance(self._timeline.events[-1], events.End)
        return words("player.end" if closed else "player.not_closed")

    def happened(self, words: Wording) -> str:
        """What the act was, in a few words."""
        return _happened(words, self._timeline.events[self._begins[self._act]])

    # Going.

    def go(self, act: int, events: int | None = None) -> bool:
        """Show an act, or the nearest there is; where more than `events` events lie before it, go on by so many.

        Whether it is shown.
        """
        end = self._ends[min(max(act, 0), self.acts - 1)]
        ended_early = bool(self._timeline.fault)
        self._timeline.go(end if events is None else min(end, self._timeline.at + events))
        if self._timeline.fault and not ended_early:
            self._cut()
        self._credit = 0.0
        self._act = min(bisect.bisect_left(self._ends, self._timeline.at), self.acts - 1)
        return self._timeline.at == end or bool(self._timeline.fault)

    def _cut(self) -> None:
        """What comes after the line that does not fit is not there. Raises RecordError where nothing is."""
        if not self._timeline.session.trees:
            raise RecordError(self.fault)
        count = bisect.bisect_left(self._ends, self._timeline.at) + 1
        del self._ends[count:], self._times[count:]
        self._ends[-1] = self._timeline.at

    def pass_time(self, seconds: float) -> bool:
        """Show what is due after some more seconds; whether another act is shown. Stops at the end."""
        self._credit += seconds
        act = self._act
        while act < self.acts - 1 and (pause := self._pause(act)) <= self._credit:
            self._credit -= pause
            act += 1
        if act == self._act:
            return False
        left = self._credit
        self.go(act)
        self._credit = left
        if self.at_end:
            self.playing = False
        return True

    def _pause(self, act: int) -> float:
        """Seconds from an act to the next one."""
        gap = self._times[act + 1] - self._times[act] if self.pace.rate is None else 1 / self.pace.rate
        return min(max(gap, 0.0), LONGEST) / float(self.pace.speed)


def _happened(words: Wording, event: AnyEvent) -> str:
    match event:
        case events.Prompt():
            return words("player.prompt")
        case events.Add():
            return words(f"player.added.{event.source}")
        case events.Move():
            return words("player.moved" if event.drawn is None else "player.drawn_again")
        case events.Delete():
            return words("player.deleted")
        case events.Bookmark():
            return words("player.named" if event.name else "player.unnamed")
        case events.Undo():
            return words("player.undone")
        case events.Redo():
            return words("player.redone")
        case events.Params():
            return words("player.settings")
        case events.Engine():
            return words("player.restarted" if event.restarted else "player.engine")
    return ""
