"""Session: the walk of one person, changed only by `apply(event)`.

Owns the trees, the cursor, the settings and the order "first the record, then the state"; gives frozen snapshots to
whoever shows them. Must not know the engine, the terminal or a file's name.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from explorer.core import events as record
from explorer.core.chat import Chat
from explorer.core.distribution import Candidate, Distribution
from explorer.core.events import AnyEvent, Header
from explorer.core.journal import Journal
from explorer.core.sampling import SamplingParams
from explorer.core.score import Scored, surprisal
from explorer.core.token import Token, shown_bytes
from explorer.core.tree import Batch, Choice, Node, Source, Tree
from explorer.errors import RecordError, UsageError


class PathToken(msgspec.Struct, frozen=True):
    """A token of the path from the first of the prompt to the cursor."""

    token: Token
    text: str
    """What the token completes; an unfinished character comes with its last token."""
    choice: Choice | None
    """None for a token of the prompt."""
    node: int | None
    """None for a token of the prompt, except its last, which is node 0."""
    logprob: float | None = None
    """The model's own, where the token stands; None where it is not known."""
    rank: int | None = None
    entropy: float | None = None
    """Of the distribution that the token was chosen from, in bits."""

    @property
    def prob(self) -> float | None:
        return None if self.logprob is None else math.exp(self.logprob)

    @property
    def surprisal(self) -> float | None:
        """In bits."""
        return surprisal(self.logprob)


class Snapshot(msgspec.Struct, frozen=True):
    """The session as it stood at one moment: all that a screen shows of it."""

    path: tuple[PathToken, ...]
    prompt_length: int
    prompt_text: str
    prompt_chat: Chat | None
    """What the person wrote, where the text is a rendered chat."""
    pending: str
    """The bytes of an unfinished character at the cursor, shown as such; empty at a boundary."""
    distribution: Distribution | None
    """None until the engine has answered for this node and these settings."""
    params: SamplingParams
    children: frozenset[int]
    """Token ids that were tried here."""
    last_child: int | None
    """The token id that was visited last from here."""
    node: int
    root: int
    named: tuple[Token, ...] = ()
    """The tokens that settings name."""

    @property
    def ids(self) -> list[int]:
        """The prefix."""
        return [place.token.id for place in self.path]


EMPTY = Snapshot((), 0, "", None, "", None, SamplingParams(), frozenset(), None, 0, 0)


@dataclass(slots=True)
class _Vocabulary:
    """The tokens of one tokenizer that are known, by their ids; and as they are spelt at the beginning."""

    tokens: dict[int, Token] = field(default_factory=dict)
    first: dict[int, Token] = field(default_factory=dict)


class Session:
    """Events in, snapshots out. Without a journal, the events are kept in memory only."""

    def __init__(self, header: Header, journal: Journal | None = None) -> None:
        self.header = header
        self.journal = journal
        self.events: list[AnyEvent] = []
        self.trees: list[Tree] = []
        self.params = SamplingParams()
        self.root = 0
        self.node = 0
        self.tokenizer = header.tokenizer
        """Fingerprint of the vocabulary that ids are of now."""
        self._vocabularies: dict[str, _Vocabulary] = defaultdict(_Vocabulary)
        self._path: tuple[tuple[int, int], tuple[PathToken, ...]] = ((-1, -1), ())

    @property
    def tree(self) -> Tree:
        return self.trees[self.root]

    @property
    def cursor(self) -> Node:
        return self.tree.nodes[self.node]

    def learn(self, tokens: Iterable[Token], tokenizer: str | None = None) -> None:
        """Tokens that events may name by their ids; of the present vocabulary where none is named."""
        self._vocabularies[tokenizer or self.tokenizer].tokens.update((token.id, token) for token in tokens)

    def learn_sequence(self, tokens: Sequence[Token], tokenizer: str | None = None) -> None:
        """The tokens of a prompt: some tokenizers spell the first of a sequence without its space."""
        self._vocabularies[tokenizer or self.tokenizer].first.update((token.id, token) for token in tokens[:1])
        self.learn(tokens[1:], tokenizer)

    def token(self, token_id: int) -> Token:
        return self._vocabulary.tokens.get(token_id) or Token(token_id, b"", "unused")

    @property
    def _vocabulary(self) -> "_Vocabulary":
        return self._vocabularies[self.tokenizer]

    # Changing it.

    def apply(self, event: AnyEvent) -> None:
        """Check the event, write it to the record, then change the state.

        Raises RecordError when the event does not fit the state, which is then unchanged. Raises RecordError too when
        the record cannot be written any more: the event is then applied all the same, and kept in memory.
        """
        if self.journal is not None:
            event = msgspec.structs.replace(event, t=self.journal.now())
        self._check(event)
        self.events.append(event)
        try:
            if self.journal is not None:
                self.journal.append(event)
        finally:
            self._change(event)

    def restore(self, events: Iterable[AnyEvent]) -> None:
        """Fold the events of a record; nothing is written. Raises RecordError, which names the event."""
        for number, event in enumerate(events, 2):
            try:
                self._check(event)
            except (RecordError, UsageError) as error:
                raise RecordError(f"Line {number}: {error}") from error
            self.events.append(event)
            self._change(event)

    def _check(self, event: AnyEvent) -> None:
        if isinstance(event, record.Prompt | record.Params | record.Engine | record.End):
            if isinstance(event, record.Params):
                event.params()
            if isinstance(event, record.Prompt):
                event.chat()
            return
        if not self.trees:
            raise RecordError("there is no prompt yet.")
        if isinstance(event, record.Score):
            if {len(event.logprobs), len(event.ranks), len(event.entropies)} != {len(self.tree.prompt)}:
                raise RecordError(f"a score needs {len(self.tree.prompt)} numbers of each kind.")
            return
        root = event.root if isinstance(event, record.Move) and event.root is not msgspec.UNSET else self.root
        if not 0 <= root < len(self.trees):
            raise RecordError(f"there is no prompt number {root}.")
        if self.trees[root].tokenizer != self.tokenizer:
            raise RecordError(f"prompt number {root} is of another vocabulary than the model's.")
        nodes = self.trees[root].nodes
        named = event.parent if isinstance(event, record.Add) else event.node
        if not 0 <= named < len(nodes):
            raise RecordError(f"there is no node {named}.")
        if isinstance(event, record.Add):
            if event.node != len(nodes):
                raise RecordError(f"node {event.node} comes where {len(nodes)} is the next.")
            if event.id in nodes[named].children:
                raise RecordError(f"node {named} has a child with the token {event.id} already.")

    def _change(self, event: AnyEvent) -> None:
        match event:
            case record.Prompt():
                self.trees.append(Tree(event.text, self._prompt(event), self.tokenizer, event.chat()))
                self.root, self.node = len(self.trees) - 1, 0
            case record.Seen():
                node = self.tree.nodes[event.node]
                candidates = tuple(row.candidate(self._vocabulary.tokens) for row in event.candidates)
                self.learn(candidate.token for candidate in candidates)
                node.distribution = Distribution(
                    candidates,
                    event.vocab_size,
                    event.entropy,
                    event.other_prob,
                    event.kept,
                    event.cut_mass,
                    event.sampling_entropy,
                )
                node.shaped_by = self.params
            case record.Score():
                columns = zip(self.tree.prompt, event.logprobs, event.ranks, event.entropies, strict=True)
                self.tree.scores = [
                    Scored(token, logprob, None if logprob is None else math.exp(logprob), rank, entropy)
                    for token, logprob, rank, entropy in columns
                ]
                self._path = ((-1, -1), ())
            case record.Add():
                rows = None if event.rows is msgspec.UNSET else event.rows
                choice = Choice(event.source, event.prob, event.sampling_prob, event.rank, event.seed, event.draw, rows)
                self.tree.add(event.parent, self.token(event.id), choice)
                self._go(event.node)
                if rows is not None and event.draw == 0:
                    self.tree.nodes[event.parent].batches.add(event.seed)
            case record.Move():
                if event.root is not msgspec.UNSET:
                    self.root = event.root
                self._go(event.node)
                if event.draw is not msgspec.UNSET and self.cursor.parent is not None:
                    above = self.tree.nodes[self.cursor.parent]
                    if event.rows is msgspec.UNSET:
                        above.taken = max(above.taken, event.draw + 1)
                    elif event.draw == 0:
                        above.batches.add(None if event.seed is msgspec.UNSET else event.seed)
            case record.Params():
                self.params = event.params()
            case record.Engine():
                self.tokenizer = event.tokenizer

    def _prompt(self, event: record.Prompt) -> tuple[Token, ...]:
        """The tokens of a prompt; those that nobody told are made of the bytes in the record."""
        known = self._vocabulary
        tokens = []
        for index, token_id in enumerate(event.ids):
            token = (known.first.get(token_id) if not index else None) or known.tokens.get(token_id)
            if token is None and index < len(event.bytes):
                token = Token.from_bytes(token_id, bytes.fromhex(event.bytes[index]))
            tokens.append(token or self.token(token_id))
        return tuple(tokens)

    def _go(self, number: int) -> None:
        self.node = number
        node = self.cursor
        if node.parent is not None:
            self.tree.nodes[node.parent].last_child = number

    # Events for what a person does.

    def choose_in(self, batch: Batch, parent: int, candidate: Candidate, draw: int) -> AnyEvent:
        """The event that goes to the next token of one of several sequences, after the node `parent`."""
        node = self.tree.nodes[parent]
        child = node.children.get(candidate.token.id)
        if child is not None:
            seed = msgspec.UNSET if batch.seed is None else batch.seed
            return record.Move(node=child, draw=draw, seed=seed, row=batch.row, rows=batch.rows)
        return record.Add(
            parent=parent,
            node=len(self.tree.nodes),
            id=candidate.token.id,
            source="sampled",
            prob=candidate.prob,
            sampling_prob=candidate.sampling_prob,
            rank=candidate.rank,
            seed=batch.seed,
            draw=draw,
            row=batch.row,
            rows=batch.rows,
        )

    def choose(self, candidate: Candidate, source: Source, draw: int | None = None) -> AnyEvent:
        """The event that goes to a candidate at the cursor: a move where it was tried before, else an addition."""
        child = self.cursor.children.get(candidate.token.id)
        if child is not None:
            return record.Move(node=child, draw=msgspec.UNSET if draw is None else draw)
        return record.Add(
            parent=self.node,
            node=len(self.tree.nodes),
            id=candidate.token.id,
            source=source,
            prob=candidate.prob,
            sampling_prob=candidate.sampling_prob,
            rank=candidate.rank,
            seed=self.params.seed if source == "sampled" else None,
            draw=draw,
        )

    def back(self) -> AnyEvent | None:
        """The event that goes one token back; None at the prompt."""
        return None if self.cursor.parent is None else record.Move(node=self.cursor.parent)

    # Looking at it.

    def prefix(self) -> list[int]:
        """The ids up to the cursor."""
        return self.tree.prefix(self.node) if self.trees else []

    def missing(self) -> bool:
        """Whether the cursor has no table for the current settings, or one that leaves out a token tried here."""
        node = self.cursor
        if node.distribution is None or node.shaped_by is None or node.shaped_by.shaping != self.params.shaping:
            return True
        return any(node.distribution.find(token_id) is None for token_id in node.children)

    def snapshot(self) -> Snapshot:
        if not self.trees:
            return EMPTY
        tree, node = self.tree, self.cursor
        last = tree.nodes[node.last_child].token if node.last_child is not None else None
        return Snapshot(
            path=self._path_tokens(),
            prompt_length=len(tree.prompt),
            prompt_text=tree.text,
            prompt_chat=tree.chat,
            pending=shown_bytes(node.pending),
            distribution=None if self._stale(node) else node.distribution,
            params=self.params,
            children=frozenset(node.children),
            last_child=last.id if last else None,
            node=node.number,
            root=self.root,
            named=tuple(self.token(token_id) for token_id in self.params.token_ids),
        )

    def _stale(self, node: Node) -> bool:
        return node.shaped_by is None or node.shaped_by.shaping != self.params.shaping

    def _path_tokens(self) -> tuple[PathToken, ...]:
        """Extended from the last one where that is its beginning, as after a step or a run; else gathered anew."""
        (root, number), path = self._path
        if (root, number) == (self.root, self.node):
            return path
        more: list[Node] = []
        node = self.cursor
        while node.parent is not None and node.number != number:
            more.append(node)
            node = self.tree.nodes[node.parent]
        if (root, number) == (self.root, node.number):
            path = (*path, *(self._place(self.tree, node) for node in reversed(more)))
        else:
            path = self._gather(self.tree, more[::-1])
        self._path = ((self.root, self.node), path)
        return path

    @classmethod
    def _gather(cls, tree: Tree, nodes: Sequence[Node]) -> tuple[PathToken, ...]:
        end = len(tree.prompt) - 1
        scores = tree.scores or [Scored(token) for token in tree.prompt]
        prompt = (
            PathToken(token, text, None, 0 if index == end else None, score.logprob, score.rank, score.entropy)
            for index, (token, text, score) in enumerate(zip(tree.prompt, tree.prompt_texts, scores, strict=True))
        )
        return (*prompt, *(cls._place(tree, node) for node in nodes))

    @staticmethod
    def _place(tree: Tree, node: Node) -> PathToken:
        assert node.token is not None and node.parent is not None
        assert node.choice is not None
        choice, table = node.choice, tree.nodes[node.parent].distribution
        logprob = math.log(choice.prob) if choice.prob else None
        entropy = table.entropy if table else None
        return PathToken(node.token, node.text, choice, node.number, logprob, choice.rank, entropy)
