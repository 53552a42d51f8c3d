import asyncio
from contextlib import aclosing
from functools import partial

import msgspec
import pytest

from explorer.core.record import events
from explorer.core.sampling.pace import RunSettings
from explorer.core.sampling.params import SamplingParams
from explorer.core.sampling.stopping import StopRules
from explorer.core.walk.session import Session
from explorer.engine.scripted.scripted import EOS, ScriptedEngine
from explorer.errors import UsageError
from explorer.walk import opening
from explorer.walk.run import Run, redraw
from explorer.walk.walk import Walk

PARAMS = SamplingParams(temperature=3.0, seed=4)


@pytest.fixture
async def walk():
    walk = Walk(ScriptedEngine.demo(), partial(opening.begin, params=PARAMS, record=None), "Once upon a", 5)
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
    await Run(walk, RunSettings()).draw(1)
    places = [walk.session.cursor]
    for _ in range(5):
        assert await redraw(walk)
        places.append(walk.session.cursor)
    assert [node.token.id for node in places] == expected
    assert len(set(expected)) > 2
    assert {node.token.id: node.choice.draw for node in places} == {i: expected.index(i) for i in expected}
    assert all(node.draws == node.choice.draw + 1 and node.parent == 0 for node in places)
    assert walk.session.tree.nodes[0].children.keys() == set(expected)


async def test_each_new_draw_is_an_event_and_a_replay_goes_on_with_the_next_one(walk):
    walk.set_params(PARAMS.replace(temperature=0.5))
    await Run(walk, RunSettings()).draw(1)
    for _ in range(4):
        await redraw(walk)
    said = [e for e in walk.session.events if isinstance(e, events.Add | events.Move)]
    draws = [e.draw for e in said if isinstance(e, events.Add) or e.node]
    assert draws == [0, 1, 2, 3, 4]
    assert {type(e) for e in said[1:] if e.node and e.draw} <= {events.Add, events.Move}
    replayed = Session(walk.session.header)
    for event in walk.session.events:
        replayed.apply(event)
    assert replayed.tree.nodes[0].taken == walk.session.tree.nodes[0].taken == 5
    assert replayed.snapshot().ids == walk.snapshot.ids


async def test_going_back_and_forward_after_a_new_draw_draws_the_same_tokens(walk):
    await Run(walk, RunSettings()).draw(1)
    await redraw(walk)
    await redraw(walk)
    begin = walk.session.node
    await Run(walk, RunSettings()).draw(4)
    ids, nodes = walk.snapshot.ids, len(walk.session.tree.nodes)
    while walk.session.node != begin:
        walk.back()
    await Run(walk, RunSettings()).draw(4)
    assert (walk.snapshot.ids, len(walk.session.tree.nodes)) == (ids, nodes)


async def test_only_a_token_that_was_drawn_is_drawn_again(walk):
    with pytest.raises(UsageError, match="the prompt was not drawn"):
        await redraw(walk)
    await walk.tables.fetch()
    walk.add(walk.session.cursor.distribution.candidates[0])
    with pytest.raises(UsageError, match="was picked, not drawn"):
        await redraw(walk)
    await Run(walk, RunSettings()).draw(1)
    walk.set_params(PARAMS.replace(temperature=0))
    with pytest.raises(UsageError, match="temperature 0"):
        await redraw(walk)
    assert walk.session.node == 2


async def test_a_draw_that_comes_late_does_not_move_the_cursor(walk):
    await Run(walk, RunSettings()).draw(2)
    generate = walk.engine.generate

    async def slow(*args, **options):
        async for step in generate(*args, **options):
            walk.back()
            yield step

    walk.engine.generate = slow
    before = len(walk.session.tree.nodes)
    assert not await redraw(walk)
    assert (walk.session.node, len(walk.session.tree.nodes)) == (1, before)


def at_most(tokens: int, **rules) -> RunSettings:
    return RunSettings(rules=StopRules(max_new_tokens=tokens, **rules))


def length(walk: Walk) -> int:
    return len(walk.snapshot.path) - walk.snapshot.prompt_length


async def greedy() -> Walk:
    """“ a time, there was a time, …”"""
    params = SamplingParams(temperature=0, seed=1)
    walk = Walk(ScriptedEngine.demo(), partial(opening.begin, params=params, record=None), "Once upon a", 5)
    await walk.open()
    return walk


@pytest.mark.parametrize(
    ("rules", "drawn", "sentence"),
    [
        ({}, 20, "stopped after 20 tokens"),
        ({"strings": (", th", " was a")}, 3, "stopped at “, th”"),
        ({"strings": ("never said",)}, 20, "stopped after 20 tokens"),
        ({"ids": (256 + 8,)}, 4, "stopped at the token 264"),
        ({"entropy_above": 1.0}, 5, "stopped: entropy 1.21 bits is above 1"),
        ({"prob_below": 0.8}, 5, "stopped: the likeliest token has 75.4%, below 80.0%"),
    ],
)
async def test_a_run_stops_by_its_rules_and_says_why(rules, drawn, sentence):
    walk = await greedy()
    ended = await Run(walk, at_most(20, **rules)).draw()
    assert (length(walk), ended.sentence) == (drawn, sentence)


async def test_a_run_that_was_woken_goes_on_when_it_is_asked_again():
    walk = await greedy()
    run = Run(walk, at_most(20, entropy_above=1.0))
    assert [(await run.draw()).reason for _ in range(3)] == ["unsure"] * 3
    assert length(walk) == 15


async def test_a_run_may_go_on_after_the_end_of_the_text():
    walk = Walk(
        ScriptedEngine({}), partial(opening.begin, params=SamplingParams(temperature=0, seed=1), record=None), "a", 5
    )
    await walk.open()
    walk.set_params(walk.snapshot.params.replace(logit_bias=((EOS, 9.0),)))
    assert (await Run(walk, at_most(6)).draw()).reason == "stop"
    assert (await Run(walk, at_most(6, eos=False)).draw()).reason == "length"
    assert walk.snapshot.ids[-7:] == [EOS] * 7


async def test_a_count_holds_in_place_of_the_longest_run(walk):
    assert (await Run(walk, at_most(2, eos=False)).draw(9)).sentence == "stopped after 9 tokens"
    assert length(walk) == 9


async def test_under_a_speed_limit_each_token_is_asked_for_when_it_is_due(walk):
    now, asked = 0.0, []
    generate = walk.engine.generate

    def noted(*args, **options):
        asked.append((round(now, 3), options["max_new_tokens"]))
        return generate(*args, **options)

    async def sleep(seconds):
        nonlocal now
        now += seconds

    walk.engine.generate, walk.clock = noted, lambda: now
    run = Run(walk, msgspec.structs.replace(at_most(4, eos=False), tokens_per_second=10), sleep)
    await run.draw()
    assert asked == [(0, 1), (0.1, 1), (0.2, 1), (0.3, 1)]
    assert length(walk) == 4


async def test_a_new_speed_limit_holds_from_the_next_token_on(walk):
    asked = []
    generate = walk.engine.generate

    def noted(*args, **options):
        asked.append(options["max_new_tokens"])
        return generate(*args, **options)

    async def sleep(seconds):
        if length(walk) == 3:
            run.settings = run.settings.at_speed(1)

    walk.engine.generate = noted
    run = Run(walk, at_most(5, eos=False), sleep)
    await run.draw()
    assert asked == [5, 1, 1]


async def test_what_was_drawn_before_a_cancellation_is_in_the_session(walk):
    forever = asyncio.Event()

    async def sleep(seconds):
        if length(walk) == 7:
            task.cancel()
            await forever.wait()

    task = asyncio.create_task(Run(walk, at_most(50, eos=False), sleep).draw(40))
    with pytest.raises(asyncio.CancelledError):
        await task
    adds = [event for event in walk.session.events if isinstance(event, events.Add)]
    assert length(walk) == len(adds) == 7
    assert await redraw(walk)
