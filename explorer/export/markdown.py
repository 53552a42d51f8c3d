"""Markdown: the text, the tokens of the path as a table, the branches as a nested list, and the facts.

Whatever comes from a model or a person is escaped, and stands where no block can begin. Tables are GitHub's.
"""

import re
from collections.abc import Iterator

from explorer.core.figure import decimal
from explorer.core.token import UNSETTLED, visible
from explorer.export.document import UNKNOWN, Document, branches, prompt_title, shown
from explorer.export.rows import TokenRow

MARKUP = re.compile(r"([\\`*_\[\]<>|~#&$@]|:(?=[A-Za-z+/])|(?<=www)\.)")
"""What can be markup inside a line, links of GitHub's and names of emoji too."""
COLUMNS = ("index", "id", "token", "prob", "rank", "surprisal", "entropy", "source")
CLIPPED = 120
"""Characters of a run."""


def page(document: Document) -> str:
    """The file, with a line break at its end."""
    return "\n".join(lines(document)) + "\n"


def lines(document: Document) -> Iterator[str]:
    path = document.path()
    yield f"# {escaped(document.title)}"
    yield ""
    yield from (f"- **{name}** {escaped(words)}" for name, words in document.facts())
    yield from ("", "## Prompt", "", *fenced(document.tree.text))
    yield from ("", "## Text", "", *fenced(document.text()))
    yield from (
        "",
        "## Tokens",
        "",
        bar(COLUMNS),
        bar("---" if name in ("token", "source") else "---:" for name in COLUMNS),
    )
    yield from (bar(cells(row)) for row in path)
    yield from ("", "Probabilities are the model's own, at temperature 1; surprisal and entropy are in bits.")
    yield from ("", "## Branches", "")
    here = {row.node for row in path if row.source != "prompt"}
    for root, tree in document.trees.items():
        on = root == document.session.root
        yield f"- {mark(on)}prompt {root}, {names([tree.bookmarks.get(0)])}“{escaped(prompt_title(tree))}”"
        for branch in branches(root, tree):
            rows = branch.rows
            size = f"{len(rows):,} token{'' if len(rows) == 1 else 's'}"
            sum_ = decimal(branch.logprob)
            marks = mark(on and rows[0].node in here) + names([row.bookmark for row in rows])
            yield f"{'  ' * (branch.depth + 1)}- {marks}({size}, logprob {sum_}) {escaped(one_line(branch.text))}"
    yield from ("", "● is the path that is shown above; a logprob is the sum over the tokens after the prompt.")


def escaped(text: str) -> str:
    """The text, with whatever could be markup after a backslash."""
    return MARKUP.sub(r"\\\1", shown(text))


def fenced(text: str) -> Iterator[str]:
    """A block of code; its fence is longer than any in the text."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    yield from (fence + "text", shown(text), fence)


def bar(cells: "Iterator[str] | tuple[str, ...]") -> str:
    return f"| {' | '.join(cells)} |"


def cells(row: TokenRow) -> Iterator[str]:
    yield str(row.index)
    yield str(row.id)
    yield escaped(row.token)
    yield UNKNOWN if row.prob is None else f"{row.prob:.2%}"
    yield UNKNOWN if row.rank is None else f"{row.rank:,}"
    yield from map(decimal, (row.surprisal, row.entropy))
    yield source(row)


def source(row: TokenRow) -> str:
    """`prompt`, `picked`, `forced`, or `sampled (seed 7, draw 0)`."""
    if row.seed is None:
        return row.source
    return f"{row.source} (seed {row.seed}{'' if row.draw is None else f', draw {row.draw}'})"


def mark(on: bool) -> str:
    return "● " if on else ""


def names(bookmarks: list[str | None]) -> str:
    return "".join(f"**{escaped(one_line(name))}** " for name in bookmarks if name)


def one_line(text: str) -> str:
    """The beginning of a run, with its line breaks drawn."""
    line = visible(text.replace("\n", "↵ "), UNSETTLED).strip()
    return line if len(line) <= CLIPPED else line[: CLIPPED - 1] + "…"
