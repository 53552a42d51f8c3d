"""A record of a walk on the model that ships, for the commands that work on records."""

import asyncio
from pathlib import Path

import pytest

from explorer.cli.engines import make_engine
from explorer.config import Config
from tests.replay.conftest import record_walk


@pytest.fixture(scope="session")
def walk(tmp_path_factory) -> Path:
    async def record() -> Path:
        engine = make_engine(Config())
        try:
            return await record_walk(engine, tmp_path_factory.mktemp("record") / "walk.jsonl")
        finally:
            await engine.close()

    return asyncio.run(record())
