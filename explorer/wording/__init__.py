"""Wording: every sentence of the interface by an id, from one file a language.

Owns how values and keys come into a sentence. A key is named by its command, as in `{key:prompt}`, so that it is told
as the person has it. Must not know when a sentence is said.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

Table = dict[str, "str | Table"]


class Wording:
    """Sentences in a language; `keys` tells how the key of a command is written, by the command's id."""

    def __init__(self, keys: Mapping[str, str] | None = None, language: str = "en") -> None:
        self._sentences = sentences(language)
        self._keys = Keys(keys or {})
        self._plain: dict[str, str] = {}
        """The sentences without values that were said: some are drawn in every picture."""

    def __call__(self, name: str, /, **values: object) -> str:
        """The sentence of an id, with its values; a sentence that has `one` and `other` is chosen by the value `n`.

        Raises KeyError for an id or a value that there is not.
        """
        if not values and (plain := self._plain.get(name)) is not None:
            return plain
        sentence = self._sentences.get(name)
        if sentence is None:
            sentence = self._sentences[f"{name}.one" if values.get("n") == 1 else f"{name}.other"]
        said = sentence.format(key=self._keys, **values)
        if not values:
            self._plain[name] = said
        return said


class Keys:
    """Stands for `key` in a sentence: what follows the colon is the id of a command."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._keys = keys

    def __format__(self, command: str) -> str:
        # Without keys, as in a walk that no screen shows, a command is told by its id.
        return self._keys.get(command, command)


@cache
def sentences(language: str) -> dict[str, str]:
    """Every sentence of a language by its id: the names of its tables and its own, joined by dots."""
    table = tomllib.loads((Path(__file__).parent / f"{language}.toml").read_text("utf-8"))
    return dict(_flat(table))


def _flat(table: Table, before: str = "") -> "list[tuple[str, str]]":
    found = []
    for name, value in table.items():
        path = f"{before}{name}"
        found += [(path, value)] if isinstance(value, str) else _flat(value, f"{path}.")
    return found


WORDS = Wording()
"""In English, with commands by their ids."""
