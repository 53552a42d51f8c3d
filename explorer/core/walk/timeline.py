"""Timeline: the session of a record at any of its events, forward and back.

Owns what is taken back, so that a step to either side costs the same at any length. What an act can undo is not part of
it: a session that was taken back is there to be shown, and not to go on with. Must not know time or screens.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from explorer.core.record import events as said
from explorer.core.record.events import AnyEvent
from explorer.core.record.record import Record
from explorer.core.token import Token
from explorer.core.walk.history import Change
from explorer.core.walk.recorded import learn_recorded
from explorer.core.walk.session import Session
from explorer.core.walk.tree import Tree
from explorer.errors import RecordError, UsageError

MISSING = object()

Spot = tuple[Any, Any]
"""Something that an event may change: an attribute of an object, an item of a dictionary, a member of a set, or all of
a list from an index on."""

Edit = tuple[Any, Any, Any, Any]
"""A spot, what was there, and what is there now."""

OF_SESSION = ("root", "node", "params", "tokenizer")


class Timeline:
    """Begins before the first event. Raises RecordError, which names the record, where there is no prompt in it."""

    def __init__(self, record: Record, name: str) -> None:
        if not any(isinstance(event, said.Prompt) for event in record.events):
            raise RecordError(f"{name} ends before its first prompt: there is no walk in it.")
        self.events = record.events
        self.session = Session(record.header)
        self.at = 0
        """How many events have been applied."""
        self.fault = ""
        """Why it ends before its last event, in a sentence."""
        self._name = name
        self._edits: list[list[Edit]] = []
        learn_recorded(self.session.known, record)
        self._name_others(record)

    def _name_others(self, record: Record) -> None:
        """A token of which the record does not tell the bytes stands there as its id."""
        known, tokenizer = self.session.known, record.header.tokenizer
        for event in record.events:
            if isinstance(event, said.Engine):
                tokenizer = event.tokenizer
            ids = event.ids if isinstance(event, said.Prompt) else [event.id] if isinstance(event, said.Add) else []
            told = len(event.bytes) if isinstance(event, said.Prompt) else 0
            others = (i for i in ids[told:] if known.token(tokenizer, i).kind == "unused")
            known.learn(tokenizer, (Token(i, f"#{i}".encode(), "unused") for i in others))

    def go(self, at: int) -> None:
        """To where `at` events have been applied, or as near as there are events that fit."""
        while self.at > max(at, 0):
            self.at -= 1
            for owner, key, before, _ in self._edits[self.at]:
                _put(owner, key, before)
            self._forget(self.events[self.at])
        while self.at < min(at, len(self.events)):
            if self.at < len(self._edits):
                for owner, key, _, after in self._edits[self.at]:
                    _put(owner, key, after)
                self._forget(self.events[self.at])
            elif not self._apply(self.events[self.at]):
                return
            self.at += 1

    def _forget(self, event: AnyEvent) -> None:
        """The path is kept while no number of its tokens changes."""
        if isinstance(event, said.Score):
            self.session.path.forget()

    def _apply(self, event: AnyEvent) -> bool:
        """Apply an event for the first time; False where it does not fit the ones before it."""
        session = self.session
        watched = [(owner, key, _get(owner, key)) for owner, key in self._spots(event)]
        try:
            session.apply(event)
        except (RecordError, UsageError) as error:
            self.fault = f"Line {self.at + 2} of {self._name}: {error}"
            return False
        edits = ((owner, key, before, _get(owner, key)) for owner, key, before in watched)
        self._edits.append([edit for edit in edits if edit[2] is not edit[3]])
        return True

    def _spots(self, event: AnyEvent) -> Iterator[Spot]:
        session = self.session
        yield from ((session, name) for name in OF_SESSION)
        if isinstance(event, said.Prompt):
            yield session.trees, len(session.trees)
        if not session.trees:
            return
        tree = session.tree
        match event:
            case said.Score():
                yield tree, "scores"
            case said.Seen() if event.at is not msgspec.UNSET:
                yield tree.tables, event.at
            case said.Seen() if 0 <= event.node < len(tree.nodes):
                yield tree.nodes[event.node], "distribution"
                yield tree.nodes[event.node], "shaped_by"
            case said.Undo() if session.history.done:
                yield from self._of_act(session.history.done[-1])
            case said.Redo() if session.history.undone:
                yield from self._of_act(session.history.undone[-1])
            case said.Add() if 0 <= event.parent < len(tree.nodes):
                yield tree.nodes, len(tree.nodes)
                yield tree.nodes[event.parent].children, event.id
                yield tree.nodes[event.parent], "last_child"
                yield from ((tree.deleted, node) for node in tree.deleted)
            case said.Move() | said.Delete() | said.Bookmark():
                yield from self._around(event)

    def _of_act(self, act: list[Change]) -> Iterator[Spot]:
        trees = self.session.trees
        for change in act:
            if change.what == "cursor":
                for root, node in (change.before, change.after):
                    yield from _last_child(trees[root], node)
            else:
                yield from _marks(trees[change.root], change.node)

    def _around(self, event: said.Move | said.Delete | said.Bookmark) -> Iterator[Spot]:
        root = self.session.root if event.root is msgspec.UNSET else event.root
        trees = self.session.trees
        if not (0 <= root < len(trees) and 0 <= event.node < len(trees[root].nodes)):
            return
        tree = trees[root]
        yield from _marks(tree, event.node)
        yield from ((tree.deleted, node) for node in tree.deleted)
        yield from _last_child(tree, event.node)
        above = tree.nodes[event.node].parent
        if above is not None:
            yield from _last_child(tree, above)


def _last_child(tree: Tree, node: int) -> Iterator[Spot]:
    """Of the token before a node: what was visited last after it."""
    above = tree.nodes[node].parent
    if above is not None:
        yield tree.nodes[above], "last_child"


def _marks(tree: Tree, node: int) -> Iterator[Spot]:
    """Whether a node is deleted, and its name."""
    yield tree.deleted, node
    yield tree.bookmarks, node


def _get(owner: Any, key: Any) -> Any:
    match owner:
        case dict():
            return owner.get(key, MISSING)
        case set():
            return key in owner
        case list():
            return owner[key:]
    return getattr(owner, key)


def _put(owner: Any, key: Any, value: Any) -> None:
    match owner:
        case dict() if value is MISSING:
            owner.pop(key, None)
        case dict():
            owner[key] = value
        case set():
            (owner.add if value else owner.discard)(key)
        case list():
            owner[key:] = value
        case _:
            setattr(owner, key, value)
