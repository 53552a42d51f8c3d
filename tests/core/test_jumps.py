import pytest

from explorer.core.record import events
from explorer.core.walk.jumps import FIELDS, JumpSettings, jump, read, written
from explorer.core.walk.session import Session
from explorer.errors import UsageError

NOTHING = JumpSettings(surprisal_above=None, forks=False, bookmarks=False)


@pytest.fixture
def session(header, walker) -> Session:
    """A prompt of six tokens, then a token of 0.3 and one of 0.15, with another branch at the second."""
    session = Session(header)
    walker.teach(session)
    walker.walk(session, [("prompt", 1), ("seen", 3), ("pick", 0), ("seen", 3), ("pick", 0), ("back", 0), ("pick", 1)])
    return session


def places(session: Session, settings: JumpSettings, step: int = 1) -> list[tuple[int, str]]:
    path = session.snapshot().path
    found, at = [], -1 if step > 0 else len(path)
    while (there := jump(session, path, at, step, settings)) is not None:
        found.append(there)
        at = there[0]
    return found


def test_a_jump_stops_at_what_is_above_its_bound(session):
    length = len(session.tree.prompt)
    assert places(session, JumpSettings(surprisal_above=2.0, forks=False)) == [(length + 1, "surprisal 2.7 bits")]
    both = [(length, "surprisal 1.7 bits"), (length + 1, "surprisal 2.7 bits")]
    assert places(session, JumpSettings(surprisal_above=1.0, forks=False)) == both
    assert places(session, JumpSettings(surprisal_above=1.0, forks=False), -1) == both[::-1]
    assert [i for i, _ in places(session, JumpSettings(surprisal_above=None, entropy_above=1.2, forks=False))] == [
        length,
        length + 1,
    ]
    assert places(session, NOTHING) == []


def test_a_jump_stops_at_forks_and_bookmarks_and_says_so(session):
    length = len(session.tree.prompt)
    session.apply(session.bookmark("here\x1b"))
    session.apply(events.Bookmark(node=0, name="뷁"))
    assert places(session, JumpSettings(surprisal_above=None)) == [
        (length - 1, "★ 뷁"),
        (length + 1, "★ here␛ · 2 branches begin here"),
    ]
    session.apply(session.delete(2))
    assert [why for _, why in places(session, JumpSettings(surprisal_above=None))] == ["★ 뷁", "★ here␛"]


def test_a_token_without_numbers_is_not_above_a_bound(header, walker):
    session = Session(header)
    walker.walk(session, [("prompt", 1)])
    assert places(session, JumpSettings(surprisal_above=0, entropy_above=0)) == []


@pytest.mark.parametrize("settings", [JumpSettings(), NOTHING, JumpSettings(entropy_above=0.25)])
def test_what_is_written_is_read_again(settings):
    assert read(written(settings)) == settings


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("surprisal_above", "much", "surprisal above must be a number"),
        ("entropy_above", "-1", "at least 0"),
        ("surprisal_above", "nan", "at least 0"),
        ("forks", "perhaps", "forks is yes or no"),
    ],
)
def test_a_mistake_in_the_form_is_named(name, text, said):
    with pytest.raises(UsageError, match=said):
        read({**written(JumpSettings()), name: text})
    assert {field.name for field in FIELDS} == set(written(JumpSettings()))
