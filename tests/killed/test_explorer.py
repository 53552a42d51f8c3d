"""The explorer is killed at random moments: what was on the screen is in the record, which replays and goes on."""

import json
import os
import random
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from explorer.core.record import journal
from explorer.core.record.events import End
from explorer.core.walk.session import Session
from explorer.embedded import EMBEDDED
from explorer.engine.base import Engine
from explorer.walk import opening
from tests.killed.explorer import ENGINES, told

ROOT = Path(__file__).parents[2]
SOON = 120
"""Seconds after which a test is given up."""

ROUNDS = [(seed, 50) for seed in range(4)] + [pytest.param(seed, 50, marks=pytest.mark.long) for seed in range(4, 20)]
REAL_ROUNDS = [(0, 3), pytest.param(1, 47, marks=pytest.mark.long)]


class Explorers:
    """The process that becomes one explorer after the other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.killed.explorer"],
            cwd=ROOT,
            env={**os.environ, "XDG_STATE_HOME": str(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._asked, self._told = self._process.stdin, self._process.stdout
        self._buffer = b""

    def kill_one(self, seed: int, model: str, chance: random.Random) -> tuple[Path, list[dict[str, Any]]]:
        """Let one explore, and kill it; its record, and what was painted until then."""
        record = self._folder / f"{seed}.jsonl"
        self._asked.write(json.dumps({"seed": seed, "record": str(record), "model": model}).encode() + b"\n")
        self._asked.flush()
        child = self._line()["child"]
        painted = []
        for _ in range(chance.randint(1, 12)):
            painted.append(self._line())
            assert "ended" not in painted[-1], "it ended by itself"
        self._read(chance.random() / 50)
        os.kill(child, signal.SIGKILL)
        while "ended" not in (line := self._line()):
            painted.append(line)
        assert line["ended"] == -signal.SIGKILL
        return record, painted

    def close(self) -> None:
        self._asked.close()
        self._told.close()
        assert self._process.wait(SOON) == 0

    def _line(self) -> dict[str, Any]:
        """The next line; what a killed explorer had not finished to say is left out."""
        while b"\n" not in self._buffer:
            assert self._read(SOON), "nothing more was painted"
        line, _, self._buffer = self._buffer.partition(b"\n")
        torn, brace, end = line.rpartition(b'{"ended"')
        return json.loads(brace + end if torn else line)

    def _read(self, seconds: float) -> bool:
        """Read what there is, after waiting so long at most; False where nothing came."""
        ready, _, _ = select.select([self._told], [], [], seconds)
        if ready:
            self._buffer += os.read(self._told.fileno(), 2**20)
        return bool(ready)


@pytest.fixture
def explorers(tmp_path) -> Iterator[Explorers]:
    explorers = Explorers(tmp_path)
    yield explorers
    explorers.close()


def replayed(events, header, painted) -> Session:
    """The session of a record, which showed at each of its moments what was painted then."""
    session, done = Session(header), 0
    for shown in painted:
        count = shown.pop("events")
        assert len(events) >= count, "an event was on the screen, and is not in the record"
        for event in events[done:count]:
            session.apply(event)
        done = count
        assert json.loads(json.dumps(told(session.snapshot()))) == shown
    for event in events[done:]:
        session.apply(event)
    return session


async def kill(explorers: Explorers, model: str, seeds: range, engine: Engine) -> None:
    await engine.start()
    for seed in seeds:
        sys.stdout.write(f"seed {seed}\n")  # The last one is that of a failure.
        path, painted = explorers.kill_one(seed, model, random.Random(seed))
        record = journal.read(path)
        session = replayed(record.events, record.header, painted)
        resumed = await opening.resume(engine, record, path)
        assert told(resumed.snapshot()) == told(session.snapshot())
        assert resumed.events[:-1] == record.events
        resumed.apply(End())
        resumed.journal.close()
        assert journal.read(path).events == resumed.events


@pytest.mark.parametrize(("chunk", "rounds"), ROUNDS)
async def test_an_explorer_that_is_killed_loses_nothing(explorers, chunk, rounds):
    await kill(explorers, "scripted", range(chunk * rounds, (chunk + 1) * rounds), ENGINES["scripted"]())


@pytest.mark.parametrize(("first", "rounds"), REAL_ROUNDS)
async def test_an_explorer_on_a_real_model_that_is_killed_loses_nothing(
    explorers, first, rounds, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    engine = ENGINES[EMBEDDED]()
    try:
        await kill(explorers, EMBEDDED, range(first * 10, first * 10 + rounds), engine)
    finally:
        await engine.close()
