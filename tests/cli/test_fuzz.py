"""Inputs that are nearly right: each is answered, or refused in a sentence with its exit code; no file is changed."""

import asyncio
import json
import random
import shutil
from pathlib import Path

import pytest

from explorer.cli.engines import Engines, embedded_folder, model_settings
from explorer.cli.root import cli
from explorer.config import Config
from explorer.core.record import journal
from explorer.engine.compute.local import TransformersEngine
from explorer.engine.description import ModelSettings
from explorer.engine.scripted.scripted import ScriptedEngine
from explorer.engine.vocabulary.engine import VocabularyEngine
from explorer.errors import ModelError, RecordError
from explorer.ui.theme import ThemeError, read_theme, shipped_folder
from explorer.walk.player import Player
from tests.cli.program import Program
from tests.fuzzing import CONTROL, changed_bytes, changed_json, check, in_time, rounds

OLD = Path(__file__).parents[1] / "data" / "record-v1.jsonl"
FEW = 200
MANY = pytest.param(10_000, marks=pytest.mark.long)


class Scripted(Engines):
    """An engine without a model for whatever is asked for; the settings of the one that was meant are read."""

    def make(self, config):
        model_settings(config)
        return ScriptedEngine.demo()

    def make_tokenizer(self, config):
        """In this process: what would take a process down is for the tests of one."""
        return VocabularyEngine(model_settings(config))


@pytest.fixture(scope="module")
def ask():
    return Program(Scripted())


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    """Nothing of the person's own is read or written, and no hub is asked."""
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "HF_HOME", "OLLAMA_MODELS"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)


def changed_record(chance: random.Random) -> bytes:
    lines = OLD.read_text().splitlines()
    for _ in range(chance.choice((1, 1, 2, 4))):
        place = chance.choice((0, 1, 2, chance.randrange(len(lines))))
        lines[place] = changed_json(lines[place], chance).decode(errors="surrogateescape")
        lines = lines if chance.random() < 0.9 else [line for line in lines if chance.random() < 0.9] or lines
    data = "\n".join(lines).encode(errors="surrogateescape") + b"\n"
    return changed_bytes(data, chance) if chance.random() < 0.2 else data


@pytest.mark.parametrize("count", [250, MANY])
def test_records(ask, tmp_path, count):
    file = tmp_path / "walk.jsonl"
    for seed in rounds(count):
        chance = random.Random(seed)
        data = changed_record(chance)
        file.write_bytes(data)
        with in_time(seed):
            format_name = chance.choice(("md", "html", "csv", "json", "svg"))
            done = ask("export", str(file), "--to", format_name, *["--branches", "all"] * (format_name == "csv"))
            check(done, (2, 5), seed)
            check(ask("sessions", str(tmp_path), *["--json"] * (seed % 2)), (), seed)
            check(ask("diff", str(file), str(OLD), *["--json"] * (seed % 2)), (2, 5), seed)
            if seed % 5 == 0:
                check(ask("replay", str(file), "--verify"), (1, 2, 3, 4, 5), seed)
            try:
                record, unread = journal.read_as_far(file)
                Player(record, str(file), unread=unread)
            except RecordError:
                pass
        assert file.read_bytes() == data


CONFIG = """model = "embedded"
temperature = 0.8
top_k = 5
suppress_tokens = [1, 2]
logit_bias = [[1, 0.5]]
stop = ["a", "b"]
stop_id = [1]
top = 5
max_new_tokens = 7
theme = "light"
max_memory = "0:20GiB"
device_map = "auto"
model_defaults = false
wake_prob = 0.5
[presets.mine]
temperature = 0.6
min_p = 0.05
[keys]
sample = "space,s"
"""


@pytest.mark.parametrize("count", [400, MANY])
def test_settings(ask, tmp_path, count):
    file = tmp_path / "config.toml"
    values = [
        "-1",
        "0",
        "1e400",
        "nan",
        "[]",
        "[[]]",
        "{}",
        '""',
        '"a"',
        "true",
        "1979-05-27",
        "9" * 40,
        '"\\u001b"',
        "[1,",
        "''",
    ]
    for seed in rounds(count):
        chance = random.Random(seed)
        lines = CONFIG.splitlines()
        for _ in range(chance.choice((1, 2))):
            place = chance.randrange(len(lines))
            lines[place] = f"{lines[place].partition('=')[0]}= {chance.choice(values)}"
        data = "\n".join(lines).encode()
        file.write_bytes(changed_bytes(data, chance) if chance.random() < 0.4 else data)
        with in_time(seed):
            check(ask(env={"TOKEN_EXPLORER_CONFIG": str(file)}), (2, 5), seed)
            name = chance.choice([*Config.__struct_fields__, "temperature", "seed"]).upper()
            value = chance.choice([*map(str, values), CONTROL, "~nobody/x"])
            check(ask("next", "a", env={f"TOKEN_EXPLORER_{name}": value}), (2, 3, 4, 5), (seed, name, value))


@pytest.mark.parametrize("count", [300, MANY])
def test_themes(tmp_path, count):
    file = tmp_path / "theme.toml"
    shipped = (shipped_folder() / "dark.toml").read_bytes()
    for seed in rounds(count):
        file.write_bytes(changed_bytes(shipped, random.Random(seed)))
        with in_time(seed):
            try:
                read_theme(file)
            except ThemeError as error:
                assert str(error).endswith(".")


MESSAGES = json.dumps(
    {
        "messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
        "chat_template_kwargs": {"enable_thinking": False},
    }
)


@pytest.mark.parametrize("count", [250, MANY])
def test_messages(ask, tmp_path, count):
    file = tmp_path / "messages.json"
    for seed in rounds(count):
        chance = random.Random(seed)
        file.write_bytes(changed_json(MESSAGES, chance))
        with in_time(seed):
            check(ask(chance.choice(("tokens", "next", "score")), "--messages", str(file)), (2, 3), seed)


def model_folder(place: Path) -> Path:
    place.mkdir()
    for name in (
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "chat_template.jinja",
        "generation_config.json",
    ):
        source = embedded_folder() / name
        if source.exists():
            (place / name).write_bytes(source.read_bytes())
    return place


@pytest.mark.parametrize("count", [FEW, MANY])
def test_templates(ask, tmp_path, count):
    folder = model_folder(tmp_path / "model")
    source = json.loads((folder / "tokenizer_config.json").read_text())["chat_template"]
    for seed in rounds(count):
        written = changed_bytes(source.encode(), random.Random(seed))
        (folder / "chat_template.jinja").write_bytes(written)
        with in_time(seed):
            check(ask("tokens", "--chat", "Hello", "--render", "--model", str(folder)), (2, 3), seed)


@pytest.mark.parametrize("count", [FEW, MANY])
@pytest.mark.parametrize("name", ["tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"])
def test_settings_of_tokenizers(ask, tmp_path, count, name):
    folder = model_folder(tmp_path / "model")
    written = (folder / name).read_text() if (folder / name).exists() else BESIDE[name]
    for seed in rounds(count):
        chance = random.Random(seed)
        (folder / name).write_bytes(changed_json(written, chance))
        asked = chance.choice((["--chat", "Hello", "--render"], ["Hello<|user|>"], ["--ids", "1,300"]))
        with in_time(seed):
            done = ask("tokens", *asked, "--model", str(folder))
            check(done, (2, 3), seed)
            assert not done.returncode or "tokenizer" in done.stderr or "template" in done.stderr, done.stderr
            assert "The engine failed" not in done.stderr


BESIDE = {
    "special_tokens_map.json": json.dumps(
        {"bos_token": "<|begin_of_text|>", "eos_token": {"content": "<|end_of_text|>", "lstrip": False}}
    ),
    "added_tokens.json": json.dumps({"<|turn|>": 6144, "<|over|>": 6145}),
}

SMALL = json.dumps(
    {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": 8, "content": "<s>", "special": True, "lstrip": False, "normalized": False}],
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Lowercase"}]},
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [8], "tokens": ["<s>"]}},
        },
        "decoder": {
            "type": "Sequence",
            "decoders": [
                {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
                {"type": "ByteFallback"},
                {"type": "Fuse"},
                {"type": "Strip", "content": " ", "start": 1, "stop": 0},
            ],
        },
        "model": {
            "type": "BPE",
            "unk_token": "<unk>",
            "fuse_unk": False,
            "byte_fallback": True,
            "vocab": {"<unk>": 0, "h": 1, "e": 2, "l": 3, "o": 4, "▁": 5, "he": 6, "<0x41>": 7},
            "merges": [["h", "e"]],
        },
    }
)
"""A tokenizer.json, as those of the Llama family are."""


@pytest.mark.parametrize("count", [FEW, MANY])
def test_tokenizers(ask, tmp_path, count):
    folder = model_folder(tmp_path / "model")
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    for seed in rounds(count):
        chance = random.Random(seed)
        (folder / "tokenizer.json").write_bytes(changed_json(SMALL, chance))
        with in_time(seed):
            done = ask("tokens", *chance.choice((["hello<s>A"], ["--ids", "1,8,7,5"])), "--model", str(folder))
            check(done, (2, 3), seed)
            assert not done.returncode or "tokenizer" in done.stderr, done.stderr
            assert "The engine failed" not in done.stderr


GENERATION = json.dumps(
    {
        "bos_token_id": 1,
        "eos_token_id": [2, 6],
        "do_sample": True,
        "temperature": 0.8,
        "top_k": 40,
        "repetition_penalty": 1.1,
        "suppress_tokens": [3],
        "sequence_bias": [[[4], 1.5]],
        "cache_implementation": None,
        "transformers_version": "5.0.0",
    }
)


@pytest.mark.parametrize("count", [FEW, pytest.param(2_000, marks=pytest.mark.long)])
@pytest.mark.filterwarnings("ignore")
def test_generation_configs(tiny_folder, tmp_path, count):
    folder = shutil.copytree(tiny_folder("llama"), tmp_path / "model")
    for seed in rounds(count):
        chance = random.Random(seed)
        (folder / "generation_config.json").write_bytes(changed_json(GENERATION, chance))
        with in_time(seed):
            asyncio.run(opened(folder, seed))


async def opened(folder: Path, seed: int) -> None:
    engine = TransformersEngine(ModelSettings(model=str(folder), name="The model", device="cpu"))
    try:
        info = await engine.start()
        assert all(one.endswith(".") for one in info.sampling_left_out), seed
    except ModelError as error:
        assert "generation_config.json" in str(error), f"seed {seed}: {error}"
    finally:
        await engine.close()


WORDS = (
    *(
        "",
        "-",
        "--",
        "a",
        "1",
        "-1",
        "0",
        "1e9",
        "nan",
        "1,2",
        "1=2",
        "~nobody/x",
        "/dev/null",
        "/nowhere",
        ".",
        "9" * 40,
    ),
    *(CONTROL, "\udcff", str(OLD), "auto", "off", "embedded", "balanced", "md", "2x", "a=b", "cpu"),
)


@pytest.mark.parametrize("count", [400, MANY])
def test_command_lines(ask, count, monkeypatch, tmp_path):
    flags = {
        name: [o for p in command.params for o in p.opts if o.startswith("-")] for name, command in cli.commands.items()
    }
    for seed in rounds(count):
        chance = random.Random(seed)
        name = chance.choice(list(flags))
        line = [name] if chance.random() < 0.95 else []
        for _ in range(chance.choice((0, 1, 2, 3, 6))):
            line += [chance.choice(flags[name])] if chance.random() < 0.5 else []
            line += [chance.choice(WORDS)]
        with in_time(seed):
            check(ask(*line), (1, 2, 3, 4, 5), (seed, line))
    assert not list(Path.cwd().rglob("fault-*"))


INDEX = json.dumps(
    {"metadata": {"total_size": 10}, "weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
)


@pytest.mark.parametrize("count", [200, MANY])
def test_models_of_the_cache(ask, tmp_path, count, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    home = tmp_path / "hub" / "models--some--one"
    folder = home / "snapshots" / ("a" * 40)
    folder.mkdir(parents=True)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text("a" * 40)
    shipped = (embedded_folder() / "config.json").read_text()
    (folder / "model-1.safetensors").write_bytes(b"")
    for seed in rounds(count):
        chance = random.Random(seed)
        config, index = (changed_json(text, chance) for text in (shipped, INDEX))
        (folder / "config.json").write_bytes(config if seed % 3 else shipped.encode())
        (folder / "model.safetensors.index.json").write_bytes(index if seed % 2 else INDEX.encode())
        with in_time(seed):
            done = ask("models", *["--json"] * (seed % 5 == 0))
            check(done, (), seed)
            assert "some/one" in done.stdout
