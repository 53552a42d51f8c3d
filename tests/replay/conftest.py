"""A walk with everything in it that a record can hold, on any engine."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from explorer.core.sampling.pace import RunSettings
from explorer.core.sampling.params import SamplingParams
from explorer.core.sampling.stopping import StopRules
from explorer.engine.base import Engine
from explorer.walk import opening
from explorer.walk.beginning import begin
from explorer.walk.fork import Fork
from explorer.walk.run import Run, redraw
from explorer.walk.walk import Walk

RULES = StopRules(max_new_tokens=6, eos=False)


async def record_walk(engine: Engine, path: Path, prompt: str = "Once upon a", top: int = 8) -> Path:
    """Record a walk in a file: picked, drawn and forced tokens, several sequences, settings of every kind, branches."""

    async def open_session(engine, draft):
        return await opening.begin(engine, draft, SamplingParams(seed=7), path)

    walk = Walk(engine, open_session, prompt, top)
    await walk.open()
    session = walk.session
    await walk.tables.fetch()
    walk.add(walk.snapshot.distribution.candidates[1])
    await walk.tables.fetch()
    run = Run(walk, RunSettings(rules=RULES))
    walk.set_params(SamplingParams(0.8, 0.9, 50, 7, min_p=0.01, repetition_penalty=1.2, logit_bias=((262, 2.0),)))
    await walk.tables.fetch()
    await run.draw(5)
    await redraw(walk)
    await walk.tables.fetch()
    walk.focus = 2
    await walk.tables.fetch()
    walk.focus = None
    walk.undo()
    walk.set_params(SamplingParams(1.3, typical_p=0.9, top_h=0.9, suppress_tokens=(261,), seed=8))
    await walk.tables.fetch()
    await run.draw(3)
    walk.set_params(SamplingParams(0.0, seed=8))
    await walk.tables.fetch()
    await run.draw(2)
    walk.back()
    walk.set_params(SamplingParams(1.1, eta_cutoff=0.003, epsilon_cutoff=0.001, no_repeat_ngram_size=2, seed=9))
    await Fork(walk, 3, StopRules(max_new_tokens=4, eos=False)).draw(lambda: None)
    await walk.tables.fetch()
    scored = [one async for part in engine.score([*session.prefix(), 265, 266], 0) for one in part]
    for one in scored[-2:]:
        session.learn([one.token])
        walk.apply(session.force(one, joined=False))
    walk.apply(session.bookmark("forced"))
    await walk.tables.fetch()
    await begin(walk, "옛날 a")
    await walk.tables.fetch()
    walk.close()
    return path


@pytest.fixture
def recorded(tmp_path: Path) -> Callable[..., Awaitable[Path]]:
    """Records the walk on an engine that was not started."""

    async def record(engine: Engine, name: str = "walk.jsonl", **settings) -> Path:
        return await record_walk(engine, tmp_path / name, **settings)

    return record
