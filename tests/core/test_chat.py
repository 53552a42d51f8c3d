import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.core.chat import (
    Chat,
    ChatOptions,
    Message,
    empty_turn,
    join_flags,
    read_chat,
    read_flags,
    spelt_markers,
    split_flags,
)
from explorer.core.token import Token
from explorer.errors import UsageError

CALL = {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f"}}]}
TOOLS = [{"type": "function", "function": {"name": "f"}}]


def test_a_file_holds_a_list_of_messages_or_an_object_with_them():
    messages = [{"role": "user", "content": "안녕"}, CALL]
    read = (Message("user", "안녕"), Message("assistant", None, {"tool_calls": [{"function": {"name": "f"}}]}))
    assert read_chat(json.dumps(messages), "m.json") == Chat(read)
    whole = {"messages": messages, "tools": TOOLS, "chat_template_kwargs": {"enable_thinking": False}}
    assert read_chat(json.dumps(whole), "m.json") == Chat(
        read, ChatOptions(tools=TOOLS, flags={"enable_thinking": False})
    )


def test_a_template_gets_the_fields_as_they_were_written_but_for_a_content_that_is_null():
    assert Message.of({"role": "user", "content": "a", "name": "b"}).fields() == {
        "role": "user",
        "content": "a",
        "name": "b",
    }
    assert Message.of(CALL).fields() == {"role": "assistant", "tool_calls": CALL["tool_calls"]}
    assert Message("user").fields() == {"role": "user", "content": ""}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("", "m.json is not JSON: expecting value at line 1, column 1"),
        ('[\n{"role": }]', "line 2, column 10"),
        ("{}", "m.json holds no list of messages"),
        ('"hi"', "m.json holds no list of messages"),
        ('{"messages": "hi"}', "m.json holds no list of messages"),
        ("[]", "m.json has no message"),
        ('["hi"]', "Message 1 of m.json is not an object"),
        ('[{"role": "user", "content": "a"}, {"content": "b"}]', "Message 2 of m.json has no role"),
        ('[{"role": 1, "content": "b"}]', "Message 1 of m.json has no role"),
        ('[{"role": "user", "content": [{"type": "text"}]}]', "Message 1 of m.json has a part that is no text"),
        ('{"messages": [{"role": "user"}], "tools": {}}', "The tools of m.json"),
        ('{"messages": [{"role": "user"}], "tools": [1]}', "The tools of m.json"),
        ('{"messages": [{"role": "user"}], "chat_template_kwargs": 1}', "chat_template_kwargs"),
        ('{"messages": [{"role": "user"}], "chat_template_kwargs": {"a b": 1}}', "chat_template_kwargs"),
        ('{"messages": [{"role": "user"}], "model": "x"}', "“model”"),
        ('[{"role": "user", "content": "\\ud800"}]', "half a character"),
        ("[" * 100_000, "nested too deep"),
    ],
)
def test_what_is_wrong_with_a_file_is_a_sentence_with_the_place(data, said):
    with pytest.raises(UsageError) as caught:
        read_chat(data, "m.json")
    assert said in str(caught.value)
    assert str(caught.value).endswith(".")


def test_a_flag_is_json_where_it_can_be_and_else_a_text():
    assert read_flags(["enable_thinking=false", "effort=high", "n=3", 'list=["a"]', "equal=a=b"]) == {
        "enable_thinking": False,
        "effort": "high",
        "n": 3,
        "list": ["a"],
        "equal": "a=b",
    }
    for wrong in ("thinking", "=1", "a b=1", "1=2"):
        with pytest.raises(UsageError, match="NAME=VALUE"):
            read_flags([wrong])
    with pytest.raises(UsageError, match="no closing quotation"):
        split_flags("a='b")


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), st.none() | st.booleans() | st.text()))
def test_a_line_of_flags_is_read_as_it_was_written(flags):
    assert split_flags(join_flags(flags)) == flags
    assert join_flags(flags).isprintable()


def test_an_empty_turn_is_named_unless_it_calls_a_tool():
    call = Message.of(CALL)
    assert empty_turn([Message("user", "a"), call]) == ""
    assert empty_turn([call, Message("user", "")]).startswith("Turn 2 (user) is empty")


def test_a_turn_that_spells_a_marker_of_the_model_is_named():
    tokens = [Token(1, b"", "special", '<"end\x1b">'), Token(2, b"", "special", "<end>"), Token(3, b"a", "text", "a")]
    assert spelt_markers([Message("user", "a < end>"), Message.of(CALL)], tokens) == ""
    assert spelt_markers([Message("user", "a<end>")], tokens).startswith("Turn 1 (user) spells <end>:")
    assert 'spells <"end␛"> and <end>:' in spelt_markers([Message("user", '<end><"end\x1b">')], tokens)
    called = Message("assistant", None, {"tool_calls": [{"name": "<end>"}]})
    assert spelt_markers([Message("user", "a"), called], tokens).startswith("Turn 2 (assistant) spells <end>:")


def test_what_was_written_is_read_without_the_template():
    assert Chat((Message("system", "a"), Message.of(CALL), Message("user", "b"))).draft == "a\nb"


def test_a_flag_is_nested_a_hundred_deep_at_most():
    assert split_flags("a=" + "[" * 99 + "1,[]" + "]" * 99)["a"]
    with pytest.raises(UsageError, match="nested too deep"):
        split_flags("a=" + "[" * 100 + "[]" + "]" * 100)
