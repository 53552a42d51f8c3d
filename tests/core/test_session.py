import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.core.record import events, journal
from explorer.core.record.journal import Journal
from explorer.core.record.record import Record
from explorer.core.sampling.params import SamplingParams
from explorer.core.token import Token
from explorer.core.walk.session import Session
from explorer.core.walk.snapshot import EMPTY
from explorer.core.walk.steps import restore
from explorer.errors import RecordError, UsageError

KINDS = (
    *("prompt", "seen", "seen", "inside", "pick", "pick", "sample", "sample", "force", "back", "move", "params"),
    *("engine", "end", "delete", "bookmark", "undo", "redo"),
)
MOVES = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 1000)), max_size=40).map(
    lambda moves: [("prompt", 1), ("seen", 3), *moves]
)

TOO_COLD = msgspec.convert({"event": "params", "temperature": -1, "top_p": 1, "top_k": 0, "seed": None}, events.Params)
"""As a record could tell it, that was edited."""


def do(session: Session, event: events.AnyEvent | None) -> None:
    """Apply what has to be possible."""
    assert event is not None
    session.apply(event)


def everything(session: Session) -> dict:
    """All that a session holds, in values that can be compared."""
    trees = [
        (tree.text, tree.prompt, tree.prompt_texts, tree.nodes, tree.tables, tree.deleted, tree.bookmarks)
        for tree in session.trees
    ]
    return {
        "acts": (session.history.done, session.history.undone),
        "trees": trees,
        "at": (session.root, session.node),
        "params": session.params,
        "events": session.events,
    }


def begun(header, walker, *moves: tuple[str, int]) -> Session:
    session = Session(header)
    walker.teach(session)
    walker.walk(session, [("prompt", 1), ("seen", 3), *moves])
    return session


@given(MOVES)
def test_the_replay_of_a_record_is_the_session(header, walker, tmp_path_factory, moves):
    path = tmp_path_factory.mktemp("walk") / "record.jsonl"
    session = Session(header, Journal.create(path, header))
    walker.teach(session)
    snapshots = walker.walk(session, moves)
    session.journal.close()

    record = journal.read(path)
    replayed = Session(record.header)
    walker.teach(replayed)
    again = []
    for event in record.events:
        replayed.apply(event)
        again.append(replayed.snapshot())
    assert everything(replayed) == everything(session)
    assert again == snapshots
    assert record.header == header


@given(MOVES)
def test_a_snapshot_is_the_same_whether_the_path_was_extended_or_gathered(header, walker, moves):
    session = Session(header)
    walker.teach(session)
    walker.walk(session, moves)
    seen = session.snapshot()
    session.path.forget()
    assert session.snapshot() == seen
    assert seen.ids == session.prefix() == session.tree.prefix(session.node)


@given(MOVES, st.integers(0, 4))
def test_back_undoes_a_choice_and_the_branch_stays(header, walker, moves, n):
    session = begun(header, walker, *moves, ("engine", 0), ("move", 0), ("seen", 3))
    before, nodes = session.snapshot(), len(session.tree.nodes)
    candidate = session.cursor.distribution.candidates[n]
    known = candidate.token.id in session.cursor.children  # Also where it was deleted.
    session.apply(session.choose(candidate, "picked"))
    chosen = session.node
    assert session.prefix() == [*before.ids, candidate.token.id]
    do(session, session.back())
    after = session.snapshot()
    assert msgspec.structs.replace(after, children=before.children, last_child=before.last_child) == before
    assert (candidate.token.id in after.children, after.last_child) == (True, candidate.token.id)
    session.apply(session.choose(candidate, "picked"))
    assert session.node == chosen
    assert len(session.tree.nodes) - nodes == (not known)


def stand(session: Session) -> dict:
    """What an act can change and an undo takes back; tokens that were added stay."""
    marks = [(set(tree.deleted), dict(tree.bookmarks)) for tree in session.trees]
    return {"at": (session.root, session.node), "marks": marks}


@given(MOVES)
def test_undo_inverts_each_act_and_redo_does_it_again(header, walker, moves):
    session = Session(header)
    walker.teach(session)
    acts: list[dict] = []
    """How it stood before each of the last acts, back to the last undo."""
    for move in moves:
        before, done = stand(session), len(session.history.done)
        walker.walk(session, [move])
        if move[0] in ("undo", "redo") or len(session.history.done) < done:
            acts = []
        elif len(session.history.done) > done:
            acts.append(before)
    end = stand(session)
    for before in reversed(acts):
        do(session, session.undo())
        was = stand(session)
        # A prompt that came after the act has no marks before it.
        assert (was["at"], was["marks"][: len(before["marks"])]) == (before["at"], before["marks"])
    for _ in acts:
        do(session, session.redo())
    assert stand(session) == end


def test_a_run_is_one_act(header, walker):
    session = begun(header, walker)
    candidates = session.cursor.distribution.candidates
    for number, candidate in enumerate(candidates):
        session.apply(session.choose(candidate, "sampled", number, joined=number > 0))
    end = session.node
    do(session, session.undo())
    assert (session.node, session.undo()) == (0, None)
    do(session, session.redo())
    assert (session.node, session.redo()) == (end, None)


def test_what_is_joined_after_an_undo_is_an_act_of_its_own(header, walker):
    session = begun(header, walker, ("pick", 0), ("seen", 3), ("pick", 1))
    do(session, session.undo())
    do(session, session.back())
    do(session, session.undo())
    candidate = session.trees[0].nodes[0].distribution.candidates[1]
    here = session.node
    session.apply(session.choose(candidate, "sampled", 0, joined=True))
    do(session, session.undo())
    assert session.node == here


def test_a_deleted_branch_is_not_shown_and_comes_back_with_its_token(header, walker):
    session = begun(header, walker, ("pick", 0), ("seen", 3), ("pick", 1))
    first, leaf = session.tree.nodes[1], session.node
    session.apply(session.delete(1))
    shown = session.snapshot()
    assert (session.node, shown.children, shown.last_child) == (0, frozenset(), None)
    deleted = shown.distribution.find(first.token.id)
    assert deleted is not None
    session.apply(session.choose(deleted, "picked"))
    assert (session.node, session.tree.deleted) == (1, set())
    session.apply(events.Move(node=leaf))
    session.apply(session.delete(leaf))
    assert (session.node, session.tree.living(1)) == (1, [])
    do(session, session.undo())
    assert (session.node, session.tree.living(1)) == (leaf, [leaf])


def test_what_would_be_undone_is_told(header, walker):
    session = begun(header, walker)
    told = [session.last_act()]
    candidates = session.cursor.distribution.candidates
    acts = (
        lambda: session.choose(candidates[0], "picked"),
        lambda: events.Move(node=0),
        lambda: session.choose(candidates[1], "picked"),
        lambda: events.Move(node=1),
        lambda: session.bookmark("a"),
        lambda: session.delete(1),
        lambda: events.Move(node=1),
    )
    for act in acts:
        session.apply(act())
        told.append(session.last_act())
    assert told == [
        "",
        "one token",
        "the way back",
        "one token",
        "the way to another branch",
        "a name",
        "a deletion",
        "a return",
    ]
    do(session, session.undo())
    assert session.last_act(undone=True) == "a return"
    for number, candidate in enumerate(candidates[2:4]):
        session.apply(session.choose(candidate, "sampled", number, joined=number > 0))
    assert session.last_act() == "2 tokens"


def test_a_prompt_is_deleted_where_there_is_another_one(header, walker):
    session = begun(header, walker)
    with pytest.raises(RecordError, match="only prompt"):
        session.apply(session.delete(0))
    walker.walk(session, [("prompt", 2)])
    session.apply(session.delete(0))
    assert (session.root, session.node) == (0, 0)
    with pytest.raises(RecordError, match="only prompt"):
        session.apply(session.delete(0))
    do(session, session.undo())
    assert (session.root, [tree.deleted for tree in session.trees]) == (1, [set(), set()])


def test_nothing_of_another_vocabulary_is_undone(header, walker):
    session = begun(header, walker, ("pick", 0))
    session.apply(events.Engine(restarted=False, model="b", dtype="float32", device="cpu", tokenizer="1" * 64))
    assert session.undo() is None
    walker.walk(session, [("prompt", 2)])
    assert session.undo() is None
    with pytest.raises(RecordError, match="nothing to undo"):
        session.apply(events.Undo())
    with pytest.raises(RecordError, match="nothing to do again"):
        session.apply(events.Redo())


def test_the_table_of_a_token_on_the_path_is_the_one_it_was_chosen_from(header, walker):
    session = begun(header, walker, ("pick", 0), ("seen", 4), ("pick", 1))
    length = len(session.tree.prompt)
    shown = session.snapshot(length)
    assert shown.distribution == session.tree.nodes[0].distribution
    assert (shown.last_child, shown.children) == (session.tree.nodes[1].token.id, {session.tree.nodes[1].token.id})
    assert session.place(length + 1) == (1, None)
    inside = session.place(1)
    assert (inside, session.missing(inside), session.prefix(inside)) == ((0, 1), True, session.prefix()[:1])
    session.apply(events.Seen.of(0, walker.table([1], 5), 1))
    assert session.snapshot(1).distribution == walker.table([1], 5)
    assert session.missing(inside)  # The token that stands there is not in it.
    assert not session.missing(session.place(0))
    assert session.snapshot(0).distribution is None


def test_back_at_the_prompt_is_nothing(header, walker):
    assert begun(header, walker).back() is None


def test_a_session_without_a_prompt_shows_nothing(header):
    session = Session(header)
    assert (session.snapshot(), session.prefix()) == (EMPTY, [])


def test_each_prompt_has_a_tree_of_its_own(header, walker):
    session = begun(header, walker, ("pick", 0), ("pick", 0), ("prompt", 2))
    assert (session.root, session.node, len(session.trees)) == (1, 0, 2)
    session.apply(events.Move(root=0, node=1))
    assert session.prefix()[-1] == session.trees[0].nodes[1].token.id


def test_the_first_token_of_a_prompt_is_spelt_as_the_first(header, walker):
    session = begun(header, walker)
    candidate = session.cursor.distribution.find(301)
    assert session.tree.prompt[0].bytes == "옛".encode()
    assert candidate.token.bytes == " 옛".encode()


@pytest.mark.parametrize(
    "event",
    [
        events.Add(parent=9, node=1, id=5, source="picked"),
        events.Add(parent=-1, node=1, id=5, source="picked"),
        events.Add(parent=0, node=7, id=5, source="picked"),
        events.Add(parent=0, node=2, id=3, source="picked"),
        events.Move(node=2),
        events.Move(node=0, root=1),
        events.Move(node=0, root=-1),
        events.Seen(node=5, entropy=None, vocab_size=1, other_prob=None, kept=1, candidates=[]),
        events.Seen(node=1, at=1, entropy=None, vocab_size=1, other_prob=None, kept=1, candidates=[]),
        events.Seen(node=0, at=99, entropy=None, vocab_size=1, other_prob=None, kept=1, candidates=[]),
        events.Seen(node=0, at=0, entropy=None, vocab_size=1, other_prob=None, kept=1, candidates=[]),
        events.Delete(node=2),
        events.Delete(node=0),
        events.Bookmark(node=2, name="a"),
        events.Bookmark(node=0, root=1, name="a"),
        events.Redo(),
    ],
)
def test_an_event_that_does_not_fit_is_refused_and_changes_nothing(header, walker, event):
    session = begun(header, walker, ("pick", 0))
    assert session.tree.nodes[1].token.id == 3
    before, shown = repr(everything(session)), session.snapshot()
    with pytest.raises(RecordError):
        session.apply(event)
    assert (repr(everything(session)), session.snapshot()) == (before, shown)


def test_an_event_before_the_first_prompt_is_refused(header):
    with pytest.raises(RecordError, match="no prompt"):
        Session(header).apply(events.Move(node=0))


def test_settings_out_of_range_are_refused_and_change_nothing(header):
    session = Session(header)
    with pytest.raises(UsageError, match="temperature"):
        session.apply(TOO_COLD)
    assert (session.params, session.events) == (SamplingParams(), [])


@pytest.mark.parametrize(
    "event",
    [
        TOO_COLD,
        events.Move(node=4),
    ],
)
def test_the_replay_of_an_event_that_does_not_fit_names_its_line(header, event):
    happened = [events.Prompt(text="a", ids=[97]), events.Move(node=0), event]
    with pytest.raises(RecordError, match=r"Line 4 of walk\.jsonl: "):
        restore(Record(header, happened), "walk.jsonl", Session(header))


def test_a_table_belongs_to_the_settings_that_made_it(header, walker):
    session = begun(header, walker)
    assert session.snapshot().distribution is not None and not session.missing(session.place(None))
    session.apply(events.Params.of(SamplingParams(seed=5)))
    assert session.snapshot().distribution is not None and not session.missing(session.place(None))
    session.apply(events.Params.of(SamplingParams(temperature=0.5)))
    assert session.snapshot().distribution is None and session.missing(session.place(None))
    session.apply(events.Params.of(SamplingParams()))
    assert session.snapshot().distribution is not None


def test_a_table_that_leaves_out_a_token_tried_here_is_missing(header, walker):
    session = begun(header, walker)
    session.apply(events.Add(parent=0, node=1, id=42, source="forced"))
    do(session, session.back())
    assert session.missing(session.place(None))


def test_a_choice_keeps_the_numbers_that_it_had(header, walker):
    session = begun(header, walker)
    session.apply(events.Params.of(SamplingParams(seed=7)))
    candidate = session.cursor.distribution.candidates[1]
    session.apply(session.choose(candidate, "sampled", draw=0))
    choice = session.snapshot().path[-1].choice
    assert (choice.source, choice.seed, choice.draw) == ("sampled", 7, 0)
    assert (choice.prob, choice.sampling_prob, choice.rank) == (candidate.prob, candidate.sampling_prob, 2)
    session.apply(events.Move(node=0))
    session.apply(session.choose(session.cursor.distribution.candidates[0], "picked"))
    assert session.snapshot().path[-1].choice.seed is None


def test_an_unfinished_character_at_the_cursor_is_shown_as_its_bytes(header):
    session = Session(header)
    session.learn(Token.from_bytes(byte, bytes([byte])) for byte in range(256))
    session.apply(events.Prompt(text="", ids=[97]))
    for node, byte in enumerate("옛".encode(), 1):
        session.apply(events.Add(parent=node - 1, node=node, id=byte, source="picked"))
        assert session.snapshot().pending == ["‹EC›", "‹EC 98›", ""][node - 1]
    assert [place.text for place in session.snapshot().path] == ["a", "", "", "옛"]


def test_a_record_may_keep_fewer_rows_than_are_shown(header, walker, tmp_path):
    session = Session(header, Journal.create(tmp_path / "walk.jsonl", header), record_top=2)
    walker.teach(session)
    walker.walk(session, [("prompt", 1), ("seen", 3), ("pick", 4), ("back", 0), ("seen", 3)])
    session.journal.close()
    shown = session.cursor.distribution
    tables = [event for event in journal.read(tmp_path / "walk.jsonl").events if isinstance(event, events.Seen)]
    assert len(shown.candidates) == 5
    assert [[row.rank for row in table.candidates] for table in tables] == [[1, 2], [1, 2, 5]]
    left_out = [shown.other_prob, *(candidate.prob for candidate in shown.candidates[2:4])]
    assert tables[1].other_prob == pytest.approx(sum(part for part in left_out if part is not None))
    assert session.events == journal.read(tmp_path / "walk.jsonl").events


def test_a_table_that_lacks_a_number_says_nothing_of_what_is_left_out(walker):
    table = events.Seen.of(0, walker.table([1], 3))
    unknown = msgspec.structs.replace(table.candidates[3], prob=None)
    table = msgspec.structs.replace(table, candidates=[*table.candidates[:3], unknown])
    assert table.shortened(2, []).other_prob is None
    assert table.shortened(3, [unknown.id]).other_prob == table.other_prob
    assert table.shortened(9, []) == table
