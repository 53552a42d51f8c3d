import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from explorer import __version__

PROJECT = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]
OURS = {"explorer", "training", "benchmarks", "tests"}
DISTRIBUTIONS = packages_distributions()


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(groups: tuple[str, ...]) -> set[str]:
    requirements = [*PROJECT["dependencies"]]
    for group in groups:
        requirements += PROJECT["optional-dependencies"][group]
    return {normalised(re.split(r"[^\w.-]", requirement)[0]) for requirement in requirements}


def imported(folder: str) -> set[str]:
    names = set()
    for path in Path(folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add(node.module)
    neighbours = {path.stem for path in Path(folder).glob("*")}
    return {name.partition(".")[0] for name in names} - sys.stdlib_module_names - OURS - neighbours


@pytest.mark.parametrize(
    ("folder", "groups"),
    [
        ("explorer", ("peft",)),
        ("training", ("training",)),
        ("benchmarks", ("peft",)),
        ("tests", ("dev", "peft", "training")),
    ],
)
def test_every_package_that_is_imported_is_declared(folder, groups):
    missing = {
        name for name in imported(folder) if not {normalised(one) for one in DISTRIBUTIONS[name]} & declared(groups)
    }
    assert not missing


def test_every_package_that_is_declared_has_its_version_pinned():
    pinned = {normalised(line.partition("==")[0]) for line in Path("constraints.txt").read_text().splitlines()}
    assert declared(("training", "dev")) - {normalised(PROJECT["name"])} <= pinned


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """What is in the wheel, built from this tree."""
    pytest.importorskip("hatchling", reason="hatchling, which builds the wheel, is not installed")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        return set(archive.namelist())


def test_the_wheel_has_everything_that_the_program_reads(wheel):
    files = {str(path) for path in Path("explorer").rglob("*") if path.is_file() and path.parent.name != "__pycache__"}
    assert {"explorer/py.typed", "explorer/embedded/model.safetensors"} <= files
    files |= {f"explorer/themes/{path.name}" for path in Path("themes").glob("*.toml")}
    assert files <= wheel


def test_the_wheel_has_nothing_else(wheel):
    assert {name.partition("/")[0] for name in wheel} <= {"explorer", f"token_explorer-{__version__}.dist-info"}
