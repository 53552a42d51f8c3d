"""State: what the events of a walk have made so far: its trees, the cursor, the settings.

Owns how a change is made. Must not know events, nor the record.
"""

from explorer.core.place import Place
from explorer.core.sampling.params import SamplingParams
from explorer.core.walk.change import Change
from explorer.core.walk.history import History
from explorer.core.walk.known import KnownTokens
from explorer.core.walk.path import Path
from explorer.core.walk.tree import Node, Tree


class State:
    """Begins without a prompt; `tokenizer` is the fingerprint of the first vocabulary, `adapter` the first adapter."""

    def __init__(self, tokenizer: str, adapter: str = "") -> None:
        self.trees: list[Tree] = []
        self.params = SamplingParams()
        self.root = 0
        self.node = 0
        self.tokenizer = tokenizer
        """Fingerprint of the vocabulary that ids are of now."""
        self.adapter = adapter
        """The adapter on the model now, as `record.adapter_of` names it; empty where there is none."""
        self.known = KnownTokens()
        self.history = History()
        self.path = Path()

    @property
    def tree(self) -> Tree:
        return self.trees[self.root]

    @property
    def cursor(self) -> Node:
        return self.tree.nodes[self.node]

    def goes_on(self, tree: Tree) -> bool:
        """Whether the present engine goes on with a tree: it has its vocabulary and its adapter."""
        return (tree.tokenizer, tree.adapter) == (self.tokenizer, self.adapter)

    def make(self, change: Change) -> None:
        """Make one change, in the state that it was told of. The inverse of the last one takes it back."""
        after = change.after
        match change.kind:
            case "cursor":
                self.root, self.node = after
            case "params":
                self.params = after
            case "tokenizer":
                self.tokenizer = after
            case "adapter":
                self.adapter = after
            case "tree" if after is None:
                self.trees.pop()
            case "tree":
                self.trees.append(after)
            case "scores":
                self.trees[change.root].scores = after
                self.path.forget()
            case _:
                _make_in(self.trees[change.root], change)


def _make_in(tree: Tree, change: Change) -> None:
    """Make a change of one tree; the last case is that of the fields of a node."""
    after, number = change.after, change.node
    match change.kind:
        case "token" if after is None:
            tree.pop()
        case "token":
            tree.append(after)
        case "table":
            tree.put_table(Place(number, change.at), after)
        case "deleted" if after:
            tree.deleted.add(number)
        case "deleted":
            tree.deleted.remove(number)
        case "bookmark" if after is None:
            del tree.bookmarks[number]
        case "bookmark":
            tree.bookmarks[number] = after
        case field:
            setattr(tree.nodes[number], field, after)
