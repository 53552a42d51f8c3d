"""Path: the tokens from the first of a prompt down to a node, with the numbers that each has where it stands.

Owns that a path which goes on is extended and not gathered anew: a step costs the same at any length. Must not know
the session.
"""

from collections.abc import Sequence

from explorer.core.score import Scored, logprob_of
from explorer.core.walk.snapshot import PathToken
from explorer.core.walk.tree import Node, Tree


class Path:
    """The path that was asked for last."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Gather the next one anew: numbers of its tokens have changed."""
        self._tree: Tree | None = None
        self._end = 0
        self._tokens: tuple[PathToken, ...] = ()

    def to(self, tree: Tree, node: Node) -> tuple[PathToken, ...]:
        """Extended from the last one where that is its beginning, as after a step or a run; cut where it is before."""
        same = tree is self._tree
        if same and node.number == self._end:
            return self._tokens
        if same and 0 < node.length <= len(self._tokens) and self._tokens[node.length - 1].node == node.number:
            self._tokens, self._end = self._tokens[: node.length], node.number
            return self._tokens
        more: list[Node] = []
        at = node
        while at.parent is not None and not (same and at.number == self._end):
            more.append(at)
            at = tree.nodes[at.parent]
        begun = self._tokens if same and at.number == self._end else _prompt(tree)
        self._tokens = (*begun, *(_place(tree, one) for one in reversed(more)))
        self._tree, self._end = tree, node.number
        return self._tokens


def _prompt(tree: Tree) -> Sequence[PathToken]:
    end = len(tree.prompt) - 1
    scores = tree.scores or [Scored(token) for token in tree.prompt]
    return [
        PathToken(token, text, None, 0 if index == end else None, score.logprob, score.rank, score.entropy)
        for index, (token, text, score) in enumerate(zip(tree.prompt, tree.prompt_texts, scores, strict=True))
    ]


def _place(tree: Tree, node: Node) -> PathToken:
    assert node.token is not None and node.parent is not None
    assert node.choice is not None
    choice, table = node.choice, tree.nodes[node.parent].distribution
    entropy = table.entropy if table else choice.entropy
    return PathToken(node.token, node.text, choice, node.number, logprob_of(choice.prob), choice.rank, entropy)
