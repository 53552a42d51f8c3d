"""The palette: the commands of the table, and the themes, by name."""

from collections.abc import Iterator
from functools import partial

from rich.markup import escape
from rich.text import Text
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.types import IgnoreReturnCallbackType

from explorer.ui.drawing.cells import shown
from explorer.ui.screen import MainScreen


class CommandProvider(Provider):
    def _entries(self) -> Iterator[tuple[str, str, IgnoreReturnCallbackType]]:
        """(title, help, what it does)"""
        screen = self.screen
        assert isinstance(screen, MainScreen)
        keymap, words = screen.desk.keymap, screen.desk.words
        for command in keymap.commands.values():
            if command.id != "palette":
                told = f"{command.help(words)} ({keymap.written(command.id)})"
                yield command.title(words), told, partial(self.screen.run_action, f"do('{command.id}')")
        for name in sorted(self.app.available_themes):
            use = partial(setattr, self.app, "theme", name)
            yield shown(words("palette.theme", name=name)), words("palette.theme_help"), use

    async def discover(self) -> Hits:
        for title, told, act in self._entries():
            yield DiscoveryHit(Text(title), act, text=title, help=escape(told))

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for title, told, act in self._entries():
            score = max(matcher.match(title), matcher.match(told) * 0.5)
            if score > 0:
                # What is matched is marked by way of markup, which the name of a theme may hold by chance.
                marked = Text(title) if "[" in title else matcher.highlight(title)
                yield Hit(score, marked, act, text=title, help=escape(told))
