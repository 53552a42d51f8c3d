import json
import shutil

import pytest
from transformers import PreTrainedTokenizerFast

from explorer.core.chat import ChatOptions, Message, read_chat
from explorer.engine.vocabulary.chat import ChatTemplate
from explorer.engine.vocabulary.vocabulary import Vocabulary
from explorer.errors import UsageError
from tests.conftest import tiny_tokenizer

PARTS = (
    "{% for m in messages %}{{ m.role }}: {% for part in m.content %}{% if part.type == 'text' %}{{ part.text }}"
    "{% endif %}{% endfor %}{{ '\n' }}{% endfor %}"
)
TEXTS = "{% for m in messages %}{{ m.role + ': ' + m.content }}\n{% endfor %}"
LOOSE = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
BOTH = (
    "{% for m in messages %}{{ m.role }}: {% if m.content is string %}{{ m.content }}{% else %}"
    "{% for part in m.content %}{{ part.text }}{% endfor %}{% endif %}{{ '\n' }}{% endfor %}"
)
DEAF = "{% for m in messages if m.role != 'system' %}{{ m.content }}\n{% endfor %}"
STRICT = "{% for m in messages %}{{ m.content[0].text }}\n{% endfor %}"


def template(text, folder=None) -> ChatTemplate:
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=tiny_tokenizer(), chat_template=text)
    return ChatTemplate(tokenizer, Vocabulary(tokenizer.backend_tokenizer), "The model", folder)


ONE = Message("user", "a fox")
TWO = Message.of({"role": "user", "content": [{"type": "text", "text": "a fox"}, {"type": "text", "text": "b"}]})


@pytest.mark.parametrize(
    ("text", "message", "rendered"),
    [
        (PARTS, ONE, "user: a fox\n"),
        (TEXTS, ONE, "user: a fox\n"),
        (LOOSE, ONE, "user: a fox\n"),
        (BOTH, ONE, "user: a fox\n"),
        (STRICT, ONE, "a fox\n"),
        (PARTS, TWO, "user: a foxb\n"),
        (BOTH, TWO, "user: a foxb\n"),
        (TEXTS, TWO, "user: a fox\nb\n"),
        (LOOSE, TWO, "user: a fox\nb\n"),
    ],
)
def test_a_template_gets_a_text_in_the_form_that_it_reads(text, message, rendered):
    found = template(text).render([message], ChatOptions())
    assert (found.text, found.lost) == (rendered, "")


def test_a_text_that_hides_in_the_frame_of_a_template_is_not_taken_for_rendered():
    assert template(PARTS).render([Message("user", "user")], ChatOptions()).text == "user: user\n"


def test_a_text_that_a_template_leaves_out_is_told():
    found = template(DEAF).render([Message("system", "be kind"), ONE], ChatOptions())
    assert found.text == "a fox\n"
    assert found.lost == "The chat template leaves out what turn 1 (system) says: the model does not read it."


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"type": "image_url", "image_url": {"url": "x"}}, "has a part of the type “image_url”"),
        ({"type": "text", "text": 7}, "has a part that is no text"),
        (7, "has a part that is no text"),
    ],
)
def test_a_part_that_is_no_text_is_refused(part, words):
    with pytest.raises(UsageError, match=f"Message 1 of chat.json {words}"):
        read_chat(json.dumps([{"role": "user", "content": [part]}]), "chat.json")


def test_messages_in_parts_are_recorded_as_they_were_written():
    written = {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "name": "x"}
    message = Message.of(written)
    assert (message.content, message.fields()) == ("a\nb", written)
    assert Message.of(message.fields()) == message


NAMED = {"default": TEXTS, "loud": "{{ messages[0].content | upper }}"}


def test_a_named_template_is_chosen():
    found = template(NAMED)
    assert found.render([ONE], ChatOptions()).text == "user: a fox\n"
    assert found.render([ONE], ChatOptions(template="loud")).text == "A FOX"
    with pytest.raises(UsageError, match=r"has no chat template “shy”\. It has default, loud"):
        found.render([ONE], ChatOptions(template="shy"))


def test_named_templates_without_a_usual_one_are_named_with_the_flag():
    with pytest.raises(
        UsageError, match=r"has the chat templates a, b, and none that is the usual one.*--chat-template"
    ):
        template({"a": TEXTS, "b": PARTS}).render([ONE], ChatOptions())
    assert template({"a": TEXTS}).render([ONE], ChatOptions()).text == "user: a fox\n"


def test_a_template_of_ones_own_is_taken_also_where_the_model_has_none():
    assert template(None).render([ONE], ChatOptions(template="{{ messages[0].content }}!")).text == "a fox!"


@pytest.mark.parametrize(
    ("file", "content", "rendered"),
    [
        ("chat_template.json", {"chat_template": TEXTS}, "user: a fox\n"),
        ("processor_config.json", {"chat_template": TEXTS}, "user: a fox\n"),
        ("chat_template.json", {"chat_template": NAMED}, "user: a fox\n"),
        ("chat_template.json", {"chat_template": [{"name": "default", "template": TEXTS}]}, "user: a fox\n"),
    ],
)
def test_a_template_that_only_the_processor_knows_is_found(tmp_path, file, content, rendered):
    (tmp_path / file).write_text(json.dumps(content))
    found = template(None, tmp_path)
    assert found.present
    assert found.render([ONE], ChatOptions()).text == rendered


def test_the_templates_own_file_of_the_tokenizer_comes_first(tmp_path):
    (tmp_path / "chat_template.json").write_text(json.dumps({"chat_template": DEAF}))
    assert template(TEXTS, tmp_path).render([ONE], ChatOptions()).text == "user: a fox\n"


@pytest.fixture
def model(tiny_folder, tmp_path):
    folder = shutil.copytree(tiny_folder("llama"), tmp_path / "model")
    (folder / "additional_chat_templates").mkdir()
    (folder / "additional_chat_templates" / "loud.jinja").write_text("{{ messages[0].content | upper }}")
    return folder


def test_a_template_is_chosen_on_the_command_line_by_name_or_file(run, model, tmp_path):
    begin = ("tokens", "--chat", "a fox", "--render", "--model", str(model))
    assert run(*begin, "--chat-template", "loud").stdout == "A FOX"
    (tmp_path / "own.jinja").write_text("<{{ messages[0].content }}>")
    assert run(*begin, "--chat-template", str(tmp_path / "own.jinja")).stdout == "<a fox>"
    refused = run(*begin, "--chat-template", "shy")
    assert refused.returncode == 2 and "It has default, loud" in refused.stderr
    assert run("tokens", "a fox", "--chat-template", "loud").returncode == 2
    lost = run(*begin, "--system", "be kind", "--chat-template", "loud")
    assert "leaves out what turn 2 (user) says" in lost.stderr
