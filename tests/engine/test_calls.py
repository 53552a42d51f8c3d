import asyncio
import inspect
import os
from collections.abc import AsyncGenerator
from types import GenericAlias
from typing import get_type_hints

import pytest

from explorer.core.sampling.params import SamplingParams
from explorer.engine import calls
from explorer.engine.base import Engine, Progress, Reporter, silent
from explorer.engine.calls import AnyCall, Call, Stream
from explorer.engine.compute import prefixes
from explorer.engine.compute.forward import cache
from explorer.engine.compute.local import TransformersEngine
from explorer.engine.description import ModelSettings
from explorer.engine.process import wire
from explorer.engine.process.worker import Server
from explorer.engine.scripted.scripted import ScriptedEngine
from explorer.errors import UsageError

WITHOUT_WEIGHTS = {ScriptedEngine: ("save",)}
"""The calls that an engine cannot answer which has no weights."""

KNOWN = {name: kind for name, kind in calls.CALLS.items() if kind.__module__ == calls.__name__}


class Greet(Call[str], frozen=True, kw_only=True):
    who: str


class Count(Stream[int], frozen=True, kw_only=True):
    to: int


class Polite(Engine):
    """Answers two calls of its own, and no other."""

    async def start(self, report=silent):
        raise AssertionError("not started here")

    async def close(self):
        pass

    async def answer_greet(self, call: Greet, report: Reporter) -> str:
        report(Progress("clearing the throat"))
        return f"Hello, {call.who}."

    async def answer_count(self, call: Count, report: Reporter) -> AsyncGenerator[int, None]:
        for number in range(call.to):
            report(Progress("counting", number, call.to))
            yield number


async def test_a_call_is_a_value_and_a_method_of_the_engine_that_answers_it():
    said = []
    engine = Polite()
    assert await engine.ask(Greet(who="fox"), said.append) == "Hello, fox."
    assert [part async for part in engine.stream(Count(to=3), said.append)] == [0, 1, 2]
    assert said == [Progress("clearing the throat"), *[Progress("counting", number, 3) for number in range(3)]]
    assert engine.answered() == ("count", "greet")


async def test_a_call_that_an_engine_has_no_method_for_is_refused():
    with pytest.raises(UsageError, match="The engine of this model does not answer “describe”"):
        await Polite().describe([1])
    with pytest.raises(UsageError, match="does not answer “score”"):
        async for _ in Polite().score([1], 0):
            pass


async def test_a_worker_carries_a_call_that_it_never_heard_of_and_reports_to_whoever_asked():
    requests: list[AnyCall] = [Greet(who="bear"), Count(to=2), calls.Inspect()]
    received, sent = os.pipe()
    server = Server(sent, "scripted")
    server._engine = Polite()
    for number, call in enumerate(requests, 1):
        server.receive(wire.line(wire.Ask.of(number, call, wire.PrefixWriter().write)))
    while server._tasks:
        await asyncio.sleep(0)
    os.close(sent)
    with open(received, "rb") as lines:
        replies = [wire.decode_reply(line) for line in lines]
    said = {number: [reply for reply in replies if reply.id == number] for number in (1, 2, 3)}
    assert said[1][0] == wire.Progressed(1, Progress("clearing the throat"))
    assert [reply.read(requests[0]) for reply in said[1][1:]] == ["Hello, bear."]
    assert said[2][::2] == [
        *[wire.Progressed(2, Progress("counting", number, 2)) for number in range(2)],
        wire.Finished(2),
    ]
    assert [reply.read(requests[1]) for reply in said[2][1::2]] == [0, 1]
    assert type(said[3][0].error()) is UsageError


async def test_reading_a_long_prompt_is_reported_to_whoever_asked(tiny_folder, monkeypatch):
    monkeypatch.setattr(cache, "CHUNK", 8)
    monkeypatch.setattr(prefixes, "CHUNK", 8)
    engine = TransformersEngine(ModelSettings(model=str(tiny_folder("llama")), name="tiny", device="cpu"))
    await engine.start()
    mine, others = [], []
    ids, other = list(range(3, 33)), list(range(4, 34))
    one = SamplingParams(seed=1)
    await asyncio.gather(
        engine.next(ids, one, 3, report=mine.append),
        engine.next(ids[:5], one, 3),
        anext(engine.sample([other], one, report=others.append)),
    )
    for said in (mine, others):
        assert said == [Progress("reading the prompt", done, 30) for done in (8, 16, 24, 30)]
    await engine.close()


@pytest.mark.parametrize("engine", [ScriptedEngine, TransformersEngine])
def test_each_method_of_an_engine_takes_its_call_and_gives_the_answer_that_the_call_names(engine):
    known = {name: kind for name, kind in KNOWN.items() if name not in WITHOUT_WEIGHTS.get(engine, ())}
    assert engine.answered() == tuple(sorted(known))
    methods = {name.removeprefix("answer_") for name in dir(engine) if name.startswith("answer_")}
    assert methods == set(known)
    for name, kind in known.items():
        method = getattr(engine, f"answer_{name}")
        given = get_type_hints(method)
        answer = GenericAlias(AsyncGenerator, (kind.answer, None)) if issubclass(kind, Stream) else kind.answer
        assert given["return"] == answer
        assert list(given.values())[:2] == [kind, Reporter]
        assert inspect.isasyncgenfunction(method) == issubclass(kind, Stream)
