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
        keymap, say = screen.desk.keymap, screen.desk.words
        for command in keymap.commands.values():
            if command.id != "palette":
                words = f"{command.help(say)} ({keymap.written(command.id)})"
                yield command.title(say), words, partial(self.screen.run_action, f"do('{command.id}')")
        for name in sorted(self.app.available_themes):
            yield say("palette.theme", name=name), say("palette.theme_help"), partial(setattr, self.app, "theme", name)

    async def discover(self) -> Hits:
        for title, words, act in self._entries():
            yield DiscoveryHit(title, act, help=words)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for title, words, act in self._entries():
            score = max(matcher.match(title), matcher.match(words) * 0.5)
            if score > 0:
                yield Hit(score, matcher.highlight(title), act, help=words)
