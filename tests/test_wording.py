import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import Any, NamedTuple

import pytest

from explorer.ui.command import Command
from explorer.ui.commands import COMMANDS, REPLAY_COMMANDS
from explorer.ui.screens.help import MARKS
from explorer.ui.tables.branches import BRANCHES
from explorer.ui.tables.candidates import HITS, candidates
from explorer.ui.tables.column import Column
from explorer.ui.tables.models import MODELS
from explorer.ui.tables.options import options
from explorer.ui.tables.sequences import SEQUENCES
from explorer.wording import Keys, Wording, sentences

ENGLISH = sentences("en")
EVERY_COMMAND: list[Command[Any]] = [*COMMANDS, *REPLAY_COMMANDS]
ROOMS = [Path("explorer/ui"), Path("explorer/walk")]
SAYS = {"words", "_words"}
"""What a Wording is called where it is asked for a sentence."""

ENGLISH_WORDS = re.compile(r"[A-Za-z]{2,}[,.;:]? [A-Za-z]{2,}")

ELSEWHERE = {
    # The name of the program.
    "explorer/ui/app.py": ("token explorer",),
    # A name of Unicode's.
    "explorer/ui/command.py": ("HANGUL LETTER",),
    # The page of the keys.
    "explorer/ui/commands.py": ("Generated from", "With Hangul", "jamo (", "A key can be", "| Key | Command"),
    # Errors in a file of the person's are the command line's, as those of the configuration are.
    "explorer/ui/theme.py": ("The theme", "does not know", "lacks"),
    # What a model is given to go on with, and no sentence of the screen.
    "explorer/walk/first_look.py": ("One day, a little girl", "In the middle of the night"),
    # An error of a flag is the command line's.
    "explorer/walk/player.py": ("--speed is",),
}
"""Where English stands outside the table, by how it begins."""


class Said(NamedTuple):
    """A call that asks for a sentence."""

    where: str
    ids: list[str] | None
    """What the id may be, with `*` for what is not known here; None where that cannot be read."""
    values: set[str]
    """The names of the values."""
    more: bool
    """Whether others are given as a whole."""


def trees() -> Iterator[tuple[str, ast.Module]]:
    for room in ROOMS:
        for path in sorted(room.rglob("*.py")):
            yield path.as_posix(), ast.parse(path.read_text("utf-8"))


def possible(node: ast.expr, function: ast.AST) -> list[str] | None:
    """What an expression may be, as far as it is a text that stands there."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=values):
            return ["".join(str(one.value) if isinstance(one, ast.Constant) else "*" for one in values)]
        case ast.IfExp(body=one, orelse=other):
            both = possible(one, function), possible(other, function)
            return None if None in both else [text for texts in both for text in texts or ()]
        case ast.Name(id=name):
            given = [
                each.value
                for each in ast.walk(function)
                if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == name
            ]
            return possible(given[0], function) if len(given) == 1 else None
    return None


def said() -> list[Said]:
    found = []
    for path, tree in trees():
        functions = [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
        for function in functions:
            for node in ast.walk(function):
                if not isinstance(node, ast.Call) or not node.args:
                    continue
                if ast.unparse(node.func).rpartition(".")[2] in SAYS:
                    names = {keyword.arg for keyword in node.keywords}
                    ids, values = possible(node.args[0], function), {name for name in names if name}
                    found.append(Said(f"{path}:{node.lineno}", ids, values, None in names))
    return found


SAID = said()


def forms(wanted: str) -> set[str]:
    """The ids that a text with `*` may be; a sentence in one form and another has both."""
    pattern = re.compile(re.escape(wanted).replace(r"\*", r"[^.]+") + r"(\.one|\.other)?")
    found = {name for name in ENGLISH if pattern.fullmatch(name)}
    return found - {name for name in found if "*" in wanted and name.rpartition(".")[2] in ("one", "other")} or found


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name} - {"key"}


def keys(sentence: str) -> set[str]:
    """The ids of the commands whose keys a sentence tells."""
    return {str(command) for _, name, command, _ in Formatter().parse(sentence) if name == "key"}


def test_every_sentence_that_is_said_is_in_the_table():
    assert len(SAID) > 150
    assert [one.where for one in SAID if not one.ids] == []
    assert [(one.where, wanted) for one in SAID for wanted in one.ids or () if not forms(wanted)] == []


def test_every_sentence_of_the_table_is_said():
    used = {name for one in SAID for wanted in one.ids or () for name in forms(wanted)}
    assert sorted(ENGLISH.keys() - used) == []


def test_a_sentence_in_two_forms_is_chosen_by_a_number():
    plural = {name.removesuffix(".other") for name in ENGLISH if name.endswith(".other")}
    assert {name.removesuffix(".one") for name in ENGLISH if name.endswith(".one")} == plural
    without = [one.where for one in SAID for wanted in one.ids or () if wanted in plural and "n" not in one.values]
    assert without == []


def test_a_sentence_is_given_the_values_that_stand_in_it():
    wrong = []
    for one in SAID:
        names = {name for wanted in one.ids or () for name in forms(wanted)}
        wanted = {value for name in names for value in placeholders(ENGLISH[name])}
        chosen = {"n"} if any(name.endswith(".other") for name in names) else set()
        if not one.more and not wanted <= one.values <= wanted | chosen:
            wrong.append((one.where, sorted(one.values ^ wanted)))
    assert wrong == []


def test_a_key_in_a_sentence_is_that_of_a_command():
    commands = {command.id for command in EVERY_COMMAND}
    assert {name: keys(sentence) - commands for name, sentence in ENGLISH.items() if keys(sentence) - commands} == {}


def test_no_sentence_tells_the_key_of_a_command_by_its_letter():
    letters = {key for command in EVERY_COMMAND for key in command.keys.split(",") if len(key) == 1}
    letters -= {"a", "A", "s"}  # An article, and seconds.
    alone = re.compile(rf"(?<![\w’'+^\\-])[{''.join(sorted(letters))}](?!\w)")
    literal = {name: " ".join(text for text, *_ in Formatter().parse(said)) for name, said in ENGLISH.items()}
    assert {name: text for name, text in literal.items() if alone.search(text)} == {}


def test_each_command_has_its_words_and_no_words_are_without_a_command():
    for command in EVERY_COMMAND:
        wanted = {"title", "help", *(["footer"] if command.footer else [])}
        prefix = f"commands.{command.id}."
        assert {name.removeprefix(prefix) for name in ENGLISH if name.startswith(prefix)} == wanted
    commands = {command.id for command in EVERY_COMMAND}
    assert {name.split(".")[1] for name in ENGLISH if name.startswith("commands.")} == commands
    groups = {command.group for command in EVERY_COMMAND}
    assert {name.split(".")[1] for name in ENGLISH if name.startswith("groups.")} == groups


def test_each_column_has_a_title_and_no_title_is_without_a_column():
    tables: list[tuple[Column[Any], ...]] = [candidates(6, True), HITS, options(0), SEQUENCES, MODELS, BRANCHES]
    columns = {column.id for table in tables for column in table if column.head}
    assert {name.split(".")[1] for name in ENGLISH if name.startswith("columns.")} == columns


def test_each_mark_of_the_help_has_a_meaning_and_none_is_left_out():
    marks = {name.split(".")[2] for name in ENGLISH if name.startswith("help.marks.") and name.count(".") == 3}
    assert marks == set(MARKS)
    assert len(MARKS) == len(marks)


def test_no_english_stands_outside_the_table():
    found = []
    for path, tree in trees():
        inside = {
            id(part)
            for node in ast.walk(tree)
            for part in (
                [node.value] if isinstance(node, ast.Expr) else node.values if isinstance(node, ast.JoinedStr) else []
            )
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.Constant | ast.JoinedStr) or id(node) in inside:
                continue
            text = (possible(node, tree) or [""])[0]
            if ENGLISH_WORDS.search(text) and not text.startswith(ELSEWHERE.get(path, ("\0",))):
                found.append((f"{path}:{node.lineno}", text))
    assert found == []


def test_a_sentence_without_values_is_put_together_once():
    class Counted(Keys):
        told = 0

        def __format__(self, command: str) -> str:
            self.told += 1
            return super().__format__(command)

    words = Wording()
    words._keys = Counted({"prompt": "F5"})
    assert [words("walking.prompt") for _ in range(3)] == ["this is the prompt; F5 edits it"] * 3
    assert words._keys.told == 1


def test_an_id_or_a_value_that_there_is_not_is_named():
    with pytest.raises(KeyError, match="no such sentence"):
        Wording()("no such sentence")
    with pytest.raises(KeyError, match="rows"):
        Wording()("view.rows")
