import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path("explorer")
HEAVY = {"torch", "transformers", "accelerate"}


def imported_by(module: str) -> set[str]:
    code = f"import sys, {module}; print(*{{name.split('.')[0] for name in sys.modules}})"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=str)
def test_a_module_is_short_and_says_what_it_is(path):
    lines = path.read_text("utf-8").splitlines()
    assert len(lines) <= 400
    assert not lines or lines[0].startswith('"""')


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
        ("explorer.cli.shapes", HEAVY | {"textual", "rich", "tokenizers"}),
        ("explorer.export.formats", HEAVY | {"textual", "rich", "tokenizers", "click"}),
        ("explorer.replay.verification", HEAVY | {"textual", "rich", "tokenizers"}),
        ("explorer.ui.app", HEAVY | {"tokenizers", "click", "huggingface_hub"}),
        ("explorer.cli", HEAVY | {"textual", "rich", "tokenizers", "huggingface_hub"}),
    ],
)
def test_importing_a_module_brings_nothing_heavy(module, forbidden):
    assert not imported_by(module) & forbidden


def test_no_module_is_named_for_nothing():
    names = {path.stem for path in PACKAGE.rglob("*.py")}
    assert not names & {"utils", "util", "helpers", "common", "managers", "misc"}
