"""Records to export: one of a walk on the scripted engine, one of tokens that mean harm."""

from pathlib import Path

import pytest

from explorer.core.distribution import Candidate, Distribution
from explorer.core.record import events, journal
from explorer.core.record.journal import Journal
from explorer.core.record.record import Record
from explorer.core.sampling.params import SamplingParams
from explorer.core.token import Token
from explorer.core.walk.session import Session
from explorer.engine.prompts import encode_source
from explorer.engine.scripted.scripted import ScriptedEngine
from explorer.export.document import Document
from explorer.walk import opening

HOSTILE = (
    b"</script><img src=x onerror=alert(1)>",
    b"<!--<script>",
    b"]]>&amp;&#60;",
    "\u2028\u2029".encode(),
    "\u202egnp.exe".encode(),
    b"\x1b[31m\x00\x7f\r\n\t",
    "\x9b31m".encode(),
    *(bytes([byte]) for byte in "옛".encode()),
    b"\xff",
    b"=HYPERLINK(1)",
    "＝1".encode(),
    b"-1+1",
    b"| `` * _x_ [a](javascript:b) ~~c~~ $d$ :smile: http://e www.f.g",
    b"\n\n# heading\n- item\n```\n1. one\n> two",
    "한글 漢字 👩‍🚀 e\u0301".encode(),
    b"\\",
    b'"; --x: url(//y)',
    b"${z} $title",
    "\ue000\uffff".encode(),
)
"""Bytes of the tokens with the ids 0, 1, 2 ..."""

BOOKMARK = "the *end* & <b>"


@pytest.fixture
async def walked(tmp_path: Path) -> Path:
    """A record with two prompts, and three branches after the first; the cursor stands at the end of one.

    Node 9 of the first is deleted, node 8 and the second prompt have names, and one table is inside a prompt.
    """
    path, engine = tmp_path / "walk.jsonl", ScriptedEngine.demo()
    await engine.start()

    async def see(session: Session) -> None:
        if session.missing(session.place(None)):
            table = await engine.next(session.prefix(), session.params, 5)
            session.apply(events.Seen.of(session.node, table))

    async def go(session: Session, *rows: int) -> None:
        for row in rows:
            await see(session)
            candidate = session.cursor.distribution.candidates[row]
            session.apply(session.choose(candidate, *(["picked"] if row else ["sampled", session.cursor.draws])))
        await see(session)

    params = SamplingParams(temperature=0.8, top_k=3, seed=7)
    session = await opening.begin(engine, "Once upon a", params, path)
    scored = [one async for part in engine.score(session.prefix(), 1) for one in part]
    session.apply(events.Score.of(scored))
    await go(session, 0, 0, 0, 0)
    session.apply(events.Move(node=2))
    await go(session, 1, 0)
    session.apply(events.Move(node=0))
    await go(session, 2, 0)
    session.apply(session.bookmark(BOOKMARK))
    session.apply(events.Move(node=4))
    await go(session, 1)
    session.apply(session.delete(session.node))
    session.apply(events.Seen.of(0, await engine.next(session.prefix()[:2], session.params, 5), at=2))
    tokens, prompt = await encode_source(engine, "옛날")
    session.learn_sequence(tokens)
    session.apply(prompt)
    session.apply(session.bookmark("한국어"))
    await go(session, 0)
    session.apply(events.Move(root=0, node=8))
    session.journal.close()
    return path


@pytest.fixture
def record(walked: Path) -> Record:
    return journal.read(walked)


@pytest.fixture
def document(record: Record) -> Document:
    return Document.of(record, "the record")


@pytest.fixture
def hostile_record(tmp_path: Path, header: events.Header) -> Path:
    """Every hostile token is in the prompt, on the path, and in every table."""
    path = tmp_path / "hostile.jsonl"
    session = Session(header, Journal.create(path, header))
    tokens = [Token.from_bytes(number, data) for number, data in enumerate(HOSTILE)]
    rows = tuple(
        Candidate(token=token, rank=rank, logit=0.0, logprob=-3.0, prob=0.05, sampling_prob=0.05)
        for rank, token in enumerate(tokens, 1)
    )
    table = Distribution(rows, len(rows) + 1, 4.0, 0.05, len(rows) + 1)
    session.apply(events.Prompt.of(b"".join(HOSTILE).decode(errors="replace"), tokens))
    for candidate in rows:
        session.apply(events.Seen.of(session.node, table))
        session.apply(session.choose(candidate, "picked"))
    session.apply(events.Seen.of(session.node, table))
    session.journal.close()
    return path


@pytest.fixture
def hostile(hostile_record: Path) -> Document:
    return Document.of(journal.read(hostile_record), "the record")
