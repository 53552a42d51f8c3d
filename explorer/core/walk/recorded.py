"""A session without an engine: its tokens are those of which the record tells the bytes.

Owns what a record knows of its vocabularies. Must not know models, nor what is done with the session.
"""

from explorer.core.record import events
from explorer.core.record.record import Record
from explorer.core.token import Token, label
from explorer.core.walk.known import KnownTokens
from explorer.core.walk.session import Session
from explorer.core.walk.steps import restore


def recorded_session(record: Record, name: str) -> Session:
    """The session of a record where it stood; nothing is written to it.

    A token of which no line tells the bytes is of the kind `unused`. Raises RecordError, which names the record, where
    a line does not fit the ones before it, or where there is no prompt.
    """
    session = Session(record.header)
    learn_recorded(session.known, record)
    restore(record, name, session)
    return session


def learn_recorded(known: KnownTokens, record: Record) -> None:
    """Learn the tokens that a record tells, each of the vocabulary that it is of."""
    known.learn_special(record.header.tokenizer, record.header.special_tokens)
    for tokenizer, event in record.by_vocabulary():
        match event:
            case events.Engine():
                known.learn_special(tokenizer, event.special_tokens)
            case events.Prompt():
                # Those without bytes are of an older record, which may tell them elsewhere.
                tokens = zip(event.ids, event.bytes, strict=False)
                known.learn_sequence(tokenizer, [known.spelt(tokenizer, token_id, data) for token_id, data in tokens])
            case events.Seen():
                known.learn(tokenizer, (known.spelt(tokenizer, row.id, row.bytes) for row in event.candidates))
            case events.Add() if event.bytes:
                known.learn(tokenizer, [known.spelt(tokenizer, event.id, event.bytes)])


def recorded_label(token: Token) -> str:
    """The token on one line; `#1234` where the record tells no more than its id."""
    return f"#{token.id}" if token.kind == "unused" else label(token)
