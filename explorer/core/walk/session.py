"""Session: the walk of one person, changed only by `apply(event)`.

Owns the trees, the cursor, the settings and the order "first the record, then the state"; gives frozen snapshots to
whoever shows them. Must not know the engine, the terminal or a file's name.
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from explorer.core.choice import Batch, Source
from explorer.core.distribution import Candidate, Distribution
from explorer.core.record import events as record
from explorer.core.record.events import AnyEvent, Header
from explorer.core.record.journal import Journal
from explorer.core.sampling.params import SamplingParams
from explorer.core.score import Scored
from explorer.core.token import Token, shown_bytes
from explorer.core.walk.history import Change, History
from explorer.core.walk.known import KnownTokens
from explorer.core.walk.path import Path
from explorer.core.walk.snapshot import EMPTY, Snapshot
from explorer.core.walk.tree import Node, Table, Tree
from explorer.core.walk.validity import check, refuge, root_of
from explorer.errors import RecordError, UsageError


class Place(NamedTuple):
    """What a table of the current tree answers."""

    node: int
    """The node that the next token comes after."""
    at: int | None = None
    """Inside the prompt, how many of its tokens come before the next one; `node` is 0 then."""


class Session:
    """Events in, snapshots out. Without a journal, the events are kept in memory only."""

    def __init__(self, header: Header, journal: Journal | None = None, record_top: int | None = None) -> None:
        self.header = header
        self.journal = journal
        self.record_top = record_top
        """Rows of a table that are recorded, beside those of tokens that were tried there; None is all of them."""
        self.events: list[AnyEvent] = []
        self.trees: list[Tree] = []
        self.params = SamplingParams()
        self.root = 0
        self.node = 0
        self.tokenizer = header.tokenizer
        """Fingerprint of the vocabulary that ids are of now."""
        self.known = KnownTokens()
        self.known.learn_special(header.tokenizer, header.special_tokens)
        self.history = History()
        self.path = Path()

    @property
    def tree(self) -> Tree:
        return self.trees[self.root]

    @property
    def cursor(self) -> Node:
        return self.tree.nodes[self.node]

    def learn(self, tokens: Iterable[Token], tokenizer: str | None = None) -> None:
        """Tokens that events may name by their ids; of the present vocabulary where none is named."""
        self.known.learn(tokenizer or self.tokenizer, tokens)

    def learn_sequence(self, tokens: Sequence[Token], tokenizer: str | None = None) -> None:
        """The tokens of a prompt: some tokenizers spell the first of a sequence without its space."""
        self.known.learn_sequence(tokenizer or self.tokenizer, tokens)

    def token(self, token_id: int, tokenizer: str | None = None) -> Token:
        """The token of an id, in the present vocabulary or another; of the kind `unused` where nobody told it."""
        return self.known.token(tokenizer or self.tokenizer, token_id)

    # Changing it.

    def apply(self, event: AnyEvent) -> None:
        """Check the event, write it to the record, then change the state.

        Raises RecordError when the event does not fit the state, which is then unchanged. Raises RecordError too when
        the record cannot be written any more: the event is then applied all the same, and kept in memory.
        """
        if self.journal is not None:
            event = msgspec.structs.replace(event, t=self.journal.now())
        check(self, event)
        recorded = event
        if self.record_top is not None and isinstance(event, record.Seen):
            place = Place(event.node, None if event.at is msgspec.UNSET else event.at)
            recorded = event.shortened(self.record_top, self.tried(place))
        self.events.append(recorded)
        try:
            if self.journal is not None:
                self.journal.append(recorded)
        finally:
            self._change(event)

    def restore(self, events: Iterable[AnyEvent]) -> None:
        """Fold the events of a record; nothing is written. Raises RecordError, which names the event."""
        for number, event in enumerate(events, 2):
            try:
                check(self, event)
            except (RecordError, UsageError) as error:
                raise RecordError(f"Line {number}: {error}") from error
            self.events.append(event)
            self._change(event)

    def _change(self, event: AnyEvent) -> None:
        match event:
            case record.Seen():
                for row in event.candidates:
                    self.known.token(self.tokenizer, row.id, row.bytes)
                table = event.distribution(self.known.of(self.tokenizer))
                if event.at is not msgspec.UNSET:
                    self.tree.tables[event.at] = Table(table, self.params)
                else:
                    node = self.tree.nodes[event.node]
                    node.distribution, node.shaped_by = table, self.params
            case record.Score():
                columns = zip(self.tree.prompt, event.logprobs, event.ranks, event.entropies, strict=True)
                self.tree.scores = [
                    Scored(token, logprob, None if logprob is None else math.exp(logprob), rank, entropy)
                    for token, logprob, rank, entropy in columns
                ]
                self.path.forget()
            case record.Params():
                self.params = event.params()
            case record.Engine():
                if event.tokenizer != self.tokenizer:
                    self.history.clear()  # What came before is of another vocabulary.
                self.tokenizer = event.tokenizer
                self.known.learn_special(event.tokenizer, event.special_tokens)
            case record.Undo():
                for change in self.history.undo():
                    self._make(change)
            case record.Redo():
                for change in self.history.redo():
                    self._make(change)
            case record.Prompt():
                vocabulary = self.trees[self.root].tokenizer if self.trees else None
                tokens = self.known.sequence(self.tokenizer, event.ids, event.bytes)
                self.trees.append(Tree(event.text, tokens, self.tokenizer, event.chat()))
                if vocabulary == self.tokenizer:
                    self._act(event, self._to(len(self.trees) - 1, 0))
                else:
                    self._make(self._to(len(self.trees) - 1, 0))  # Nothing to go back to.
            case record.Add():
                self.tree.add(event.parent, self.known.token(self.tokenizer, event.id, event.bytes), event.choice())
                back = self._brought_back(self.root, event.parent) if event.parent != self.node else ()
                self._act(event, *back, self._to(self.root, event.node))
                if event.rows is not msgspec.UNSET and event.draw == 0:
                    self.tree.nodes[event.parent].batches.add(event.seed)
            case record.Move():
                root = root_of(self, event)
                self._act(event, *self._brought_back(root, event.node), self._to(root, event.node))
                if event.draw is not msgspec.UNSET and self.cursor.parent is not None:
                    above = self.tree.nodes[self.cursor.parent]
                    if event.rows is msgspec.UNSET:
                        above.taken = max(above.taken, event.draw + 1)
                    elif event.draw == 0:
                        above.batches.add(None if event.seed is msgspec.UNSET else event.seed)
            case record.Delete():
                root, tree = root_of(self, event), self.trees[root_of(self, event)]
                changes = [Change("deleted", event.node in tree.deleted, True, root, event.node)]
                if root == self.root and tree.is_after(self.node, event.node):
                    parent = tree.nodes[event.node].parent
                    changes.append(
                        self._to(root, parent) if parent is not None else self._to(refuge(self, root) or 0, 0)
                    )
                self._act(event, *changes)
            case record.Bookmark():
                root = root_of(self, event)
                before = self.trees[root].bookmarks.get(event.node)
                self._act(event, Change("bookmark", before, event.name or None, root, event.node))

    # One change.

    def _act(self, event: record.Act, *changes: Change) -> None:
        changes = tuple(change for change in changes if change.before != change.after)
        if changes:
            self.history.add(changes, event.joined is True)
        for change in changes:
            self._make(change)

    def _make(self, change: Change) -> None:
        tree = self.trees[change.root]
        match change.what:
            case "cursor":
                self.root, self.node = change.after
                if self.cursor.parent is not None:
                    self.tree.nodes[self.cursor.parent].last_child = self.node
            case "deleted" if change.after:
                tree.deleted.add(change.node)
            case "deleted":
                tree.deleted.remove(change.node)
            case "bookmark" if change.after:
                tree.bookmarks[change.node] = change.after
            case "bookmark":
                tree.bookmarks.pop(change.node, None)

    def _to(self, root: int, number: int) -> Change:
        return Change("cursor", (self.root, self.node), (root, number))

    def _brought_back(self, root: int, number: int) -> list[Change]:
        """The deletions that hide a node are taken back when the cursor goes there."""
        tree = self.trees[root]
        return [Change("deleted", True, False, root, top) for top in tree.deleted if tree.is_after(number, top)]

    # Events for what a person does.

    def choose(self, candidate: Candidate, source: Source, draw: int | None = None, joined: bool = False) -> AnyEvent:
        """The event that goes to a candidate at the cursor: a move where it was tried before, else an addition."""
        event = self._step(self.node, candidate.token, source, joined)
        if isinstance(event, record.Move):
            return event if draw is None else msgspec.structs.replace(event, draw=draw)
        return msgspec.structs.replace(
            event,
            prob=candidate.prob,
            sampling_prob=candidate.sampling_prob,
            rank=candidate.rank,
            seed=self.params.seed if source == "sampled" else None,
            draw=draw,
        )

    def choose_in(self, batch: Batch, parent: int, candidate: Candidate, draw: int, joined: bool) -> AnyEvent:
        """The event that goes to the next token of one of several sequences, after the node `parent`."""
        event = self._step(parent, candidate.token, "sampled", joined)
        if isinstance(event, record.Move):
            seed = msgspec.UNSET if batch.seed is None else batch.seed
            return msgspec.structs.replace(event, draw=draw, seed=seed, row=batch.row, rows=batch.rows)
        return msgspec.structs.replace(
            event,
            prob=candidate.prob,
            sampling_prob=candidate.sampling_prob,
            rank=candidate.rank,
            seed=batch.seed,
            draw=draw,
            row=batch.row,
            rows=batch.rows,
        )

    def force(self, scored: Scored, joined: bool) -> AnyEvent:
        """The event that goes to a token that a person wrote, whatever the model thinks of it."""
        event = self._step(self.node, scored.token, "forced", joined)
        if isinstance(event, record.Move):
            return event
        return msgspec.structs.replace(event, prob=scored.prob, rank=scored.rank, entropy=scored.entropy)

    def _step(self, parent: int, token: Token, source: Source, joined: bool) -> record.Move | record.Add:
        nodes, together = self.tree.nodes, True if joined else msgspec.UNSET
        child = nodes[parent].children.get(token.id)
        if child is not None:
            return record.Move(node=child, joined=together)
        data = token.bytes.hex()
        return record.Add(parent=parent, node=len(nodes), id=token.id, bytes=data, source=source, joined=together)

    def delete(self, number: int) -> AnyEvent:
        """The event that hides a node of the current tree and everything after it; for node 0, the prompt too."""
        return record.Delete(node=number)

    def bookmark(self, name: str | None) -> AnyEvent:
        """The event that gives the cursor's node a name, or takes it away."""
        return record.Bookmark(node=self.node, name=name or None)

    def undo(self) -> AnyEvent | None:
        """The event that undoes the last act; None where there is none."""
        return record.Undo() if self.history.done else None

    def redo(self) -> AnyEvent | None:
        """The event that does again what was undone last; None where nothing was."""
        return record.Redo() if self.history.undone else None

    def last_act(self, undone: bool = False) -> str:
        """What `undo` takes back, or `redo` does again, in words; empty where there is nothing."""
        acts = self.history.undone if undone else self.history.done
        if not acts:
            return ""
        kinds = {change.what for change in acts[-1]}
        if "deleted" in kinds:
            return "a deletion" if any(change.after for change in acts[-1] if change.what == "deleted") else "a return"
        if "bookmark" in kinds:
            return "a name"
        (root, node), (other, end) = acts[-1][0].before, acts[-1][-1].after
        if root != other:
            return "the way to another prompt"
        tree = self.trees[root]
        if not tree.is_after(end, node):
            return "the way back" if tree.is_after(node, end) else "the way to another branch"
        more = tree.nodes[end].length - tree.nodes[node].length
        return "one token" if more == 1 else f"{more:,} tokens"

    def back(self) -> AnyEvent | None:
        """The event that goes one token back; None at the prompt."""
        return None if self.cursor.parent is None else record.Move(node=self.cursor.parent)

    # Looking at it.

    def place(self, focus: int | None) -> Place:
        """Where the table stands from which the token of that index on the path was chosen; None is the cursor."""
        if focus is None:
            return Place(self.node)
        if focus < len(self.tree.prompt):
            return Place(0, focus)
        return Place(self.path.to(self.tree, self.cursor)[focus - 1].node or 0)

    def prefix(self, place: Place | None = None) -> list[int]:
        """The ids up to a place, or up to the cursor."""
        if not self.trees:
            return []
        if place is None or place.at is None:
            return self.tree.prefix(self.node if place is None else place.node)
        return [token.id for token in self.tree.prompt[: place.at]]

    def table(self, place: Place) -> Distribution | None:
        """The table of a place for the current settings, where it was seen."""
        if place.at is None:
            node = self.tree.nodes[place.node]
            table, shaped_by = node.distribution, node.shaped_by
        else:
            table, shaped_by = self.tree.tables.get(place.at, (None, None))
        return None if shaped_by is None or shaped_by.shaping != self.params.shaping else table

    def tried(self, place: Place) -> list[int]:
        """The ids that stand after a place: its table lists them, however unlikely they are."""
        if place.at is not None:
            return [self.tree.prompt[place.at].id]
        return list(self.tree.nodes[place.node].children)

    def missing(self, place: Place) -> bool:
        """Whether a place has no table for the current settings, or one that leaves out a token tried there."""
        if place.at == 0:
            return False  # Nothing comes before the first token: it was chosen from no table.
        table = self.table(place)
        return table is None or any(table.find(token_id) is None for token_id in self.tried(place))

    def snapshot(self, focus: int | None = None) -> Snapshot:
        """What there is to show, with the table of the token under the token cursor."""
        if not self.trees:
            return EMPTY
        tree, node, path = self.tree, self.cursor, self.path.to(self.tree, self.cursor)
        place = self.place(focus)
        if focus is not None:
            last: Token | None = path[focus].token
        else:
            last = tree.nodes[node.last_child].token if node.last_child in tree.living(node.number) else None
        living = [tree.nodes[number].token for number in tree.living(place.node)] if place.at is None else [last]
        return Snapshot(
            path=path,
            prompt_length=len(tree.prompt),
            prompt_text=tree.text,
            prompt_chat=tree.chat,
            pending=shown_bytes(node.pending),
            distribution=self.table(place),
            params=self.params,
            children=frozenset(token.id for token in living if token is not None),
            last_child=last.id if last else None,
            node=node.number,
            root=self.root,
            named=tuple(self.token(token_id) for token_id in self.params.token_ids),
            focus=focus,
            bookmark=tree.bookmarks.get(node.number),
        )
