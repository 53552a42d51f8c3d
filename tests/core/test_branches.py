import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.core.record import events
from explorer.core.walk.branches import Branches, Spot
from explorer.core.walk.runs import Run
from explorer.core.walk.session import Session

KINDS = ("prompt", "seen", "seen", "pick", "pick", "pick", "sample", "force", "back", "move", "move", "engine")
MOVES = st.lists(
    st.tuples(st.sampled_from((*KINDS, "delete", "delete", "bookmark", "undo", "redo")), st.integers(0, 1000)),
    max_size=60,
).map(lambda moves: [("prompt", 1), ("seen", 3), *moves])


@pytest.fixture
def empty(header, walker) -> Session:
    session = Session(header)
    walker.teach(session)
    return session


def grow(session: Session, *parents: int) -> None:
    """Add a token after each of the nodes, each with an id of its own."""
    for parent in parents:
        node = len(session.tree.nodes)
        session.apply(events.Add(parent=parent, node=node, id=node, source="picked", prob=0.5))


def chains(branches: Branches) -> list[list[int]]:
    return [run.nodes for run in branches.rows]


def everything(branches: Branches) -> list[object]:
    """All that can be seen of the branches, with what is deleted among it."""

    def one(run: Run) -> tuple:
        where = [(above.root, above.nodes) for above in branches.lineage(run)]
        said = (branches.text(run, 5), branches.total(run), branches.length(run), branches.names(run))
        return (where, [other.nodes for other in run.below], *said, run in branches.path, branches.is_reachable(run))

    return [
        [one(run) for run in branches.rows],
        [[run.nodes for run in runs.of] for runs in branches._trees],
        [branches.stop(1), branches.stop(-1), branches.row(branches.spot)],
    ]


@given(MOVES)
def test_branches_that_follow_a_walk_are_those_that_are_made_anew(header, walker, moves):
    session = Session(header)
    walker.teach(session)
    followed = Branches(session)
    for move in moves:
        walker.walk(session, [move])
        version, heads = followed.version, [(run.root, run.nodes[0]) for run in followed.rows]
        followed.update()
        assert everything(followed) == everything(Branches(session))
        if version == followed.version:
            assert heads == [(run.root, run.nodes[0]) for run in followed.rows]


@given(MOVES)
def test_every_living_token_is_in_one_run_that_ends_at_a_fork_or_at_an_end(header, walker, moves):
    session = Session(header)
    walker.teach(session)
    walker.walk(session, moves)
    branches = Branches(session)
    seen = []
    for run in branches.rows:
        tree = session.trees[run.root]
        seen += [(run.root, number) for number in run.nodes]
        assert all(tree.nodes[below].parent == above for above, below in pairwise(run.nodes))
        assert all(len(tree.living(number)) == 1 for number in run.nodes[:-1])
        assert [other.nodes[0] for other in run.below] == tree.living(run.end)
        assert len(run.below) != 1 or branches.is_prompt(run)
        assert run.above is None or tree.nodes[run.nodes[0]].parent == run.above.end
    living = [
        (root, node.number)
        for root, tree in enumerate(session.trees)
        for node in tree.nodes
        if not any(tree.is_after(node.number, top) for top in tree.deleted)
    ]
    assert sorted(seen) == living


def test_a_token_at_the_end_of_a_run_changes_nothing_but_its_length(empty, walker):
    walker.walk(empty, [("prompt", 1)])
    grow(empty, 0, 1)
    branches = Branches(empty)
    version = branches.version
    grow(empty, 2, 3)
    branches.update()
    assert (branches.version, chains(branches)) == (version, [[0], [1, 2, 3, 4]])
    grow(empty, 2)
    branches.update()
    assert branches.version > version
    assert chains(branches) == [[0], [1, 2], [3, 4], [5]]


def test_a_deleted_branch_leaves_no_fork_and_comes_back_as_it_was(empty, walker):
    walker.walk(empty, [("prompt", 1)])
    grow(empty, 0, 1, 2, 1, 4)
    branches = Branches(empty)
    assert chains(branches) == [[0], [1], [2, 3], [4, 5]]
    empty.apply(empty.delete(4))
    branches.update()
    assert chains(branches) == [[0], [1, 2, 3]]
    empty.apply(empty.undo())
    branches.update()
    assert chains(branches) == [[0], [1], [2, 3], [4, 5]]
    assert branches.row(Spot(0, 5)) == 3


def test_the_logprobs_of_a_path_are_summed_and_an_unknown_one_is_none(empty, walker):
    walker.walk(empty, [("prompt", 1)])
    grow(empty, 0, 1)
    empty.apply(events.Add(parent=2, node=3, id=3, source="picked"))
    grow(empty, 3, 1)
    branches = Branches(empty)
    runs = branches.rows
    assert [(branches.total(run).known, branches.total(run).unknown) for run in runs] == [
        (0, 0),
        (1, 0),
        (3, 1),
        (2, 0),
    ]
    assert branches.total(runs[2]).logprob == pytest.approx(3 * math.log(0.5))
    assert branches.total(runs[2]).mean == pytest.approx(math.log(0.5))
    assert branches.total(runs[0]).mean is None


def test_the_text_of_a_run_is_its_beginning_and_its_end(empty):
    ids = b"abcdefghij"
    empty.apply(events.Prompt(text="", ids=[0x4F]))
    for number, token_id in enumerate(ids, 1):
        empty.apply(events.Add(parent=number - 1, node=number, id=token_id, source="picked"))
    branches = Branches(empty)
    run = branches.rows[1]
    assert branches.text(run, 3) == ("abc", "hij")
    assert branches.text(run, 5) == ("abcdefghij", "")
    assert branches.text(run, 90) == ("abcdefghij", "")
    empty.apply(events.Add(parent=10, node=11, id=0xEC, source="picked"))
    branches.update()
    assert branches.text(run, 90) == ("abcdefghij‹EC›", "")


def test_what_is_folded_has_no_rows_and_stands_where_it_is_folded(empty, walker):
    walker.walk(empty, [("prompt", 1)])
    grow(empty, 0, 1, 1, 3, 3)
    branches = Branches(empty)
    assert chains(branches) == [[0], [1], [2], [3], [4], [5]]
    assert branches.branches_below(branches.rows[0]) == 3
    branches.fold(branches.rows[1], True)
    assert chains(branches) == [[0], [1]]
    assert (branches.row(branches.spot), branches.spot) == (1, Spot(0, 5))
    grow(empty, 5)
    branches.update()
    assert chains(branches) == [[0], [1]]
    branches.fold(branches.rows[1], False)
    assert chains(branches) == [[0], [1], [2], [3], [4], [5, 6]]


def test_stops_are_the_ends_and_the_named_spots_of_all_prompts_in_reading_order(empty, walker):
    walker.walk(empty, [("prompt", 1)])
    grow(empty, 0, 1, 2, 1)
    empty.apply(events.Bookmark(node=2, name="fork"))
    walker.walk(empty, [("prompt", 2)])
    branches = Branches(empty)
    visited = []
    for _ in range(5):
        stop = branches.stop(1)
        visited.append((*stop.spot, stop.number, stop.of, stop.name))
        empty.apply(events.Move(root=stop.spot.root, node=stop.spot.node))
        branches.update()
    assert visited == [(0, 2, 1, 4, "fork"), (0, 3, 2, 4, None), (0, 4, 3, 4, None), (1, 0, 4, 4, None), *visited[:1]]
    empty.apply(events.Move(root=0, node=1))
    branches.update()
    assert branches.stop(1).spot == Spot(0, 2)
    assert branches.stop(-1).spot == Spot(1, 0)


def test_what_a_deletion_takes_is_counted_from_its_token_on(empty, walker):
    walker.walk(empty, [("prompt", 1)])
    grow(empty, 0, 1, 2, 2, 4)
    branches = Branches(empty)
    assert branches.after(Spot(0, 2)) == (4, 2)
    assert branches.after(Spot(0, 5)) == (1, 1)
    assert branches.after(Spot(0, 0)) == (len(empty.tree.prompt) + 5, 2)


def test_a_deleted_prompt_and_one_of_another_vocabulary(empty, walker):
    walker.walk(empty, [("prompt", 1), ("prompt", 2)])
    branches = Branches(empty)
    assert len(branches.rows) == 2
    empty.apply(events.Delete(root=0, node=0))
    branches.update()
    assert [run.root for run in branches.rows] == [1]
    assert branches.row(Spot(0, 0)) is None
    walker.walk(empty, [("engine", 2), ("prompt", 4)])
    branches.update()
    assert [branches.is_reachable(run) for run in branches.rows] == [False, True]
    assert branches.stop(1).of == 1
