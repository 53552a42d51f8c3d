"""The worker is killed at random moments, and started again as a person does: nothing is lost, and drawing goes on."""

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest

from explorer.cli.engines import make_engine
from explorer.config import Config
from explorer.core.record import events, journal
from explorer.core.sampling.pace import RunSettings
from explorer.core.sampling.params import SamplingParams
from explorer.core.sampling.stopping import StopRules
from explorer.core.walk.session import Session
from explorer.engine.base import Engine
from explorer.engine.description import ModelSettings
from explorer.engine.process.client import WorkerEngine
from explorer.engine.scripted.scripted import ScriptedEngine
from explorer.errors import EngineDied
from explorer.walk import opening
from explorer.walk.run import Run
from explorer.walk.walk import Walk
from tests.killed.explorer import told

ROUNDS = [(seed, 50) for seed in range(4)] + [pytest.param(seed, 50, marks=pytest.mark.long) for seed in range(4, 20)]
REAL_ROUNDS = [(0, 3), pytest.param(1, 47, marks=pytest.mark.long)]
RUN = 8
"""Tokens of a run, at most."""


class Killed:
    """A walk on a worker that is killed again and again, while it draws, answers or starts."""

    def __init__(self, engine: WorkerEngine, record: Path, seed: int) -> None:
        self.record = record
        self.params = SamplingParams(seed=seed, temperature=1.5)
        begin = partial(opening.begin, params=self.params, record=record)
        self.walk = Walk(engine, begin, "Once upon a", top=20)
        self._run = Run(self.walk, RunSettings(rules=StopRules(max_new_tokens=RUN, eos=False)), self._drawn_one)
        self._tokens_left = 0
        self._killed: int | None = None
        self._engine = engine
        self._chance = random.Random(seed)

    async def round(self) -> None:
        """Start something, kill the worker meanwhile or afterwards, and go on."""
        act: Callable[[], Awaitable[object]] = self._chance.choice([self._draw, self._draw, self._ask, self._start])
        self._tokens_left = self._chance.randrange(RUN + 2)
        doing = asyncio.ensure_future(act())
        if act != self._draw or not self._tokens_left:
            for _ in range(self._chance.randrange(120)):
                await asyncio.sleep(0)
            while self._engine.pid is None and not doing.done():
                await asyncio.sleep(0)
            self._kill()
        try:
            await doing
        except EngineDied as error:
            assert "SIGKILL" in str(error) or "not running" in str(error)
        self._kill()
        await self.walk.open()

    def _kill(self) -> None:
        # Not twice: its number may be another process's as soon as it is gone.
        if self._engine.pid not in (None, self._killed):
            self._killed = self._engine.pid
            os.kill(self._engine.pid, signal.SIGKILL)

    async def _drawn_one(self, seconds: float) -> None:
        """Between two tokens of a run."""
        self._tokens_left -= 1
        if not self._tokens_left:
            self._kill()
        await asyncio.sleep(0)

    async def _draw(self) -> None:
        await self._run.draw()

    async def _ask(self) -> None:
        self.walk.top = self._chance.randint(5, 30)
        await self.walk.tables.fetch()

    async def _start(self) -> None:
        await self.walk.open()

    def check(self) -> None:
        """All that happened is in the record, and makes the same session."""
        session = self.walk.session
        assert session is not None
        record = journal.read(self.record)
        assert record.events == session.events
        assert not record.torn
        again = Session(record.header)
        for event in record.events:
            again.apply(event)
        assert told(again.snapshot()) == told(session.snapshot())

    @property
    def drawn(self) -> list[int]:
        assert self.walk.session is not None
        return [event.id for event in self.walk.session.events if isinstance(event, events.Add)]


@pytest.fixture
async def killed(tmp_path) -> AsyncIterator[Callable[[WorkerEngine, int], Awaitable[Killed]]]:
    begun: list[Killed] = []

    async def begin(engine: WorkerEngine, seed: int) -> Killed:
        sys.stdout.write(f"seed {seed}\n")  # The last one is that of a failure.
        begun.append(Killed(engine, tmp_path / f"{seed}.jsonl", seed))
        await begun[-1].walk.open()
        return begun[-1]

    yield begin
    for one in begun:
        one.walk.close()
        await one.walk.engine.close()


async def undisturbed(engine: Engine, killed: Killed) -> list[int]:
    """As many tokens of the same seed, on an engine that nobody kills."""
    assert killed.walk.session is not None
    drawn: list[int] = []
    prompt = [token.id for token in killed.walk.session.tree.prompt]
    while len(drawn) < len(killed.drawn):
        steps = engine.generate(
            [*prompt, *drawn],
            killed.params,
            draws=len(drawn),
            max_new_tokens=len(killed.drawn) - len(drawn),
            top=1,
            prompt_length=len(prompt),
        )
        drawn += [step.drawn.token.id async for step in steps]
    return drawn


@pytest.mark.parametrize(("chunk", "rounds"), ROUNDS)
async def test_a_worker_that_is_killed_loses_nothing(killed, tmp_path, chunk, rounds):
    scripted = ModelSettings(model="", name="scripted")
    engine = ScriptedEngine.demo()
    await engine.start()
    for seed in range(chunk * 5, chunk * 5 + 5):
        one = await killed(WorkerEngine(scripted, tmp_path / "engine.log", ["--engine", "scripted"]), seed)
        for _ in range(rounds // 5):
            await one.round()
            one.check()
        assert one.drawn == await undisturbed(engine, one)


@pytest.mark.parametrize(("seed", "rounds"), REAL_ROUNDS)
async def test_a_worker_with_a_real_model_that_is_killed_loses_nothing(killed, tmp_path, monkeypatch, seed, rounds):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    one = await killed(make_engine(Config()), seed)
    for _ in range(rounds):
        await one.round()
        one.check()
    assert one.drawn == await undisturbed(one.walk.engine, one)
