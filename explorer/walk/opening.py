"""The opening of sessions: a new one on an engine, or the one of a record where it stood.

Owns what a session must be told before it goes on. Must not know how engines are made, nor a front end.
"""

import asyncio
from pathlib import Path

from explorer.core.chat import Chat
from explorer.core.record.events import Add, Params, Prompt, Seen
from explorer.core.record.journal import Journal
from explorer.core.record.record import Record
from explorer.core.sampling.params import SamplingParams, new_seed
from explorer.core.walk.session import Session
from explorer.core.walk.steps import restore
from explorer.engine.base import Engine, Progress, Reporter, ready, silent
from explorer.engine.prompts import carry_over, encode_source
from explorer.wording import WORDS, Wording


async def begin(
    engine: Engine,
    source: str | Chat,
    params: SamplingParams,
    record: Path | None,
    record_top: int | None = None,
) -> Session:
    """A new session on an engine that is ready; its record is created here, with everything up to the prompt.

    A seed is drawn where `params` has none; `record_top` is the session's. Raises RecordError, UsageError, ContextFull.
    """
    tokens, prompt = await encode_source(engine, source)
    header = ready(engine).header()
    session = Session(header, Journal.create(record, header) if record else None, record_top)
    session.learn_sequence(tokens)
    if params.seed is None:
        params = params.replace(seed=new_seed())
    session.apply(Params.of(params))
    session.apply(prompt)
    return session


async def resume(
    engine: Engine,
    record: Record,
    path: Path,
    record_top: int | None = None,
    report: Reporter = silent,
    words: Wording = WORDS,
) -> Session:
    """The session of a record where it stood, going on in the same file.

    On a model of another vocabulary, or with another adapter, the text of the path becomes a new prompt. `report` takes
    what is done. Raises RecordError, ContextFull.
    """
    info = ready(engine)
    session = Session(record.header)
    await _teach(session, engine, record)
    report(Progress(words("opening.going_through")))
    # In a thread: a record of a gigabyte takes a while, and the screen is there already.
    await asyncio.to_thread(restore, record, str(path), session)
    here = [place.token for place in session.snapshot().path]
    # Of the tree, and not of the last engine: a record may end between a change of models and its prompt.
    tokenizer = session.tree.tokenizer
    text, tokens = await carry_over(engine, here, tokenizer, len(session.tree.prompt), session.tree.text)
    session.journal, session.record_top = Journal.reopen(path, record), record_top
    adapter = session.tree.adapter
    session.apply(info.event(restarted=False))
    if (tokenizer, adapter) != (info.tokenizer, session.adapter):
        if session.params.token_ids and tokenizer != info.tokenizer:
            session.apply(Params.of(session.params.without_tokens()))
        session.learn_sequence(tokens)
        session.apply(Prompt.of(text, tokens))
    return session


async def _teach(session: Session, engine: Engine, record: Record) -> None:
    """Tell the session every token of the engine's vocabulary that the record names by its id."""
    tokenizer = ready(engine).tokenizer
    ids = set[int]()
    for vocabulary, event in record.by_vocabulary():
        if vocabulary != tokenizer:
            continue
        match event:
            case Prompt():
                session.learn_sequence(await engine.describe(event.ids), tokenizer)
                ids.update(event.ids)
            case Add():
                ids.add(event.id)
            case Seen():
                ids.update(row.id for row in event.candidates)
    # Not as the first of a sequence, where some tokens are spelt without their space.
    session.learn((await engine.describe([0, *sorted(ids)]))[1:], tokenizer)
