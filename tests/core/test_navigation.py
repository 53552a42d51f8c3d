import pytest

from explorer.core.place import Place
from explorer.core.record import events
from explorer.core.walk.navigation import arrival, sibling
from explorer.core.walk.session import Session


@pytest.fixture
def session(header, walker) -> Session:
    """Two children of the prompt, and a child of the second."""
    session = Session(header)
    walker.teach(session)
    walker.walk(session, [("prompt", 1), ("seen", 3), ("pick", 0), ("back", 0), ("pick", 1), ("seen", 3), ("pick", 0)])
    return session


def go(session: Session, happened: list[events.AnyEvent]) -> None:
    for event in happened:
        session.apply(event)


def test_the_cursor_goes_to_where_the_table_stands(session):
    assert arrival(session, Place(session.node)) == []
    go(session, arrival(session, Place(2)))
    assert session.node == 2


def test_inside_a_prompt_its_beginning_becomes_one_with_the_table_that_was_seen(session, walker):
    table = walker.table([1], 4)
    session.apply(events.Seen.of(0, table, 3))
    beginning = session.tree.prompt[:3]
    go(session, arrival(session, Place(0, 3)))
    assert (session.root, session.tree.prompt, session.cursor.distribution) == (1, beginning, table)
    session.apply(events.Move(root=0, node=0))
    go(session, arrival(session, Place(0, 3)))
    assert (session.root, len(session.trees)) == (1, 2)


def test_a_beginning_keeps_the_numbers_of_its_tokens(session):
    numbers = [None, *(-0.5 * n for n in range(1, len(session.tree.prompt)))]
    session.apply(events.Score(logprobs=numbers, ranks=[None, *range(1, len(numbers))], entropies=numbers))
    go(session, arrival(session, Place(0, 3)))
    assert [place.logprob for place in session.snapshot().path] == numbers[:3]


def test_a_beginning_without_a_table_is_a_prompt_all_the_same(session):
    happened = arrival(session, Place(0, 2))
    assert [type(event) for event in happened] == [events.Prompt]
    # Half a character is shown as its bytes: the ids are the truth.
    assert (happened[0].ids, happened[0].text) == (session.prefix()[:2], "옛‹EB›")


def test_siblings_go_round(session):
    go(session, [events.Move(node=1)])
    there = sibling(session, None, 1)
    assert there == sibling(session, None, -1) == events.Move(node=2)
    go(session, [events.Move(node=3)])
    assert sibling(session, None, 1) is None
    assert sibling(session, len(session.tree.prompt), 1) == events.Move(node=1)
    go(session, [session.delete(1)])
    assert sibling(session, len(session.tree.prompt), 1) is None


def test_the_siblings_of_a_prompt_are_the_other_prompts(session, walker):
    walker.walk(session, [("move", 0)])
    go(session, [events.Move(node=0)])
    assert sibling(session, None, 1) is None
    walker.walk(session, [("prompt", 2)])
    assert sibling(session, None, 1) == events.Move(root=0, node=0)


def test_a_token_of_the_prompt_has_no_siblings(session):
    assert sibling(session, 2, 1) is None
