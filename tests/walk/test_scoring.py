import asyncio
from functools import partial

import pytest

from explorer.core.sampling.params import SamplingParams
from explorer.engine.base import silent
from explorer.engine.scripted.scripted import ScriptedEngine
from explorer.errors import ExplorerError, NotFinite, OutOfMemory
from explorer.walk import opening
from explorer.walk.walk import Walk

PARAMS = SamplingParams(temperature=3.0, seed=4)


class Scores(ScriptedEngine):
    """Waits for `go` in the middle of a score, or raises what it `fails` with."""

    fails: ExplorerError | None = None

    async def score(self, ids, top, begin=0, *, report=silent):
        if self.fails is not None:
            raise self.fails
        self.go = asyncio.Event()
        await self.go.wait()
        async for part in super().score(ids, top, begin, report=report):
            yield part


async def begun(engine: ScriptedEngine) -> tuple[Walk, list[str]]:
    walk = Walk(engine, partial(opening.begin, params=PARAMS, record=None), "Once upon a", 5)
    warnings: list[str] = []
    walk.warned = warnings.append
    await walk.open()
    return walk, warnings


async def test_a_prompt_whose_scoring_is_skipped_has_its_table_and_no_numbers():
    walk, _ = await begun(Scores.demo())
    waiting = asyncio.create_task(walk.tables.fetch())
    while not hasattr(walk.engine, "go"):
        await asyncio.sleep(0)
    assert walk.tables.scoring.skip()
    await waiting
    assert walk.session is not None
    assert walk.session.cursor.distribution is not None
    assert walk.session.tree.scores == []
    assert not walk.tables.scoring.skip() and not walk.tables.scoring.wanted(walk.session)


async def test_whoever_waits_for_a_score_may_leave_and_the_pass_goes_on():
    walk, _ = await begun(Scores.demo())
    waiting = asyncio.create_task(walk.tables.fetch())
    while not hasattr(walk.engine, "go"):
        await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    walk.engine.go.set()
    await walk.tables.fetch()
    assert len(walk.session.tree.scores) == len(walk.session.tree.prompt)


@pytest.mark.parametrize(
    "error", [OutOfMemory("The memory is full."), NotFinite("The logits are not finite after the first 2 tokens.")]
)
async def test_a_prompt_that_cannot_be_scored_goes_without_its_numbers(error):
    engine = Scores.demo()
    engine.fails = error
    walk, warnings = await begun(engine)
    await walk.tables.fetch()
    assert walk.session.cursor.distribution is not None
    assert warnings == [f"{error} The prompt goes without its numbers."]
