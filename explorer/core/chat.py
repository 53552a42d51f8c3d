"""Chat: the messages of a conversation, and what the template of a model is told beside them.

Owns the reading of messages as they are written in JSON, with a sentence for whatever is wrong with them. Must not know
how a template is rendered.
"""

import json
import shlex
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from explorer.core.reading import is_deep, read_json, too_deep
from explorer.core.token import Token, visible
from explorer.errors import UsageError

ROLES = ("system", "user", "assistant")
"""What nearly every template knows; a message may have another."""

SHAPE = 'Give [{"role": "user", "content": "Hello"}], or {"messages": [...], "tools": [...]}.'


class Message(msgspec.Struct, frozen=True):
    """One turn."""

    role: str
    content: str | None = ""
    """None where the turn has no text, but calls a tool, say."""
    more: dict[str, Any] = {}
    """The other fields, such as `tool_calls`, as they were written."""
    parts: tuple[str, ...] = ()
    """The texts that the content was written in, where it was a list of parts; the content joins them by lines."""

    @classmethod
    def of(cls, written: Any, place: str = "The message") -> "Message":
        """The message that is written as a JSON object; `place` names it. Raises UsageError."""
        if not isinstance(written, dict):
            raise UsageError(f"{place} is not an object with a role and a content.")
        role, content = written.get("role"), written.get("content")
        if not isinstance(role, str) or not role:
            raise UsageError(f"{place} has no role. The usual ones are {', '.join(ROLES)}.")
        more = {name: value for name, value in written.items() if name not in ("role", "content")}
        if isinstance(content, list) and content:
            parts = tuple(_text_of(part, place) for part in content)
            return cls(role, "\n".join(parts), more, parts)
        if content is not None and not isinstance(content, str):
            raise UsageError(f"{place} has a content that is no text. Write it as one string.")
        return cls(role, content, more)

    def fields(self) -> dict[str, Any]:
        """The object as it was written. A content that is not there is left out, as transformers does."""
        return self.in_parts() if self.parts else self.in_one()

    def in_one(self) -> dict[str, Any]:
        """The object with the content as one text."""
        content = {} if self.content is None else {"content": self.content}
        return {"role": self.role, **content, **self.more}

    def in_parts(self) -> dict[str, Any]:
        """The object with the content as a list of texts."""
        if self.content is None:
            return self.in_one()
        texts = self.parts or (self.content,)
        return {"role": self.role, "content": [{"type": "text", "text": text} for text in texts], **self.more}


def _text_of(part: Any, place: str) -> str:
    """The text of a part of a content. Raises UsageError."""
    if isinstance(part, str):
        return part
    kind = part.get("type") if isinstance(part, dict) else None
    if kind not in (None, "text", "input_text"):
        raise UsageError(
            f"{place} has a part of the type “{kind}”: the explorer gives a model texts only. Leave it out."
        )
    text = part.get("text") if isinstance(part, dict) else None
    if not isinstance(text, str):
        raise UsageError(f'{place} has a part that is no text. Write it as {{"type": "text", "text": "Hello"}}.')
    return text


class ChatOptions(msgspec.Struct, frozen=True):
    """What a template is told beside the messages."""

    add_generation_prompt: bool = True
    """Whether the text ends with the head of the assistant's turn, so that the model answers."""
    tools: list[dict[str, Any]] | None = None
    """JSON schemas of the functions that the model may call."""
    flags: dict[str, Any] = {}
    """Names that the template of a model knows, such as `enable_thinking`."""
    template: str | None = None
    """Which of the model's templates, by its name, or the text of another one; None for the usual one."""

    def __post_init__(self) -> None:
        for name in self.flags:
            if not name.isidentifier():
                raise ValueError(f"“{name}” is no name of a flag")  # In a record: a line that is no event.


class Chat(msgspec.Struct, frozen=True):
    """What a person writes in place of a text."""

    messages: tuple[Message, ...]
    options: ChatOptions = ChatOptions()

    @property
    def draft(self) -> str:
        """What was written, turn by turn; not what the model reads."""
        return "\n".join(message.content for message in self.messages if message.content)


PromptSource = str | list[int] | Chat
"""What a prompt is made from: a text, token ids, or a chat."""


def read_messages(written: Any, name: str) -> tuple[Message, ...]:
    """The messages of a list of JSON objects; `name` says where it stands. Raises UsageError, which names the place."""
    if not isinstance(written, list):
        raise UsageError(f"{name} holds no list of messages. {SHAPE}")
    return tuple(Message.of(one, f"Message {number} of {name}") for number, one in enumerate(written, 1))


def read_chat(data: str, name: str) -> Chat:
    """The chat in a JSON file: a list of messages, or an object with `messages`, `tools` and `chat_template_kwargs`.

    The last one holds the flags, under the name that servers give them. `name` is the file's. Raises UsageError.
    """
    written = read_json(data, name)
    try:
        json.dumps(written, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"{name} cannot be used: it holds half a character.") from error
    if isinstance(written, list):
        written = {"messages": written}
    if not isinstance(written, dict) or "messages" not in written:
        raise UsageError(f"{name} holds no list of messages. {SHAPE}")
    unknown = sorted(written.keys() - {"messages", "tools", "chat_template_kwargs"})
    if unknown:
        raise UsageError(f"{name} has a field “{unknown[0]}”, which is none of a chat. {SHAPE}")
    messages = read_messages(written["messages"], name)
    if not messages:
        raise UsageError(f"{name} has no message. {SHAPE}")
    tools, flags = written.get("tools"), written.get("chat_template_kwargs", {})
    if tools is not None and not (isinstance(tools, list) and all(isinstance(tool, dict) for tool in tools)):
        raise UsageError(f"The tools of {name} are not a list of objects, one a function.")
    if not isinstance(flags, dict) or not all(flag.isidentifier() for flag in flags):
        raise UsageError(f"The chat_template_kwargs of {name} are not an object of names and values.")
    return Chat(messages, ChatOptions(tools=tools, flags=flags))


def read_flags(words: Iterable[str]) -> dict[str, Any]:
    """The flags that are written as NAME=VALUE; a value is JSON where it can be, else a text. Raises UsageError."""
    flags = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name.isidentifier():
            raise UsageError(
                f"A flag of a template is written NAME=VALUE, such as enable_thinking=false, not “{word}”."
            )
        try:
            flags[name] = json.loads(value)
            json.dumps(flags[name], ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise UsageError(f"The flag {name} of the template holds half a character.") from error
        except RecursionError as error:
            raise UsageError(too_deep(f"The flag {name} of the template")) from error
        except ValueError:
            flags[name] = value
        else:
            if is_deep(flags[name]):
                raise UsageError(too_deep(f"The flag {name} of the template"))
    return flags


def split_flags(line: str) -> dict[str, Any]:
    """The flags on one line, with a shell's quotes. Raises UsageError."""
    try:
        return read_flags(shlex.split(line, posix=True))
    except ValueError as error:
        raise UsageError(f"The flags cannot be read: {str(error).lower()}.") from error


def join_flags(flags: dict[str, Any]) -> str:
    """The line that `split_flags` reads; what cannot be printed is escaped."""
    values = {name: json.dumps(value, ensure_ascii=False) for name, value in flags.items()}
    return shlex.join(f"{name}={v if v.isprintable() else json.dumps(flags[name])}" for name, v in values.items())


def empty_turn(messages: Sequence[Message]) -> str:
    """A sentence about the first turn that says nothing at all; "" where there is none."""
    for number, message in enumerate(messages, 1):
        if not message.content and not message.more:
            return f"Turn {number} ({message.role}) is empty; it is rendered all the same."
    return ""


def spelt_markers(messages: Sequence[Message], tokens: Iterable[Token]) -> str:
    """A sentence about the first turn that spells a marker of the model itself; "" where there is none.

    `tokens`: what the template makes of the messages. A template writes its markers and the messages into one text, so
    that the tokenizer cannot tell one from the other: such a turn can end itself, or begin another one.
    """
    markers = sorted({token.piece for token in tokens if token.kind == "special" and token.piece})
    for number, message in enumerate(messages, 1):
        written = json.dumps(message.fields(), ensure_ascii=False)
        spelt = [marker for marker in markers if json.dumps(marker, ensure_ascii=False)[1:-1] in written]
        if spelt:
            named = " and ".join(map(visible, spelt))
            return (
                f"Turn {number} ({message.role}) spells {named}: the model reads that as its own marker, not as text."
            )
    return ""
