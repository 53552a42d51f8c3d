import ast
import importlib
from pathlib import Path
from typing import get_args

import pytest

from explorer.ui.drawing.styles import Style
from explorer.ui.widgets.pane import Pane

WIDGETS = Path("explorer/ui/widgets")
PANES = {
    "text": "TextPane",
    "candidates": "CandidatesPane",
    "tokens": "TokensPane",
    "tree": "TreePane",
    "sampler": "SamplerPane",
    "knobs": "KnobsPane",
    "hits": "HitsPane",
    "ranking": "RankingPane",
    "sequences": "SequencesPane",
    "models": "ModelsPane",
    "flow": "FlowPane",
}
DRAWN_ELSEWHERE = {"flow": [Path(f"explorer/ui/screens/{name}.py") for name in ("force", "prompt", "sequences")]}
"""Screens that give a pane its parts."""


def sources(module: Path) -> list[Path]:
    """A module of a pane, and the tables that it draws, with what those import of tables."""
    found, todo = [], [module]
    while todo:
        path = todo.pop()
        if path in found:
            continue
        found.append(path)
        imports = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.ImportFrom)]
        modules = [node.module or "" for node in imports]
        todo += [Path(f"{name.replace('.', '/')}.py") for name in modules if name.startswith("explorer.ui.tables.")]
    return found


def styles(path: Path) -> set[str]:
    """The styles that a module names, and those that it gets from the kind of a token."""
    found, names = set[str](), set(get_args(Style)) - {""}
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in names:
            found.add(node.value)
        elif isinstance(node, ast.Name) and node.id in ("kind_style", "text_style"):
            found |= {"special", "fragment"}
    return found


@pytest.mark.parametrize("name", PANES)
def test_a_pane_declares_every_style_that_it_draws_with(name):
    pane = getattr(importlib.import_module(f"explorer.ui.widgets.{name}"), PANES[name])
    classes = set[str]().union(*(vars(base).get("COMPONENT_CLASSES", ()) for base in pane.__mro__))
    modules = [*sources(WIDGETS / f"{name}.py"), *DRAWN_ELSEWHERE.get(name, [])]
    named = set[str]().union(*map(styles, modules))
    assert {f"pane--{style}" for style in named} <= classes


def test_every_pane_is_looked_at():
    found = set()
    for path in WIDGETS.glob("*.py"):
        module = importlib.import_module(f"explorer.ui.widgets.{path.stem}")
        found |= {n for n, kind in vars(module).items() if isinstance(kind, type) and issubclass(kind, Pane)}
    assert found == {*PANES.values(), "Pane", "ListPane"}
