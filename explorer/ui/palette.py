"""The palette: the commands of the table, and the themes, by name."""

from collections.abc import Iterator
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.types import IgnoreReturnCallbackType

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
            yield words("palette.theme", name=name), words("palette.theme_help"), use

    async def discover(self) -> Hits:
        for title, told, act in self._entries():
            yield DiscoveryHit(title, act, help=told)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for title, told, act in self._entries():
            score = max(matcher.match(title), matcher.match(told) * 0.5)
            if score > 0:
                yield Hit(score, matcher.highlight(title), act, help=told)
