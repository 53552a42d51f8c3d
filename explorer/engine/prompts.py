"""Prompts: from what a person begins with, a text, a chat or ids, to the tokens that an engine is asked with.

Owns what is worth a note on the way, and how a path goes on with another vocabulary. Must not know who asks.
"""

from collections.abc import Callable, Sequence

from explorer.core.chat import Chat, PromptSource, spelt_markers
from explorer.core.record.events import Prompt
from explorer.core.spelling import spelling_note
from explorer.core.token import Token
from explorer.engine.base import Engine
from explorer.engine.calls import RenderedChat
from explorer.errors import ContextFull, UsageError


def unheard(sentence: str) -> None:
    """Where nobody wants to know what is to be noted."""


async def encode_prompt(engine: Engine, text: str, special_tokens: bool = True) -> list[Token]:
    """The tokens of a text that a walk can begin with; with `special_tokens`, also those of the tokenizer.

    Raises UsageError where there are none, ContextFull where there are more than the context holds, EngineError.
    """
    return _fitting(engine, await engine.encode(text, special_tokens))


async def encode_source(
    engine: Engine, source: str | Chat, note: Callable[[str], None] = unheard, special_tokens: bool = True
) -> tuple[list[Token], Prompt]:
    """The tokens of a text or a chat, and the event that begins a walk with them.

    `note` is as for `prompt_ids`, `special_tokens` about a text as for `encode_prompt`.

    Raises as `encode_prompt` does.
    """
    if isinstance(source, str):
        tokens = await encode_prompt(engine, source, special_tokens)
        if said := spelling_note(source, tokens):
            note(said)
        return tokens, Prompt.of(source, tokens)
    rendered = await rendered_chat(engine, source, note)
    return _fitting(engine, rendered.tokens), Prompt.of(rendered.text, rendered.tokens, source)


async def rendered_chat(engine: Engine, chat: Chat, note: Callable[[str], None] = unheard) -> RenderedChat:
    """A chat in the format of the model's template; `note` is as for `prompt_ids`. Raises UsageError, EngineError."""
    rendered = await engine.render_chat(chat.messages, chat.options)
    for said in (rendered.lost, spelt_markers(chat.messages, rendered.tokens)):
        if said:
            note(said)
    return rendered


def _fitting(engine: Engine, tokens: list[Token]) -> list[Token]:
    length = engine.info.context_length if engine.info else None
    if not tokens:
        raise UsageError("The prompt is empty, and this model has no token to begin with. Write one.")
    if length is not None and len(tokens) > length:
        raise ContextFull(f"The prompt has {len(tokens):,} tokens; the model's context holds {length:,}. Shorten it.")
    return tokens


async def carry_over(
    engine: Engine, path: Sequence[Token], tokenizer: str, prompt_length: int, written: str
) -> tuple[str, list[Token]]:
    """A path of a vocabulary (its fingerprint is `tokenizer`) as a prompt of an engine: the text, and its tokens there.

    The path begins with `prompt_length` tokens of a prompt whose text is `written`. The ids are kept where the engine
    has the same vocabulary. Otherwise the text is encoded anew, without the special tokens and without an unfinished
    character at its end. Raises as `encode_prompt` does.
    """
    prompt, after = path[:prompt_length], path[prompt_length:]
    text = (_prompt_bytes(prompt, written) + _plain_bytes(after)).decode(errors="ignore")
    if engine.info is not None and engine.info.tokenizer == tokenizer:
        return text, list(path)
    return text, await encode_prompt(engine, text)


def _prompt_bytes(prompt: Sequence[Token], written: str) -> bytes:
    """What a prompt spells without its special tokens, and without the spaces that a tokenizer put before its text.

    Those are known from spaces that were written by the text alone.
    """
    spelt = _plain_bytes(prompt)
    for token in prompt:
        if token.kind == "special" and token.piece:
            written = written.replace(token.piece, "", 1)
    plain = written.encode()
    return plain if spelt.replace(b" ", b"") == plain.replace(b" ", b"") else spelt


def _plain_bytes(tokens: Sequence[Token]) -> bytes:
    return b"".join(token.bytes for token in tokens if token.kind != "special")


async def prompt_ids(
    engine: Engine, source: PromptSource, special_tokens: bool = True, *, note: Callable[[str], None] = unheard
) -> list[int]:
    """The ids of a prompt; `special_tokens` is about those that a tokenizer adds to a text. Raises UsageError.

    `note` takes a sentence where the tokens do not spell the text, where a template leaves out what a person wrote, and
    where a message spells a marker of the model.
    """
    if isinstance(source, list):
        return source
    return [token.id for token in await prompt_tokens(engine, source, special_tokens, note=note)]


async def prompt_tokens(
    engine: Engine, source: PromptSource, special_tokens: bool = True, *, note: Callable[[str], None] = unheard
) -> list[Token]:
    """The tokens of a prompt, as `prompt_ids` takes them. Raises UsageError."""
    if isinstance(source, list):
        if (least := min(source, default=0)) < 0:
            raise UsageError(f"There is no token {least}: ids begin with 0.")
        return await engine.describe(source)
    if isinstance(source, Chat):
        return (await rendered_chat(engine, source, note)).tokens
    tokens = await engine.encode(source, special_tokens)
    if said := spelling_note(source, tokens):
        note(said)
    return tokens
