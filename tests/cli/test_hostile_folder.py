"""A folder whose modules are named as what the program imports: none of them may be run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import explorer
from explorer.engine.description import ModelSettings
from explorer.engine.process.client import WorkerEngine

OURS = ("explorer",)
LIBRARIES = (
    *("accelerate", "click", "filelock", "httpx2", "huggingface_hub", "jinja2", "msgspec", "numpy", "platformdirs"),
    *("psutil", "regex", "rich", "safetensors", "textual", "tokenizers", "torch", "tqdm", "transformers", "yaml"),
)
STANDARD = (
    "asyncio",
    "argparse",
    "array",
    "hashlib",
    "json",
    "logging",
    "random",
    "sitecustomize",
    "tempfile",
    "typing",
)
SCRIPT = [str(Path(sys.executable).with_name("token-explorer"))]
MODULE = [sys.executable, "-m", "explorer"]

CHEAP = [["tokens", "hi"], ["models"]]
"""Those that start no engine."""
WITH_ENGINE = [
    ["next", "hi"],
    ["score", "hi there"],
    ["sample", "hi", "--max-new-tokens", "2"],
    ["info"],
    ["search", "hi", "there"],
    ["options", "hi", " there"],
    ["ask"],
    ["replay", "WALK", "--verify"],
    ["replay", "WALK", "--record", "again.jsonl"],
    ["diff", "WALK", "WALK", "--run"],
]


ONCE = [*CHEAP, WITH_ENGINE[0]]


@pytest.fixture
def hostile(tmp_path) -> Path:
    """The folder; a module that is run leaves a file `NAME.ran`."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    for name in (*OURS, *LIBRARIES, *STANDARD):
        (folder / f"{name}.py").write_text(f"open({str(folder / name)!r} + '.ran', 'w').close()\n")
    return folder


def ran(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.ran"))


def run_in(folder: Path, command: list[str]) -> subprocess.CompletedProcess:
    if command[: len(MODULE)] == MODULE:
        # Python looks for a module that it is told to run in the current folder first: that cannot be helped.
        (folder / "explorer.py").unlink()
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


EVERY = [*CHEAP, *WITH_ENGINE]
BOTH = [
    *[pytest.param(SCRIPT, each, id=f"token-explorer {' '.join(each)}") for each in EVERY],
    *[
        pytest.param(
            MODULE, each, id=f"python -m explorer {' '.join(each)}", marks=[pytest.mark.long] * (each not in ONCE)
        )
        for each in EVERY
    ],
]
"""Every command as it is installed; as a module they share the one way in, which a few of them try."""


@pytest.mark.parametrize(("way", "arguments"), BOTH)
def test_no_module_of_the_current_folder_is_run(hostile, way, arguments, request):
    if "WALK" in arguments:
        walk = str(request.getfixturevalue("walk"))
        arguments = [walk if argument == "WALK" else argument for argument in arguments]
    done = run_in(hostile, [*way, *arguments])
    assert (done.returncode, ran(hostile)) == (0, []), done.stderr


async def test_a_worker_that_is_started_in_the_folder_runs_none(hostile, tmp_path, monkeypatch):
    monkeypatch.chdir(hostile)
    settings = ModelSettings(model="scripted", name="scripted")
    engine = WorkerEngine(settings, tmp_path / "engine.log", ["--engine", "scripted"])
    await engine.start()
    await engine.close()
    assert ran(hostile) == []


def test_two_modules_of_the_program_start_processes():
    package = Path(explorer.__file__).parent
    words = ("subprocess", "os.system", "os.spawn", "os.exec", "multiprocessing", "ProcessPool")
    starts = {path.name for path in package.rglob("*.py") if any(word in path.read_text("utf-8") for word in words)}
    assert starts == {"client.py", "wheels.py"}  # The worker; pip or uv, in an empty folder and with -P.


def test_a_current_folder_that_is_gone_stops_nothing(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    code = "import os; os.rmdir(os.getcwd()); import explorer.__main__ as main; main.leave_out_current_folder()"
    done = subprocess.run([sys.executable, "-c", code], cwd=gone, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_folder_that_python_was_told_of_stays_on_the_path(tmp_path):
    code = "import sys, explorer.__main__ as main; main.leave_out_current_folder(); print(sys.path[0])"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(tmp_path)
