"""Models as a table: those on this machine, with what is known of each."""

from explorer.core.size import size_in_words
from explorer.core.token import visible
from explorer.engine.description import ModelEntry
from explorer.ui.drawing.numbers import UNKNOWN
from explorer.ui.drawing.styles import Style
from explorer.ui.tables.column import Column, Line, gap


class ModelLine(Line, frozen=True, kw_only=True):
    """A model as it stands in the picker."""

    entry: ModelEntry
    current: bool
    """Whether it is the one that is open."""


def _fact(line: ModelLine) -> Style:
    return "warning" if line.entry.problem else "quiet"


def _architecture(line: ModelLine) -> str:
    """For a model that cannot be opened, why; else what part of it is."""
    entry = line.entry
    return "  " + visible(entry.problem or entry.note or entry.architecture or UNKNOWN)


def _used(line: ModelLine) -> str:
    """For a model that is not here, what there is to fetch."""
    return f"↓ {size_in_words(line.entry.to_fetch)}" if line.entry.to_fetch else line.entry.last_used[:10]


MODELS: tuple[Column[ModelLine], ...] = (
    Column("mark", 2, lambda line: "▸ " if line.current else "", lambda line: "bar", head=""),
    Column(
        "model",
        None,
        lambda line: visible(line.entry.id),
        lambda line: "quiet" if line.entry.problem or line.entry.to_fetch else "generated",
        align="left",
    ),
    Column("size", 8, lambda line: size_in_words(line.entry.size), _fact),
    gap(2),
    Column("dtype", 10, lambda line: line.entry.dtype or UNKNOWN, _fact, align="left"),
    Column("used", 10, _used, _fact, align="left"),
    Column("architecture", 28, _architecture, _fact, head="  {}", align="left", gives_way=1, beside=30),
)
