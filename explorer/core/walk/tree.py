"""Tree: a trie of token ids under one prompt. Every token ever added stays.

Owns the numbering (nodes in order of creation, 0 being the prompt's last token) and the text that each token
completes. Must not know the cursor, the record or the engine.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from explorer.core.chat import Chat
from explorer.core.choice import Choice
from explorer.core.distribution import Distribution
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
    batches: set[int | None] = field(default_factory=set)
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

    def __init__(self, text: str, prompt: tuple[Token, ...], tokenizer: str = "", chat: Chat | None = None) -> None:
        self.text = text
        """What the person typed, or the chat as its template renders it; the tokens are the truth."""
        self.tokenizer = tokenizer
        """Fingerprint of the vocabulary that the ids are of."""
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

    def add(self, parent: int, token: Token, choice: Choice) -> Node:
        """Append a child. The caller makes sure that the parent has none with this id."""
        above = self.nodes[parent]
        text, pending = take_text(above.pending + token.bytes)
        draws = above.draws
        if choice.source == "sampled" and choice.rows is None:
            draws = (above.draws if choice.draw is None else choice.draw) + 1
            above.taken = max(above.taken, draws)
        node = Node(len(self.nodes), token, parent, above.length + 1, choice, text, pending, draws, draws)
        self.nodes.append(node)
        above.children[token.id] = node.number
        return node

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
