import asyncio
from contextlib import aclosing
from functools import partial

import pytest

from explorer import headless
from explorer.core import events
from explorer.core.sampling import SamplingParams
from explorer.core.session import Session
from explorer.engine.scripted import ScriptedEngine
from explorer.errors import OutOfMemory
from explorer.ui.walk import Walk

PARAMS = SamplingParams(temperature=3.0, seed=4)


@pytest.fixture
async def walk():
    walk = Walk(ScriptedEngine.demo(), partial(headless.begin, params=PARAMS, record=None), "Once upon a", 5)
    await walk.open()
    return walk


async def drawn_at(walk: Walk, draw: int) -> int:
    """What the sampler draws at an index after the prompt."""
    ids = walk.session.tree.prefix(0)
    stream = walk.engine.generate(ids, walk.session.params, draws=draw, max_new_tokens=1, top=1)
    async with aclosing(stream):
        return (await anext(stream)).drawn.token.id


async def test_drawing_again_takes_the_next_draw_and_keeps_what_was_drawn(walk):
    expected = [await drawn_at(walk, draw) for draw in range(6)]
    await walk.run(1)
    places = [walk.session.cursor]
    for _ in range(5):
        assert await walk.redraw()
        places.append(walk.session.cursor)
    assert [node.token.id for node in places] == expected
    assert len(set(expected)) > 2
    assert {node.token.id: node.choice.draw for node in places} == {i: expected.index(i) for i in expected}
    assert all(node.draws == node.choice.draw + 1 and node.parent == 0 for node in places)
    assert walk.session.tree.nodes[0].children.keys() == set(expected)


async def test_each_new_draw_is_an_event_and_a_replay_goes_on_with_the_next_one(walk):
    walk.set_params(PARAMS.replace(temperature=0.5))
    await walk.run(1)
    for _ in range(4):
        await walk.redraw()
    said = [e for e in walk.session.events if isinstance(e, events.Add | events.Move)]
    draws = [e.draw for e in said if isinstance(e, events.Add) or e.node]
    assert draws == [0, 1, 2, 3, 4]
    assert {type(e) for e in said[1:] if e.node and e.draw} <= {events.Add, events.Move}
    replayed = Session(walk.session.header)
    replayed.restore(walk.session.events)
    assert replayed.tree.nodes[0].taken == walk.session.tree.nodes[0].taken == 5
    assert replayed.snapshot().ids == walk.snapshot.ids


async def test_going_back_and_forward_after_a_new_draw_draws_the_same_tokens(walk):
    await walk.run(1)
    await walk.redraw()
    await walk.redraw()
    begin = walk.session.node
    await walk.run(4)
    ids, nodes = walk.snapshot.ids, len(walk.session.tree.nodes)
    while walk.session.node != begin:
        walk.back()
    await walk.run(4)
    assert (walk.snapshot.ids, len(walk.session.tree.nodes)) == (ids, nodes)


async def test_a_picked_token_gives_way_to_a_draw(walk):
    await walk.table()
    picked = walk.session.cursor.distribution.candidates[0]
    walk.add(picked)
    assert await walk.redraw()
    assert walk.snapshot.ids[-1] == await drawn_at(walk, 0)


async def test_the_prompt_is_not_drawn_again(walk):
    assert not await walk.redraw()
    assert walk.session.node == 0


async def test_a_draw_that_comes_late_does_not_move_the_cursor(walk):
    await walk.run(2)
    generate = walk.engine.generate

    async def slow(*args, **options):
        async for step in generate(*args, **options):
            walk.back()
            yield step

    walk.engine.generate = slow
    before = len(walk.session.tree.nodes)
    assert not await walk.redraw()
    assert (walk.session.node, len(walk.session.tree.nodes)) == (1, before)


class Scores(ScriptedEngine):
    """Waits for `go` in the middle of a score, or fails where it runs out of memory."""

    fails = False

    async def score(self, ids, top):
        if self.fails:
            raise OutOfMemory("The memory is full.")
        self.go = asyncio.Event()
        await self.go.wait()
        async for part in super().score(ids, top):
            yield part


async def begun(engine: ScriptedEngine) -> tuple[Walk, list[str]]:
    walk = Walk(engine, partial(headless.begin, params=PARAMS, record=None), "Once upon a", 5)
    warnings: list[str] = []
    walk.warned = warnings.append
    await walk.open()
    return walk, warnings


async def test_a_prompt_whose_scoring_is_skipped_has_its_table_and_no_numbers():
    walk, _ = await begun(Scores.demo())
    waiting = asyncio.create_task(walk.table())
    while not hasattr(walk.engine, "go"):
        await asyncio.sleep(0)
    assert walk.scoring.skip()
    await waiting
    assert walk.session.cursor.distribution is not None
    assert walk.session.tree.scores == []
    assert not walk.scoring.skip() and not walk.scoring.wanted(walk.session)


async def test_whoever_waits_for_a_score_may_leave_and_the_pass_goes_on():
    walk, _ = await begun(Scores.demo())
    waiting = asyncio.create_task(walk.table())
    while not hasattr(walk.engine, "go"):
        await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    walk.engine.go.set()
    await walk.table()
    assert len(walk.session.tree.scores) == len(walk.session.tree.prompt)


async def test_a_prompt_whose_scoring_runs_out_of_memory_goes_without_its_numbers():
    engine = Scores.demo()
    engine.fails = True
    walk, warnings = await begun(engine)
    await walk.table()
    assert walk.session.cursor.distribution is not None
    assert warnings == ["The memory is full. The prompt goes without its numbers."]
