import json
import subprocess
import sys

import pytest

from tests.cli.program import is_one_sentence

QUESTION = "What is the capital of France?"
RENDERED = f"<|begin_of_text|><|user|>\n{QUESTION}<|end_of_turn|>\n<|assistant|>\n"


def ids(done) -> list[int]:
    return [token["id"] for token in json.loads(done.stdout)["tokens"]]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "chat.json"
    path.write_text(json.dumps([{"role": "user", "content": QUESTION}]))
    return str(path)


@pytest.fixture
def chat_model(tmp_path):
    """A folder with the tokenizer of a family, and no weights."""
    from tests.engine.templates import chat_tokenizer

    def save(family) -> str:
        folder = tmp_path / family
        chat_tokenizer(family).save_pretrained(folder)
        (folder / "config.json").write_text('{"model_type": "llama"}')
        return str(folder)

    return save


def test_a_chat_is_rendered_to_the_byte_without_torch(run, file):
    assert run("tokens", "--chat", QUESTION, "--render").stdout == RENDERED
    assert run("tokens", "--messages", file, "--render").stdout == RENDERED
    bare = run("tokens", "--chat", QUESTION, "--render", "--no-generation-prompt", "--system", "Be kind.").stdout
    head = "<|begin_of_text|><|system|>\nBe kind.<|end_of_turn|>\n"
    assert bare == head + RENDERED.removeprefix("<|begin_of_text|>").removesuffix("<|assistant|>\n")
    code = "import sys; from explorer.cli import cli; cli.main(['tokens', '--chat', 'a'], standalone_mode=False)"
    checked = code + "; assert not {'torch', 'textual'} & set(sys.modules), 'heavy'"
    assert subprocess.run([sys.executable, "-c", checked], capture_output=True).returncode == 0


def test_next_and_score_read_the_tokens_of_the_chat(run, file):
    tokens = ids(run("tokens", "--chat", QUESTION, "--json"))
    assert json.loads(run("next", "--chat", QUESTION, "--json").stdout)["ids"] == tokens
    assert json.loads(run("next", "--json", "--messages", file).stdout)["ids"] == tokens
    whole = json.loads(run("score", "--messages", file, "--json").stdout)["tokens"]
    assert [token["id"] for token in whole] == tokens
    answer = json.loads(run("score", "--chat", "--prompt", QUESTION, "The capital is Paris.", "--json").stdout)
    assert answer["tokens"][0]["index"] == len(tokens)
    assert "".join(token["text"] for token in answer["tokens"]) == "The capital is Paris."
    assert json.loads(run("score", "--messages", file, "The capital is Paris.", "--json").stdout) == answer


def test_sample_goes_on_after_a_chat_and_after_each_line_as_a_turn(run, file, tmp_path):
    lines = tmp_path / "lines"
    lines.write_text(f"{QUESTION}\n{QUESTION}\n")
    greedy = ["sample", "--temperature", "0", "--max-new-tokens", "5", "--json"]
    expected = json.loads(run(*greedy, "--chat", QUESTION).stdout)["ids"]
    assert json.loads(run(*greedy, "--messages", file).stdout)["ids"] == expected
    done = run(*greedy, "--chat", "--prompts", str(lines)).stdout.splitlines()
    assert [json.loads(line)["ids"] for line in done] == [expected, expected]
    assert run(*greedy[:-1], "--echo", "--chat", QUESTION).stdout.startswith(RENDERED)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["next", "a", "--messages", "FILE"], "not both"),
        (["next", "--chat"], "exactly one"),
        (["next", "--chat", "--ids", "1"], "no chat is made"),
        (["next", "--messages", "FILE", "--system", "a"], "--system"),
        (["tokens", "a", "--no-generation-prompt"], "about a chat"),
        (["tokens", "a", "--template-flag", "a=1"], "about a chat"),
        (["tokens", "a", "--render"], "about a chat"),
        (["tokens", "--chat", "a", "--render", "--json"], "not both"),
        (["tokens", "--chat", "a", "--template-flag", "a"], "NAME=VALUE"),
        (["tokens", "--chat", "a", "--template-flag", "tokenize=1"], "“tokenize”"),
        (["tokens", "--messages", "/nowhere.json"], "/nowhere.json"),
        (["score", "--messages", "FILE", "--prompt", "a"], "not both"),
        (["sample", "--messages", "FILE", "--prompts", "FILE"], "exactly one"),
        (["sample", "a", "--messages", "FILE"], "not both"),
        (["--messages", "FILE", "-p", "a"], "not both"),
        (["--chat", "a", "-p", "a"], "not both"),
        (["--system", "a", "next", "a"], "--system"),
    ],
)
def test_what_is_wrong_with_a_chat_is_one_sentence(run, arguments, said, file):
    done = run(*(file if argument == "FILE" else argument for argument in arguments))
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert is_one_sentence(done.stderr)


def test_a_model_without_a_template_says_so(run, chat_model):
    done = run("tokens", "--model", chat_model("base"), "--chat", "a")
    assert done.returncode == 2
    assert "has no chat template" in done.stderr and is_one_sentence(done.stderr)


def test_tools_and_flags_reach_the_template(run, tmp_path, chat_model):
    chat = tmp_path / "chat.json"
    chat.write_text(json.dumps({"messages": [{"role": "user", "content": "a"}], "tools": [{"name": "weather"}]}))
    rendered = ["tokens", "--render", "--model", chat_model("chatml"), "--template-flag", "enable_thinking=false"]
    done = run(*rendered, "--messages", str(chat))
    assert '{"name": "weather"}' in done.stdout
    assert done.stdout.endswith("<|im_start|>assistant\n<think>\n\n</think>\n\n")


MARKED = "Turn 1 (user) spells <|end_of_turn|>: the model reads that as its own marker, not as text.\n"


def test_every_command_says_where_a_message_spells_a_marker_of_the_model(run, tmp_path):
    text, file = "hi<|end_of_turn|>", tmp_path / "chat.json"
    file.write_text(json.dumps([{"role": "user", "content": text}]))
    lines = tmp_path / "lines"
    lines.write_text(f"hi\n{text}\n")
    for command in (
        ["next", "--chat", text],
        ["tokens", "--chat", text],
        ["tokens", "--chat", text, "--render"],
        ["score", "--chat", text],
        ["score", "--messages", str(file), " yes"],
        ["score", "--chat", "--prompt", text, " yes"],
        ["search", "--chat", text, "yes"],
        ["options", "--messages", str(file), " yes", " no"],
        ["sample", "--chat", text, "--temperature", "0", "--max-new-tokens", "1"],
    ):
        done = run(*command)
        assert (done.returncode, done.stderr) == (0, MARKED), command
    done = run("sample", "--chat", "--prompts", str(lines), "--temperature", "0", "--max-new-tokens", "1")
    assert done.stderr == f"Line 2: {MARKED}"
    assert run("next", "--chat", "hi < end_of_turn >").stderr == ""
    for fields in ({"command": "next"}, {"command": "tokens", "render": True}):
        answer = run("ask", input=json.dumps(fields | {"prompt": text, "chat": True}))
        assert json.loads(answer.stdout)["notes"] == [MARKED.strip()]
