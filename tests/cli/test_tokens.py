import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tokenizers import normalizers, processors
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from explorer.cli.engines import embedded_folder
from tests.cli.program import is_one_sentence, process
from tests.conftest import tiny_tokenizer
from tests.engine.test_vocabulary import family

KINDS = {"gpt2": "GPT2Tokenizer", "unigram": "T5Tokenizer", "wordpiece": "BertTokenizer", "llama2": "LlamaTokenizer"}


@pytest.fixture(scope="module")
def tokenizer_folder(tmp_path_factory) -> Callable[[str], str]:
    """A folder with the files of a tokenizer and nothing else."""

    def save(name: str) -> str:
        folder = tmp_path_factory.mktemp(name)
        PreTrainedTokenizerFast(tokenizer_object=family(name)).save_pretrained(folder)
        file = folder / "tokenizer_config.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), "tokenizer_class": KINDS[name]}))
        return str(folder)

    return save


@pytest.mark.parametrize("name", KINDS)
def test_a_folder_with_a_tokenizer_alone_gives_the_tokens_of_transformers(run, tokenizer_folder, name):
    folder = tokenizer_folder(name)
    done = run("tokens", "Hello world, 안녕", "--model", folder, "--json")
    ids = [token["id"] for token in json.loads(done.stdout)["tokens"]]
    assert ids == AutoTokenizer.from_pretrained(folder)("Hello world, 안녕").input_ids
    assert (
        run("tokens", "Hello world, 안녕", "--model", folder, "--format", "ids").stdout
        == " ".join(map(str, ids)) + "\n"
    )


@pytest.mark.parametrize("name", KINDS)
def test_no_tokenizer_needs_torch(tokenizer_folder, name):
    code = f"""
import asyncio, sys
from explorer.engine.description import ModelSettings
from explorer.engine.process.worker import make_engine
engine = make_engine("vocabulary", ModelSettings(model={tokenizer_folder(name)!r}, name="m"))
asyncio.run(engine.start())
assert asyncio.run(engine.encode("Hello world"))
print([module for module in sys.modules if module.partition(".")[0] == "torch" and sys.modules[module]])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_forms_for_scripts_keep_a_token_on_its_line_and_in_its_field(run, tmp_path):
    text = "a\tb\n 가\\\u200d"
    rows = json.loads(run("tokens", text, "--json", "--no-special").stdout)["tokens"]
    assert run("tokens", text, "--no-special", "--format", "ids").stdout == " ".join(str(r["id"]) for r in rows) + "\n"
    header, *lines = run("tokens", text, "--no-special", "--format", "tsv").stdout.splitlines()
    assert header.split("\t") == ["index", "id", "piece", "bytes"]
    assert [line.split("\t")[0::3] for line in lines] == [[str(r["index"]), r["bytes"]] for r in rows]
    assert len(run("tokens", text, "--no-special", "--format", "pieces").stdout.split(" ")) == len(rows)

    tokenizer = tiny_tokenizer()
    tokenizer.add_special_tokens(["a b\t\n\u202e\\"])
    PreTrainedTokenizerFast(tokenizer_object=tokenizer).save_pretrained(tmp_path)
    piece = ["tokens", "--ids", "300", "--model", str(tmp_path), "--format"]
    assert run(*piece, "tsv").stdout.splitlines()[1].split("\t")[2] == r"a b\t\n\u{202E}\\"
    assert run(*piece, "pieces").stdout == "a\\u{20}b\\t\\n\\u{202E}\\\\\n"


def test_several_vocabularies_stand_beside_each_other_on_one_text(run, tokenizer_folder):
    folders = [tokenizer_folder(name) for name in KINDS]
    text = "Hello world, 안녕 👩‍🚀"
    models = [part for folder in folders for part in ("--model", folder)]
    table = json.loads(run("tokens", text, *models, "--json").stdout)
    assert [one["kind"] for one in table["models"]] == ["byte-level BPE", "Unigram", "WordPiece", "BPE"]
    assert (table["text"], table["bytes"]) == (text, len(text.encode()))
    for one, folder in zip(table["models"], folders, strict=True):
        alone = json.loads(run("tokens", text, "--model", folder, "--json").stdout)["tokens"]
        assert [{k: token[k] for k in alone[0]} for token in one["tokens"]] == alone
        assert (one["count"], one["model"]) == (len(alone), folder)
        own = [token for token in one["tokens"] if token["begin"] < token["end"]]
        assert one["added"] == len(alone) - len(own)
        assert one["bytes_per_token"] == pytest.approx(table["bytes"] / len(own))
    assert "".join(row["text"] for row in table["aligned"]) == text
    for number, one in enumerate(table["models"]):
        assert [i for row in table["aligned"] for i in row["tokens"][number]] == list(range(one["count"]))
    printed = run("tokens", text, *models).stdout
    assert all(kind in printed for kind in ("byte-level BPE", "Unigram", "WordPiece", "bytes per token"))
    lines = run("tokens", text, *models, "--format", "ids").stdout.splitlines()
    assert [len(line.split()) for line in lines] == [one["count"] for one in table["models"]]
    assert run("tokens", text, *models, "--format", "tsv").stdout.splitlines()[1].split("\t")[0] == folders[0]


@pytest.mark.parametrize("source", [["--ids", "1"], ["--chat", "a"]])
def test_several_models_are_compared_on_a_text_alone(run, source):
    done = run("tokens", *source, "--model", "embedded", "--model", "embedded")
    assert (done.returncode, done.stdout) == (2, "")
    assert is_one_sentence(done.stderr)


@pytest.mark.parametrize("command", ["tokens", "next", "score"])
def test_tokens_that_do_not_spell_the_text_are_noted_beside_the_answer(run, tiny_folder, tmp_path, command):
    folder = tmp_path / "lower"
    folder.mkdir()
    for file in tiny_folder("llama").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    tokenizer = tiny_tokenizer()
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.save(str(folder / "tokenizer.json"))
    done = run(command, "the Fox", "--model", str(folder))
    assert done.returncode == 0
    assert done.stderr == "The tokenizer changes this text: its tokens spell “the fox”.\n"
    assert run(command, "the fox", "--model", str(folder)).stderr == ""


# BOS.


@pytest.mark.parametrize("adds", [True, False])
@pytest.mark.parametrize(
    ("flags", "text", "added"),
    [
        ([], "the", None),
        (["--no-bos"], "the", 0),
        (["--bos"], "the", 1),
        (["--no-bos"], "<|begin|>the", 0),
        (["--no-bos"], "<|begin|><|begin|>the", 0),
    ],
)
def test_only_the_bos_of_the_tokenizer_is_added_or_left_out(run, tmp_path, adds, flags, text, added):
    tokenizer = tiny_tokenizer()
    if not adds:
        tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<|begin|>").save_pretrained(tmp_path)
    ids = run("tokens", text, "--model", str(tmp_path), "--format", "ids", *flags).stdout.split()
    own = text.count("<|begin|>")
    assert ids.count("1") == own + (int(adds) if added is None else added)
    written = run("tokens", "<|begin|>the", "--model", str(tmp_path), "--format", "ids", "--bos")
    assert written.stdout.split().count("1") == 1 + adds
    assert ("--no-bos leaves that out" in written.stderr) == adds


# Tokenizers that mean harm.


def hostile(folder: Path, **change) -> str:
    PreTrainedTokenizerFast(tokenizer_object=tiny_tokenizer()).save_pretrained(folder)
    file = folder / "tokenizer.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    return str(folder)


def strip(count: int) -> dict:
    letters = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    return {"type": "Sequence", "decoders": [letters, {"type": "Strip", "content": "z", "start": count, "stop": count}]}


HUGE = {"type": "Sequence", "normalizers": [{"type": "Replace", "pattern": {"String": "a"}, "content": "aaaa"}] * 30}
HARM: dict[str, dict[str, Any]] = {
    "a normaliser that is none": {"normalizer": {"type": "Precompiled", "precompiled_charsmap": "AAAAAAAA"}},
    "a normaliser without end": {"normalizer": HUGE},
    "an unknown token that is not there": {
        "model": {"type": "WordLevel", "vocab": {"b": 0}, "unk_token": "nowhere"},
        "added_tokens": [],
        "post_processor": None,
    },
    "a unigram without its unknown": {
        "model": {"type": "Unigram", "unk_id": None, "vocab": [["b", 0.0]]},
        "added_tokens": [],
        "post_processor": None,
    },
}


@pytest.mark.parametrize("name", HARM)
def test_a_tokenizer_that_fails_panics_or_never_ends_is_told_in_a_sentence(name, tmp_path):
    done = process("tokens", "a cat", "--model", hostile(tmp_path, **HARM[name]))
    assert done.returncode in (2, 3)
    assert done.stdout == ""
    assert is_one_sentence(done.stderr)
    assert done.stderr.startswith("The tokenizer")


@pytest.mark.parametrize(
    "change",
    [
        {"padding": {"strategy": {"Fixed": 10**12}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0,
                     "pad_type_id": 0, "pad_token": "<pad>"}},
        {"truncation": {"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 2}},
        {"decoder": strip(10**9)},
        {"decoder": {"type": "Replace", "pattern": {"Regex": r"\p{Hangul}(?<n>a)\g<n>"}, "content": ""}},
    ],
    ids=["padding", "stride", "strip", "regex"],
)  # fmt: skip
def test_what_a_tokenizer_stores_beside_its_tokens_does_no_harm(run, change, tmp_path):
    done = run("tokens", "the fox", "--model", hostile(tmp_path, **change), "--format", "ids")
    assert (done.returncode, done.stdout.split()) == (0, [str(i) for i in tiny_tokenizer().encode("the fox").ids])


@pytest.mark.parametrize(
    "fields",
    [
        *({"bos_token": value} for value in (True, False, 3, ["<s>"], {"content": True})),
        {"extra_special_tokens": 5},
        {"added_tokens_decoder": [1]},
        {"additional_special_tokens": 7},
    ],
)
def test_a_setting_of_another_kind_is_said_with_the_file(run, tmp_path, fields):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "tokenizer.json").write_bytes((embedded_folder() / "tokenizer.json").read_bytes())
    settings = json.loads((embedded_folder() / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | fields))
    done = run("tokens", "a cat", "--model", str(folder))
    assert done.returncode == 3
    assert "tokenizer_config.json is broken" in done.stderr


def test_a_tokenizer_that_git_lfs_has_not_fetched_is_said(run, tmp_path):
    (tmp_path / "tokenizer.json").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:1\n")
    done = run("tokens", "a", "--model", str(tmp_path))
    assert (done.returncode, "tokenizer.json" in done.stderr, "git lfs pull" in done.stderr) == (3, True, True)


def test_an_id_below_0_is_none_and_a_text_with_a_dash_needs_another_one(run):
    done = run("tokens", "--ids", "1,-5")
    assert (done.returncode, done.stderr) == (2, "There is no token -5: ids begin with 0.\n")
    assert "stands behind --, as in “-- -5”." in run("tokens", "-5").stderr
    assert run("tokens", "--", "-5").returncode == 0


def test_the_last_token_of_a_character_is_shown_with_it(run):
    lines = run("tokens", "뷁").stdout.splitlines()
    assert [line.split()[2] for line in lines if " bytes " in line and "index" not in line] == [
        "‹EB›",
        "‹B7›",
        "‹81›→뷁",
    ]
