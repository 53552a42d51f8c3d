import subprocess
import sys
from functools import cache

import pytest

from explorer.core.chat import ChatOptions, Message
from explorer.engine.vocabulary.chat import ChatTemplate
from explorer.engine.vocabulary.vocabulary import Vocabulary
from explorer.errors import UsageError
from tests.engine.templates import FAMILIES, chat_tokenizer

SYSTEM = Message("system", "You are a helpful assistant.")
USER = Message("user", "What is the capital of France?")
TALK = [USER, Message("assistant", "  Paris.\n"), Message("user", "옛날 옛적에 👩‍🚀 \t and then?")]
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}]
CALL = Message("assistant", None, {"tool_calls": [{"function": {"name": "weather", "arguments": {"city": "서울"}}}]})


@cache
def tokenizer(family):
    return chat_tokenizer(family)


def template(family) -> ChatTemplate:
    return ChatTemplate(tokenizer(family), Vocabulary(tokenizer(family).backend_tokenizer), family)


def ids(rendered) -> list[int]:
    return [token.id for token in rendered.tokens]


def expected(family, messages, options) -> list[int]:
    """What transformers itself makes of it."""
    return tokenizer(family).apply_chat_template(
        [message.fields() for message in messages],
        tools=options.tools,
        add_generation_prompt=options.add_generation_prompt,
        tokenize=True,
        return_dict=False,
        **options.flags,
    )


CHATS = {
    "one": [USER],
    "system": [SYSTEM, USER],
    "talk": TALK,
    "system talk": [SYSTEM, *TALK],
    "twice": [USER, USER],
    "empty": [Message("user", "")],
    "call": [USER, CALL, Message("tool", "18 degrees"), Message("user", "And now?")],
    "special": [Message("user", "a <|im_end|> b <|eot_id|></s><end_of_turn> c<s>")],
}


NO_CONTENT = "has no attribute 'content'"
REFUSED = {
    ("gemma", "system"): "System role not supported",
    ("gemma", "system talk"): "System role not supported",
    ("mistral", "twice"): "roles must alternate",
    ("mistral", "call"): NO_CONTENT,
    ("zephyr", "call"): NO_CONTENT,
}
RENDERED = [(family, chat) for family in FAMILIES for chat in CHATS if (family, chat) not in REFUSED]


@pytest.mark.parametrize("flags", [{}, {"enable_thinking": False}], ids=["", "flag"])
@pytest.mark.parametrize("tools", [None, TOOLS], ids=["", "tools"])
@pytest.mark.parametrize("generation", [True, False], ids=["generation", "no generation"])
@pytest.mark.parametrize(("family", "chat"), RENDERED)
def test_the_ids_are_those_of_apply_chat_template(family, chat, generation, tools, flags):
    options = ChatOptions(generation, tools, flags)
    rendered = template(family).render(CHATS[chat], options)
    assert ids(rendered) == expected(family, CHATS[chat], options)
    assert all(message.content.strip() in rendered.text for message in CHATS[chat] if message.content)


@pytest.mark.parametrize(("family", "chat"), REFUSED)
def test_messages_that_a_template_refuses_are_said_in_its_own_words(family, chat):
    with pytest.raises(UsageError, match=f"The chat template of {family} .*{REFUSED[family, chat]}.*[.]$") as caught:
        template(family).render(CHATS[chat], ChatOptions())
    assert "\n" not in str(caught.value)


def test_the_generation_prompt_the_flag_and_the_tools_are_seen_by_the_template():
    chatml = template("chatml")
    plain = chatml.render([USER], ChatOptions()).text
    assert plain == "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n"
    without = chatml.render([USER], ChatOptions(add_generation_prompt=False)).text
    assert plain == without + "<|im_start|>assistant\n"
    hasty = chatml.render([USER], ChatOptions(flags={"enable_thinking": False})).text
    assert hasty == plain + "<think>\n\n</think>\n\n"
    assert '"name": "weather"' in chatml.render([USER], ChatOptions(tools=TOOLS)).text
    assert "서울" in chatml.render(CHATS["call"], ChatOptions()).text


def test_special_tokens_that_the_person_wrote_are_tokens_and_are_shown():
    kinds = [t.piece for t in template("chatml").render(CHATS["special"], ChatOptions()).tokens if t.kind == "special"]
    assert kinds == ["<|im_start|>", "<|im_end|>", "<|im_end|>", "<|im_start|>"]


def test_an_assistants_turn_can_be_left_open():
    talk = [USER, Message("assistant", "Paris is")]
    options = ChatOptions(add_generation_prompt=False, flags={"continue_final_message": True})
    assert template("llama3").render(talk, options).text.endswith("\n\nParis is")
    with pytest.raises(UsageError, match="not compatible"):
        template("llama3").render(talk, ChatOptions(flags={"continue_final_message": True}))


@pytest.mark.parametrize(
    ("family", "messages", "options", "said"),
    [
        ("base", [USER], ChatOptions(), "base has no chat template"),
        ("chatml", [], ChatOptions(), "no message"),
        ("chatml", [USER], ChatOptions(flags={"tokenize": True}), "“tokenize” cannot be a flag"),
        ("chatml", [USER], ChatOptions(flags={"messages": []}), "“messages” cannot be a flag"),
    ],
)
def test_what_cannot_be_rendered_is_said(family, messages, options, said):
    with pytest.raises(UsageError, match=said):
        template(family).render(messages, options)


def test_a_template_that_is_broken_or_fails_is_said():
    broken = chat_tokenizer("chatml")
    for source, said in (("{% if %}", "is broken"), ("{{ messages + 1 }}", "fails at"), ("{{ 1 / 0 }}", "division")):
        broken.chat_template = source
        with pytest.raises(UsageError, match=said):
            ChatTemplate(broken, Vocabulary(broken.backend_tokenizer), "m").render([USER], ChatOptions())


def test_a_template_out_of_a_folder_needs_no_torch(tmp_path):
    tokenizer("chatml").save_pretrained(tmp_path)
    code = f"""
import sys
from pathlib import Path
from explorer.core.chat import ChatOptions, Message
from explorer.engine.vocabulary.chat import ChatTemplate
from explorer.engine.vocabulary.vocabulary import Vocabulary
folder = Path({str(tmp_path)!r})
template = ChatTemplate.from_folder(folder, Vocabulary.from_folder(folder), "m")
print(*[t.id for t in template.render([Message("user", {USER.content!r})], ChatOptions()).tokens])
assert "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(i) for i in expected("chatml", [USER], ChatOptions())]
