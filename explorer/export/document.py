"""Document: the session of a record, and what every format says of it.

Owns the facts, the branches as runs of tokens, and how a text is shown. Must not know formats.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import msgspec

from explorer.core.record.record import MadeOn, Record, model_in_words, same_engine
from explorer.core.token import UNSETTLED, shown_bytes, visible
from explorer.core.walk.recorded import recorded_session
from explorer.core.walk.runs import Runs
from explorer.core.walk.session import Session
from explorer.core.walk.tree import Node, Tree
from explorer.export.rows import TokenRow, node_row, prompt_rows

UNKNOWN = "–"
PLURALS = {"token": "tokens", "branch": "branches", "prompt": "prompts"}
TITLE = 60
"""Characters of a title."""


@dataclass(slots=True)
class Document:
    """A walk, and what it was made on."""

    session: Session
    engines: list[MadeOn]
    """Those that the walk was made on, in their order; one that was only started again is not another."""

    @classmethod
    def of(cls, record: Record, name: str) -> "Document":
        """The walk in a record; `name` is the file's. Raises RecordError."""
        engines: list[MadeOn] = []
        for engine in record.engines:
            if not (engines and same_engine(engine, engines[-1])):
                engines.append(engine)
        return cls(recorded_session(record, name), engines)

    @property
    def tree(self) -> Tree:
        """The current one."""
        return self.session.tree

    @property
    def trees(self) -> dict[int, Tree]:
        """Those that are not deleted, by the numbers of their prompts."""
        return {root: tree for root, tree in enumerate(self.session.trees) if 0 not in tree.deleted}

    def path(self) -> list[TokenRow]:
        """The tokens up to the cursor."""
        root, tree = self.session.root, self.tree
        return [*prompt_rows(root, tree), *(node_row(root, tree, node) for node in tree.path(self.session.node))]

    def text(self) -> str:
        """Of the path, as it is: what a terminal or a page may be shown is another matter."""
        return "".join(row.completes for row in self.path()) + shown_bytes(self.session.cursor.pending)

    @property
    def title(self) -> str:
        """The beginning of the current prompt."""
        return prompt_title(self.tree)

    @property
    def started(self) -> str:
        """The day and the minute, with the zone."""
        return f"{datetime.fromisoformat(self.session.header.started):%Y-%m-%d %H:%M %Z}"

    @property
    def line(self) -> str:
        """The model and the day, on one line."""
        last = self.engines[-1]
        return shown(f"{model_in_words(last)} · {last.dtype} · {last.device} · {self.started}")

    def facts(self) -> Iterator[tuple[str, str]]:
        """What one has to know to make the walk again, as names and words that may be shown."""
        told: list[MadeOn] = []
        for engine in self.engines:
            if any(same_engine(engine, other) for other in told):
                continue  # It is gone back to, as where an adapter is switched off and on.
            told.append(engine)
            yield "model", shown(engine.model + (f" at {engine.revision}" if engine.revision else ""))
            yield "computed in", shown(f"{engine.dtype} on {engine.device}")
            for name, facts in (("loaded with", engine.loaded_with), ("versions", engine.versions)):
                if facts:
                    yield name, shown(", ".join(f"{key} {value}" for key, value in facts.items()))
        params = self.session.params
        yield "settings", settings_words(params.summary)
        if params.seed is not None:
            yield "seed", str(params.seed)
        yield "started", self.started
        yield "size", self.size()

    def size(self) -> str:
        """How much there is, in words."""
        trees = self.trees.values()
        nodes = [(tree, node) for tree in trees for node in alive(tree)]
        branches = sum(node.number > 0 and not tree.living(node.number) for tree, node in nodes)
        numbers = {"token": len(nodes) - len(trees), "branch": branches, "prompt": len(trees)}
        return ", ".join(f"{number:,} {name if number == 1 else PLURALS[name]}" for name, number in numbers.items())


def settings_words(summary: str) -> str:
    """Settings of the samplers, of which a summary says nothing where all are off."""
    return summary or "temperature 1, everything else off"


def shown(text: str) -> str:
    """A text in which lines break and emoji join, and nothing else that is not seen does anything."""
    return visible(text, UNSETTLED | {"\n"})


def prompt_title(tree: Tree) -> str:
    """The beginning of what the person wrote, on one line."""
    words = " ".join(shown(tree.chat.draft if tree.chat else tree.text).split())
    return words if len(words) <= TITLE else words[: TITLE - 1].rstrip() + "…"


def alive(tree: Tree) -> Iterator[Node]:
    """The nodes that are not deleted, nor after one that is; parents before their children."""
    hidden: set[int | None] = set()
    for node in tree.nodes:
        if node.number in tree.deleted or node.parent in hidden:
            hidden.add(node.number)
        else:
            yield node


class Branch(msgspec.Struct, frozen=True):
    """The tokens of one run of a tree: between two forks, or from a fork to the end of a branch."""

    depth: int
    """How many runs are above, beside the prompt."""
    rows: list[TokenRow]
    logprob: float | None
    """Sum over the tokens after the prompt down to the end of the run; None where one is unknown."""
    pending: str
    """The unfinished character at its end."""

    @property
    def text(self) -> str:
        return "".join(row.completes for row in self.rows) + self.pending


def branches(root: int, tree: Tree) -> Iterator[Branch]:
    """The runs after a prompt, each after the one that it leaves, in the order in which they were made."""
    runs = Runs(root, tree)
    runs.update()
    depths = {runs.first: -1}
    for run in runs.walk(runs.first, folded=False):
        if run.above is None:
            continue
        depths[run] = depths[run.above] + 1
        rows, total = [node_row(root, tree, tree.nodes[number]) for number in run.nodes], runs.total(run)
        yield Branch(depths[run], rows, None if total.unknown else total.logprob, runs.pending(run))
