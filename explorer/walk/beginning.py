"""Beginning: what a walk goes on from, a prompt of its own or the text of another model.

Owns what becomes of the walk where a prompt, or another engine, does not take the text. Must not know widgets.
"""

import asyncio

from explorer.core.chat import Chat
from explorer.core.record.events import Params, Prompt
from explorer.core.spelling import spelling_note
from explorer.core.walk import navigation
from explorer.engine.base import Engine
from explorer.engine.description import EngineInfo
from explorer.engine.prompts import carry_over, encode_source
from explorer.errors import ExplorerError
from explorer.walk.first_look import begin_first
from explorer.walk.walk import Walk


async def begin(walk: Walk, source: str | Chat) -> None:
    """Begin a new root with a text or a chat, or the session where the first prompt could not be used.

    Raises UsageError for a text without tokens and a chat that the template refuses, ContextFull, EngineError.
    """
    if walk.session is None:
        walk.draft = source
        walk.session = await walk.open_session(walk.engine, source)
        walk.tell()
        return
    tokens, prompt = await encode_source(walk.engine, source)
    walk.session.learn_sequence(tokens)
    walk.apply(prompt)


async def prompt_note(walk: Walk) -> str:
    """A sentence where the model does not read the prompt as it was written; empty where it does.

    Raises UsageError where the engine's template refuses the chat of the prompt, EngineError.
    """
    here, chat = walk.snapshot, walk.snapshot.prompt_chat
    if chat is not None:
        rendered = await walk.engine.render_chat(chat.messages, chat.options)
        return rendered.note(chat.messages)
    return spelling_note(here.prompt_text, [place.token for place in here.path[: here.prompt_length]])


async def switch(walk: Walk, engine: Engine) -> None:
    """Go on with another engine: the path becomes a prompt there, and the trees so far stay in the record.

    Where the other one does not start, or cannot take the text, the present one is kept, and has to be opened
    again. Raises ModelError, EngineError, UsageError, ContextFull.
    """
    walk.tables.stop()
    before, walk.engine = walk.engine, engine
    engine.on_death = before.on_death
    await before.close()
    session = walk.session
    try:
        info = await engine.start(walk.report)
        if session is None:
            await begin_first(walk, info)
        else:
            path = [place.token for place in session.snapshot().path]
            tree = session.tree
            text, tokens = await carry_over(engine, path, session.tokenizer, len(tree.prompt), tree.text)
    except (ExplorerError, asyncio.CancelledError):
        await engine.close()
        walk.engine = before
        raise
    if session is None:
        walk.info = info
        walk.tables.begin()
        walk.tell()
        return
    _go_over(walk, info)
    session.learn_sequence(tokens)
    walk.apply(Prompt.of(text, tokens))


async def adapt(walk: Walk, on: bool) -> None:
    """Go on with the adapter on, or off: to the same text where it was walked so before, else it becomes a prompt.

    Each side has prompts of its own, so that no tree has numbers of both. Where the other side cannot take the text, it
    stays as it was. Raises UsageError, ModelError, EngineError, ContextFull.
    """
    walk.tables.stop()
    session, tree = walk.session, walk.session.tree if walk.session else None
    assert session is not None and tree is not None
    info = await walk.engine.adapt(on)
    path = [place.token for place in session.snapshot().path]
    same = session.tokenizer == info.tokenizer
    try:
        text, tokens = await carry_over(walk.engine, path, session.tokenizer, len(tree.prompt), tree.text)
    except ExplorerError:
        walk.info = await walk.engine.adapt(not on)
        walk.tables.begin()
        raise
    prompt = Prompt.of(text, tokens)
    if same and session.node == 0:
        prompt = Prompt.of(tree.text, tokens, tree.chat)
    _go_over(walk, info)
    session.learn_sequence(tokens)
    walk.apply(navigation.same_text(session, prompt.ids) or prompt)


def _go_over(walk: Walk, info: EngineInfo) -> None:
    """Another engine goes on with a session; settings that name tokens of another vocabulary are dropped."""
    session = walk.session
    assert session is not None
    walk.info = info
    walk.tables.begin()
    other = session.tokenizer != info.tokenizer
    walk.apply(info.event(restarted=False))
    if other and session.params.token_ids:
        walk.apply(Params.of(session.params.without_tokens()))
        walk.warned(walk.words("walk.bans_off"))
