import inspect
from collections.abc import AsyncGenerator
from typing import get_type_hints

import pytest

from explorer.engine import calls
from explorer.engine.base import Engine, Progress, Report
from explorer.engine.calls import Call, Stream
from explorer.engine.compute.local import TransformersEngine
from explorer.engine.scripted.scripted import ScriptedEngine
from explorer.errors import UsageError

KNOWN = {name: kind for name, kind in calls.CALLS.items() if kind.__module__ == calls.__name__}


class Greet(Call[str], frozen=True, kw_only=True):
    who: str


class Count(Stream[int], frozen=True, kw_only=True):
    to: int


class Polite(Engine):
    """Answers two calls of its own, and no other."""

    async def start(self):
        raise AssertionError("not started here")

    async def close(self):
        pass

    async def answer_greet(self, call: Greet, report: Report) -> str:
        report(Progress("clearing the throat"))
        return f"Hello, {call.who}."

    async def answer_count(self, call: Count, report: Report) -> AsyncGenerator[int, None]:
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


@pytest.mark.parametrize("engine", [ScriptedEngine, TransformersEngine])
def test_each_method_of_an_engine_takes_its_call_and_gives_the_answer_that_the_call_names(engine):
    assert engine.answered() == tuple(sorted(KNOWN))
    methods = {name.removeprefix("answer_") for name in dir(engine) if name.startswith("answer_")}
    assert methods == set(KNOWN)
    for name, kind in KNOWN.items():
        method = getattr(engine, f"answer_{name}")
        given = get_type_hints(method)
        answer = AsyncGenerator[kind.answer, None] if issubclass(kind, Stream) else kind.answer
        assert given["return"] == answer
        assert list(given.values())[:2] == [kind, Report]
        assert inspect.isasyncgenfunction(method) == issubclass(kind, Stream)
