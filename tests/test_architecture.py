import ast
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path("explorer")
MODULES = sorted(PACKAGE.rglob("*.py"))
HEAVY = {"torch", "transformers", "accelerate"}
MOST_METHODS = 40

FORBIDDEN = (
    ("explorer/errors.py", "explorer.core.token"),
    ("explorer/wording/__init__.py", "explorer.errors"),
    ("explorer/core/token.py", "explorer.engine.base"),
    ("explorer/core/record/journal.py", "explorer.walk.walk"),
    ("explorer/core/sampling/params.py", "torch"),
    ("explorer/core/walk/tree.py", "textual"),
    ("explorer/config.py", "explorer.engine.base"),
    ("explorer/config.py", "click"),
    ("explorer/export/html.py", "explorer.engine.base"),
    ("explorer/export/csv.py", "rich"),
    ("explorer/engine/base.py", "explorer.walk.walk"),
    ("explorer/engine/base.py", "explorer.engine.compute.local"),
    ("explorer/engine/process/client.py", "torch"),
    ("explorer/engine/process/client.py", "explorer.engine.compute.local"),
    ("explorer/engine/process/worker.py", "transformers"),
    ("explorer/engine/files/hub.py", "tokenizers"),
    ("explorer/engine/gguf/header.py", "transformers"),
    ("explorer/engine/scripted/scripted.py", "transformers"),
    ("explorer/engine/vocabulary/entries.py", "explorer.config"),
    ("explorer/engine/compute/local.py", "textual"),
    ("explorer/walk/opening.py", "explorer.engine.vocabulary.entries"),
    ("explorer/walk/run.py", "explorer.ui.desk"),
    ("explorer/walk/fork.py", "explorer.replay.rewalk"),
    ("explorer/walk/walk.py", "textual"),
    ("explorer/replay/verification.py", "explorer.engine.process.client"),
    ("explorer/replay/comparison.py", "explorer.walk.walk"),
    ("explorer/ui/app.py", "explorer.engine.scripted.scripted"),
    ("explorer/ui/desk.py", "explorer.config"),
    ("explorer/ui/screen.py", "explorer.cli.engines"),
    ("explorer/ui/actions/loading.py", "huggingface_hub"),
    ("explorer/cli/root.py", "explorer.engine.compute.local"),
    ("explorer/cli/engines.py", "torch"),
    ("explorer/cli/next.py", "rich"),
)
"""Imports that no room may have: in which module, and of what."""


@pytest.fixture(scope="module")
def smuggled(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What import-linter says of a copy of the program into which every forbidden import is written."""
    folder = tmp_path_factory.mktemp("smuggled")
    shutil.copy("pyproject.toml", folder)
    shutil.copytree(PACKAGE, folder / PACKAGE, ignore=lambda _, names: [n for n in names if n.endswith(".safetensors")])
    for module, imported in FORBIDDEN:
        with (folder / module).open("a") as file:
            file.write(f"\nimport {imported}\n")
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize(("module", "imported"), FORBIDDEN)
def test_a_forbidden_import_is_caught_in_every_room(smuggled: str, module: str, imported: str) -> None:
    importer = module.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    found = [line for line in smuggled.splitlines() if line.strip().startswith(f"- {importer} -> {imported} (l.")]
    assert found, smuggled


def test_every_room_is_tried() -> None:
    rooms = {path.parent for path in MODULES} - {PACKAGE, PACKAGE / "embedded"}
    tried = {Path(module).parent for module, _ in FORBIDDEN}
    # What computes, and what is drawn, are one room each for the contracts.
    one = {"compute": PACKAGE / "engine/compute", "ui": PACKAGE / "ui"}
    assert {one.get(room.parent.name, room) for room in rooms} <= tried | {one["compute"]}


def imported_by(module: str) -> set[str]:
    code = f"import sys, {module}; print(*{{name.split('.')[0] for name in sys.modules}})"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("explorer.core.walk.session", HEAVY | {"textual", "rich", "tokenizers", "click"}),
        ("explorer.engine.process.client", HEAVY | {"textual", "rich", "tokenizers"}),
        ("explorer.engine.process.worker", HEAVY | {"textual", "rich", "tokenizers"}),
        ("explorer.engine.scripted.scripted", HEAVY | {"textual", "rich", "tokenizers"}),
        ("explorer.engine.vocabulary.vocabulary", HEAVY | {"textual", "rich"}),
        ("explorer.engine.files.catalogue", HEAVY | {"textual", "rich", "tokenizers"}),
        ("explorer.engine.files.hub", HEAVY | {"textual", "rich", "tokenizers"}),
        ("explorer.walk.opening", HEAVY | {"textual", "rich", "tokenizers"}),
        ("explorer.export.formats", HEAVY | {"textual", "rich", "tokenizers", "click"}),
        ("explorer.replay.verification", HEAVY | {"textual", "rich", "tokenizers"}),
        ("explorer.ui.app", HEAVY | {"tokenizers", "click", "huggingface_hub"}),
        ("explorer.cli", HEAVY | {"textual", "rich", "tokenizers", "huggingface_hub"}),
    ],
)
def test_importing_a_module_brings_nothing_heavy(module: str, forbidden: set[str]) -> None:
    assert not imported_by(module) & forbidden


# Modules and classes.


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_a_module_is_short_and_says_what_it_is(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    assert len(lines) <= 400
    assert lines
    assert lines[0].startswith('"""')


def test_no_module_is_named_for_nothing() -> None:
    names = {path.stem for path in MODULES}
    assert not names & {"utils", "util", "helpers", "common", "managers", "misc"}


Class = tuple[str, str]
"""Module and name."""


@cache
def classes() -> dict[Class, tuple[list[Class], set[str]]]:
    """The classes of the program: their bases, and the names of their methods."""
    found: dict[Class, tuple[list[Class], set[str]]] = {}
    for path in MODULES:
        module = ".".join(path.with_suffix("").parts)
        tree = ast.parse(path.read_text("utf-8"))
        imported = {
            alias.asname or alias.name: (node.module or "", alias.name)
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                heads = [base.value if isinstance(base, ast.Subscript) else base for base in node.bases]
                names = [head.id for head in heads if isinstance(head, ast.Name)]
                methods = {n.name for n in node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}
                found[module, node.name] = ([imported.get(name, (module, name)) for name in names], methods)
    return found


def methods(one: Class) -> set[str]:
    """Of a class, over its whole inheritance within the program."""
    bases, own = classes().get(one, ([], set()))
    return own.union(*(methods(base) for base in bases))


def test_no_class_has_more_methods_than_can_be_read() -> None:
    assert {one: len(methods(one)) for one in classes() if len(methods(one)) > MOST_METHODS} == {}


def test_no_method_is_left_for_others_to_write() -> None:
    raising = [str(path) for path in MODULES if "raise NotImplementedError" in path.read_text("utf-8")]
    assert raising == []
