import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.core.record import events
from explorer.core.record.record import Record
from explorer.core.token import Token
from explorer.core.walk.recorded import recorded_label, recorded_session
from explorer.core.walk.session import Session
from explorer.errors import RecordError

KINDS = ("prompt", "seen", "seen", "pick", "pick", "sample", "sample", "back", "move", "params", "engine", "end")


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 1000)), max_size=40))
def test_a_session_without_an_engine_has_the_ids_and_numbers_of_the_one_that_was_recorded(header, walker, moves):
    session = Session(header)
    walker.teach(session)
    walker.walk(session, [("prompt", 1), ("seen", 3), *moves])
    again = recorded_session(Record(header, session.events), "it")
    assert again.prefix() == session.prefix()
    for one, other in zip(session.trees, again.trees, strict=True):
        assert [node.parent for node in one.nodes] == [node.parent for node in other.nodes]
        assert [node.choice for node in one.nodes] == [node.choice for node in other.nodes]
        for node, same in zip(one.nodes[1:], other.nodes[1:], strict=True):
            assert (node.token.id, node.token.bytes) == (same.token.id, same.token.bytes)


def test_tokens_are_known_by_the_bytes_of_prompts_tables_and_additions_of_their_own_vocabulary(header):
    said: list[events.AnyEvent] = [
        events.Prompt(text="옛", ids=[1, 2], bytes=["ec98", "9b"]),
        events.Add(parent=0, node=1, id=3, bytes="2061", source="picked"),
        events.Add(parent=1, node=2, id=2, source="picked"),
        events.Engine(restarted=False, model="other", dtype="float32", device="cpu", tokenizer="1" * 64),
        events.Prompt(text="?", ids=[3, 9]),
    ]
    session = recorded_session(Record(header, said), "it")
    first, second = session.trees
    assert [node.token.bytes for node in first.nodes[1:]] == [b" a", b"\x9b"]
    assert first.prompt_texts == ["", "옛"]
    assert [recorded_label(token) for token in second.prompt] == ["#3", "#9"]


def test_a_token_that_is_known_is_told_from_one_that_is_not():
    assert recorded_label(Token.from_bytes(5, b" a\n")) == "␣a↵"
    assert recorded_label(Token.from_bytes(5, b"")) == "(empty)"
    assert recorded_label(Token(5, b"", "unused")) == "#5"


def test_a_record_without_a_prompt_is_refused(header):
    with pytest.raises(RecordError, match="it ends before its first prompt"):
        recorded_session(Record(header, [events.End()]), "it")
