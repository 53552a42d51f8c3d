"""Files: whether a record was made on the weights of the same file that computes it again, by their checksums.

Must not know what is compared.
"""

from collections.abc import Mapping
from typing import Any

from explorer.core.token import visible

SHOWN = 60
"""Characters of a name in a sentence; a record is a stranger's text."""


def another_file(recorded: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """A sentence where two models were loaded from different files; "" where nothing tells so.

    Where a file lies, and what it is called, makes no difference.
    """
    one, other = ((made.get("sha256"), made.get("stored_as")) for made in (recorded, now))
    if one == other:
        return ""
    return (
        f"It was recorded on {_named(recorded)}, and is computed on {_named(now)}: where the weights are stored "
        "otherwise, the numbers are others."
    )


def _named(made: Mapping[str, Any]) -> str:
    if not made.get("sha256"):
        return "a folder of weights"
    name, stored, digest = (visible(str(made.get(key)))[:SHOWN] for key in ("gguf", "stored_as", "sha256"))
    return f"{name} ({stored}, SHA-256 {digest[:12]}…)"
