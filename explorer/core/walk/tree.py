"""Tree: a trie of token ids under one prompt. What was added stays, unless the walk itself is taken back.

Owns the numbering (nodes in order of creation, 0 being the prompt's last token) and the text that each token
completes. Must not know the cursor, the record or the engine.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from explorer.core.chat import Chat
from explorer.core.choice import Choice
from explorer.core.distribution import Distribution
from explorer.core.place import Place
from explorer.core.sampling.params import SamplingParams
from explorer.core.score import Scored
from explorer.core.token import Token, take_text


@dataclass(slots=True)
class Node:
    """One token of a tree. Node 0 stands for the whole prompt."""

    number: int
    token: Token | None
    """None only for node 0 of a prompt without tokens."""
    parent: int | None
    length: int
    """Tokens from the beginning of the sequence up to this one: the length of its prefix."""
    choice: Choice | None
    """None for node 0."""
    text: str
    """What this token completes: an unfinished character of its parent comes to stand here."""
    pending: bytes
    """The unfinished character after this token."""
    draws: int
    """The index of the next draw: what the path has used up, counted on from the draw that a sampled token came by."""
    taken: int
    """The index of the first draw that was never taken here; above `draws` where it was drawn more than once."""
    children: dict[int, int] = field(default_factory=dict)
    """Token id -> node number, in order of creation."""
    last_child: int | None = None
    """The child that was visited last."""
    batches: frozenset[int | None] = frozenset()
    """The seeds of the sequences that were drawn side by side from here."""
    distribution: Distribution | None = None
    shaped_by: SamplingParams | None = None
    """The settings under which `distribution` was made."""


class Table(NamedTuple):
    """A distribution inside a prompt, and the settings under which it was made."""

    distribution: Distribution
    shaped_by: SamplingParams


class Tree:
    """The prompt and everything that was tried after it."""

    def __init__(
        self,
        text: str,
        prompt: tuple[Token, ...],
        tokenizer: str = "",
        chat: Chat | None = None,
        adapter: str = "",
    ) -> None:
        self.text = text
        """What the person typed, or the chat as its template renders it; the tokens are the truth."""
        self.tokenizer = tokenizer
        """Fingerprint of the vocabulary that the ids are of."""
        self.adapter = adapter
        """The adapter on the model that the numbers are of, as `record.adapter_of` names it."""
        self.chat = chat
        self.prompt = prompt
        self.scores: list[Scored] = []
        """What the model thinks of each token of the prompt; empty until it was asked."""
        self.tables: dict[int, Table] = {}
        """Those inside the prompt, by the number of its tokens that they follow."""
        self.deleted: set[int] = set()
        """Nodes that are not shown any more, nor anything after them."""
        self.bookmarks: dict[int, str] = {}
        """The names of nodes."""
        self.prompt_texts: list[str] = []
        pending = b""
        for token in prompt:
            shown, pending = take_text(pending + token.bytes)
            self.prompt_texts.append(shown)
        last = prompt[-1] if prompt else None
        self.nodes = [Node(0, last, None, len(prompt), None, "", pending, 0, 0)]

    def after(self, parent: int, token: Token, choice: Choice) -> Node:
        """The next node of the tree, as a child that the parent does not have yet; it is not appended."""
        above = self.nodes[parent]
        text, pending = take_text(above.pending + token.bytes)
        draws = above.draws
        if choice.source == "sampled" and choice.rows is None:
            draws = (above.draws if choice.draw is None else choice.draw) + 1
        return Node(len(self.nodes), token, parent, above.length + 1, choice, text, pending, draws, draws)

    def append(self, node: Node) -> None:
        """Add the next node. The caller makes sure that its parent has no child with its id."""
        assert node.token is not None and node.parent is not None
        self.nodes.append(node)
        self.nodes[node.parent].children[node.token.id] = node.number

    def pop(self) -> None:
        """Take the last node away, which nothing comes after."""
        node = self.nodes.pop()
        assert node.token is not None and node.parent is not None
        del self.nodes[node.parent].children[node.token.id]

    def table(self, place: Place) -> Table | None:
        """The table of a place, where it was seen."""
        if place.at is not None:
            return self.tables.get(place.at)
        node = self.nodes[place.node]
        if node.distribution is None or node.shaped_by is None:
            return None
        return Table(node.distribution, node.shaped_by)

    def put_table(self, place: Place, table: Table | None) -> None:
        """The table of a place from now on; None for one that was not seen."""
        if place.at is None:
            node = self.nodes[place.node]
            node.distribution, node.shaped_by = table or (None, None)
        elif table is None:
            del self.tables[place.at]
        else:
            self.tables[place.at] = table

    def living(self, number: int) -> list[int]:
        """The children of a node that are not deleted, in order of creation."""
        return [child for child in self.nodes[number].children.values() if child not in self.deleted]

    def path(self, number: int) -> list[Node]:
        """The nodes after the prompt, down to this one."""
        nodes = []
        node = self.nodes[number]
        while node.parent is not None:
            nodes.append(node)
            node = self.nodes[node.parent]
        return nodes[::-1]

    def is_after(self, number: int, above: int) -> bool:
        """Whether a node is `above` or comes after it."""
        at: int | None = number
        while at is not None and at > above:  # A node's number is above its parent's.
            at = self.nodes[at].parent
        return at == above

    def prefix(self, number: int) -> list[int]:
        """The ids up to and including a node."""
        return [t.id for t in self.prompt] + [n.token.id for n in self.path(number) if n.token]
