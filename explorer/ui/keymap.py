"""Keymap: which keys a command has, as the person set them, and how they are written.

Must not know what a command does.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from explorer.ui.command import Command, written


class Keymap:
    """The keys of some commands; `changed` has those that a person set, by the ids of the commands."""

    def __init__(self, commands: Iterable[Command[Any]], changed: Mapping[str, str]) -> None:
        self.commands = {command.id: command for command in commands}
        self._changed = changed

    def keys(self, command: str) -> list[str]:
        """By Textual's names."""
        keys = self._changed.get(command, self.commands[command].keys)
        return [key.strip() for key in keys.split(",") if key.strip()]

    def written(self, command: str) -> str:
        """All of them, as a list shows them."""
        if command not in self._changed and (shown := self.commands[command].shown):
            return shown
        return " ".join(written(key) for key in self.keys(command))

    def key(self, command: str) -> str:
        """The one by which a sentence names a command; the command's id, where it has none."""
        return written((self.keys(command) or [command])[0])

    @property
    def first(self) -> dict[str, str]:
        """That of each command."""
        return {command: self.key(command) for command in self.commands}

    @property
    def clashes(self) -> list[tuple[str, str, str]]:
        """Each key that is given to two commands, as it is written, with the ids of both."""
        found, by_key = [], dict[str, str]()
        for command in self.commands:
            for key in self.keys(command):
                if key in by_key:
                    found.append((written(key), by_key[key], command))
                by_key.setdefault(key, command)
        return found
