"""What a command is given to work on: a text, a file, ids, or a chat. Raises UsageError for anything else."""

import json
import os
import sys
from dataclasses import dataclass
from functools import partial
from typing import Any

from explorer.cli.output import waiting_for
from explorer.core import reading
from explorer.core.chat import Chat, ChatOptions, Message, PromptSource, read_chat, read_flags
from explorer.errors import UsageError


def read_text(file: str) -> str:
    """The text in a file; `-` is standard input. Raises UsageError."""
    if file != "-":
        return reading.read_text(reading.path_of(file), file, partial(waiting_for, file))
    try:
        return reading.decoded(reading.take_bytes(sys.stdin.buffer, file), file)
    except OSError as error:
        raise UsageError(f"The standard input cannot be read: {reading.reason(error)}.") from error


def check_text(text: str) -> str:
    """The text, if it can be encoded: an argument may hold bytes that are no UTF-8. Raises UsageError.

    In the locale C, Python hands on every byte beyond ASCII by itself; together they may be UTF-8 all the same.
    """
    try:
        text.encode()
        return text
    except UnicodeEncodeError:
        pass
    try:
        return os.fsencode(text).decode()
    except UnicodeError as error:
        raise UsageError("The text is not UTF-8.") from error


def read_lines(file: str) -> list[str]:
    """The lines of a file without their ends; `-` is standard input. Raises UsageError, also where there is none."""
    lines = [line.removesuffix("\r") for line in read_text(file).removesuffix("\n").split("\n")]
    if lines == [""]:
        raise UsageError(f"The file {file} is empty. Write one prompt a line.")
    return lines


def one_source(text: str | None, file: str | None, ids: str | None, *others: str) -> str | list[int]:
    """The text, or the ids. Raises UsageError unless exactly one is given; `others` are flags that would do as well."""
    if sum(given is not None for given in (text, file, ids)) != 1:
        *most, last = ("TEXT", "--file", "--ids", *others)
        raise UsageError(f"Give exactly one of {', '.join(most)} and {last}.")
    if file is not None:
        return read_text(file)
    if text is not None:
        return check_text(text)
    return read_ids(str(ids))


def read_ids(said: str) -> list[int]:
    """Token ids as they are written: `1,2,3`; `-` is standard input. Raises UsageError."""
    written = read_text(said) if said == "-" else said
    try:
        return [reading.whole_number(part) for part in written.replace(",", " ").split()]
    except ValueError as error:
        raise UsageError(f"--ids takes numbers, separated by commas, not “{said}”.") from error


@dataclass(frozen=True, slots=True)
class ChatFlags:
    """The flags that make a chat of a text, or read one."""

    chat: bool
    system: str | None
    messages: Any
    """The name of a file, or the messages themselves, as they are written in JSON."""
    no_generation_prompt: bool
    template_flags: tuple[str, ...]
    chat_template: str | None

    @classmethod
    def take(cls, flags: dict[str, Any]) -> "ChatFlags":
        """Those of a command, taken out of its flags. Raises UsageError for one that means nothing."""
        flags["template_flags"] = tuple(map(check_text, flags["template_flags"]))
        said = cls(**{name: flags.pop(name) for name in cls.__slots__})
        if said.messages is not None and said.system is not None:
            raise UsageError("Give --system or --messages, not both: the file has the system's turn.")
        alone = {
            "--no-generation-prompt": said.no_generation_prompt,
            "--template-flag": said.template_flags,
            "--chat-template": said.chat_template,
        }
        lone = next((flag for flag, given in alone.items() if given), None)
        if lone is not None and not said.wanted:
            raise UsageError(f"{lone} is about a chat: give --chat or --messages.")
        return said

    @property
    def wanted(self) -> bool:
        return self.chat or self.system is not None or self.messages is not None

    def around(self, text: str) -> Chat:
        """The chat in which a text is the user's turn."""
        system = () if self.system is None else (Message("system", check_text(self.system)),)
        return self._told(Chat((*system, Message("user", text))))

    def from_file(self) -> Chat:
        """The chat of --messages."""
        if isinstance(self.messages, str):
            return self._told(read_chat(read_text(self.messages), self.messages))
        return self._told(read_chat(json.dumps(self.messages), "“messages”"))

    def _told(self, chat: Chat) -> Chat:
        flags = {**chat.options.flags, **read_flags(self.template_flags)}
        template = None if self.chat_template is None else read_template(self.chat_template)
        return Chat(chat.messages, ChatOptions(not self.no_generation_prompt, chat.options.tools, flags, template))


def read_template(said: str) -> str:
    """The text of a file with a template, which ends in `.jinja` or lies in a folder that is named; else a name.

    Raises UsageError.
    """
    return read_text(said) if said.endswith((".jinja", ".jinja2", ".j2")) or "/" in said else said


def take_source(flags: dict[str, Any], *others: str) -> PromptSource:
    """What the flags of `prompt_options` name, taken out of the flags; `others` are as for `one_source`.

    Raises UsageError.
    """
    said = ChatFlags.take(flags)
    given = {name: flags.pop(name) for name in ("text", "file", "ids")}
    if said.messages is not None:
        if any(value is not None for value in given.values()):
            raise UsageError("Give --messages, or one of TEXT, --file and --ids, not both.")
        return said.from_file()
    source = one_source(*given.values(), *others)
    if not said.wanted:
        return source
    if isinstance(source, list):
        raise UsageError("--ids are the tokens themselves: no chat is made of them.")
    return said.around(source)


def take_sources(flags: dict[str, Any], prompts: Any) -> list[PromptSource]:
    """What `take_source` finds, or each of the prompts: texts and lists of ids, or the lines of a file of that name.

    Raises UsageError.
    """
    if prompts is None:
        return [take_source(flags, "--prompts")]
    said = ChatFlags.take(flags)
    given = [flags.pop(name) for name in ("text", "file", "ids")]
    if said.messages is not None or given != [None, None, None]:
        raise UsageError("Give exactly one of TEXT, --file, --ids, --messages and --prompts.")
    if isinstance(prompts, str):
        prompts = read_lines(prompts)
    elif not isinstance(prompts, list) or not prompts or not all(map(_is_prompt, prompts)):
        raise UsageError("“prompts” is a list of texts, or of lists of ids, at least one.")
    if not said.wanted:
        return list(prompts)
    if not all(isinstance(prompt, str) for prompt in prompts):
        raise UsageError("Ids are the tokens themselves: no chat is made of them.")
    return [said.around(prompt) for prompt in prompts]


def _is_prompt(prompt: object) -> bool:
    return isinstance(prompt, str) or (
        isinstance(prompt, list) and all(isinstance(one, int) and not isinstance(one, bool) for one in prompt)
    )
