import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from multiprocessing.connection import Client, Listener
from pathlib import Path

import pytest

from tests.cli.program import PROGRAM

README = Path("README.md").read_text("utf-8")
EXERCISES = re.findall(r"<!-- exercise -->\n```bash\n(.*?)```", README, re.DOTALL)

CALLER = """
import sys
from multiprocessing.connection import Client
with Client({door!r}) as asked:
    asked.send(sys.argv[1:])
    out, err, code = asked.recv()
sys.stdout.write(out)
sys.stderr.write(err)
sys.exit(code)
"""


@pytest.fixture
def kept(run, tmp_path) -> Iterator[Path]:
    """A folder with a `token-explorer` that has each command run in this process, on a worker that is kept."""
    door, program = tmp_path / "door", tmp_path / "token-explorer"
    program.write_text(f"#!{sys.executable}\n{CALLER.format(door=str(door))}")
    program.chmod(0o700)

    def answer() -> None:
        while True:
            with listener.accept() as caller:
                if (arguments := caller.recv()) is None:
                    return
                done = run(*arguments)
                caller.send((done.stdout, done.stderr, done.returncode))

    with Listener(str(door), "AF_UNIX") as listener:
        answering = threading.Thread(target=answer)
        answering.start()
        yield tmp_path
        with Client(str(door)) as last:
            last.send(None)
        answering.join()


@pytest.fixture
def installed() -> Path:
    return PROGRAM.parent


@pytest.mark.parametrize(
    ("script", "program", "begins", "appended"),
    [
        (EXERCISES[0], "installed", "Once", "extraordinary"),
        (EXERCISES[1], "kept", "옛날", "옛날 옛적에 숲속에 작고 귀여운"),
    ],
    ids=["english", "korean"],
)
def test_the_exercise_runs_as_it_is_printed(request, script, program, begins, appended):
    folder = request.getfixturevalue(program)
    path = os.pathsep.join([str(folder), str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True, env={**os.environ, "PATH": path}
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert begins in done.stdout.replace("␣", " ")
    assert appended in done.stdout.replace("␣", " ")
    assert done.stdout.count("entropy") == 3
    tables = re.findall(r"^\d+ tokens$", done.stdout, re.MULTILINE)
    first, last = (int(line.split()[0]) for line in (tables[0], tables[-1]))
    assert last == first + 3


def test_every_file_that_is_named_exists():
    for name in re.findall(r"\]\(([^)#:]+)\)", README):
        assert Path(name).exists(), name
