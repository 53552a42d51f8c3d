"""Screens of desks: the layout, and the keys, which are for the desk that is meant.

Must not know what a command does.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Generic, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Footer

from explorer.ui.command import Command, bindings, latin_keys
from explorer.ui.commands import COMMANDS, ENGLISH, REPLAY_COMMANDS
from explorer.ui.desk import Desk
from explorer.ui.replay_desk import ReplayDesk
from explorer.ui.walk_desk import WalkDesk

OneDesk = TypeVar("OneDesk", bound=Desk)


class DeskScreen(Screen[None], Generic[OneDesk]):
    """Desks side by side; `at` says which one the keys are for."""

    AUTO_FOCUS = ""
    COMMANDS_BY_ID: ClassVar[dict[str, Command[Any]]] = {}

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

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A command is greyed out until there is what it needs."""
        if action != "do":
            return True
        return True if self.desk.allows(self.COMMANDS_BY_ID[str(parameters[0])]) else None

    def action_do(self, command_id: str) -> None:
        self.desk.do(self.COMMANDS_BY_ID[command_id])

    def on_key(self, event: events.Key) -> None:
        keys = latin_keys(event.character or "")
        if keys:
            event.stop()
            for key in keys:
                self.app.simulate_key(key)
        else:
            self.desk.typed(event)


class MainScreen(DeskScreen[WalkDesk]):
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(COMMANDS, ENGLISH)]
    COMMANDS_BY_ID = {command.id: command for command in COMMANDS}  # noqa: RUF012  (a ClassVar of the base)


class ReplayScreen(DeskScreen[ReplayDesk]):
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(REPLAY_COMMANDS, ENGLISH)]
    COMMANDS_BY_ID = {command.id: command for command in REPLAY_COMMANDS}  # noqa: RUF012  (a ClassVar of the base)
