"""Validity: whether an event fits a session as it stands.

Owns the sentences for what does not. Reads a session and changes nothing.
"""

from typing import TYPE_CHECKING

import msgspec

from explorer.core.record import events as record
from explorer.core.record.events import AnyEvent
from explorer.core.walk.tree import Tree
from explorer.errors import RecordError

if TYPE_CHECKING:
    from explorer.core.walk.session import Session


def check(session: "Session", event: AnyEvent) -> None:
    """Raises RecordError where the event does not fit, UsageError where its settings or its chat cannot be."""
    match event:
        case record.Params():
            event.params()
            return
        case record.Prompt():
            event.chat()
            return
        case record.Engine() | record.End():
            return
    if not session.trees:
        raise RecordError("there is no prompt yet.")
    match event:
        case record.Undo() if not session.history.done:
            raise RecordError("there is nothing to undo.")
        case record.Redo() if not session.history.undone:
            raise RecordError("there is nothing to do again.")
        case record.Score():
            if {len(event.logprobs), len(event.ranks), len(event.entropies)} != {len(session.tree.prompt)}:
                raise RecordError(f"a score needs {len(session.tree.prompt)} numbers of each kind.")
        case record.Add():
            nodes = _tree(session, session.root, event.parent).nodes
            if event.node != len(nodes):
                raise RecordError(f"node {event.node} comes where {len(nodes)} is the next.")
            if event.id in nodes[event.parent].children:
                raise RecordError(f"node {event.parent} has a child with the token {event.id} already.")
        case record.Seen():
            tree = _tree(session, session.root, event.node)
            if event.at is not msgspec.UNSET and not (event.node == 0 and 0 < event.at < len(tree.prompt)):
                raise RecordError(f"a table after {event.at} tokens is not inside the prompt.")
        case record.Move() | record.Delete() | record.Bookmark():
            root = root_of(session, event)
            _tree(session, root, event.node)
            if isinstance(event, record.Delete) and event.node == 0 and refuge(session, root) is None:
                raise RecordError("the only prompt cannot be deleted.")


def root_of(session: "Session", event: record.Move | record.Delete | record.Bookmark) -> int:
    """The number of the prompt that an event is about."""
    return session.root if event.root is msgspec.UNSET else event.root


def refuge(session: "Session", root: int) -> int | None:
    """The prompt to which the cursor goes where that of a number is deleted: the nearest before it, else after it.

    None where there is no other of the present vocabulary.
    """
    others: list[int] = [*range(root - 1, -1, -1), *range(root + 1, len(session.trees))]
    for other in others:
        tree = session.trees[other]
        if tree.tokenizer == session.tokenizer and 0 not in tree.deleted:
            return other
    return None


def _tree(session: "Session", root: int, number: int) -> Tree:
    """The tree that has the node. Raises RecordError."""
    if not 0 <= root < len(session.trees):
        raise RecordError(f"there is no prompt number {root}.")
    tree = session.trees[root]
    if tree.tokenizer != session.tokenizer:
        raise RecordError(f"prompt number {root} is of another vocabulary than the model's.")
    if not 0 <= number < len(tree.nodes):
        raise RecordError(f"there is no node {number}.")
    return tree
