import errno
import os
import threading
from pathlib import Path

import pytest

from explorer.core.record import events, journal, lines
from explorer.core.record.journal import Journal
from explorer.core.record.syncing import Syncing
from explorer.errors import RecordError

PROMPT = events.Prompt(text="a", ids=[97])
SOON = 60
"""Seconds after which a test is given up."""


class Disk:
    """Counts what it is asked for; slow while its gate is closed, broken while it has a fault."""

    def __init__(self) -> None:
        self.syncs = threading.Semaphore(0)
        self.gate = threading.Event()
        self.gate.set()
        self.fault: OSError | None = None

    def sync(self, *descriptor: int) -> None:
        self.syncs.release()
        assert self.gate.wait(SOON)
        if self.fault is not None:
            raise self.fault


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def written(disk, header, tmp_path) -> Journal:
    descriptor = os.open(tmp_path / "walk.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    return Journal(tmp_path / "walk.jsonl", descriptor, header.started, disk.sync)


def test_each_touch_is_synced_without_another(disk):
    syncing = Syncing(disk.sync, pause=0)
    for _ in range(3):
        syncing.touch()
        assert disk.syncs.acquire(timeout=SOON)
    syncing.close()


def test_nothing_is_synced_before_something_is_written(disk):
    disk.gate.clear()
    syncing = Syncing(disk.sync)
    assert not disk.syncs.acquire(timeout=0)
    disk.gate.set()
    syncing.close()
    assert disk.syncs.acquire(timeout=0)


def test_what_is_written_during_a_sync_is_synced_after_it(disk):
    syncing = Syncing(disk.sync, pause=0)
    disk.gate.clear()
    syncing.touch()
    assert disk.syncs.acquire(timeout=SOON)
    syncing.touch()
    disk.gate.set()
    assert disk.syncs.acquire(timeout=SOON)
    syncing.close()


def test_a_pause_ends_with_the_closing(disk):
    syncing = Syncing(disk.sync, pause=10 * SOON)
    syncing.touch()
    assert disk.syncs.acquire(timeout=SOON)
    syncing.touch()
    syncing.close()
    assert disk.syncs.acquire(timeout=0)


def test_a_slow_disk_delays_no_event(disk, written, tmp_path):
    disk.gate.clear()
    written.append(PROMPT)
    assert disk.syncs.acquire(timeout=SOON)
    for _ in range(20):
        written.append(PROMPT)
    assert (tmp_path / "walk.jsonl").read_bytes().count(b"\n") == 21
    disk.gate.set()
    written.close()
    assert disk.syncs.acquire(timeout=0)


def test_a_sync_that_failed_is_told_by_the_next_event(disk, written, tmp_path):
    disk.fault = OSError(errno.EIO, os.strerror(errno.EIO))
    written.append(PROMPT)
    written._syncing._thread.join(SOON)
    with pytest.raises(RecordError, match=r"walk\.jsonl cannot be written any more: input/output error"):
        written.append(PROMPT)
    assert not written.open
    written.append(PROMPT)
    written.close()
    assert (tmp_path / "walk.jsonl").read_bytes().count(b"\n") == 1


def test_a_last_sync_that_fails_is_told_by_the_closing(disk, written):
    written.append(PROMPT)
    disk.fault = OSError(errno.EIO, os.strerror(errno.EIO))
    with pytest.raises(RecordError, match=r"may not be on the disk: input/output error"):
        written.close()
    assert not written.open
    written.close()


def test_a_new_record_and_its_name_are_on_the_disk_when_it_is_closed(header, tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_ino))
    Journal.create(tmp_path / "walk.jsonl", header).close()
    assert {(tmp_path / "walk.jsonl").stat().st_ino, tmp_path.stat().st_ino} == set(synced)


def test_a_file_that_cannot_be_synced_is_written_all_the_same(header):
    reader, writer = os.pipe()
    pipe = Journal(Path("pipe"), writer, header.started)
    pipe.append(PROMPT)
    pipe.close()
    with open(reader, "rb") as end:
        assert lines.decode_event(end.read()) == PROMPT


def test_a_copy_that_does_not_come_to_the_disk_is_none(header, tmp_path, monkeypatch):
    def broken(descriptor: int) -> None:
        if descriptor != folder:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    folder = -1
    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(RecordError, match="input/output error"):
        journal.write_copy(tmp_path / "copy.jsonl", header, [PROMPT])
    assert not list(tmp_path.iterdir())
