import asyncio
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from explorer.core.sampling.params import SamplingParams
from explorer.engine.description import ModelSettings
from explorer.engine.process import wire
from explorer.engine.process.client import WorkerEngine, ended
from explorer.errors import EngineDied, EngineError, ModelError, UsageError

SETTINGS = ModelSettings(model="scripted", name="scripted")
ONE = SamplingParams(seed=1)
LOAD = wire.Load
PATIENCE = 20
"""Seconds after which a test fails instead of hanging."""


@pytest.fixture
async def engine(tmp_path):
    engine = WorkerEngine(SETTINGS, tmp_path / "log" / "engine.log", ["--engine", "scripted"])
    yield engine
    await engine.close()


@pytest.fixture
def intruder(tmp_path, monkeypatch):
    """Code that every worker runs when its interpreter starts."""

    def install(code: str) -> None:
        folder = tmp_path / "intruder"
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(code)
        monkeypatch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")

    return install


class Deaths(list):
    """Sentences of `on_death`, and an event for the first."""

    def __init__(self) -> None:
        super().__init__()
        self.happened = asyncio.Event()

    def __call__(self, sentence: str) -> None:
        self.append(sentence)
        self.happened.set()


async def stopped(engine: WorkerEngine) -> int:
    """Stop the worker where it stands, so that what is asked of it stays unanswered."""
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGSTOP)
    return engine.pid


async def asked(engine: WorkerEngine) -> asyncio.Task:
    """A call that has been sent."""
    task = asyncio.create_task(engine.next([256], ONE, 3))
    await asyncio.sleep(0)
    return task


async def test_a_killed_worker_ends_the_pending_calls_once_and_can_be_started_again(engine):
    engine.on_death = deaths = Deaths()
    info = await engine.start()
    before = await engine.next([256, 258], ONE, 3)
    pid = await stopped(engine)
    calls = [await asked(engine) for _ in range(3)]
    os.kill(pid, signal.SIGKILL)
    for call in calls:
        with pytest.raises(EngineDied, match=r"was killed \(SIGKILL\)"):
            await asyncio.wait_for(call, PATIENCE)
    await asyncio.wait_for(deaths.happened.wait(), PATIENCE)
    assert deaths == ["The engine was killed (SIGKILL), as the system does when memory runs out."]
    assert (engine.info, engine.pid) == (None, None)
    with pytest.raises(EngineDied, match="not running"):
        await engine.next([256], ONE, 3)
    assert await engine.start() == info
    assert engine.pid != pid
    assert await engine.next([256, 258], ONE, 3) == before
    assert len(deaths) == 1


async def test_a_generation_ends_with_the_worker(engine):
    await engine.start()
    stream = engine.generate([256], ONE, draws=0, max_new_tokens=500, top=1)
    await anext(stream)
    os.kill(engine.pid, signal.SIGKILL)
    with pytest.raises(EngineDied, match="SIGKILL"):
        async with asyncio.timeout(PATIENCE):
            async for _ in stream:
                pass


async def test_closing_is_not_a_death_and_ends_the_process(engine):
    engine.on_death = deaths = Deaths()
    await engine.start()
    watched = os.pidfd_open(engine.pid) if hasattr(os, "pidfd_open") else None
    await engine.close()
    await engine.close()
    assert (deaths, engine.info, engine.pid) == ([], None, None)
    if watched is not None:
        assert select.select([watched], [], [], PATIENCE)[0]
        os.close(watched)


async def test_a_call_that_waits_while_the_engine_is_closed_ends(engine, monkeypatch):
    monkeypatch.setattr("explorer.engine.process.client.GRACE", 0.1)
    await engine.start()
    await stopped(engine)
    call = await asked(engine)
    await engine.close()
    with pytest.raises(EngineDied, match="closed"):
        await asyncio.wait_for(call, PATIENCE)


async def test_starting_again_replaces_the_worker(engine):
    engine.on_death = deaths = Deaths()
    await engine.start()
    first = engine.pid
    await engine.start()
    assert engine.pid != first
    assert len((await engine.next([256], ONE, 3)).candidates) == 3
    assert deaths == []


async def test_an_engine_that_was_not_started_says_so(engine):
    with pytest.raises(EngineDied, match="not running"):
        await engine.encode("a")
    await engine.close()


async def test_a_base_that_the_worker_does_not_know_is_sent_again_whole(engine):
    await engine.start()
    expected = await engine.next([256, 258, 259], ONE, 3)
    engine._prefixes.write([256, 258])  # Named, and never sent.
    assert await engine.next([256, 258, 259], ONE, 3) == expected
    engine._prefixes.write([256, 258])
    stream = engine.generate([256, 258, 259], ONE, draws=0, max_new_tokens=2, top=1)
    assert [step.draw async for step in stream] == [0, 1]


async def test_an_answer_that_is_too_long_to_be_sent_is_said_and_the_engine_goes_on(engine):
    await engine.start()
    with pytest.raises(UsageError, match=r"The answer is \d+ MB long; .* Shorten the text\."):
        await engine.describe([300] * 2_500_000)
    assert len((await engine.next([256], ONE, 3)).candidates) == 3


async def test_a_text_that_is_too_long_to_be_sent_is_said_and_the_engine_goes_on(engine, monkeypatch):
    await engine.start()
    with (
        monkeypatch.context() as patched,
        pytest.raises(UsageError, match="The request is 1 MB long; the engine can take 1 kB at most"),
    ):
        patched.setattr(wire, "LINE_LIMIT", 1000)
        await engine.encode("a" * 10**6)
    assert len((await engine.next([256], ONE, 3)).candidates) == 3


async def test_prints_of_a_library_go_to_the_log_and_not_into_the_protocol(engine, intruder):
    intruder(
        "import os, sys\n"
        "class Noisy:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'explorer.engine.scripted.scripted':\n"
        "            print('a stray line', flush=True)\n"
        "            os.write(1, b'half a line')\n"
        "            os.system('echo from a grandchild')\n"
        "            print('input is empty:', repr(sys.stdin.read()), flush=True)\n"
        "sys.meta_path.insert(0, Noisy())\n"
    )
    await engine.start()
    assert len((await engine.next([256], ONE, 3)).candidates) == 3
    log = engine.log_file.read_text()
    for word in ("a stray line", "half a line", "from a grandchild", "input is empty: ''"):
        assert word in log


async def test_an_answer_that_cannot_be_read_is_an_error_and_not_a_silence(engine, intruder):
    intruder("import sys\nprint('before the protocol', flush=True)")
    with pytest.raises(EngineDied, match="its answer could not be read"):
        await asyncio.wait_for(engine.start(), PATIENCE)


async def test_the_last_lines_of_the_log_come_with_the_death(engine, intruder):
    intruder("import os, sys\nfor n in range(9): print('line', n, file=sys.stderr)\nsys.stderr.flush(); os._exit(7)")
    with pytest.raises(EngineDied, match="ended with exit code 7") as caught:
        await asyncio.wait_for(engine.start(), PATIENCE)
    assert caught.value.log_tail == "line 6\nline 7\nline 8"
    assert engine.info is None


async def test_a_model_that_cannot_be_loaded_is_said(tmp_path):
    engine = WorkerEngine(ModelSettings(model=str(tmp_path / "missing"), name="missing"), tmp_path / "engine.log")
    engine.on_death = deaths = Deaths()
    with pytest.raises(ModelError, match="There is no folder"):
        await engine.start()
    assert engine.info is None
    await engine.close()
    assert deaths == []


async def test_a_worker_refuses_another_version_of_the_protocol(engine, monkeypatch):
    monkeypatch.setattr(wire, "Load", lambda settings: LOAD(settings, version=99))
    with pytest.raises(EngineError, match="another version of the protocol"):
        await asyncio.wait_for(engine.start(), PATIENCE)


async def test_a_log_that_cannot_be_written_stops_nothing(tmp_path):
    (tmp_path / "file").write_text("")
    engine = WorkerEngine(SETTINGS, tmp_path / "file" / "engine.log", ["--engine", "scripted"])
    await engine.start()
    assert engine.log_tail() == ""
    await engine.close()


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs pidfd_open")
def test_a_worker_whose_parent_is_killed_ends(tmp_path):
    parent_code = (
        "import asyncio, sys, pathlib\n"
        "from explorer.engine.description import ModelSettings\n"
        "from explorer.engine.process.client import WorkerEngine\n"
        "async def main():\n"
        "    settings = ModelSettings(model='', name='scripted')\n"
        "    engine = WorkerEngine(settings, pathlib.Path(sys.argv[1]), ['--engine', 'scripted'])\n"
        "    await engine.start()\n"
        "    print(engine.pid, flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, "-c", parent_code, str(tmp_path / "engine.log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        watched = os.pidfd_open(int(parent.stdout.readline()))
        try:
            parent.kill()
            assert select.select([watched], [], [], PATIENCE)[0], "the worker outlives its parent"
        finally:
            os.close(watched)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs /proc")
async def test_a_scripted_worker_loads_no_torch(engine):
    await engine.start()
    await engine.next([256], ONE, 3)
    maps = Path(f"/proc/{engine.pid}/maps").read_text()
    assert "python" in maps
    assert not [word for word in ("torch", "tokenizers", "numpy") if word in maps]


def test_the_process_that_draws_loads_no_torch():
    code = (
        "import sys\n"
        "import explorer.engine.process.client, explorer.engine.process.wire\n"
        "import explorer.engine.scripted.scripted, explorer.engine.vocabulary.vocabulary\n"
        "print([name for name in ('torch', 'transformers', 'accelerate', 'numpy') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "ended with exit code 0"),
        (3, "ended with exit code 3"),
        (-11, "was killed (SIGSEGV)"),
        (-9, "was killed (SIGKILL), as the system does when memory runs out"),
    ],
)
def test_how_a_process_ended_is_said_in_words(code, words):
    assert ended(code) == words
    assert ended(-63).startswith("was killed (")
