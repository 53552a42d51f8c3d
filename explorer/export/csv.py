"""CSV: a row a token, of the path or of every branch, in the columns of docs/export-format.md (RFC 4180)."""

import csv
import io
from collections.abc import Iterator

import msgspec

from explorer.export.document import Document, alive
from explorer.export.rows import TokenRow, node_row, prompt_rows

COLUMNS = tuple(name for name in TokenRow.__struct_fields__ if name not in ("text", "completes"))
"""The texts as they are stay out: line breaks in cells are read differently everywhere, and `bytes` says the same."""

FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""What a spreadsheet takes for the beginning of a formula, in either width."""


def table(document: Document, branches: str) -> str:
    """The header and the rows, each ending with CRLF; `branches` is `path` or `all`."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in every_row(document) if branches == "all" else document.path():
        data = None if row.bytes is None else bytes.fromhex(row.bytes).hex(" ").upper()
        row = msgspec.structs.replace(row, token=plain(row.token), bytes=data, bookmark=plain(row.bookmark or ""))
        writer.writerow(getattr(row, name) for name in COLUMNS)
    return text.getvalue()


def every_row(document: Document) -> Iterator[TokenRow]:
    """The tokens of every branch, each once, a parent before its children."""
    for root, tree in document.trees.items():
        yield from prompt_rows(root, tree)
        yield from (node_row(root, tree, node) for node in alive(tree) if node.parent is not None)


def plain(text: str) -> str:
    """The text after an apostrophe where a spreadsheet would compute it."""
    return "'" + text if text.startswith(FORMULA) else text
