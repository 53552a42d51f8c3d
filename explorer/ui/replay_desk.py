"""ReplayDesk: the desk of a record that is played, act by act, without an engine: what is shown was recorded.

Owns the clock that plays it. Must not know files.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

from textual.app import ComposeResult
from textual.timer import Timer

from explorer.core.record.record import model_in_words
from explorer.core.token import visible
from explorer.ui.desk import Desk
from explorer.ui.keymap import Keymap
from explorer.ui.repaint import FRAME
from explorer.ui.widgets.player import PlayerLine, Standing
from explorer.ui.widgets.status import Status
from explorer.walk.player import Player
from explorer.wording import Wording

PART = 2000
"""Events between two pictures on a long way."""

COUNT_DIGITS = 7
"""Of a number that is typed, at most."""


class ReplayDesk(Desk):
    """`clock` gives seconds."""

    def __init__(self, player: Player, keymap: Keymap, words: Wording, top: int, clock: Callable[[], float]) -> None:
        super().__init__(player, keymap, words, rows=top, digits=COUNT_DIGITS, sampler_keys=False)
        self.player = player
        self.player_line = PlayerLine(words)
        self._clock = clock
        self._looked = 0.0
        self._timer: Timer | None = None
        self._told = False
        """Whether it was said in full why the record ends early."""

    def compose(self) -> ComposeResult:
        with self.panes:
            for pane in (self.text_pane, self.candidates, self.tokens, self.sampler):
                yield pane.data_bind(ReplayDesk.snapshot, ReplayDesk.view)
        yield self.player_line
        yield self.status_line.data_bind(ReplayDesk.status)

    def on_mount(self) -> None:
        self._timer = self.set_interval(FRAME, self.tick, pause=True)
        self.changed()

    def paint(self) -> None:
        super().paint()
        player = self.player
        if self.snapshot.distribution is None:
            self.candidates.say(self.words("replay.no_table"))
        self.player_line.standing = Standing(
            playing=player.playing,
            pace=player.pace.text,
            act=player.act,
            acts=player.acts,
            happened=player.happened(self.words),
            time=player.time,
            duration=player.duration,
        )
        note, severity = self.view.note, self.view.severity
        if not note and player.at_end:
            note, severity = player.fault or player.ending(self.words), "warning" if player.fault else "note"
            if player.fault and not self._told:
                self._told = True
                self.warn(player.fault)
        engine = player.engine
        self.status = Status(
            model=visible(model_in_words(engine, lambda name: Path(name).name)),
            dtype=engine.dtype,
            device=f"{engine.device} · {player.started}",
            note=note,
            severity=severity,
        )

    def counting(self, count: int) -> None:
        if count:
            self.note(self.words("replay.counting", count=count))

    # Playing.

    def tick(self) -> None:
        """Show what is due."""
        now = self._clock()
        seconds, self._looked = now - self._looked, now
        if self.player.playing and self.player.pass_time(seconds):
            self.note("")
        if not self.player.playing:
            self.pause()

    def play(self) -> None:
        """From here; from the beginning where it is at its end."""
        self.workers.cancel_group(self, "way")
        if self.player.at_end:
            self.player.go(0)
        self.player.playing = True
        self._looked = self._clock()
        if self._timer is not None:
            self._timer.resume()

    def pause(self) -> None:
        self.player.playing = False
        if self._timer is not None:
            self._timer.pause()

    # Going.

    def go(self, act: int) -> None:
        """Show an act; a long way is gone in parts, so that keys are heard on it."""
        self.pause()
        self.workers.cancel_group(self, "way")
        if self.player.go(act, PART):
            self.note("")
        else:
            self.run_worker(self._go_on(act), exclusive=True, group="way")

    async def _go_on(self, act: int) -> None:
        while not self.player.go(act, PART):
            self.note(self.words("replay.on_the_way", act=act + 1))
            await asyncio.sleep(0)
        self.note("")
