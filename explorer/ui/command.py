"""Command: one thing that a person can do, with its keys, and when it means something.

Owns how keys are written, how commands become bindings, and what is typed with Hangul on, where a key gives a jamo of
the two-set layout (KS X 5002) instead of its Latin letter. Must not know which commands there are.
"""

import unicodedata
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from textual.binding import Binding
from textual.keys import key_to_character

from explorer.wording import Wording

if TYPE_CHECKING:
    from explorer.ui.desk import Desk

OnDesk = TypeVar("OnDesk", bound="Desk", contravariant=True)

Need = Literal["session", "engine", "selection"]


WRITTEN = {
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "enter": "Enter",
    "escape": "Esc",
    "space": "Space",
    "tab": "Tab",
    "backspace": "⌫",
    "delete": "Del",
    "insert": "Ins",
    "home": "Home",
    "end": "End",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "at": "@",
    "backslash": "\\",
    "minus": "-",
    "plus": "+",
    "slash": "/",
    "underscore": "_",
}


def written(key: str) -> str:
    """A key of Textual's names as a person knows it: `ctrl+left` is Ctrl+←, `question_mark` is ?, `f5` is F5."""
    *modifiers, last = key.split("+")
    name = WRITTEN.get(last)
    if name is None:
        character = key_to_character(last)
        name = character if character and character.isprintable() else last
        # With Ctrl a letter is written as on the key; alone, a capital is another key than its small letter.
        name = name.capitalize() if modifiers or len(name) > 1 else name
    return "+".join([*(modifier.capitalize() for modifier in modifiers), name])


@dataclass(frozen=True, slots=True)
class Command(Generic[OnDesk]):
    """One thing that a person can do."""

    id: str
    """Its words are `commands.ID` of the wording: title, help, and footer."""
    keys: str
    """Textual's names, separated by commas."""
    group: str
    """Its words are `groups.GROUP`."""
    act: Callable[[OnDesk], Coroutine[Any, Any, None] | None]
    """What it does; a coroutine goes on in the background."""
    footer: bool = False
    """Whether it is shown there."""
    shown: str = ""
    """How a list shows its keys, where it is not as they are written."""
    needs: tuple[Need, ...] = ()
    """What must be there; without a session or an engine the key is greyed, without a selected row it means nothing."""
    calls: tuple[str, ...] = ()
    """The calls that it asks the engine, by their names; where the engine does not answer one, the key is greyed."""
    exclusive: str = ""
    """The kind of background work that it is: of each kind there is one at a time. By default its id."""

    def title(self, words: Wording) -> str:
        return words(f"commands.{self.id}.title")

    def help(self, words: Wording) -> str:
        """One sentence."""
        return words(f"commands.{self.id}.help")

    def footer_words(self, words: Wording) -> str:
        """What the footer calls it."""
        return words(f"commands.{self.id}.footer") if self.footer else self.title(words)


def bindings(commands: Sequence[Command[Any]]) -> list[Binding]:
    """The bindings of a screen, described by the ids of the commands: their words are those of a desk."""
    return [
        Binding(
            command.keys,
            f"do('{command.id}')",
            command.id,
            show=command.footer,
            id=command.id,
        )
        for command in commands
    ]


# Hangul. The jamo of each Latin key, and of the keys that have another one with Shift.

LATIN = "qwertyuiopasdfghjklzxcvbnmQWERTOP"
JAMO = "ㅂㅈㄷㄱㅅㅛㅕㅑㅐㅔㅁㄴㅇㄹㅎㅗㅓㅏㅣㅋㅌㅊㅍㅠㅜㅡㅃㅉㄸㄲㅆㅒㅖ"
JAMO_OF_KEY = dict(zip(LATIN, JAMO, strict=True))
KEY_OF_JAMO = {jamo: key for key, jamo in JAMO_OF_KEY.items()}
COMPOUNDS = {
    "ㅘ": "hk",
    "ㅙ": "ho",
    "ㅚ": "hl",
    "ㅝ": "nj",
    "ㅞ": "np",
    "ㅟ": "nl",
    "ㅢ": "ml",
    "ㄳ": "rt",
    "ㄵ": "sw",
    "ㄶ": "sg",
    "ㄺ": "fr",
    "ㄻ": "fa",
    "ㄼ": "fq",
    "ㄽ": "ft",
    "ㄾ": "fx",
    "ㄿ": "fv",
    "ㅀ": "fg",
    "ㅄ": "qt",
}
"""Jamo that an input method joins from two key presses."""


def latin_keys(text: str) -> str:
    """The Latin keys that were pressed to write Hangul: ㅁ is a, ㅖ is P, 메 is ap. Empty for any other text."""
    keys = ""
    for character in text:
        for jamo in unicodedata.normalize("NFD", character):
            # Conjoining jamo (U+1100 and on) to the ones of the keyboard (U+3130 and on), by their names.
            name = unicodedata.name(jamo, "")
            kind, _, sound = name.removeprefix("HANGUL ").partition(" ")
            if kind in ("CHOSEONG", "JUNGSEONG", "JONGSEONG"):
                try:
                    jamo = unicodedata.lookup(f"HANGUL LETTER {sound}")
                except KeyError:
                    return ""
            key = KEY_OF_JAMO.get(jamo) or COMPOUNDS.get(jamo)
            if key is None:
                return ""
            keys += key
    return keys
