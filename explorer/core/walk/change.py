"""Change: one thing of a walk that became another. Must not know how it comes about, nor how it is made."""

from typing import Any, Literal

import msgspec

Kind = Literal[
    "cursor",
    "params",
    "tokenizer",
    "adapter",
    "tree",
    "scores",
    "deleted",
    "bookmark",
    "token",
    "table",
    "last_child",
    "taken",
    "batches",
]
"""`cursor`: (root, node); `params`, `tokenizer`, `adapter`: of the session; `tree`: a prompt with its Tree; `scores`:
those of a prompt's tokens; `deleted`, `bookmark`: of a node; `token`: a Node itself; `table`: the Table of a place;
`last_child`, `taken`, `batches`: the fields of a Node with these names."""

UNDOABLE = ("cursor", "deleted", "bookmark")
"""What undo takes back. Everything else stays: tokens, tables, settings."""


class Change(msgspec.Struct, frozen=True, gc=False):
    """What it is that changed, as it was and as it is; None stands for something that was not there, or is not."""

    kind: Kind
    before: Any
    after: Any
    root: int = 0
    """The number of the tree that it is of."""
    node: int = 0
    """The number of the node that it is of."""
    at: int | None = None
    """Of a table inside the prompt, as in Place."""

    @property
    def inverse(self) -> "Change":
        return Change(self.kind, self.after, self.before, self.root, self.node, self.at)
