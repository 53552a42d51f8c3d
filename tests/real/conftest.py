"""SmolLM2, a real model that everybody can have, as the program answers and as transformers does."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from filelock import FileLock
from platformdirs import user_cache_path

from explorer.config import Config
from tests.cli.program import KeptEngine

DTYPE = "float32"
"""Of most tests: in the 16 bits of the folder, a pass of one token and one of many differ in the third digit."""


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """The folder of the model; skipped where it is not here and cannot be fetched."""
    home = user_cache_path("token-explorer-tests")
    home.mkdir(parents=True, exist_ok=True)
    folder = home / "data" / "token-explorer" / "models" / "smollm2"
    # The processes that the tests are spread over take turns: the first one fetches.
    with FileLock(home / "smollm2.lock"):
        if not folder.exists():
            pytest.skip("SmolLM2 is not here")
    return folder


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
