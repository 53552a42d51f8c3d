"""Prefixes: every prefix that a record knows, under numbers that two records share.

Owns what is known of a prefix: the table after it, and the numbers of the token that it ends with. Must not know how
they are compared.
"""

from dataclasses import dataclass

from explorer.core.distribution import Distribution
from explorer.core.place import Place
from explorer.core.score import logprob_of
from explorer.core.token import Token
from explorer.core.walk.session import Session
from explorer.core.walk.tree import Tree
from explorer.replay.claims import text_before


class Trie:
    """Numbers prefixes: 0 is the empty one."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, int], int] = {}

    def after(self, prefix: int, token_id: int) -> int:
        return self._numbers.setdefault((prefix, token_id), len(self._numbers) + 1)


@dataclass(slots=True)
class Known:
    """What a record says of one prefix."""

    tree: Tree
    place: Place
    length: int
    token: Token
    """The last of the prefix."""
    logprob: float | None = None
    """Of that token, where it stands."""
    entropy: float | None = None
    """Of what it was chosen from, in bits."""
    table: Distribution | None = None
    """After the prefix."""

    @property
    def text(self) -> str:
        """The end of the prefix, on one line."""
        return text_before(self.tree, self.place)


class Prefixes:
    """Those of the trees that are of the vocabulary and the adapter of the present one."""

    def __init__(self, session: Session, trie: Trie) -> None:
        self.known: dict[int, Known] = {}
        """By their numbers."""
        self.path: list[int] = []
        """Those of the path that the record ends with, a token longer each."""
        for tree in session.trees:
            if (tree.tokenizer, tree.adapter) == (session.tree.tokenizer, session.tree.adapter):
                prompt, after = self._add(tree, trie)
                if tree is session.tree:
                    self.path = [*prompt, *(after[node.number] for node in tree.path(session.node))]

    def _add(self, tree: Tree, trie: Trie) -> tuple[list[int], dict[int, int]]:
        """The prefixes that the tokens of the prompt end, and those that the nodes end."""
        prompt: list[int] = []
        prefix = 0
        for length, token in enumerate(tree.prompt, 1):
            prefix = trie.after(prefix, token.id)
            prompt.append(prefix)
            here = self._take(prefix, tree, Place(0, length if length < len(tree.prompt) else None), length, token)
            if tree.scores:
                here.logprob, here.entropy = tree.scores[length - 1].logprob, tree.scores[length - 1].entropy
            if length in tree.tables:
                here.table = tree.tables[length].distribution
        after = {0: prefix}
        for node in tree.nodes:
            if node.parent is not None and node.token is not None:
                prefix = after[node.number] = trie.after(after[node.parent], node.token.id)
                here = self._take(prefix, tree, Place(node.number), node.length, node.token)
                if node.choice is not None and node.choice.prob is not None:
                    here.logprob, here.entropy = logprob_of(node.choice.prob), node.choice.entropy
            if node.distribution is not None and after[node.number] in self.known:
                self.known[after[node.number]].table = node.distribution
        return prompt, after

    def _take(self, prefix: int, tree: Tree, place: Place, length: int, token: Token) -> Known:
        return self.known.setdefault(prefix, Known(tree, place, length, token))


def text_of(session: Session) -> tuple[bytes, list[tuple[int, int, float | None]]]:
    """The text of the path that a record ends with, and where each token stands in it, with its logprob.

    What a tokenizer puts before a prompt's text (BOS) begins before 0.
    """
    path, tree = session.snapshot().path, session.tree
    written = tree.text.encode()
    prompt = b"".join(token.bytes for token in tree.prompt)
    end = -(len(prompt) - len(written)) if prompt.endswith(written) else 0
    spans = []
    for standing in path:
        begin, end = end, end + len(standing.token.bytes)
        spans.append((begin, end, standing.logprob))
    data = b"".join(standing.token.bytes for standing in path)
    return data[len(data) - end :] if end else data, spans
