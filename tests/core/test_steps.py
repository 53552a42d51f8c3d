import pytest
from hypothesis import given

from explorer.core.record import events
from explorer.core.record.record import Record
from explorer.core.walk.session import Session
from explorer.core.walk.steps import restore, walked
from explorer.errors import RecordError
from tests.core.test_session import MOVES, everything


def state(session: Session) -> dict:
    """All that events change, but for what can be undone."""
    return {name: value for name, value in everything(session).items() if name not in ("acts", "events")}


@given(MOVES)
def test_what_each_event_changed_is_told_so_that_it_can_be_taken_back(header, walker, moves):
    live, session = Session(header), Session(header)
    walker.teach(live)
    walker.teach(session)
    walker.walk(live, moves)
    before = repr(state(session))
    for step in walked(Record(header, live.events), "it", session):
        after = repr(state(session))
        for change in reversed(step.changes):
            session.make(change.inverse)
        assert repr(state(session)) == before
        for change in step.changes:
            session.make(change)
        assert repr(state(session)) == after
        before = after
    assert everything(session) == everything(live)


def test_a_step_names_the_line_of_its_event(header):
    prompt = events.Prompt(text="a", ids=[97], bytes=["61"])
    steps = list(walked(Record(header, [events.End(), prompt]), "it", Session(header)))
    assert [(step.line, step.event) for step in steps] == [(2, events.End()), (3, prompt)]
    assert [[change.kind for change in step.changes] for step in steps] == [[], ["tree"]]


def test_what_does_not_fit_is_told_with_its_line_and_file(header):
    prompt = events.Prompt(text="a", ids=[97])
    with pytest.raises(RecordError, match=r"^Line 3 of walk\.jsonl: there is no node 7\.$"):
        restore(Record(header, [prompt, events.Move(node=7)]), "walk.jsonl", Session(header))


def test_a_record_without_a_prompt_is_refused_before_its_first_step(header):
    with pytest.raises(RecordError, match=r"^walk\.jsonl ends before its first prompt: there is no walk in it\.$"):
        walked(Record(header, [events.Move(node=7)]), "walk.jsonl", Session(header))
