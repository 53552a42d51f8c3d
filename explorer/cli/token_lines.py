"""The tokens of a text as plain lines, for scripts: ids, pieces, or fields separated by tabs.

Owns the escapes, which keep a token on its line and its field. Must not know tables.
"""

import unicodedata
from collections.abc import Mapping, Sequence

from explorer.core.token import Token

FIELDS = ("index", "id", "piece", "bytes")

NAMED = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}


def written(form: str, tokens: Mapping[str, Sequence[Token]]) -> str:
    """The tokens of one model or of several, in a form: `ids`, `pieces` or `tsv`; without the last line break.

    `ids` and `pieces` are a line a model. `tsv` has a line for each token below the names of its fields; where there
    are several models, the first field is the model.
    """
    if form == "ids":
        return "\n".join(" ".join(str(token.id) for token in one) for one in tokens.values())
    if form == "pieces":
        return "\n".join(" ".join(escaped(token.piece, " ") for token in one) for one in tokens.values())
    several = len(tokens) > 1
    lines = [("model", *FIELDS) if several else FIELDS]
    for model, one in tokens.items():
        for index, token in enumerate(one):
            fields = (str(index), str(token.id), escaped(token.piece), token.bytes.hex())
            lines.append((escaped(model), *fields) if several else fields)
    return "\n".join("\t".join(line) for line in lines)


def escaped(text: str, more: str = "") -> str:
    r"""A text without control or format characters and without those of `more`.

    A tab is `\t`, a line break `\n`, a carriage return `\r` and a backslash `\\`; everything else is `\u{200D}`, with
    the number of the character in hexadecimal.
    """
    return "".join(NAMED.get(c) or (f"\\u{{{ord(c):X}}}" if c in more or _is_hidden(c) else c) for c in text)


def _is_hidden(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] == "C" or category in ("Zl", "Zp")
