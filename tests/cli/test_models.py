import io
import json
import shutil

import pytest

from explorer.cli.engines import Engines, ProgressLine, embedded_folder
from explorer.engine.base import Progress
from tests.cli.program import Program, is_one_sentence, process

COMMIT = "a" * 40


@pytest.fixture
def hub(tmp_path):
    """The environment of a cache with one model, which is the one that ships, and one that is there by half."""
    for name, files in {
        "someone/stories": ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"],
        "someone/half": ["config.json"],
    }.items():
        home = tmp_path / "hub" / f"models--{name.replace('/', '--')}"
        snapshot = home / "snapshots" / COMMIT
        snapshot.mkdir(parents=True)
        (home / "refs").mkdir()
        (home / "refs" / "main").write_text(COMMIT)
        for file in files:
            shutil.copy(embedded_folder() / file, snapshot / file)
    return {
        "HF_HOME": str(tmp_path),
        "HF_HUB_OFFLINE": "1",
        "HOME": str(tmp_path),
        "OLLAMA_MODELS": str(tmp_path / "ollama"),
    }


def test_the_models_of_this_machine_are_listed(hub):
    models = {model["id"]: model for model in json.loads(process("models", "--json", env=hub).stdout)["models"]}
    assert next(iter(models)) == "embedded" and set(models) == {"embedded", "someone/stories", "someone/half"}
    stories = models["someone/stories"]
    assert (stories["architecture"], stories["dtype"], stories["context_length"]) == (
        "LlamaForCausalLM",
        "float32",
        1024,
    )
    assert stories["complete"] and not stories["problem"] and stories["size"] > 10_000_000
    assert not models["someone/half"]["complete"]
    shown = process("models", env=hub)
    assert shown.returncode == 0
    assert "someone/stories" in shown.stdout and "11.8 MB" in shown.stdout


def test_a_cached_model_is_opened_by_its_name_and_its_revision_is_told(hub):
    told = json.loads(process("info", "--model", "someone/stories", "--json", env=hub).stdout)
    assert (told["model"], told["revision"]) == ("someone/stories", COMMIT)
    wrong = process("info", "--model", "someone/stories", "--revision", "v9", env=hub)
    assert wrong.returncode == 3
    assert is_one_sentence(wrong.stderr) and "revision v9" in wrong.stderr


def test_what_a_model_is_made_of_is_told(run):
    told = json.loads(run("info", "--json", "--modules", "--parameters").stdout)
    assert told["architecture"] == "LlamaForCausalLM"
    assert (told["layers"], told["heads"], told["key_value_heads"], told["head_dim"]) == (6, 8, 2, 32)
    assert (told["context_length"], told["vocab_size"], told["eos_ids"]) == (1024, 6144, [2, 6])
    assert told["cache"]["incremental"] and told["chat_template"]
    assert told["modules"][0] == {"name": "", "kind": "LlamaForCausalLM", "parameters": 5803264, "device": "cpu"}
    weights = {weight["name"]: weight for weight in told["weights"]}
    assert weights["model.embed_tokens.weight"]["shape"] == [6144, 256]
    assert told["memory"] >= 4 * told["parameters"] == 4 * 5803264


def test_weights_on_the_disk_give_the_same_answer(tmp_path):
    run = Program(Engines())  # Neither engine has seen anything else, so that every bit must be the same.
    plain = json.loads(run("next", "Once upon a", "--json").stdout)
    placed = tmp_path / "map.json"
    placed.write_text(
        json.dumps(
            {
                "model.embed_tokens": "cpu",
                "model.layers": "disk",
                "model.norm": "cpu",
                "model.rotary_emb": "cpu",
                "lm_head": "cpu",
            }
        )
    )
    apart = json.loads(run("next", "Once upon a", "--json", "--device-map", str(placed)).stdout)
    assert apart["device"] == "cpu, disk"
    assert apart["candidates"] == plain["candidates"]


@pytest.mark.parametrize(
    ("flags", "code", "words"),
    [
        (["--device-map", "nowhere"], 2, "device-map is one of auto"),
        (["--device", "cpu", "--device-map", "auto"], 2, "not both"),
        (["--max-memory", "cpu:1GB"], 2, "goes with device-map"),
        (["--device-map", "auto", "--max-memory", "much"], 2, "0:20GiB,cpu:60GiB"),
        (["--quantize", "3bit"], 2, "4bit, 8bit"),
    ],
)
def test_a_way_of_loading_that_cannot_be_is_one_sentence(run, flags, code, words):
    done = run("next", "a", *flags)
    assert done.returncode == code
    assert words in done.stderr and is_one_sentence(done.stderr)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_one_line_on_a_terminal_and_nothing_elsewhere():
    terminal, pipe = Terminal(), io.StringIO()
    for stream in (terminal, pipe):
        line = ProgressLine(stream)
        line(Progress("downloading a\x1b[2J", 1, 4))
        line(Progress("downloading a", 4, 4))
    assert pipe.getvalue() == ""
    assert terminal.getvalue() == "\rdownloading a␛[2J …  25%\x1b[K\r\x1b[K"
