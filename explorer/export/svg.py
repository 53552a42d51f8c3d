"""SVG: a picture of the path, a token a patch of heat, in lines of monospace cells.

Owns the layout. Every cluster of characters is placed by itself where a font could disagree about its width, so that
the picture is the same with any monospace font. No font, no script, nothing from elsewhere.
"""

import unicodedata
from collections.abc import Iterator
from itertools import groupby
from xml.sax.saxutils import escape

import msgspec

from explorer.core.heat import METRIC, STEPS, Metric
from explorer.core.token import shown_bytes
from explorer.export.colours import DARK, LIGHT
from explorer.export.document import UNKNOWN, Document, shown
from explorer.export.rows import TokenRow

COLUMNS = 80
CELL, LINE, MARGIN = 9.0, 30, 36
"""Of the text, in pixels: the width of a cell, the height of a line, and what is left free around all."""
SIZE = 15
"""Of the font: six tenths of it are a cell, as in nearly every monospace font."""
WIDE = 17
"""Of wide characters, which are as wide as they are high, so that they fill their two cells."""
HEAD = 78
FONT = "ui-monospace,Menlo,Consolas,DejaVu Sans Mono,Noto Sans Mono CJK KR,monospace"


class Cluster(msgspec.Struct, frozen=True):
    """A character with the marks that stand on it, where it is drawn."""

    text: str
    line: int
    column: int
    cells: int
    index: int
    """Of its token."""


def picture(document: Document, heat: str, theme: str) -> str:
    """The file, with a line break at its end."""
    return "\n".join(elements(document, METRIC.get(heat), DARK if theme == "dark" else LIGHT)) + "\n"


def elements(document: Document, metric: Metric | None, colours: dict[str, str]) -> Iterator[str]:
    path = document.path()
    places = list(laid_out([row.completes for row in path] + [shown_bytes(document.session.cursor.pending)]))
    lines = 1 + max((one.line for one in places), default=0)
    width, height = 2 * MARGIN + COLUMNS * CELL, HEAD + lines * LINE + 70
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" font-family="{FONT}" font-size="{SIZE}" fill="{colours["ink"]}">'
    )
    yield f"<title>{escape(document.title)}</title>"
    yield f'<rect width="100%" height="100%" fill="{colours["paper"]}"/>'
    yield f'<text x="{MARGIN}" y="44" font-weight="bold">{escape(document.title)}</text>'
    yield f'<text x="{MARGIN}" y="64" font-size="12" fill="{colours["quiet"]}">{escape(document.line)}</text>'
    for index, group in groupby(places, key=lambda one: one.index):
        row = path[index] if index < len(path) else None
        yield f"<g><title>{escape(numbers(row))}</title>" if row else "<g>"
        ink = colours["quiet"] if row and row.source == "prompt" and not metric else colours["ink"]
        part = list(group)
        yield from token(part, metric.step(row) if metric and row else None, ink, colours)
        if index == len(document.tree.prompt):
            x, y = place(part[0])
            yield f'<rect x="{x - 2.5:g}" y="{y - 19:g}" width="3" height="28" fill="{colours["accent"]}"/>'
        yield "</g>"
    yield from legend(metric, height - 34, colours)
    yield "</svg>"


def token(places: list[Cluster], step: int | None, ink: str, colours: dict[str, str]) -> Iterator[str]:
    """The characters of one token on their heat. A space that hangs at the end of a line is not drawn."""
    for _, group in groupby(places, key=lambda one: one.line):
        part = list(group)
        x, y = place(part[0])
        text = "".join(spans(part))
        if step is not None and (text or len(part) == len(places)):
            yield patch(x, y, sum(one.cells for one in part) * CELL, step, colours)
        if text:
            yield f'<text y="{y:g}" fill="{ink}">{text}</text>'


def patch(x: float, y: float, width: float, step: int, colours: dict[str, str]) -> str:
    """The heat, and a line at its foot that grows with it, for those who do not see the colour."""
    back = f'<rect x="{x:g}" y="{y - 17:g}" width="{width - 1:g}" height="24" rx="2" fill="{colours[f"heat-{step}"]}"/>'
    if not step:
        return back
    sign = f'<rect x="{x:g}" y="{y + 7 - step:g}" width="{width - 1:g}" height="{step}" fill="{colours["mark"]}"/>'
    return back + sign


def spans(places: list[Cluster]) -> Iterator[str]:
    """Words of ASCII as one, everything else by itself, and nothing for spaces."""
    for ascii_, group in groupby(places, key=lambda one: one.text.isascii() and one.text != " "):
        part = list(group)
        words = ["".join(one.text for one in part)] if ascii_ else [one.text for one in part]
        for one, word in zip(part, words, strict=False):
            if word != " ":
                size = f' font-size="{WIDE}"' if one.cells == 2 else ""
                yield f'<tspan x="{place(one)[0]:g}"{size}>{escape(word)}</tspan>'


def place(one: Cluster) -> tuple[float, float]:
    """Where the character begins, and its base line."""
    return MARGIN + one.column * CELL, HEAD + 30 + one.line * LINE


def numbers(row: TokenRow) -> str:
    prob = UNKNOWN if row.prob is None else f"{row.prob:.2%}"
    rank = UNKNOWN if row.rank is None else f"{row.rank:,}"
    return f"{row.token} · {prob} · rank {rank} · id {row.id}"


def legend(metric: Metric | None, y: float, colours: dict[str, str]) -> Iterator[str]:
    """The scale, with what its ends mean."""
    if metric is None:
        return
    words = f"{metric.title}: {metric.low}"
    x = MARGIN + (len(words) + 1) * 7.2
    yield f'<g font-size="12" fill="{colours["quiet"]}">'
    yield f'<text x="{MARGIN}" y="{y:g}">{escape(words)}</text>'
    yield from (patch(x + step * 30, y, 29, step, colours) for step in range(STEPS))
    yield f'<text x="{x + STEPS * 30 + 8:g}" y="{y:g}">{escape(metric.high)}</text>'
    yield "</g>"


# Lines and cells.


def laid_out(texts: list[str]) -> Iterator[Cluster]:
    """The characters of the tokens in lines, broken at spaces where there are any; a line break is drawn as ↵."""
    lines: list[list[tuple[str, int]]] = [[]]
    for index, text in enumerate(texts):
        for character in clusters(shown(text)):
            lines[-1].append(("↵" if character == "\n" else character, index))
            if character == "\n":
                lines.append([])
            elif character != " " and sum(cells(one) for one, _ in lines[-1]) > COLUMNS:
                lines.append(word_at_the_end(lines[-1]))
                del lines[-2][len(lines[-2]) - len(lines[-1]) :]
    for number, line in enumerate(lines):
        column = 0
        for character, index in line:
            yield Cluster(character, number, column, cells(character), index)
            column += cells(character)


def word_at_the_end(line: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """What begins the next line where the last character has no room: the word that it is of, unless that is long."""
    end = len(line) - 1
    start = next((at + 1 for at in range(end, len(line) // 2, -1) if line[at][0] == " "), end)
    return line[start:]


def clusters(text: str) -> Iterator[str]:
    """Characters with the marks that stand on them."""
    cluster = ""
    for character in text:
        if cluster and cells(character):
            yield cluster
            cluster = ""
        cluster += character
    if cluster:
        yield cluster


def cells(cluster: str) -> int:
    """Two for a wide character, none for marks, joiners, and the jamo that stand in the block of the one before."""
    first = cluster[0]
    if unicodedata.category(first) in ("Mn", "Me", "Cf") or "\u1160" <= first <= "\u11ff":
        return 0
    return 2 if unicodedata.east_asian_width(first) in "WF" else 1
