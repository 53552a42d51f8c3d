import errno
import json
import os
import re
import stat
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.core.chat import Chat, ChatOptions, Message
from explorer.core.record import events, journal
from explorer.core.record.journal import Journal
from explorer.core.record.record import Record
from explorer.core.sampling.params import SamplingParams
from explorer.core.token import Token
from explorer.core.walk.session import Session
from explorer.core.walk.steps import restore
from explorer.errors import RecordError

OLD = Path(__file__).parents[1] / "data" / "record-v1.jsonl"
WALK = [("prompt", 1), ("seen", 3), ("pick", 0), ("seen", 2), ("sample", 1), ("back", 0), ("params", 5), ("prompt", 2)]
PROMPT = events.Prompt(text="a", ids=[97])


@pytest.fixture(scope="session")
def whole(header, walker, tmp_path_factory) -> bytes:
    """The bytes of a record of nine lines."""
    path = tmp_path_factory.mktemp("journal") / "walk.jsonl"
    session = Session(header, Journal.create(path, header))
    walker.teach(session)
    walker.walk(session, WALK)
    session.journal.close()
    return path.read_bytes()


@given(st.data())
def test_a_record_that_was_cut_off_anywhere_after_its_header_loads(whole, data):
    lines = whole.splitlines(keepends=True)
    cut = data.draw(st.integers(len(lines[0]), len(whole)))
    record = journal.parse(whole[:cut])
    complete = whole[:cut].count(b"\n") - 1
    assert record.events == journal.parse(whole).events[:complete]
    assert record.size + len(record.torn) == cut
    assert whole[:cut].endswith(record.torn) and b"\n" not in record.torn
    session = Session(record.header)
    for event in record.events:
        session.apply(event)


@given(st.data())
def test_a_record_that_was_cut_off_within_its_header_is_refused(whole, data):
    cut = data.draw(st.integers(0, whole.index(b"\n")))
    with pytest.raises(RecordError, match="has no header: it was cut off" if cut else "is empty"):
        journal.parse(whole[:cut])


def test_a_chat_that_is_none_is_named_by_its_line(header):
    said = events.Prompt(text="a", ids=[97], messages=[{"role": "user", "content": "a"}, {"content": "b"}])
    with pytest.raises(RecordError, match=r"Line 3 of walk\.jsonl: Message 2 of the prompt has no role"):
        restore(Record(header, [PROMPT, said]), "walk.jsonl", Session(header))


def test_a_chat_is_in_the_record_as_its_template_reads_it(header, tmp_path):
    chat = Chat((Message("user", "a", {"name": "b"}),), ChatOptions(flags={"thinking": False}))
    written = journal.Journal.create(tmp_path / "walk", header)
    written.append(events.Prompt.of("<a>", [Token(97, b"a", "text")], chat))
    written.append(PROMPT)
    line = json.loads((tmp_path / "walk").read_text().splitlines()[1])
    assert line["messages"] == [{"role": "user", "content": "a", "name": "b"}]
    assert line["options"] == {
        "add_generation_prompt": True,
        "tools": None,
        "flags": {"thinking": False},
        "template": None,
    }
    assert [event.chat() for event in journal.read(tmp_path / "walk").events] == [chat, None]


@given(st.integers(2, 9), st.binary(max_size=20).filter(lambda line: b"\n" not in line))
def test_a_line_that_is_no_event_is_named(whole, number, line):
    lines = whole.splitlines()
    lines[number - 1] = line
    with pytest.raises(RecordError, match=rf"[Ll]ine {number} of walk\.jsonl"):
        journal.parse(b"\n".join(lines) + b"\n", "walk.jsonl")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"event":"add"', b'"event":"jump"'),
        (b'"event":"add"', b'"event":"add","parent":"x"'),
        (b'"source":"picked"', b'"source":"stolen"'),
        (b'"bytes":"', b'"bytes":"zz'),
        (b'"ids":[', b'"ids":[0.5,'),
        (b'"node":', b'"knot":'),
        (b'"logprob":-', b'"logprob":1e9,"more":-'),
        (b'"prob":0', b'"prob":-1,"more":0'),
        (b'"bytes":"', b'"bytes":"\xff'),
        (b'"ids":[', b'"more":' + b"[" * 9**5 + b',"ids":['),
    ],
)
def test_an_edited_event_is_named_by_its_line(whole, before, after):
    number = whole[: whole.index(before)].count(b"\n") + 1
    with pytest.raises(RecordError, match=rf"Line {number} of"):
        journal.parse(whole.replace(before, after, 1))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (b'"format":"token-explorer-record"', b'"format":"something"', "not a record"),
        (b'"version":2', b'"version":3', "version 3.*reads up to 2"),
        (b'"version":2', b'"version":"x"', "version 'x'"),
        (b'"dtype":"float32",', b"", "line 1"),
        (b'"started":"20', b'"started":"MM', "line 1"),
    ],
)
def test_a_foreign_header_is_refused(whole, before, after, said):
    assert before in whole
    with pytest.raises(RecordError, match=said):
        journal.parse(whole.replace(before, after, 1))


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfe\n",
        b"[]\n",
        b"null\n",
        b"\n",
        b"# Notes\nof a walk\n",
        b"{}\n",
        b"\0" * 9,
        b"[" * 9**5,
        b"[" * 9**5 + b"\n",
    ],
)
def test_a_file_of_another_kind_is_refused(data):
    with pytest.raises(RecordError, match="not a record"):
        journal.parse(data)


def test_a_file_that_cannot_be_read_is_said(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name, why in (("missing", "no such file"), (".", "it is not a file"), ("pipe", "it is not a file")):
        with pytest.raises(RecordError, match=rf"{re.escape(str(tmp_path / name))} cannot be read: {why}"):
            journal.read(tmp_path / name)


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may read everything")
def test_a_file_of_another_person_is_said(whole, tmp_path):
    (tmp_path / "walk.jsonl").write_bytes(whole)
    (tmp_path / "walk.jsonl").chmod(0)
    with pytest.raises(RecordError, match="cannot be read: permission denied"):
        journal.read(tmp_path / "walk.jsonl")


def test_a_line_without_end_is_given_up(whole, tmp_path):
    limit = max(map(len, whole.splitlines(keepends=True)))
    (tmp_path / "walk.jsonl").write_bytes(whole)
    assert journal.read(tmp_path / "walk.jsonl", limit).events == journal.parse(whole).events
    for torn in (b"a" * limit, b"a" * (limit + 1) + b"\n"):
        (tmp_path / "walk.jsonl").write_bytes(whole + torn)
        with pytest.raises(RecordError, match=rf"Line 10 of .*walk\.jsonl is longer than {limit:,} bytes"):
            journal.read(tmp_path / "walk.jsonl", limit)


def test_a_line_that_is_not_utf8_says_so(whole):
    with pytest.raises(RecordError, match=r"Line \d+ of .* is not an event of a record: it is not UTF-8\.$"):
        journal.parse(whole.replace(b'"text":"', b'"text":"\xff', 1))
    with pytest.raises(RecordError, match=r"line 1: it is not UTF-8\.$"):
        journal.parse(whole.replace(b'"model":"', b'"model":"\xff', 1))


def test_fields_of_a_later_program_do_not_stop_the_reading(whole):
    later = whole.replace(b'"event":"add"', b'"event":"add","mood":"good"')
    assert journal.parse(later).events == journal.parse(whole).events


def test_a_new_record_is_for_its_owner_alone_and_never_overwrites(header, tmp_path):
    path = tmp_path / "a" / "b" / "walk.jsonl"
    Journal.create(path, header).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    with pytest.raises(RecordError, match=r"exists already.*token-explorer resume"):
        Journal.create(path, header)
    assert path.read_bytes() == before


def test_a_record_in_a_place_that_is_no_folder_is_refused(header, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordError, match="cannot be written"):
        Journal.create(tmp_path / "file" / "walk.jsonl", header)


def test_each_event_is_in_the_file_before_append_returns(header, tmp_path):
    path = tmp_path / "walk.jsonl"
    writer = Journal.create(path, header)
    for count in range(3):
        writer.append(PROMPT)
        assert len(journal.read(path).events) == count + 1
    writer.close()


def test_events_carry_the_seconds_since_the_start(header, tmp_path):
    session = Session(header, Journal.create(tmp_path / "walk.jsonl", header))
    session.apply(PROMPT)
    session.apply(events.End())
    session.journal.close()
    times = [event.t for event in session.events]
    assert times == sorted(times) and times[0] >= 0
    assert session.events == journal.read(tmp_path / "walk.jsonl").events


def test_a_torn_last_line_is_moved_aside_when_the_record_goes_on(whole, tmp_path):
    path, aside = tmp_path / "walk.jsonl", tmp_path / "walk.jsonl.torn"
    path.write_bytes(whole + b'{"event":"ad')
    for count in (1, 2):
        record = journal.read(path)
        writer = Journal.reopen(path, record)
        writer.append(events.End())
        writer.close()
        assert len(journal.read(path).events) == 8 + count
        assert path.read_bytes().startswith(whole)
        path.write_bytes(path.read_bytes() + b"torn again")
    assert aside.read_bytes() == b'{"event":"ad\ntorn again\n'
    assert stat.S_IMODE(aside.stat().st_mode) == 0o600


def test_a_whole_record_goes_on_without_a_torn_file(whole, tmp_path):
    path = tmp_path / "walk.jsonl"
    path.write_bytes(whole)
    Journal.reopen(path, journal.read(path)).close()
    assert [file.name for file in tmp_path.iterdir()] == ["walk.jsonl"]
    assert path.read_bytes() == whole


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_said_once_and_the_walk_goes_on_in_memory(header):
    full = Journal(Path("walk.jsonl"), os.open("/dev/full", os.O_WRONLY), header.started)
    session = Session(header, full)
    with pytest.raises(RecordError, match=r"walk\.jsonl cannot be written any more: no space left"):
        session.apply(PROMPT)
    assert (session.prefix(), full.open) == ([97], False)
    session.apply(events.Add(parent=0, node=1, id=98, source="picked"))
    assert session.prefix() == [97, 98]
    assert [type(event) for event in session.events] == [events.Prompt, events.Add]


def test_a_disk_that_fills_within_a_line_leaves_a_record_that_loads(header, tmp_path, monkeypatch):
    path = tmp_path / "walk.jsonl"
    session = Session(header, Journal.create(path, header))
    session.apply(PROMPT)
    write, left = os.write, [10]

    def fills(descriptor: int, data: bytes) -> int:
        if not left[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = write(descriptor, data[: left[0]])
        left[0] -= written
        return written

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", fills)
        with pytest.raises(RecordError, match="no space left"):
            session.apply(events.Move(node=0))
    session.apply(events.End())
    record = journal.read(path)
    assert (len(record.events), len(record.torn), len(session.events)) == (1, 10, 3)


def test_a_write_in_pieces_is_whole(header, tmp_path, monkeypatch):
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:7]))
        writer = Journal.create(tmp_path / "walk.jsonl", header)
        writer.append(PROMPT)
    writer.close()
    assert journal.read(tmp_path / "walk.jsonl").events == [PROMPT]


def test_a_copy_holds_the_same_events_and_never_overwrites(whole, tmp_path):
    record = journal.parse(whole)
    journal.write_copy(tmp_path / "copy.jsonl", record.header, record.events)
    assert (tmp_path / "copy.jsonl").read_bytes() == whole
    with pytest.raises(RecordError, match="exists already"):
        journal.write_copy(tmp_path / "copy.jsonl", record.header, record.events)


def test_a_record_of_version_1_loads_for_ever():
    record = journal.read(OLD)
    assert (record.torn, record.header.version, record.header.model) == (b"", 1, "scripted")
    # `score` came later, still within version 1: its own record has it.
    scored = journal.read(OLD.with_name("record-v1-score.jsonl"))
    kinds = {type(event) for event in (*record.events, *scored.events)}
    version_2 = {events.Delete, events.Bookmark, events.Undo, events.Redo}
    assert kinds == set(get_args(events.AnyEvent)) - version_2

    session = Session(record.header)
    session.learn([Token(258, b"Once", "text"), Token(259, b" upon", "text"), Token(260, b" a", "text")])
    session.learn([Token(273, "옛날".encode(), "text"), Token(256, b"<|begin|>", "special")])
    session.learn([Token(236, b"\xec", "bytes")])
    restore(record, "the record", session)
    assert [tree.text for tree in session.trees] == ["Once upon a", "옛날"]
    assert [[token.id for token in tree.prompt] for tree in session.trees] == [[256, 258, 259, 260], [256, 273]]
    assert [len(tree.nodes) for tree in session.trees] == [7, 2]
    assert (session.root, session.node, session.prefix()) == (0, 2, [256, 258, 259, 260, 265, 267])
    shown = session.snapshot()
    assert [place.text for place in shown.path] == ["<|begin|>", "Once", " upon", " a", " little", " bear"]
    sampled = shown.path[-1].choice
    assert (sampled.source, sampled.rank, sampled.seed, sampled.draw) == ("sampled", 2, 1, 0)
    assert session.params == SamplingParams(temperature=0, seed=1)
    table = session.trees[0].nodes[0].distribution
    assert (table.kept, table.candidates[0].token.text, table.candidates[0].prob) == (2, " time", 0.7543470901211905)
    assert session.trees[1].nodes[1].pending == b"\xec"


def test_a_record_with_the_scores_of_its_prompt_loads_for_ever():
    record = journal.read(OLD.with_name("record-v1-score.jsonl"))
    session = Session(record.header)
    restore(record, "the record", session)
    shown = session.snapshot().path
    assert [place.rank for place in shown] == [None, 259, 1, 1, 2]
    assert shown[0].logprob is shown[0].entropy is shown[0].surprisal is None
    assert shown[2].prob == pytest.approx(0.967, abs=1e-3)
    assert shown[4].entropy == session.tree.nodes[0].distribution.entropy
    short = msgspec.structs.replace(next(e for e in record.events if isinstance(e, events.Score)), ranks=[1])
    with pytest.raises(RecordError, match="4 numbers"):
        session.apply(short)


def test_two_explorers_never_write_one_record(whole, tmp_path):
    path = tmp_path / "walk.jsonl"
    path.write_bytes(whole + b"torn")
    first = Journal.reopen(path, journal.read(path))
    with pytest.raises(RecordError, match="open in another explorer"):
        Journal.reopen(path, journal.read(path))
    first.close()
    Journal.reopen(path, journal.read(path)).close()


def test_where_a_file_system_has_no_locks_the_second_to_write_is_told_and_nothing_is_written_twice(
    whole, tmp_path, monkeypatch
):
    def refuse(descriptor, how):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", refuse)
    path = tmp_path / "walk.jsonl"
    path.write_bytes(whole)
    record = journal.read(path)
    first, second = Journal.reopen(path, record), Journal.reopen(path, record)
    first.append(record.events[-1])
    with pytest.raises(RecordError, match="was changed by another program"):
        second.append(record.events[-1])
    first.append(record.events[-1])
    first.close()
    assert journal.read(path).events == [*record.events, record.events[-1], record.events[-1]]


def test_half_a_copy_leaves_its_name_free(whole, tmp_path, monkeypatch):
    record = journal.parse(whole)
    write, calls = os.write, []

    def full(descriptor, data):
        calls.append(data)
        if len(calls) > 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(RecordError, match="no space left"):
            journal.write_copy(tmp_path / "copy.jsonl", record.header, record.events)
    assert not (tmp_path / "copy.jsonl").exists()


def test_a_damaged_record_is_read_as_far_as_it_goes(tmp_path, header):
    path = tmp_path / "walk.jsonl"
    journal.write_copy(path, header, [events.Params.of(SamplingParams()), events.End()])
    assert journal.read_as_far(path) == (journal.read(path), "")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], b"{}\n", *lines[2:]]))
    record, fault = journal.read_as_far(path)
    assert (record.header, len(record.events)) == (header, 1)
    assert fault.startswith(f"Line 3 of {path} is not an event of a record")
    with pytest.raises(RecordError, match="Line 3"):
        journal.read(path)


def taken(path, other):
    path.unlink()


def moved(path, other):
    path.rename(other)


def replaced(path, other):
    other.write_bytes(b"of somebody else\n")
    other.replace(path)


def shortened(path, other):
    os.truncate(path, 10)


def added_to(path, other):
    with path.open("ab") as file:
        file.write(b"a line of another program\n")


def folder_moved(path, other):
    path.parent.rename(path.parent.with_name("elsewhere"))


@pytest.mark.parametrize(
    ("happens", "said"),
    [
        (taken, "is gone: it was deleted or moved"),
        (moved, "is gone: it was deleted or moved"),
        (folder_moved, "is gone: it was deleted or moved"),
        (replaced, "is another file now"),
        (shortened, "was changed by another program: it has 10 bytes in place of"),
        (added_to, "was changed by another program"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_file_that_another_program_touches_is_told_and_not_written_to_any_more(header, tmp_path, happens, said):
    path, other = tmp_path / "folder" / "walk.jsonl", tmp_path / "other"
    written = journal.Journal.create(path, header)
    session = Session(header, written)
    session.apply(events.Params.of(SamplingParams()))
    happens(path, other)
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    with pytest.raises(RecordError, match=f"^The record {re.escape(str(path))} {said}"):
        session.apply(events.End())
    assert not written.open
    session.apply(events.End())
    assert len(session.events) == 3
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before
