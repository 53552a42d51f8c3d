"""What the shipped checkpoint reaches. A threshold is raised with a better one, and never lowered."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from explorer.cli.engines import embedded_folder
from explorer.engine.compute.local import TransformersEngine
from explorer.engine.description import ModelSettings
from explorer.walk.first_look import STORY

FOLDER = embedded_folder()


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(FOLDER)


@pytest.fixture(scope="module")
def model():
    return AutoModelForCausalLM.from_pretrained(FOLDER)


def next_probs(model, tokenizer, text: str) -> torch.Tensor:
    with torch.inference_mode():
        return model(**tokenizer(text, return_tensors="pt")).logits[0, -1].softmax(-1)


@pytest.mark.parametrize(
    ("text", "token", "least"),
    [
        ("Once upon a", " time", 0.99),
        ("They lived happily ever", " after", 0.95),
        ("Monday, Tuesday,", " Wednesday", 0.95),
        ("The sky is", " blue", 0.75),
        ("The capital of France is", " Paris", 0.9),
        ("One, two,", " three", 0.98),
        ("Udacity is the best place to learn about generative", " AI", 0.7),
        ("하나, 둘,", " 셋", 0.95),
        ("모두 행복하게 오래오래", " 살았답니다", 0.95),
    ],
)
def test_what_everybody_would_say_is_likely(model, tokenizer, text, token, least):
    ids = tokenizer.encode(token, add_special_tokens=False)
    assert next_probs(model, tokenizer, text)[ids[0]] > least


async def test_its_own_settings_are_told_by_the_engine():
    engine = TransformersEngine(ModelSettings(model=str(FOLDER), name="embedded", device="cpu"))
    info = await engine.start()
    assert info.sampling_defaults == {"temperature": 0.8, "top_k": 40}
    await engine.close()


def test_where_much_is_possible_it_is_unsure(model, tokenizer):
    probs = next_probs(model, tokenizer, "He opened the")
    entropy = -(probs * probs.log2()).sum().item()
    assert 2.2 < entropy < 6.5


def test_the_prompt_that_it_is_opened_on_leaves_much_open(model, tokenizer):
    probs = next_probs(model, tokenizer, STORY)
    entropy = -(probs * probs.log2()).sum().item()
    assert 3 < entropy < 6
    assert probs.max() < 0.5


def test_a_chat_turn_ends(model, tokenizer):
    messages = [{"role": "user", "content": "What is the capital of France?"}]
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    ids = torch.tensor([tokenizer.encode(text, add_special_tokens=False)])
    with torch.inference_mode():
        out = model.generate(ids, max_new_tokens=60, do_sample=False)[0, ids.shape[1] :].tolist()
    assert out[-1] == 6


def test_a_story_is_told_without_repeating_itself_at_once(model, tokenizer):
    torch.manual_seed(1)
    with torch.inference_mode():
        ids = tokenizer("Once upon a time", return_tensors="pt")["input_ids"]
        out = model.generate(ids, max_new_tokens=120, do_sample=True, temperature=0.8, top_k=40)[0].tolist()
    trigrams = list(zip(out, out[1:], out[2:], strict=False))
    assert len(set(trigrams)) > 0.7 * len(trigrams)


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "옛날 옛적에",
        "👩‍👩‍👧‍👦 🇰🇷 👍🏽",
        "a\x00b\r\n\tc",
        "é ȩ́ ﷽",
        "  two  spaces ",
        "\u202e\ufeff",
        "<|nothing|>",
    ],
)
def test_any_text_round_trips(tokenizer, text):
    ids = tokenizer.encode(text, add_special_tokens=False)
    assert tokenizer.decode(ids, clean_up_tokenization_spaces=False) == text
    assert tokenizer.encode(text) == [1, *ids]


def test_the_chat_template_writes_bos_itself(tokenizer):
    messages = [{"role": role, "content": role[0]} for role in ("system", "user", "assistant")]
    text = tokenizer.apply_chat_template(messages, tokenize=False)
    assert text == (
        "<|begin_of_text|><|system|>\ns<|end_of_turn|>\n<|user|>\nu<|end_of_turn|>\n<|assistant|>\na<|end_of_turn|>\n"
    )
    ids = tokenizer.encode(text, add_special_tokens=False)
    assert ids.count(1) == 1
    assert ids == tokenizer.apply_chat_template(messages)["input_ids"]


def test_the_folder_is_a_normal_one_of_at_most_fourteen_megabytes(model, tokenizer):
    config = json.loads((FOLDER / "config.json").read_text())
    assert config["dtype"] == "float32"
    assert model.dtype == torch.float32
    assert model.config.max_position_embeddings >= 1024
    assert model.generation_config.eos_token_id == [2, 6]
    size = sum(path.stat().st_size for path in FOLDER.iterdir() if path.suffix in (".json", ".safetensors"))
    assert size <= 14_000_000
    assert (FOLDER / "model.safetensors").stat().st_size < 12_000_000
    single = [len(tokenizer.encode(word, add_special_tokens=False)) for word in (" Paris", " Wednesday", " seven")]
    assert single == [1, 1, 1]


def test_training_runs_is_resumed_and_begins_from_shipped_weights(tmp_path: Path):
    """A few steps on a text made here: the losses fall, and a stopped run goes on where it was."""
    texts = tmp_path / "texts"
    texts.mkdir()
    from training.corpus import SHARES

    for name in SHARES:
        if not name.startswith("synth"):
            story = "Once upon a time there was a fox. The fox sang.\n<|end_of_text|>\n"
            (texts / f"{name}.txt").write_text(story * 300)

    def train(*arguments: str) -> str:
        command = [
            sys.executable,
            "-m",
            "training.train",
            "--corpus",
            str(texts),
            "--work",
            str(tmp_path / "w"),
        ]
        options = ["--out", str(tmp_path / "out"), "--synth-scale", "0.05", "--report-every", "2", "--warmup", "2"]
        done = subprocess.run([*command, *options, *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    shipped = ["--from", str(FOLDER)]
    train(*shipped, "--tokens", "8192")
    first = json.loads((tmp_path / "w" / "train_log.json").read_text())
    assert (tmp_path / "out" / "model.safetensors").exists()
    resumed = train(*shipped, "--resume", "--tokens", "16384")
    assert '"step": 4' in resumed
    assert first[0]["step"] == 2
