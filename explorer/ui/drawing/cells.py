"""Text in terminal cells: cutting, padding and wrapping by width, so that columns stay where they are.

Owns the agreement on widths: what terminals disagree on is not drawn (joiners, variation selectors and skin tones are
left out, so that an emoji of several parts stands as its parts). Must not know tokens or widgets.
"""

from collections.abc import Iterator

from rich.cells import get_character_cell_size

from explorer.core.token import UNSETTLED, visible


def drawable(text: str) -> str:
    """The text without the characters on whose width terminals disagree."""
    if text.isascii() or UNSETTLED.isdisjoint(text):
        return text
    return "".join(character for character in text if character not in UNSETTLED)


def shown(text: str, keep: str = "\n") -> str:
    """The text as it can be drawn: pictures for what would drive the terminal, but for what is in `keep`."""
    return drawable(text if text.isprintable() else visible(text, UNSETTLED.union(keep)))


def width(text: str) -> int:
    """Cells that the characters take, each by itself."""
    return sum(get_character_cell_size(character) for character in text)


def fit(text: str, cells: int, align: str = "left") -> str:
    """Exactly `cells` wide: cut with an ellipsis, or padded."""
    text = shown(text, keep="")
    if width(text) > cells:
        text = _cut(text, cells - 1) + "…" if cells else ""
    padding = " " * (cells - width(text))
    return padding + text if align == "right" else text + padding


def fit_ends(begins: str, ends: str, cells: int) -> str:
    """A beginning and an end, exactly `cells` wide, with an ellipsis between; an empty end says that nothing lacks."""
    begins, ends = shown(begins, keep=""), shown(ends, keep="")
    if (not ends and width(begins) <= cells) or cells < 3:
        return fit(begins, cells)
    last = ""
    for cluster, _ in reversed(list(clusters(ends or begins))):
        if width(cluster + last) > (cells - 1) // 2:
            break
        last = cluster + last
    first = _cut(begins, cells - 1 - width(last))
    return fit(f"{first}…{last}", cells)


def _cut(text: str, cells: int) -> str:
    used = 0
    for index, character in enumerate(text):
        used += get_character_cell_size(character)
        if used > cells:
            return text[:index]
    return text


def clusters(text: str) -> Iterator[tuple[str, int]]:
    """Characters with the marks that stand on them, and their width."""
    cluster, size = "", 0
    for character in text:
        cells = get_character_cell_size(character)
        if cluster and cells:
            yield cluster, size
            cluster, size = "", 0
        cluster += character
        size += cells
    if cluster:
        yield cluster, size
