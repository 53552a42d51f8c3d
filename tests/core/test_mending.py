import os
import stat
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from explorer.core.record import events, journal, mending
from explorer.core.record.journal import Journal
from explorer.errors import RecordError

OLD = Path(__file__).parents[1] / "data" / "record-v1.jsonl"
HOLD = """
import sys
from pathlib import Path
from explorer.core.record import journal
path = Path(sys.argv[1])
held = journal.Journal.reopen(path, journal.read(path))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def old(tmp_path) -> Path:
    path = tmp_path / "walk.jsonl"
    path.write_bytes(OLD.read_bytes())
    return path


@pytest.fixture
def present(header, tmp_path) -> Path:
    path = tmp_path / "walk.jsonl"
    journal.write_copy(path, header, [events.Prompt(text="a", ids=[97])])
    return path


def test_a_torn_end_is_on_the_disk_beside_the_record_before_it_is_cut_off(present, monkeypatch):
    whole = present.read_bytes()
    present.write_bytes(whole + b"torn")
    steps = []
    monkeypatch.setattr(mending, "sync_file", lambda descriptor: steps.append(present.read_bytes()))
    reopened = Journal.reopen(present, journal.read(present))
    reopened.close()
    assert (steps, present.read_bytes()) == ([whole + b"torn"], whole)
    assert Path(f"{present}.torn").read_bytes() == b"torn\n"
    assert reopened.mended == [f"The last line of {present} was torn: it was cut off, and is kept in {present}.torn."]


def test_a_record_of_an_older_version_is_kept_beside_the_one_that_goes_on(old):
    before = journal.read(old)
    old.write_bytes(old.read_bytes() + b"torn")
    reopened = Journal.reopen(old, journal.read(old))
    reopened.append(events.End())
    reopened.close()
    kept = Path(f"{old}.v1")
    assert kept.read_bytes() == OLD.read_bytes()
    assert reopened.mended[1] == f"The record {old} was of version 1: it is kept as {kept}."
    after = journal.read(old)
    assert after.header == msgspec.structs.replace(before.header, version=events.VERSION)
    assert after.events == [*before.events, events.End()]
    assert sorted(path.name for path in old.parent.iterdir()) == ["walk.jsonl", "walk.jsonl.torn", "walk.jsonl.v1"]
    assert stat.S_IMODE(old.stat().st_mode) == 0o600

    again = Journal.reopen(old, after)
    again.close()
    assert again.mended == []


def test_the_kept_record_gets_a_name_that_is_free(old):
    Path(f"{old}.v1").write_text("something else")
    Path(f"{old}.new").write_text("left by a program that was killed")
    Journal.reopen(old, journal.read(old)).close()
    assert Path(f"{old}.v1").read_text() == "something else"
    assert Path(f"{old}.v1.2").read_bytes() == OLD.read_bytes()
    assert not Path(f"{old}.new").exists()


def test_a_file_system_without_second_names_keeps_a_copy(old, monkeypatch):
    def refuses(*names: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuses)
    Journal.reopen(old, journal.read(old)).close()
    assert Path(f"{old}.v1").read_bytes() == OLD.read_bytes()


def test_a_renewal_that_fails_changes_nothing(old, monkeypatch):
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(mending, "sync_file", full)
    with pytest.raises(RecordError, match="cannot be written: no space left"):
        Journal.reopen(old, journal.read(old))
    assert [path.name for path in old.parent.iterdir()] == ["walk.jsonl"]
    assert old.read_bytes() == OLD.read_bytes()


def test_fields_of_a_header_that_nobody_knows_are_kept(old):
    old.write_bytes(old.read_bytes().replace(b'"version":1', b'"mood":"good","version":1', 1))
    Journal.reopen(old, journal.read(old)).close()
    assert b'"mood":"good"' in old.read_bytes().splitlines()[0]


def test_the_lock_is_on_the_renewed_record(old):
    first = Journal.reopen(old, journal.read(old))
    with pytest.raises(RecordError, match="open in another explorer"):
        Journal.reopen(old, journal.read(old))
    first.close()


@pytest.mark.parametrize("change", [b'{"event":"end"}\n', b"torn"])
def test_a_record_that_went_on_since_it_was_read_is_not_written_to(present, change):
    record = journal.read(present)
    present.write_bytes(present.read_bytes() + change)
    after = present.read_bytes()
    with pytest.raises(RecordError, match="was changed while it was being opened"):
        Journal.reopen(present, record)
    assert present.read_bytes() == after


def test_a_record_that_was_replaced_since_it_was_read_is_not_written_to(present, monkeypatch):
    record = journal.read(present)
    same = os.path.samestat
    monkeypatch.setattr(os.path, "samestat", lambda *pair: not same(*pair))
    with pytest.raises(RecordError, match="was changed"):
        Journal.reopen(present, record)


def test_another_process_never_writes_the_same_record(present):
    before = present.read_bytes()
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(present)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        with open(present, "rb") as file:
            assert mending.locked(file.fileno())
        with pytest.raises(RecordError, match="open in another explorer"):
            Journal.reopen(present, journal.read(present))
        with pytest.raises(RecordError, match="exists already"):
            journal.write_copy(present, journal.read(present).header, [])
        other.stdin.close()
    with open(present, "rb") as file:
        assert not mending.locked(file.fileno())
    assert present.read_bytes() == before
