"""ExplorerApp and ReplayApp: put together theme, keys and a screen. No logic."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from textual import events, on
from textual.app import App
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.filter import LineFilter
from textual.screen import ModalScreen
from textual.theme import Theme
from textual.worker import WorkerFailed

from explorer.core.chat import Chat
from explorer.core.sampling.pace import RunSettings
from explorer.core.sampling.params import Preset
from explorer.engine.base import Engine
from explorer.ui.actions.loading import Models
from explorer.ui.commands import COMMANDS, REPLAY_COMMANDS
from explorer.ui.drawing.cells import shown
from explorer.ui.guard import Guard
from explorer.ui.keymap import Keymap
from explorer.ui.opening import Opening
from explorer.ui.palette import CommandProvider
from explorer.ui.replay_desk import ReplayDesk
from explorer.ui.screen import DeskScreen, MainScreen, ReplayScreen
from explorer.ui.walk_desk import WalkDesk
from explorer.walk.player import Player
from explorer.walk.walk import OpenSession
from explorer.wording import Wording

DEFAULT_RUN = RunSettings()
DEFAULT_OPENING = Opening()
GUARD = Guard()
LEAVING = {"quit", "leave"}
"""The commands that leave the program: of a walk, of a replay."""


class ThemedApp(App[None], inherit_bindings=False):
    """What every screen of the program has around it."""

    TITLE = "token explorer"
    CSS_PATH = Path(__file__).with_name("explorer.tcss")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "Quit", show=False),
        Binding("ctrl+c", "help_quit", show=False),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-small"), (78, "-medium"), (100, "-wide")]  # noqa: RUF012  (of textual's own type)
    VERTICAL_BREAKPOINTS = [(0, "-low"), (16, "-high")]  # noqa: RUF012  (of textual's own type)
    ENABLE_COMMAND_PALETTE = False

    def __init__(
        self,
        screen: DeskScreen[Any],
        themes: Sequence[Theme],
        theme: str,
        keys: Mapping[str, str],
        faults: Sequence[str],
    ) -> None:
        super().__init__()
        for name in list(self.available_themes):
            self.unregister_theme(name)
        for known in themes:
            self.register_theme(known)
        self.theme = theme
        self.ended_by = 0
        """The number of the signal that ended it; 0 where a person did."""
        self._first = screen
        self._keys = dict(keys)
        self._faults = faults

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*super().get_line_filters(), GUARD]

    def notify(self, message: str, *, title: str = "", **options: Any) -> None:
        super().notify(shown(message), title=shown(title), **options)

    def get_default_screen(self) -> DeskScreen[Any]:
        return self._first

    def get_driver_class(self) -> type[Driver]:
        if sys.platform == "win32":
            return super().get_driver_class()
        from explorer.ui.driver import TerminalDriver

        return TerminalDriver

    def end(self, number: int) -> None:
        """End as a person would, for a signal."""
        if not self.ended_by:
            self.ended_by = number
            self.exit(return_code=128 + number)

    @property
    def fault(self) -> BaseException | None:
        """What was wrong with the program itself, where that ended it."""
        error = self._exception
        return error.error if isinstance(error, WorkerFailed) else error

    def _handle_exception(self, error: Exception) -> None:
        """End by a fault of the program itself; who runs the app says it, in a sentence.

        Textual would print the traceback here, with all that stands in the variables.
        """
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self._close_messages_no_wait()

    def on_key(self, event: events.Key) -> None:
        """Leave also from within a dialog, which has the keys for itself; Esc leaves the dialog alone."""
        desk = self._first.desk
        leaving = [command for name, command in desk.keymap.commands.items() if name in LEAVING]
        keys = {key for one in leaving for key in desk.keymap.keys(one.id)} - {"escape"}
        if isinstance(self.screen, ModalScreen) and event.key in keys:
            event.stop()
            desk.do(leaving[0])

    @on(Driver.SignalResume)
    def draw_again(self) -> None:
        """After a stop, nothing of what was drawn is left on the terminal."""
        self.screen.refresh(layout=True)

    def on_mount(self) -> None:
        self.set_keymap(self._keys)
        for fault in self._faults:
            self.notify(fault, severity="warning", timeout=15, markup=False)


class ExplorerApp(ThemedApp):
    """What it needs comes in; the command line and the tests build it alike."""

    COMMAND_PALETTE_BINDING = "ctrl+p"
    ENABLE_COMMAND_PALETTE = True
    COMMANDS = {CommandProvider}  # noqa: RUF012  (of textual's own type)

    def __init__(
        self,
        engine: Engine,
        open_session: OpenSession,
        *,
        themes: list[Theme],
        theme: str,
        models: Models,
        presets: Sequence[Preset] = (),
        draft: str | Chat | None = "",
        top: int = 20,
        run_settings: RunSettings = DEFAULT_RUN,
        keys: Mapping[str, str] | None = None,
        opening: Opening = DEFAULT_OPENING,
        faults: Sequence[str] = (),
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        keymap = Keymap(COMMANDS, keys or {})
        words = Wording(keymap.first)
        self.main = WalkDesk(
            engine,
            open_session,
            keymap=keymap,
            words=words,
            models=models,
            presets=presets,
            draft=draft,
            top=top,
            run_settings=run_settings,
            opening=opening,
            clock=clock,
        )
        super().__init__(MainScreen(self.main), themes, theme, keys or {}, [*faults, *clashes(keymap, words)])


class ReplayApp(ThemedApp):
    """A record that is played, without any engine."""

    def __init__(
        self,
        player: Player,
        *,
        themes: Sequence[Theme],
        theme: str,
        top: int = 20,
        keys: Mapping[str, str] | None = None,
        faults: Sequence[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        keymap = Keymap(REPLAY_COMMANDS, keys or {})
        words = Wording(keymap.first)
        self.main = ReplayDesk(player, keymap, words, top, clock)
        super().__init__(ReplayScreen(self.main), themes, theme, keys or {}, [*faults, *clashes(keymap, words)])


def clashes(keymap: Keymap, words: Wording) -> list[str]:
    """A sentence for each key that is given to two commands."""
    return [words("keys.clash", pressed=key, one=one, other=other) for key, one, other in keymap.clashes]
