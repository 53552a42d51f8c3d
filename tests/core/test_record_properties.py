import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.core.record import events, journal
from explorer.core.record.journal import Journal
from explorer.core.record.outline import outline
from explorer.core.walk.session import Session
from explorer.core.walk.steps import restore
from explorer.errors import RecordError
from tests.core.test_session import MOVES, everything

LINE = re.compile(r"[Ll]ine \d+|has no header|is empty|ends before its first prompt|not a record|has version")


class Still(Journal):
    """Time stands, so that the same walk is the same bytes."""

    def now(self) -> float:
        return 0.0


@pytest.fixture(scope="module")
def recorded(header, walker, tmp_path_factory):
    """A walk and its record."""

    def walk(moves, record_top=None):
        path = tmp_path_factory.mktemp("record") / "walk.jsonl"
        session = Session(header, Still.create(path, header), record_top)
        walker.teach(session)
        snapshots = walker.walk(session, moves)
        session.journal.close()
        return path, session, snapshots

    return walk


def restored(walker, record) -> Session:
    session = Session(record.header)
    walker.teach(session)
    if record.has_prompt:
        restore(record, "the record", session)
    else:
        for event in record.events:
            session.apply(event)
    return session


@given(MOVES, st.data())
def test_any_beginning_of_a_record_is_the_session_as_it_stood_then(recorded, walker, moves, data):
    path, _, snapshots = recorded(moves)
    whole = path.read_bytes()
    cut = data.draw(st.integers(whole.index(b"\n") + 1, len(whole)))
    record = journal.parse(whole[:cut])
    happened = whole[:cut].count(b"\n") - 1
    assert len(record.events) == happened
    assert record.size + len(record.torn) == cut
    session = restored(walker, record)
    if happened:
        assert session.snapshot() == snapshots[happened - 1]


@given(MOVES, st.data())
def test_any_beginning_of_a_record_goes_on_and_keeps_its_torn_end(recorded, walker, moves, data):
    path, _, _ = recorded(moves)
    whole = path.read_bytes()
    cut = data.draw(st.integers(whole.index(b"\n") + 1, len(whole)))
    path.write_bytes(whole[:cut])
    record = journal.read(path)
    session = restored(walker, record)
    session.journal = Journal.reopen(path, record)
    session.apply(events.End())
    session.journal.close()
    kept, torn = path.read_bytes(), path.with_name("walk.jsonl.torn")
    assert kept.startswith(whole[: record.size])
    assert (torn.read_bytes() if torn.exists() else b"\n") == record.torn + b"\n"
    assert everything(restored(walker, journal.read(path))) == everything(session)


@given(MOVES, st.data())
def test_a_record_that_was_edited_is_read_or_refused_in_a_sentence(recorded, walker, moves, data):
    path, _, _ = recorded(moves)
    edited = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(edited) - 1))
        edited[at : at + data.draw(st.integers(0, 9))] = data.draw(
            st.binary(max_size=3) | st.sampled_from([b"-", b"9", b"null", b"1e999", b'"', b"\n", b"[", b'":'])
        )
    path.write_bytes(edited)
    outline(path)
    try:
        session = restored(walker, journal.read(path))
    except RecordError as error:
        assert LINE.search(str(error)), str(error)
    else:
        session.snapshot()


@given(MOVES)
def test_a_copy_is_the_record(recorded, moves):
    path, session, _ = recorded(moves)
    copy = path.with_name("copy.jsonl")
    journal.write_copy(copy, session.header, session.events)
    assert copy.read_bytes() == path.read_bytes()


@given(MOVES, st.integers(1, 4))
def test_a_record_with_fewer_rows_is_the_same_walk(recorded, walker, moves, rows):
    whole, _, _ = recorded(moves)
    path, session, _ = recorded(moves, rows)
    again, shown = restored(walker, journal.read(path)).snapshot(), session.snapshot()
    assert (again.ids, again.node, again.root, again.children) == (shown.ids, shown.node, shown.root, shown.children)
    assert again.params == shown.params
    if shown.distribution is not None:
        wanted = [c for i, c in enumerate(shown.distribution.candidates) if i < rows]
        assert list(again.distribution.candidates[: len(wanted)]) == wanted
    assert path.stat().st_size <= whole.stat().st_size + 20 * whole.read_bytes().count(b"\n")


@given(MOVES)
def test_the_outline_of_a_record_counts_what_the_session_has(recorded, moves):
    path, session, _ = recorded(moves)
    found = outline(path)
    nodes = [node for tree in session.trees for node in tree.nodes[1:]]
    assert (found.tokens, found.branches) == (len(nodes), len([node for node in nodes if not node.children]))
    assert found.problem == ""
