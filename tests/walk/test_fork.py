from functools import partial

import pytest

from explorer.core.record import events
from explorer.core.sampling.pace import RunSettings
from explorer.core.sampling.params import SamplingParams
from explorer.core.sampling.stopping import StopRules
from explorer.core.walk.session import Session
from explorer.engine.scripted.scripted import ScriptedEngine
from explorer.errors import UsageError
from explorer.walk import opening
from explorer.walk.fork import Fork
from explorer.walk.run import Run
from explorer.walk.walk import Walk

PARAMS = SamplingParams(temperature=3.0, seed=4)
RULES = StopRules(max_new_tokens=6, eos=False)
SETTINGS = RunSettings(rules=RULES)


@pytest.fixture
async def walk():
    walk = Walk(ScriptedEngine.demo(), partial(opening.begin, params=PARAMS, record=None), "Once upon a", 5)
    await walk.open()
    return walk


def path(walk: Walk, fork: Fork, index: int) -> list[int]:
    return walk.session.tree.prefix(fork._ends[index])


async def expected(walk: Walk, seed: int, count: int) -> list[list[int]]:
    found = [list(walk.snapshot.ids) for _ in range(count)]
    params = walk.session.params.replace(seed=seed)
    async for step in walk.engine.sample([walk.snapshot.ids], params, num_sequences=count, stop=RULES):
        for one in step:
            found[one.sequence].append(one.candidate.token.id)
    return found


async def test_each_sequence_is_a_branch_with_the_tokens_of_its_row(walk):
    await Run(walk, SETTINGS).draw(3)
    here = walk.session.node
    fork = Fork(walk, 5, RULES)
    await fork.draw(lambda: None)
    assert walk.session.node == here
    adds = [event for event in walk.session.events if isinstance(event, events.Add) and event.rows == 5]
    [seed] = {event.seed for event in adds}
    assert seed is not None
    assert [path(walk, fork, index) for index in range(5)] == await expected(walk, seed, 5)
    assert seed != PARAMS.seed
    assert {event.row for event in adds} <= set(range(5))
    assert (fork.begun, fork.finished, fork.tokens) == (5, 5, 30)
    assert walk.snapshot.children == {path(walk, fork, index)[-6] for index in range(5)}


async def test_a_second_time_they_are_others_and_a_walk_with_the_same_seed_draws_both_again(walk):
    again = Walk(ScriptedEngine.demo(), partial(opening.begin, params=PARAMS, record=None), "Once upon a", 5)
    await again.open()
    found = []
    for one in (walk, again):
        forks = [Fork(one, 3, RULES)]
        await forks[0].draw(lambda: None)
        forks.append(Fork(one, 3, RULES))
        await forks[1].draw(lambda: None)
        found.append([[path(one, fork, index) for index in range(3)] for fork in forks])
    assert found[0] == found[1]
    assert found[0][0] != found[0][1]


async def test_a_replay_is_the_same_session_and_goes_on_with_the_same_draws(walk):
    walk.set_params(PARAMS.replace(temperature=0.8))
    for _ in range(3):
        await Fork(walk, 4, RULES).draw(lambda: None)
    replayed = Session(walk.session.header)
    replayed.learn(walk.session.token(token_id) for token_id in range(276))
    for event in walk.session.events:
        replayed.apply(event)
    assert replayed.tree.nodes == walk.session.tree.nodes
    assert replayed.node == walk.session.node == 0
    assert (replayed.cursor.draws, replayed.cursor.taken, len(replayed.cursor.batches)) == (0, 0, 3)
    assert any(isinstance(event, events.Move) and event.draw == 0 for event in walk.session.events)


async def test_drawing_goes_on_after_a_sequence(walk):
    fork = Fork(walk, 2, RULES)
    await fork.draw(lambda: None)
    fork.go(1)
    await Run(walk, SETTINGS).draw(2)
    assert [node.choice.draw for node in walk.session.tree.path(walk.session.node)] == [0, 1, 2, 3, 4, 5, 0, 1]


async def test_an_unfinished_character_is_completed_by_the_sequences():
    params = SamplingParams(temperature=0, seed=1)
    engine = ScriptedEngine({0xEC: {0x98: 20.0}, 0x98: {0x9B: 20.0}})
    walk = Walk(engine, partial(opening.begin, params=params, record=None), "a", 300)
    await walk.open()
    await walk.tables.fetch()
    walk.add(next(c for c in walk.snapshot.distribution.candidates if c.token.id == 0xEC))
    fork = Fork(walk, 1, StopRules(max_new_tokens=2))
    await fork.draw(lambda: None)
    assert fork.sequences[0].text == "옛"


async def test_sequences_from_the_token_cursor_are_one_act_with_going_there(walk):
    await walk.tables.fetch()
    for _ in range(3):
        walk.add(walk.snapshot.distribution.candidates[0])
        await walk.tables.fetch()
    at = walk.session.node
    walk.focus = len(walk.snapshot.path) - 1
    fork = Fork(walk, 3, RULES)
    await fork.draw(lambda: None)
    fork.go(1)
    assert walk.undo()
    assert walk.session.node == at


async def test_what_cannot_be_drawn_is_a_sentence(walk):
    with pytest.raises(UsageError, match="256 sequences at most"):
        Fork(walk, 99_999, RULES)
    walk.set_params(PARAMS.replace(temperature=0))
    with pytest.raises(UsageError, match="every sequence is the same"):
        Fork(walk, 2, RULES)


async def test_while_they_are_drawn_the_screen_stays_where_it_was(walk):
    seen, before = [], walk.snapshot
    walk.changed = lambda: seen.append(walk.snapshot.node)
    await Fork(walk, 3, RULES).draw(lambda: seen.append(walk.snapshot))
    assert seen[:-1] == [before] * 6 + [0]
    assert seen[-1] == 0
