"""Runs: one tree as maximal chains of living tokens without a fork; its prompt is a run of its own.

Owns that a token at the end of a run is followed in constant time, and that a fork or a deletion touches the runs next
to it only. Must not know the cursor or the terminal.
"""

from bisect import bisect, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from explorer.core.score import logprob_of
from explorer.core.token import shown_bytes
from explorer.core.walk.tree import Node, Tree


@dataclass(slots=True, eq=False)
class Run:
    """A chain: all but its last token have one living child."""

    root: int
    """The number of its prompt."""
    nodes: list[int]
    """From the first to the last; a node's number is above its parent's."""
    above: "Run | None" = None
    """The run that it hangs from; None for the prompt, and for what is deleted."""
    below: "list[Run]" = field(default_factory=list)
    """Those that hang from its last token, in order of creation."""
    folded: bool = False
    """Whether a person does not want to see those below."""

    @property
    def end(self) -> int:
        return self.nodes[-1]


class Total(NamedTuple):
    """What the tokens of a path sum up to, from the first after the prompt on."""

    logprob: float
    """Natural; of the tokens whose probability is known, so that the whole is at most this."""
    known: int
    unknown: int

    @property
    def mean(self) -> float | None:
        """Of the tokens that are known; None where none is."""
        return self.logprob / self.known if self.known else None


class Runs:
    """`of` gives the run of each node, those of deleted ones too: they hang from nothing until they come back."""

    def __init__(self, root: int, tree: Tree) -> None:
        self.root = root
        self.tree = tree
        self.first = Run(root, [0])
        """The prompt."""
        self.of = [self.first]
        self._totals = [(0.0, 0)]
        """Of each node, the known logprobs of its path and the number of unknown ones."""
        self._hidden: set[int] = set()
        pairs = zip(tree.prompt, tree.prompt_texts, strict=True)
        texts = ["" if token.kind == "special" else text for token, text in pairs]
        self._prompt_texts = texts if any(texts) else tree.prompt_texts
        """Without the markers, where there is a text."""

    def update(self) -> bool:
        """Follow the tree; False where runs grew at their ends at the most."""
        forked = False
        for node in self.tree.nodes[len(self.of) :]:
            forked |= self._add(node)
        if self._hidden == self.tree.deleted:
            return forked
        for number in self._hidden - self.tree.deleted:
            self._bring_back(number)
        for number in self.tree.deleted - self._hidden:
            self._hide(number)
        self._hidden = set(self.tree.deleted)
        return True

    def total(self, run: Run) -> Total:
        """Of the path down to the end of a run."""
        logprob, unknown = self._totals[run.end]
        return Total(logprob, self.tree.nodes[run.end].length - len(self.tree.prompt) - unknown, unknown)

    def length(self, run: Run) -> int:
        """In tokens."""
        return len(self.tree.prompt) if run is self.first else len(run.nodes)

    def pending(self, run: Run) -> str:
        """The bytes of an unfinished character at the end of a branch; where runs hang below, those may complete it."""
        return "" if run.below else shown_bytes(self.tree.nodes[run.end].pending)

    def text(self, run: Run, size: int) -> tuple[str, str]:
        """The beginning and the end of a run's text, each of `size` characters or some more.

        The end is empty where the beginning is the whole.
        """
        whole, nodes = self.length(run), self.tree.nodes
        unfinished = self.pending(run)

        def piece(index: int) -> str:
            return self._prompt_texts[index] if run is self.first else nodes[run.nodes[index]].text

        begins, at = "", 0
        while at < whole and len(begins) < size:
            begins += piece(at)
            at += 1
        if at == whole:
            return begins + unfinished, ""
        ends, back = unfinished, whole
        while back > at and len(ends) < size:
            back -= 1
            ends = piece(back) + ends
        return (begins + ends, "") if back == at else (begins, ends)

    def walk(self, top: Run, folded: bool) -> Iterator[Run]:
        """A run and those below it in reading order; without those that are `folded` away, where that is wanted."""
        waiting = [top]
        while waiting:
            run = waiting.pop()
            yield run
            if run.below and not (folded and run.folded):
                waiting.extend(reversed(run.below))

    # Following the tree.

    def _add(self, node: Node) -> bool:
        parent, choice = node.parent, node.choice
        assert parent is not None and choice is not None
        (total, unknown), logprob = self._totals[parent], logprob_of(choice.prob)
        self._totals.append((total, unknown + 1) if logprob is None else (total + logprob, unknown))
        above = self.of[parent]
        if self._goes_on(above, parent):
            above.nodes.append(node.number)
            self.of.append(above)
            return False
        self.of.append(Run(self.root, [node.number]))
        self._hang(self.of[-1], parent)
        return True

    def _goes_on(self, run: Run, number: int) -> bool:
        """Whether what comes after a node of a run is no fork."""
        return run is not self.first and run.end == number and not run.below

    def _bring_back(self, number: int) -> None:
        parent = self.tree.nodes[number].parent
        if parent is None:
            return
        run, above = self.of[number], self.of[parent]
        if self._goes_on(above, parent):
            self._join(above, run)
        else:
            self._hang(run, parent)

    def _hide(self, number: int) -> None:
        parent = self.tree.nodes[number].parent
        if parent is None:
            return
        if self.of[parent] is self.of[number]:
            self._split(self.of[parent], parent)
        run, above = self.of[number], self.of[parent]
        above.below.remove(run)
        run.above = None
        if len(above.below) == 1 and above is not self.first:
            self._join(above, above.below[0])

    def _hang(self, run: Run, parent: int) -> None:
        above = self.of[parent]
        if above.end != parent:
            self._split(above, parent)
        run.above = above
        insort(above.below, run, key=lambda other: other.nodes[0])

    def _split(self, run: Run, last: int) -> None:
        """What comes after a node becomes a run of its own."""
        at = bisect(run.nodes, last)
        lower = Run(self.root, run.nodes[at:], run, run.below, run.folded)
        del run.nodes[at:]
        run.below, run.folded = [lower], False
        for other in lower.below:
            other.above = lower
        self._own(lower, lower.nodes)

    def _join(self, above: Run, run: Run) -> None:
        """Two runs become one."""
        above.nodes += run.nodes
        above.below, above.folded = run.below, run.folded
        for other in above.below:
            other.above = above
        self._own(above, run.nodes)

    def _own(self, run: Run, numbers: list[int]) -> None:
        for number in numbers:
            self.of[number] = run
