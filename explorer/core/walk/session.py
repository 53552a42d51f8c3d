"""Session: the walk of one person, changed only by `apply(event)`.

Owns the order "first the record, then the state"; gives frozen snapshots to whoever shows them. Must not know the
engine, the terminal or a file's name.
"""

from collections.abc import Iterable, Sequence

import msgspec

from explorer.core.asked import Asked
from explorer.core.choice import Batch, Source
from explorer.core.distribution import Candidate, Distribution
from explorer.core.place import Place
from explorer.core.record import events
from explorer.core.record.events import AnyEvent, Header
from explorer.core.record.journal import Journal
from explorer.core.record.record import adapter_of
from explorer.core.score import Scored
from explorer.core.token import Token, shown_bytes
from explorer.core.walk.change import Change
from explorer.core.walk.changes import make_changes
from explorer.core.walk.snapshot import EMPTY, Snapshot
from explorer.core.walk.state import State
from explorer.core.walk.validity import check


class Session(State):
    """Events in, snapshots out. Without a journal, the events are kept in memory only."""

    def __init__(self, header: Header, journal: Journal | None = None, record_top: int | None = None) -> None:
        super().__init__(header.tokenizer, adapter_of(header))
        self.header = header
        self.journal = journal
        self.record_top = record_top
        """Rows of a table that are recorded, beside those of tokens that were tried there; None is all of them."""
        self.events: list[AnyEvent] = []
        self.known.learn_special(header.tokenizer, header.special_tokens)

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

    def apply(self, event: AnyEvent) -> list[Change]:
        """Check the event, write it to the record, then change the state; what changed, in its order.

        Raises RecordError when the event does not fit the state, which is then unchanged. Raises RecordError too when
        the record cannot be written any more: the event is then applied all the same, and kept in memory.
        """
        if self.journal is not None:
            event = msgspec.structs.replace(event, t=self.journal.now())
        check(self, event)
        recorded = event
        if self.record_top is not None and isinstance(event, events.Seen):
            recorded = event.shortened(self.record_top, self.tried(event.place))
        self.events.append(recorded)
        try:
            if self.journal is not None:
                self.journal.append(recorded)
        finally:
            changes = make_changes(self, event)
        return changes

    # Events for what a person does.

    def choose(self, candidate: Candidate, source: Source, draw: int | None = None, joined: bool = False) -> AnyEvent:
        """The event that goes to a candidate at the cursor: a move where it was tried before, else an addition."""
        event = self._step(self.node, candidate.token, source, joined)
        if isinstance(event, events.Move):
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
        if isinstance(event, events.Move):
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
        if isinstance(event, events.Move):
            return event
        return msgspec.structs.replace(event, prob=scored.prob, rank=scored.rank, entropy=scored.entropy)

    def _step(self, parent: int, token: Token, source: Source, joined: bool) -> events.Move | events.Add:
        nodes, together = self.tree.nodes, True if joined else msgspec.UNSET
        child = nodes[parent].children.get(token.id)
        if child is not None:
            return events.Move(node=child, joined=together)
        data = token.bytes.hex()
        return events.Add(parent=parent, node=len(nodes), id=token.id, bytes=data, source=source, joined=together)

    def delete(self, number: int) -> AnyEvent:
        """The event that hides a node of the current tree and everything after it; for node 0, the prompt too."""
        return events.Delete(node=number)

    def bookmark(self, name: str | None) -> AnyEvent:
        """The event that gives the cursor's node a name, or takes it away."""
        return events.Bookmark(node=self.node, name=name or None)

    def undo(self) -> AnyEvent | None:
        """The event that undoes the last act; None where there is none."""
        return events.Undo() if self.history.done else None

    def redo(self) -> AnyEvent | None:
        """The event that does again what was undone last; None where nothing was."""
        return events.Redo() if self.history.undone else None

    def last_act(self, undone: bool = False) -> str:
        """What `undo` takes back, or `redo` does again, in words; empty where there is nothing."""
        acts = self.history.undone if undone else self.history.done
        if not acts:
            return ""
        kinds = {change.kind for change in acts[-1]}
        if "deleted" in kinds:
            return "a deletion" if any(change.after for change in acts[-1] if change.kind == "deleted") else "a return"
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
        return None if self.cursor.parent is None else events.Move(node=self.cursor.parent)

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
        table = self.tree.table(place)
        return None if table is None or table.shaped_by.shaping != self.params.shaping else table.distribution

    def tried(self, place: Place) -> list[int]:
        """The ids that stand after a place: its table lists them, however unlikely they are."""
        if place.at is not None:
            return [self.tree.prompt[place.at].id]
        return list(self.tree.nodes[place.node].children)

    def asked(self, place: Place) -> Asked:
        """What the table at a place answers."""
        return Asked(self.params, self.prefix(place), len(self.tree.prompt) if place.at is None else place.at)

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
