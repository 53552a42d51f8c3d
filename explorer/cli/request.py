"""Requests: a line of JSON that says what a command is asked, with its flags as fields.

    {"id": 7, "command": "next", "prompt": "Once upon a", "top": 3, "temperature": 0.7}

Owns the table of the commands that can be asked this way, and how a field becomes what the command line would have
given: every flag by its long name, with underscores. Must not know engines, or where lines come from.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import click
import msgspec

from explorer.cli.flags import model_flags
from explorer.cli.info import info_command, info_question
from explorer.cli.next import next_command, next_question
from explorer.cli.question import Question
from explorer.cli.ranking import options_command, options_question
from explorer.cli.sample import sample_command, sample_question
from explorer.cli.score import score_command, score_question
from explorer.cli.search import search_command, search_question
from explorer.cli.tokens import tokens_command, tokens_question
from explorer.core.sampling.knobs import KNOB
from explorer.core.token import visible
from explorer.errors import UsageError


class Asked(NamedTuple):
    """A command, and what makes a question of its flags."""

    command: click.Command
    question: Callable[..., Question[Any]]


ASKED: Mapping[str, Asked] = {
    "next": Asked(next_command, next_question),
    "tokens": Asked(tokens_command, tokens_question),
    "score": Asked(score_command, score_question),
    "search": Asked(search_command, search_question),
    "options": Asked(options_command, options_question),
    "sample": Asked(sample_command, sample_question),
    "info": Asked(info_command, info_question),
}
"""By their names. The others need no engine, or several, or a terminal."""

PRINTED = frozenset(("as_json", "shown", "written"))
"""Flags about how an answer is printed; here it is JSON."""

ENGINE = model_flags() | {"models"}
"""Flags about the model, or about several."""

INLINE = ("messages", "prompts")
"""Flags that name a file; here they may hold what would be in it."""

READ = ("file", "ids", "listed", *INLINE)
"""Flags that may be -, which is standard input."""

NULL = msgspec.Raw(b"null")


class Request(NamedTuple):
    """One line."""

    id: msgspec.Raw
    """Any JSON, which comes back with the answer; null where there is none."""
    fields: dict[str, msgspec.Raw]
    """The others, as they are written."""

    @classmethod
    def read(cls, line: bytes, number: int) -> "Request":
        """The object on a line; its `number` is for the sentence. Raises UsageError."""
        fields = _fields(line, number)
        return cls(fields.pop("id", NULL), fields)

    def question(self) -> Question[Any]:
        """What is asked. Raises UsageError."""
        fields = {name: _value(name, written) for name, written in self.fields.items()}
        name = fields.pop("command", None)
        if not isinstance(name, str) or name not in ASKED:
            said = "The request has no command" if name is None else f"There is no command “{visible(str(name))[:80]}”"
            raise UsageError(f"{said}. The commands that can be asked are {', '.join(ASKED)}.")
        command, question = ASKED[name]
        try:
            return question(**_flags(command, fields))
        except click.ClickException as error:
            raise UsageError(error.format_message()) from error


def _fields(line: bytes, number: int) -> dict[str, msgspec.Raw]:
    """What each field holds, as it is written. Raises UsageError."""
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"Line {number} is not UTF-8.") from error
    try:
        return msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, RecursionError):
        # It may be one field that holds half a character: then the id can be answered.
        return _read_loosely(text, number)


def _read_loosely(text: str, number: int) -> dict[str, msgspec.Raw]:
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        fields = json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        example = '{"command": "next", "prompt": "a"}'
        raise UsageError(f"Line {number} is not a JSON object such as {example}.")
    return {name: msgspec.Raw(json.dumps(value).encode()) for name, value in fields.items()}


def _value(name: str, written: msgspec.Raw) -> Any:
    try:
        return msgspec.json.decode(written)
    except (msgspec.DecodeError, RecursionError) as error:
        raise UsageError(f"The field “{visible(name)[:80]}” cannot be read: half a character, or too large.") from error


def _flags(command: click.Command, fields: dict[str, Any]) -> dict[str, Any]:
    """What the command line would have made of the fields. Raises UsageError, click.ClickException."""
    known = _names(command)
    given: dict[str, Any] = {}
    inline: dict[str, Any] = {}
    for name, value in fields.items():
        if name in ENGINE:
            raise UsageError(f"“{name}” is about the model: say it once, when “ask” is started, and in no request.")
        flag = known.get(name)
        if flag is None or flag.name is None:
            listed = ", ".join(sorted(known))
            raise UsageError(f"“{command.name}” has no field “{visible(name)[:80]}”. Its fields are {listed}.")
        if flag.name in given or flag.name in inline:
            raise UsageError(f"“{name}” says the same as another field. Give one of them.")
        if value is None:
            continue
        if flag.name in READ and value == "-":
            raise UsageError(
                f"“{name}” cannot be “-” here: the requests come from standard input. Give it in the field."
            )
        if flag.name in INLINE and not isinstance(value, str):
            inline[flag.name] = value
        else:
            given[flag.name] = _written(name, flag, value)
    context = command.make_context(command.name, [], default_map=given)
    return {name: value for name, value in context.params.items() if name not in PRINTED} | inline


def _names(command: click.Command) -> dict[str, click.Parameter]:
    """The fields that a command knows: its arguments and flags, without those about the model and the printing."""
    flags = [flag for flag in command.params if flag.name and flag.name not in ENGINE | PRINTED]
    names = {
        option.lstrip("-").replace("-", "_"): flag for flag in flags for option in flag.opts if option.startswith("--")
    }
    # An argument is asked by its own name, also where a flag that reads a file has the same.
    names |= {flag.name: flag for flag in flags if flag.name and isinstance(flag, click.Argument)}
    return names if "prompt" in names else {**names, "prompt": names["text"]} if "text" in names else names


def _written(name: str, flag: click.Parameter, value: Any) -> Any:
    """A value of JSON as the command line would have had it. Raises UsageError where it is of another kind."""
    if isinstance(flag, click.Option) and flag.is_flag:
        if not isinstance(value, bool):
            raise UsageError(f"“{name}” must be true or false, not {_shown(value)}.")
        return value
    if flag.name == "ids" and isinstance(value, list):
        return ",".join(_text(name, flag, one, numbers=True) for one in value)
    if flag.multiple or flag.nargs == -1:
        if isinstance(value, dict) and "=" in (flag.metavar or ""):
            return [f"{key}={json.dumps(one)}" for key, one in value.items()]
        return [_text(name, flag, one) for one in (value if isinstance(value, list) else [value])]
    return _text(name, flag, value)


def _text(name: str, flag: click.Parameter, value: Any, numbers: bool = False) -> str:
    whole = numbers or flag.type is click.INT
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float | str):
        raise UsageError(f"“{name}” must be a {'whole number' if whole else 'text'}, not {_shown(value)}.")
    if not whole and not isinstance(value, str) and flag.name not in KNOB:
        raise UsageError(f"“{name}” must be a text, not {_shown(value)}.")
    return str(value)


def _shown(value: Any) -> str:
    written = visible(json.dumps(value, ensure_ascii=False))
    return written if len(written) <= 80 else f"{written[:80]}…"
