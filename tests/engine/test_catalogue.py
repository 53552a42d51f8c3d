import json
import os

import huggingface_hub.constants as constants
import pytest

from explorer.engine.files.catalogue import cached_models, cached_revisions

TOKENIZER = {"tokenizer.json": "{}"}
LLAMA = {"architectures": ["LlamaForCausalLM"], "dtype": "bfloat16", "max_position_embeddings": 4096}


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "hub"


@pytest.fixture
def add(cache):
    """Puts a model into the cache as the hub's library does: blobs, and links to them."""

    def put(model, config=LLAMA, files=None, *, commit="a" * 40, ref="main", used=1_700_000_000):
        home = cache / f"models--{model.replace('/', '--')}"
        snapshot = home / "snapshots" / commit
        for folder in (snapshot, home / "blobs", home / "refs"):
            folder.mkdir(parents=True, exist_ok=True)
        if ref:
            (home / "refs" / ref).write_text(commit)
        texts = {"model.safetensors": "weights", **TOKENIZER} if files is None else dict(files)
        if config is not None:
            texts["config.json"] = config if isinstance(config, str) else json.dumps(config)
        for name, text in texts.items():
            blob = home / "blobs" / f"{commit[0]}-{name}"
            blob.write_text(text)
            os.utime(blob, (used, 1_600_000_000))
            (snapshot / name).symlink_to(blob)
        return snapshot

    return put


def test_a_cache_that_does_not_exist_is_empty(cache, tmp_path):
    assert cached_models(cache) == []
    (tmp_path / "file").write_text("")
    assert cached_models(tmp_path / "file") == []


def test_a_model_is_described_by_its_files(cache, add):
    add("owner/name")
    [entry] = cached_models(cache)
    assert (entry.id, entry.revision, entry.size) == ("owner/name", "a" * 40, 7 + 2 + len(json.dumps(LLAMA)))
    assert (entry.architecture, entry.dtype, entry.context_length) == ("LlamaForCausalLM", "bfloat16", 4096)
    assert (entry.last_used, entry.complete, entry.problem) == ("2023-11-14T22:13:20Z", True, "")


def test_the_last_used_comes_first(cache, add):
    add("gpt2", used=1_700_000_002)
    add("b/old", used=1_700_000_001)
    add("a/new", used=1_700_000_003)
    assert [entry.id for entry in cached_models(cache)] == ["a/new", "gpt2", "b/old"]


def test_looking_is_not_using(cache, add):
    add("owner/name")
    assert cached_models(cache) == cached_models(cache)


@pytest.mark.parametrize(
    ("config", "dtype", "length"),
    [
        ({"model_type": "gpt2", "n_positions": 1024, "torch_dtype": "float32"}, "float32", 1024),
        ({"architectures": [], "text_config": {"dtype": "float16", "max_position_embeddings": 8}}, "float16", 8),
        ({"dtype": "bfloat16", "quantization_config": {"quant_method": "awq", "bits": 4}}, "awq", None),
        (
            {"max_position_embeddings": 64, "rope_scaling": {"type": "yarn", "factor": 4.0}},
            None,
            256,
        ),
        ({"model_type": "bloom", "seq_length": 2048}, None, None),
        ({"architectures": "x", "dtype": 7, "max_position_embeddings": "many", "text_config": []}, None, None),
    ],
)
def test_what_a_config_says_of_numbers_and_length(cache, add, config, dtype, length):
    add("owner/name", config)
    [entry] = cached_models(cache)
    assert (entry.dtype, entry.context_length, entry.problem) == (dtype, length, "")
    assert entry.architecture == config.get("model_type")


SHARDED = json.dumps(
    {"weight_map": {"a": "model-1-of-3.safetensors", "b": "model-2.safetensors", "c": "c.safetensors"}}
)


@pytest.mark.parametrize(
    ("config", "files", "problem", "complete"),
    [
        (None, {"model.safetensors": ""}, "no config.json", False),
        (LLAMA, TOKENIZER, "incomplete: no weights", False),
        (LLAMA, {"model.safetensors": ""}, "incomplete: no tokenizer", False),
        (
            LLAMA,
            {"model.safetensors.index.json": SHARDED, "c.safetensors": "", **TOKENIZER},
            "incomplete: 1 of 3 weight files",
            False,
        ),
        (LLAMA, {"pytorch_model.bin": "", **TOKENIZER}, "pickled weights only", True),
        ({"architectures": ["BertForMaskedLM"]}, None, "not a causal language model (BertForMaskedLM)", True),
    ],
)
def test_why_a_model_cannot_be_loaded(cache, add, config, files, problem, complete):
    add("owner/name", config, files)
    [entry] = cached_models(cache)
    assert (entry.problem, entry.complete) == (problem, complete)


@pytest.mark.parametrize("config", ["{", "[]", "\0", ""])
def test_a_config_that_cannot_be_read_is_a_problem(cache, add, config):
    add("owner/name", config)
    [entry] = cached_models(cache)
    assert "config.json" in entry.problem
    assert not entry.complete


def test_a_broken_link_is_a_problem_of_its_model_only(cache, add):
    add("owner/whole")
    (add("owner/broken") / "model.safetensors").resolve().unlink()
    problems = {entry.id: entry.problem for entry in cached_models(cache)}
    assert problems == {"owner/whole": "", "owner/broken": "incomplete: no weights"}


def test_what_is_no_model_of_the_cache_is_left_out(cache, add):
    add("owner/name")
    (cache / "datasets--owner--data" / "snapshots" / "b").mkdir(parents=True)
    (cache / "models--owner--empty").mkdir()
    (cache / "models--owner--file").write_text("")
    (cache / ".locks").mkdir()
    assert [entry.id for entry in cached_models(cache)] == ["owner/name"]


def test_a_revision_without_a_name_is_listed_where_it_can_be_loaded(cache, add):
    add("owner/name", files=TOKENIZER)
    add("owner/name", commit="b" * 40, ref=None)
    add("owner/name", files=TOKENIZER, commit="c" * 40, ref=None)
    add("owner/other", files=TOKENIZER, commit="d" * 40, ref=None)
    assert sorted(entry.revision[0] for entry in cached_models(cache)) == ["a", "b", "d"]


def test_the_revisions_of_one_model(cache, add, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    add("owner/name")
    add("owner/other")
    assert [entry.id for entry in cached_revisions("owner/name")] == ["owner/name"]
    assert cached_revisions("owner/missing") == []
    assert len(cached_models()) == 2
