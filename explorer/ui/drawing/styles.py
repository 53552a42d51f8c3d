"""Styles: what a part of a line means, by name, and which name belongs to the kind of a token.

The names are the same in every pane; what they look like is in explorer.tcss, with the colours of the theme. Must not
know widgets.
"""

from typing import Literal

from explorer.core.token import Token

Style = Literal[
    "",  # the pane's own
    "head",
    "text",
    "quiet",
    "prompt",
    "generated",
    "current",
    "special",
    "fragment",
    "visited",
    "cut",
    "bar",
    "track",
    "selected",
    "why",
    "warning",
    "error",
    "heat-0",
    "heat-1",
    "heat-2",
    "heat-3",
    "heat-4",
]

HEATS: tuple[Style, ...] = ("heat-0", "heat-1", "heat-2", "heat-3", "heat-4")
"""By the step of heat."""

Part = tuple[str, Style]
"""Text, and what it means."""


def kind_style(token: Token, plain: Style = "text", unused: Style = "quiet") -> Style:
    """The style of a token by its kind; `plain` is that of whole text, `unused` that of an id without an entry."""
    match token.kind:
        case "special":
            return "special"
        case "bytes":
            return "fragment"
        case "unused":
            return unused
        case _:
            return plain


def text_style(token: Token, text: str, plain: Style) -> Style:
    """The style of the text that a token completes: half a character is one only while its bytes are shown."""
    whole = token.kind == "unused" or (token.kind == "bytes" and "‹" not in text)
    return plain if whole else kind_style(token, plain)
