"""ExplorerApp: puts together theme, keys and the main screen. No logic."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.theme import Theme

from explorer.core.chat import Chat
from explorer.core.pace import RunSettings
from explorer.core.sampling import Preset
from explorer.engine.base import Engine
from explorer.ui.loading import Models
from explorer.ui.palette import CommandProvider
from explorer.ui.screen import MainScreen
from explorer.ui.walk import OpenSession

DEFAULT_RUN = RunSettings()


class ExplorerApp(App[None], inherit_bindings=False):
    """What it needs comes in; the command line and the tests build it alike."""

    TITLE = "token explorer"
    CSS_PATH = "explorer.tcss"
    COMMAND_PALETTE_BINDING = "ctrl+p"
    ENABLE_COMMAND_PALETTE = True
    COMMANDS = {CommandProvider}  # noqa: RUF012  (of textual's own type)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "Quit", show=False),
        Binding("ctrl+c", "help_quit", show=False),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-small"), (78, "-medium"), (100, "-wide")]  # noqa: RUF012  (of textual's own type)

    def __init__(
        self,
        engine: Engine,
        open_session: OpenSession,
        *,
        themes: list[Theme],
        theme: str,
        models: Models,
        presets: Sequence[Preset] = (),
        draft: str | Chat = "",
        top: int = 20,
        run_settings: RunSettings = DEFAULT_RUN,
        keys: Mapping[str, str] | None = None,
        hint: str = "",
        faults: Sequence[str] = (),
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        super().__init__()
        for name in list(self.available_themes):
            self.unregister_theme(name)
        for known in themes:
            self.register_theme(known)
        self.theme = theme
        self.main = MainScreen(
            engine,
            open_session,
            models=models,
            presets=presets,
            draft=draft,
            top=top,
            run_settings=run_settings,
            hint=hint,
            clock=clock,
        )
        self._keys = dict(keys or {})
        self._faults = faults

    def get_default_screen(self) -> MainScreen:
        return self.main

    def on_mount(self) -> None:
        self.set_keymap(self._keys)
        for fault in self._faults:
            self.notify(fault, severity="warning", timeout=15, markup=False)
