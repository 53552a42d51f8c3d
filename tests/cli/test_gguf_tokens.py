"""The tokens and the chats of a GGUF file on the command line, which need neither torch nor the weights."""

import json
import subprocess
import sys

import gguf
import pytest

from tests.cli.program import is_one_sentence
from tests.engine.gguf_files import finish
from tests.engine.gguf_vocabularies import RECORDED, TEXTS, byte_level, scored, spelt_as_text, words

THEIRS = json.loads(RECORDED.read_text("utf-8"))

SHORT = "{% for m in messages %}<|user|>{{ m.content }}<|im_end|>{% endfor %}"
LONG = "{{ bos_token }}{% for m in messages %}<|user|>{{ m.role }}: {{ m.content }}{{ eos_token }}{% endfor %}"


@pytest.mark.parametrize(
    ("name", "write", "said"),
    [
        ("llama3", byte_level, {"pre": "llama3"}),
        ("gemma4 family", spelt_as_text, {"pre": None, "more": ["<|tool_response>", "<eos>", "<mask>"]}),
        ("sentencepiece True", scored, {"add_space_prefix": True}),
        ("unigram", scored, {"family": "t5", "add_space_prefix": True}),
        ("wordpiece", words, {}),
    ],
)
def test_a_file_gives_the_tokens_of_llama_cpp(name, write, said, run, tmp_path):
    file = str(write(tmp_path / "m.gguf", **said))
    for text, ids in list(zip(TEXTS, THEIRS[name]["ids"], strict=True))[1:9]:
        done = run("tokens", "--model", file, "--json", "--", text)
        assert [token["id"] for token in json.loads(done.stdout)["tokens"]] == ids


def test_the_tokens_of_a_file_need_neither_torch_nor_transformers_nor_the_package_gguf(tmp_path):
    code = f"""
import asyncio, sys
from explorer.engine.description import ModelSettings
from explorer.engine.process.worker import make_engine
engine = make_engine("vocabulary", ModelSettings(model={str(byte_level(tmp_path / "m.gguf", "qwen2"))!r}, name="m"))
asyncio.run(engine.start())
assert asyncio.run(engine.encode("Hello world"))
print([name for name in ("torch", "transformers", "gguf", "numpy") if sys.modules.get(name)])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("pre", ["llama3", "qwen2"])
def test_a_chat_is_rendered_by_the_template_in_the_file(pre, run, tmp_path):
    file = with_template(byte_level(tmp_path / "m.gguf", pre), LONG)
    done = run("tokens", "a", "--chat", "--model", str(file), "--render")
    assert done.stdout == "<s><|user|>user: a</s>"
    tokens = json.loads(run("tokens", "a", "--chat", "--model", str(file), "--json").stdout)["tokens"]
    assert [tokens[place]["id"] for place in (0, 1, -1)] == [1, 4, 2]


def test_a_template_is_chosen_by_its_name(run, tmp_path):
    named = {"chat_template.tool_use": SHORT, "chat_template.../../x": SHORT}
    file = with_template(byte_level(tmp_path / "m.gguf", "llama3"), LONG, ["tool_use", "../../x"], named)
    done = run("tokens", "a", "--chat", "--chat-template", "tool_use", "--model", str(file), "--render")
    assert done.stdout == "<|user|>a<|im_end|>"
    usual = run("tokens", "a", "--chat", "--model", str(file), "--render")
    assert usual.stdout == "<s><|user|>user: a</s>"
    other = run("tokens", "a", "--chat", "--chat-template", "no", "--model", str(file))
    assert "../../x, default, tool_use" in other.stderr
    assert not (tmp_path.parent / "x").exists()


def test_a_file_without_a_template_is_no_chat_model(run, tmp_path):
    done = run("tokens", "a", "--chat", "--model", str(byte_level(tmp_path / "m.gguf", "llama3")))
    assert is_one_sentence(done.stderr)
    assert "no chat template" in done.stderr


def test_a_template_that_is_no_text_is_said(run, tmp_path):
    file = with_template(byte_level(tmp_path / "m.gguf", "llama3"), 3)
    done = run("tokens", "a", "--chat", "--model", str(file))
    assert is_one_sentence(done.stderr)
    assert "tokenizer.chat_template is no text" in done.stderr


def test_an_unknown_way_of_splitting_is_refused_with_the_way_out(run, tmp_path):
    done = run("tokens", "a", "--model", str(byte_level(tmp_path / "m.gguf", "of-tomorrow")))
    assert is_one_sentence(done.stderr)
    assert "of-tomorrow" in done.stderr
    assert "llama-server" in done.stderr


def with_template(file, template, names=(), named=()):
    """A copy of a file that has chat templates, too."""
    reader, copy = gguf.GGUFReader(file), file.with_suffix(".with.gguf")
    writer = gguf.GGUFWriter(copy, "llama")
    for key, field in reader.fields.items():
        if not key.startswith("GGUF.") and key != "general.architecture":
            writer.add_key_value(key, field.contents(), field.types[0], field.types[-1] if field.types[1:] else None)
    if isinstance(template, str):
        writer.add_string("tokenizer.chat_template", template)
    else:
        writer.add_uint32("tokenizer.chat_template", template)
    if names:
        writer.add_array("tokenizer.chat_templates", list(names))
    for key, text in dict(named).items():
        writer.add_string(f"tokenizer.{key}", text)
    finish(writer)
    return copy
