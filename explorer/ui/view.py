"""View: how a walk is shown, and what is said beside it; none of it is recorded. Must not know what is shown."""

from typing import Literal

import msgspec

TokenView = Literal["text", "piece", "bytes"]
TOKEN_VIEWS: tuple[TokenView, ...] = ("text", "piece", "bytes")

Severity = Literal["note", "warning", "error"]


class View(msgspec.Struct, frozen=True):
    rows: int = 20
    """Of the table; those of tokens that were tried are listed all the same."""
    tokens: TokenView = "text"
    """How a token is written."""
    heat: str = ""
    """The id of the metric that the colour of a token tells; "" is whether it was given or came later."""
    cumulative: bool = False
    """Whether the table tells the model's mass down to each row."""
    running: bool = False
    """Whether a run is under way."""
    note: str = ""
    """What happened last."""
    severity: Severity = "note"
