"""Screens of desks: the layout, and the keys, which are for the desk that is meant.

Must not know what a command does.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Generic, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.binding import ActiveBinding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Footer

from explorer.ui.actions import loading
from explorer.ui.command import bindings, latin_keys
from explorer.ui.commands import COMMANDS, REPLAY_COMMANDS
from explorer.ui.desk import Desk
from explorer.ui.replay_desk import ReplayDesk
from explorer.ui.walk_desk import WalkDesk

OneDesk = TypeVar("OneDesk", bound=Desk)


class DeskScreen(Screen[None], Generic[OneDesk]):
    """Desks side by side; `at` says which one the keys are for."""

    AUTO_FOCUS = ""

    def __init__(self, *desks: OneDesk) -> None:
        super().__init__()
        self.desks: Sequence[OneDesk] = desks
        self.at = 0

    @property
    def desk(self) -> OneDesk:
        """The one that the keys are for."""
        return self.desks[self.at]

    def compose(self) -> ComposeResult:
        with Horizontal(id="desks"):
            yield from self.desks
        yield Footer(show_command_palette=False)

    @property
    def active_bindings(self) -> dict[str, ActiveBinding]:
        """What the footer shows: the keys of commands are written and described as the desk has them."""
        return {key: self._described(active) for key, active in super().active_bindings.items()}

    def _described(self, active: ActiveBinding) -> ActiveBinding:
        command, words = self.desk.keymap.commands.get(active.binding.id or ""), self.desk.words
        if command is None:
            return active
        binding = replace(
            active.binding,
            description=command.footer_words(words),
            key_display=self.desk.keymap.key(command.id).replace("Ctrl+", "^"),
            tooltip=command.help(words),
        )
        return active._replace(binding=binding, tooltip=binding.tooltip)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A command is greyed out until there is what it needs."""
        if action != "do":
            return True
        return True if self.desk.allows(self.desk.keymap.commands[str(parameters[0])]) else None

    def action_do(self, command_id: str) -> None:
        self.desk.do(self.desk.keymap.commands[command_id])

    def on_key(self, event: events.Key) -> None:
        keys = latin_keys(event.character or "")
        if keys:
            event.stop()
            for key in keys:
                self.app.simulate_key(key)
        else:
            self.desk.typed(event)


class MainScreen(DeskScreen[WalkDesk]):
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(COMMANDS)]

    def on_screen_resume(self) -> None:
        """A dialog was left, which may have kept another one back."""
        for desk in self.desks:
            loading.have_written(desk)


class ReplayScreen(DeskScreen[ReplayDesk]):
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(REPLAY_COMMANDS)]
