"""Validity: whether an event fits the state of a walk.

Owns the sentences for what does not. Reads the state and changes nothing.
"""

from explorer.core.record import events
from explorer.core.record.event import NodeAct
from explorer.core.record.events import AnyEvent
from explorer.core.walk.state import State
from explorer.core.walk.tree import Tree
from explorer.errors import RecordError


def check(state: State, event: AnyEvent) -> None:
    """Raises RecordError where the event does not fit, UsageError where its settings or its chat cannot be."""
    match event:
        case events.Params():
            event.params()
            return
        case events.Prompt():
            event.chat()
            return
        case events.Engine() | events.End():
            return
    if not state.trees:
        raise RecordError("there is no prompt yet.")
    match event:
        case events.Undo() if not state.history.done:
            raise RecordError("there is nothing to undo.")
        case events.Redo() if not state.history.undone:
            raise RecordError("there is nothing to do again.")
        case events.Score():
            if {len(event.logprobs), len(event.ranks), len(event.entropies)} != {len(state.tree.prompt)}:
                raise RecordError(f"a score needs {len(state.tree.prompt)} numbers of each kind.")
        case events.Add():
            nodes = _tree(state, state.root, event.parent).nodes
            if event.node != len(nodes):
                raise RecordError(f"node {event.node} comes where {len(nodes)} is the next.")
            if event.id in nodes[event.parent].children:
                raise RecordError(f"node {event.parent} has a child with the token {event.id} already.")
        case events.Seen():
            tree = _tree(state, state.root, event.node)
            at = event.place.at
            if at is not None and not (event.node == 0 and 0 < at < len(tree.prompt)):
                raise RecordError(f"a table after {at} tokens is not inside the prompt.")
        case NodeAct():
            root = event.root_from(state.root)
            _tree(state, root, event.node)
            if isinstance(event, events.Delete) and event.node == 0 and refuge(state, root) is None:
                raise RecordError("the only prompt cannot be deleted.")


def refuge(state: State, root: int) -> int | None:
    """The prompt to which the cursor goes where that of a number is deleted: the nearest before it, else after it.

    None where there is no other that the present engine goes on with.
    """
    others: list[int] = [*range(root - 1, -1, -1), *range(root + 1, len(state.trees))]
    for other in others:
        tree = state.trees[other]
        if state.goes_on(tree) and 0 not in tree.deleted:
            return other
    return None


def _tree(state: State, root: int, number: int) -> Tree:
    """The tree that has the node. Raises RecordError."""
    if not 0 <= root < len(state.trees):
        raise RecordError(f"there is no prompt number {root}.")
    tree = state.trees[root]
    if tree.tokenizer != state.tokenizer:
        raise RecordError(f"prompt number {root} is of another vocabulary than the model's.")
    if tree.adapter != state.adapter:
        raise RecordError(f"prompt number {root} is of another adapter than the one that is on.")
    if not 0 <= number < len(tree.nodes):
        raise RecordError(f"there is no node {number}.")
    return tree
