import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path("README.md").read_text("utf-8")
EXERCISES = re.findall(r"<!-- exercise -->\n```bash\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize(
    ("script", "begins", "appended"),
    [(EXERCISES[0], "Udacity", " AI"), (EXERCISES[1], "옛날", "")],
    ids=["english", "korean"],
)
def test_the_exercise_runs_as_it_is_printed(script, begins, appended):
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
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
