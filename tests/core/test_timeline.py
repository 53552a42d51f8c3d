from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.core.record import events, journal
from explorer.core.record.record import Record
from explorer.core.walk.session import Session
from explorer.core.walk.timeline import Timeline
from explorer.core.walk.tree import Node
from explorer.errors import RecordError

KINDS = (
    *("prompt", "params", "engine", "end", "move", "back", "undo", "redo", "delete", "bookmark", "inside", "seen"),
    *("force", "sample", "pick", "add"),
)
moves = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 999)), max_size=40)


def told(session):
    """What there is to be seen of a session."""
    marks = [(sorted(tree.deleted), dict(tree.bookmarks), tree.scores, dict(tree.tables)) for tree in session.trees]
    nodes = [[msgspec.json.encode(without_token(node)) for node in tree.nodes] for tree in session.trees]
    return session.snapshot(), marks, session.tokenizer, nodes


def without_token(node):
    """A node as it stands: children, draws, the table, and what was visited last."""
    return {name: getattr(node, name) for name in Node.__slots__ if name not in ("token", "pending", "batches")} | {
        "batches": sorted(node.batches, key=str)
    }


@given(moves, st.lists(st.integers(0, 80), max_size=12))
def test_the_session_at_every_event_is_the_one_that_was(header, walker, made, jumps):
    live = Session(header)
    walker.teach(live)
    walker.walk(live, [("prompt", 1), *made])
    session = Session(header)
    record = Record(header, live.events)
    seen = Timeline(record, "the record")
    walker.teach(session)
    walker.teach(seen.session)
    expected = [told(session)]
    for event in live.events:
        session.apply(event)
        expected.append(told(session))
    for at in [*range(len(expected)), *reversed(range(len(expected))), *(jump % len(expected) for jump in jumps)]:
        seen.go(at)
        assert seen.at == at
        assert told(seen.session) == expected[at]


def test_it_ends_where_a_line_does_not_fit(header):
    record = Record(header, [events.Prompt(text="a", ids=[97], bytes=["61"]), events.Move(node=3), events.End()])
    timeline = Timeline(record, "walk.jsonl")
    timeline.go(3)
    assert timeline.at == 1
    assert timeline.fault == "Line 3 of walk.jsonl: there is no node 3."


def test_a_record_without_a_prompt_is_refused(header):
    with pytest.raises(RecordError, match="before its first prompt"):
        Timeline(Record(header, [events.End()]), "walk.jsonl")


def test_a_token_without_bytes_stands_there_as_its_id():
    timeline = Timeline(journal.read(Path("tests/data/record-v1.jsonl")), "record-v1.jsonl")
    timeline.go(2)
    path = timeline.session.snapshot().path
    assert [place.text for place in path] == ["#256", "#258", "#259", "#260"]
