"""Branches: the trees of a session as runs of text, in reading order, with where the cursor is among them.

Owns what is folded, and that a step costs the same in a tree of any size. Reads the session and changes nothing of it.
Must not know the terminal.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from explorer.core.walk.runs import Run, Runs, Total
from explorer.core.walk.session import Session


class Spot(NamedTuple):
    """A node of a session."""

    root: int
    node: int


class Stop(NamedTuple):
    """The end of a branch, or a spot that has a name."""

    spot: Spot
    number: int
    """Which of them it is, from 1."""
    of: int
    name: str | None


class Branches:
    """Shows the session as it stood when it was updated last."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._trees: list[Runs] = []
        self._engine = ("", "")
        """The vocabulary and the adapter of the present one."""
        self._bookmarks: list[dict[int, str]] = []
        self.version = 0
        """Another one where more has changed than the length of a run and the place of the cursor."""
        self.spot = Spot(0, 0)
        """The cursor."""
        self.current: Run | None = None
        """The run that the cursor is in."""
        self.path: set[Run] = set()
        """The runs from the prompt to the cursor."""
        self._drop()
        self.update()

    def update(self) -> None:
        """Follow the session."""
        session = self._session
        engine = (session.tokenizer, session.adapter)
        changed = self._engine != engine
        for root, tree in enumerate(session.trees):
            if root == len(self._trees):
                self._trees.append(Runs(root, tree))
                self._bookmarks.append({})
                changed = True
            changed |= self._trees[root].update()
            if self._bookmarks[root] != tree.bookmarks:
                self._bookmarks[root] = dict(tree.bookmarks)
                changed = True
        self._engine = engine
        if changed:
            self._drop()
        self.spot = Spot(session.root, session.node)
        run = self.run(self.spot) if self._trees else None
        if changed or run is not self.current:
            self.current = run
            self.path = set()
            while run is not None:
                self.path.add(run)
                run = run.above

    def _drop(self) -> None:
        """What was gathered is not so any more."""
        self.version += 1
        self._rows: list[Run] | None = None
        self._counts: dict[Run, int] = {}
        self._names: dict[Run, list[int]] | None = None

    # One run.

    def run(self, spot: Spot) -> Run:
        """The run that a node is in."""
        return self._trees[spot.root].of[spot.node]

    def is_reachable(self, run: Run) -> bool:
        """Whether the cursor can go there: not where the tree is of another vocabulary, or of another adapter."""
        tree = self._trees[run.root].tree
        return (tree.tokenizer, tree.adapter) == self._engine

    def is_prompt(self, run: Run) -> bool:
        return run is self._trees[run.root].first

    def length(self, run: Run) -> int:
        """In tokens."""
        return self._trees[run.root].length(run)

    def total(self, run: Run) -> Total:
        """Of the path down to the end of a run."""
        return self._trees[run.root].total(run)

    def text(self, run: Run, size: int) -> tuple[str, str]:
        """The beginning and the end of its text; the end is empty where the beginning is the whole."""
        return self._trees[run.root].text(run, size)

    def name(self, spot: Spot) -> str | None:
        """The name of a node."""
        return self._bookmarks[spot.root].get(spot.node)

    def is_taken(self, name: str) -> bool:
        """Whether a spot has the name, be it deleted."""
        return any(name in bookmarks.values() for bookmarks in self._bookmarks)

    def names(self, run: Run) -> list[str]:
        """The names of spots in a run, from its beginning on."""
        bookmarks = self._bookmarks[run.root]
        return [bookmarks[number] for number in self._named(run)]

    def _named(self, run: Run) -> list[int]:
        if self._names is None:
            self._names = {}
            for root, bookmarks in enumerate(self._bookmarks):
                for number in sorted(bookmarks):
                    self._names.setdefault(self.run(Spot(root, number)), []).append(number)
        return self._names.get(run, [])

    def lineage(self, run: Run) -> list[Run]:
        """The runs from the prompt down to this one."""
        line = [run]
        while line[-1].above is not None:
            line.append(line[-1].above)
        return line[::-1]

    def branches_below(self, run: Run) -> int:
        """How many branches end below a run."""
        if run not in self._counts:
            runs = self._trees[run.root].walk(run, folded=False)
            self._counts[run] = sum(not other.below and other is not run for other in runs)
        return self._counts[run]

    # Rows.

    @property
    def rows(self) -> Sequence[Run]:
        """The runs that are shown, in reading order."""
        if self._rows is None:
            self._rows = list(self._walk(folded=True))
        return self._rows

    def _walk(self, folded: bool) -> Iterator[Run]:
        for runs in self._trees:
            if 0 not in runs.tree.deleted:
                yield from runs.walk(runs.first, folded)

    def row(self, spot: Spot) -> int | None:
        """The row of a node's run, or of the folded one that hides it; None where the node is deleted."""
        line = self.lineage(self.run(spot))
        if not self.is_prompt(line[0]) or 0 in self._trees[spot.root].tree.deleted:
            return None
        return self.rows.index(next((run for run in line if run.folded), line[-1]))

    def fold(self, run: Run, folded: bool) -> None:
        """Hide what is below a run, or show it again."""
        if run.below and run.folded is not folded:
            run.folded = folded
            self._drop()

    # Going around.

    def stop(self, step: int) -> Stop | None:
        """The next stop in reading order, for a step of 1, or the one before, for -1, over all prompts; round.

        None where no prompt can be reached.
        """
        stops: list[Spot] = []
        before, standing = 0, False
        for run in self._walk(folded=False):
            if not self.is_reachable(run):
                continue
            numbers = list(self._named(run))
            if not run.below and run.end not in numbers:
                numbers.append(run.end)
            if run is self.current:
                at = bisect_left(numbers, self.spot.node)
                before, standing = len(stops) + at, self.spot.node in numbers
            stops += (Spot(run.root, number) for number in numbers)
        if not stops:
            return None
        index = (before + step - (step > 0 and not standing)) % len(stops)
        spot = stops[index]
        return Stop(spot, index + 1, len(stops), self.name(spot))

    def after(self, spot: Spot) -> tuple[int, int]:
        """How many tokens a node and what comes after it are, and in how many branches."""
        runs = self._trees[spot.root]
        top = self.run(spot)
        tokens = branches = 0
        for run in runs.walk(top, folded=False):
            tokens += runs.length(run)
            branches += not run.below
        return (tokens if spot.node == 0 else tokens - top.nodes.index(spot.node)), branches
