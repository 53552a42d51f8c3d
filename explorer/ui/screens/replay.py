"""ReplayScreen: a record on the screen, act by act, in the panes of the explorer.

Owns the clock that plays it and the number that is typed before a key. Must not know files, nor engines: what is shown
was recorded.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual import events, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.getters import query_one
from textual.timer import Timer
from textual.widgets import Footer

from explorer.core.token import visible
from explorer.ui.actions.view import View
from explorer.ui.commands import REPLAY_COMMANDS, bindings, latin_keys
from explorer.ui.screens.help import HelpScreen
from explorer.ui.widgets.candidates import CandidatesPane
from explorer.ui.widgets.player import PlayerLine, Standing
from explorer.ui.widgets.sampler import SamplerPane
from explorer.ui.widgets.status import Severity, Status, StatusLine
from explorer.ui.widgets.text import TextPane
from explorer.ui.widgets.tokens import TokensPane
from explorer.walk.player import Player

FRAME = 1 / 30
"""Seconds between two looks at what is due."""

PART = 2000
"""Events between two pictures on a long way."""

DIGITS = 7
"""Of a number that is typed, at most."""

NO_TABLE = "No table was recorded here."


class ReplayScreen(View):
    """`clock` gives seconds."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(REPLAY_COMMANDS)]
    AUTO_FOCUS = ""

    text_pane = query_one("#text", TextPane)
    candidates = query_one("#candidates", CandidatesPane)
    tokens = query_one("#tokens", TokensPane)
    sampler = query_one("#sampler", SamplerPane)
    player_line = query_one(PlayerLine)
    status_line = query_one(StatusLine)

    def __init__(self, player: Player, top: int, clock: Callable[[], float]) -> None:
        super().__init__()
        self.player = player
        self._top = top
        self._clock = clock
        self._looked = 0.0
        self._timer: Timer | None = None
        self._typed = 0
        self._count: int | None = None
        self._told = False
        """Whether it was said in full why the record ends early."""
        self._note: tuple[str, Severity] = ("", "note")

    def compose(self) -> ComposeResult:
        with Container(id="panes"):
            yield TextPane(id="text")
            yield CandidatesPane(id="candidates")
            yield TokensPane(id="tokens")
            yield SamplerPane(id="sampler", keys=False)
        yield PlayerLine()
        yield StatusLine()
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self.candidates.top = self._top
        self._timer = self.set_interval(FRAME, self.tick, pause=True)
        self.show()

    # Showing.

    def show(self) -> None:
        """Hand what is recorded of the act to the panes."""
        player = self.player
        snapshot = player.snapshot
        for pane in (self.text_pane, self.candidates, self.tokens, self.sampler):
            pane.snapshot = snapshot
        if snapshot.distribution is None:
            self.candidates.say(NO_TABLE)
        self.player_line.standing = Standing(
            playing=player.playing,
            pace=player.pace.text,
            act=player.act,
            acts=player.acts,
            happened=player.happened,
            time=player.time,
            duration=player.duration,
        )
        engine, (note, severity) = player.engine, self._note
        if not note and player.at_end:
            note, severity = player.fault or player.ending, "warning" if player.fault else "note"
            if player.fault and not self._told:
                self._told = True
                self.notify(player.fault, severity="warning", timeout=15, markup=False)
        self.status_line.status = Status(
            model=visible(Path(engine.model).name),
            dtype=engine.dtype,
            device=f"{engine.device} · {player.started}",
            note=note,
            severity=severity,
        )

    def note(self, sentence: str, severity: Severity = "note") -> None:
        self._note = (sentence, severity)
        self.show()

    # Playing.

    def tick(self) -> None:
        """Show what is due."""
        now = self._clock()
        seconds, self._looked = now - self._looked, now
        if self.player.playing and self.player.pass_time(seconds):
            self._note = ("", "note")
            self.show()
        if not self.player.playing:
            self._pause()

    def _pause(self) -> None:
        self.player.playing = False
        if self._timer is not None:
            self._timer.pause()

    def action_play(self) -> None:
        self.workers.cancel_group(self, "way")
        if self.player.playing:
            self._pause()
        else:
            if self.player.at_end:
                self.player.go(0)
            self.player.playing = True
            self._looked = self._clock()
            if self._timer is not None:
                self._timer.resume()
        self.note("")

    def action_play_slower(self) -> None:
        self._set_pace(-1)

    def action_play_faster(self) -> None:
        self._set_pace(1)

    def _set_pace(self, direction: int) -> None:
        self.player.pace = self.player.pace.step(direction)
        self.note("")

    # Going.

    def go(self, act: int) -> None:
        """Show an act."""
        self._pause()
        self.workers.cancel_group(self, "way")
        if self.player.go(act, PART):
            self.note("")
        else:
            self._go_on(act)

    @work(exclusive=True, group="way")
    async def _go_on(self, act: int) -> None:
        """A long way is gone in parts, so that keys are heard on it."""
        while not self.player.go(act, PART):
            self.note(f"on the way to {act + 1:,} …")
            await asyncio.sleep(0)
        self.note("")

    def action_next_act(self) -> None:
        self.go(self.player.act + (self._take_count() or 1))

    def action_previous_act(self) -> None:
        self.go(self.player.act - (self._take_count() or 1))

    def action_first_act(self) -> None:
        self.go(0)

    def action_last_act(self) -> None:
        self.go(self.player.acts - 1)

    def action_go_to_act(self) -> None:
        number = self._take_count()
        if number is None:
            self.note("type a number first: 25 g", "warning")
        elif number > self.player.acts:
            self.note(f"there are {self.player.acts:,}", "warning")
        else:
            self.go(number - 1)

    # Typing.

    def on_key(self, event: events.Key) -> None:
        keys = latin_keys(event.character or "")
        if keys:
            event.stop()
            for key in keys:
                self.app.simulate_key(key)
        elif event.key.isdecimal() and len(event.key) == 1:
            event.stop()
            number = self._typed * 10 + int(event.key)
            if number and len(str(number)) <= DIGITS:
                self._typed = number
                self.note(f"{number} … g: go there · → ←: so many on or back · Esc")
        else:
            self._count, self._typed = self._typed or None, 0

    def _take_count(self) -> int | None:
        """The number that was typed before this key."""
        count, self._count = self._count, None
        return count

    # The rest.

    def action_row_up(self) -> None:
        self.candidates.move(-1)

    def action_row_down(self) -> None:
        self.candidates.move(1)

    def action_replay_help(self) -> None:
        self._pause()
        self.show()
        self.app.push_screen(HelpScreen(REPLAY_COMMANDS))

    def action_leave(self) -> None:
        if self._take_count() is None:
            self.app.exit()
        else:
            self.note("")
