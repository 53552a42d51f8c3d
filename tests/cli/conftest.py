"""A record of a walk on the model that ships, and what the tests of the command line need beside it."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from explorer.cli.engines import embedded_folder
from explorer.config import Config
from tests.replay.conftest import record_walk


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl+C reaches the processes that a test starts, also where the tests run in the background and ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def walk(engines, tmp_path_factory) -> Path:
    engine = engines.make(Config())
    return engines.run(record_walk(engine, tmp_path_factory.mktemp("record") / "walk.jsonl"))


@pytest.fixture(scope="session")
def embedded():
    """The model that ships, as transformers has it, in this process."""
    import torch
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(1)
    return AutoModelForCausalLM.from_pretrained(embedded_folder(), dtype="auto", local_files_only=True)
