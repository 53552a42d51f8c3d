from datetime import UTC, datetime

import pytest

from explorer.core import moment
from explorer.core.record import journal
from explorer.core.record.events import Header, Params
from explorer.core.sampling.params import SamplingParams


class Clock(datetime):
    """One that shows what it is set to."""

    shown: datetime | None = None

    @classmethod
    def now(cls, tz=None):
        if cls.shown is None:
            raise OverflowError("year 10000 is out of range")
        return cls.shown


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), "1971-01-01T00:00:00.000+00:00"),
        (datetime(1901, 12, 13, tzinfo=UTC), "1971-01-01T00:00:00.000+00:00"),
        (datetime(2026, 11, 26, 5, tzinfo=UTC), "2026-11-26T05:00:00.000+00:00"),
        (datetime(9999, 12, 31, tzinfo=UTC), "9998-12-30T00:00:00.000+00:00"),
        (None, "9998-12-30T00:00:00.000+00:00"),
    ],
)
def test_a_walk_begins_whatever_the_clock_shows_and_its_record_loads(monkeypatch, tmp_path, shown, expected):
    monkeypatch.setattr(moment, "datetime", Clock)
    monkeypatch.setattr(Clock, "shown", shown)
    header = Header(model="tiny", dtype="float32", device="cpu", tokenizer="0" * 64)
    assert header.started == expected
    moment.now().astimezone()
    record = journal.Journal.create(tmp_path / "walk.jsonl", header)
    assert record.now() >= 0
    record.append(Params.of(SamplingParams()))
    record.close()
    assert journal.read(tmp_path / "walk.jsonl").header.started == expected
