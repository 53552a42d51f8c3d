"""What each event changes in the state of a walk.

Owns what events mean; each kind is one generator of changes. Must not know whether an event fits (it does, when it
comes here), nor the record.
"""

from collections.abc import Iterator
from typing import Any

from explorer.core.choice import Batch
from explorer.core.record import events
from explorer.core.record.event import Act
from explorer.core.record.events import AnyEvent
from explorer.core.record.record import adapter_of
from explorer.core.score import Scored, prob_of
from explorer.core.walk.change import UNDOABLE, Change, Kind
from explorer.core.walk.state import State
from explorer.core.walk.tree import Table, Tree
from explorer.core.walk.validity import refuge


def make_changes(state: State, event: AnyEvent) -> list[Change]:
    """Make what an event that fits changes, and tell it in the order in which it was made."""
    made = []
    for one in _changes(state, event):
        state.make(one)  # Before the next one is asked for: it may depend on this one.
        made.append(one)
    _remember(state, event, made)
    return made


def _changes(state: State, event: AnyEvent) -> Iterator[Change]:
    match event:
        case events.Seen():
            return _seen(state, event)
        case events.Add():
            return _added(state, event)
        case events.Move():
            return _moved(state, event)
        case events.Score():
            return _scored(state, event)
        case events.Params():
            return iter([Change("params", state.params, event.params())])
        case events.Prompt():
            return _begun(state, event)
        case events.Undo():
            return _again(state, state.history.to_undo())
        case events.Redo():
            return _again(state, state.history.to_redo())
        case events.Delete():
            return _deleted(state, event)
        case events.Bookmark():
            return _becomes(state, "bookmark", event.name or None, event.root_from(state.root), event.node)
        case events.Engine():
            return _other_engine(state, event)
        case events.End():
            return iter(())


def _remember(state: State, event: AnyEvent, changes: list[Change]) -> None:
    """Keep what can be undone."""
    match event:
        case events.Undo():
            state.history.undo()
        case events.Redo():
            state.history.redo()
        case events.Engine():
            if changes:
                state.history.clear()  # What came before is of another vocabulary, or of another adapter.
        case Act():
            act = [change for change in changes if change.kind in UNDOABLE]
            if act and not _is_from_elsewhere(state, event, act):
                state.history.add(act, event.joined is True)


def _is_from_elsewhere(state: State, event: Act, act: list[Change]) -> bool:
    """Whether the cursor comes from a tree that the present engine does not go on with: there is no way back."""
    cursor = next((change for change in act if change.kind == "cursor"), None)
    if cursor is None:
        return False
    before: Tree = state.trees[cursor.before[0]]
    return before.adapter != state.adapter or (isinstance(event, events.Prompt) and not state.goes_on(before))


# Each kind of event.


def _seen(state: State, event: events.Seen) -> Iterator[Change]:
    known, place = state.known.of(state.tokenizer), event.place
    for row in event.candidates:
        if row.id not in known:
            state.known.token(state.tokenizer, row.id, row.bytes)
    table = Table(event.distribution(known), state.params)
    yield Change("table", state.tree.table(place), table, state.root, *place)


def _scored(state: State, event: events.Score) -> Iterator[Change]:
    columns = zip(state.tree.prompt, event.told, event.ranks, event.entropies, strict=True)
    scores = [Scored(token, logprob, prob_of(logprob), rank, entropy) for token, logprob, rank, entropy in columns]
    yield Change("scores", state.tree.scores, scores, state.root)


def _begun(state: State, event: events.Prompt) -> Iterator[Change]:
    tokens = state.known.sequence(state.tokenizer, event.ids, event.bytes)
    root = len(state.trees)
    yield Change("tree", None, Tree(event.text, tokens, state.tokenizer, event.chat(), state.adapter), root)
    yield from _goes(state, root, 0)


def _added(state: State, event: events.Add) -> Iterator[Change]:
    root, parent = state.root, event.parent
    token = state.known.token(state.tokenizer, event.id, event.bytes)
    node = state.tree.after(parent, token, event.choice())
    yield Change("token", None, node, root, node.number)
    if event.batch is not None:
        yield from _drawn(state, root, parent, event.draw, event.batch)
    elif event.source == "sampled":
        yield from _drawn(state, root, parent, node.draws - 1)
    if parent != state.node:
        yield from _brought_back(state, root, parent)
    yield from _goes(state, root, node.number)


def _moved(state: State, event: events.Move) -> Iterator[Change]:
    root = event.root_from(state.root)
    yield from _brought_back(state, root, event.node)
    yield from _goes(state, root, event.node)
    above = state.cursor.parent
    if event.drawn is not None and above is not None:
        yield from _drawn(state, root, above, event.drawn, event.batch)


def _deleted(state: State, event: events.Delete) -> Iterator[Change]:
    root = event.root_from(state.root)
    tree = state.trees[root]
    yield from _becomes(state, "deleted", True, root, event.node)
    if root == state.root and tree.is_after(state.node, event.node):
        parent = tree.nodes[event.node].parent
        if parent is not None:
            yield from _goes(state, root, parent)
        else:
            yield from _goes(state, refuge(state, root) or 0, 0)


def _other_engine(state: State, event: events.Engine) -> Iterator[Change]:
    state.known.learn_special(event.tokenizer, event.special_tokens)
    if event.tokenizer != state.tokenizer:
        yield Change("tokenizer", state.tokenizer, event.tokenizer)
    if (adapter := adapter_of(event)) != state.adapter:
        yield Change("adapter", state.adapter, adapter)


def _again(state: State, act: list[Change]) -> Iterator[Change]:
    """An act once more, or its inverse."""
    for one in act:
        if one.kind == "cursor":
            yield from _goes(state, *one.after)
        else:
            yield from _becomes(state, one.kind, one.after, one.root, one.node)


# Parts of them.


def _goes(state: State, root: int, number: int) -> Iterator[Change]:
    """The cursor goes to a node, which is the one that was visited last after its parent then."""
    if (state.root, state.node) != (root, number):
        yield Change("cursor", (state.root, state.node), (root, number))
        above = state.cursor.parent
        if above is not None:
            yield Change("last_child", state.tree.nodes[above].last_child, number, root, above)


def _brought_back(state: State, root: int, number: int) -> Iterator[Change]:
    """The deletions that hide a node are taken back when the cursor goes there."""
    tree = state.trees[root]
    for top in [top for top in tree.deleted if tree.is_after(number, top)]:
        yield Change("deleted", True, False, root, top)


def _becomes(state: State, kind: Kind, after: Any, root: int, number: int) -> Iterator[Change]:
    """A node is deleted or not, or gets another name, where it is not so already."""
    tree = state.trees[root]
    before = number in tree.deleted if kind == "deleted" else tree.bookmarks.get(number)
    if before != after:
        yield Change(kind, before, after, root, number)


def _drawn(state: State, root: int, number: int, draw: int | None, batch: Batch | None = None) -> Iterator[Change]:
    """The draw of an index was taken after a node; the first one of several sequences tells of all of them."""
    node = state.trees[root].nodes[number]
    if batch is None and draw is not None and draw >= node.taken:
        yield Change("taken", node.taken, draw + 1, root, number)
    elif batch is not None and draw == 0:
        yield Change("batches", node.batches, node.batches | {batch.seed}, root, number)
