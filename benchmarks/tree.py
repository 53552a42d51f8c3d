"""What the tree costs: `python benchmarks/tree.py`.

The branches of a session of 1,000 and of 100,000 nodes: made anew, followed over a step, a fork and a deletion, listed
after a fold, and walked through; and a picture of their pane. Two shapes: branches beside each other after one text,
and each beginning within the one before.
"""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from itertools import count

from textual.app import App

from explorer.core.record import events
from explorer.core.walk.branches import Branches
from explorer.core.walk.session import Session
from explorer.ui.widgets.tree import TreePane
from explorer.wording import WORDS

ROUNDS = 21
TOKENS = 20
"""Of a branch."""


def grown(nodes: int, deep: bool) -> Session:
    """A session with a branch for every `TOKENS` nodes, each begun halfway down the first, or down the one before."""
    session = Session(events.Header(model="m", dtype="", device="", tokenizer="0", versions={}))
    session.apply(events.Prompt(text="", ids=[79]))
    for number in range(1, nodes + 1):
        parent = number - 1
        if number > TOKENS and number % TOKENS == 1:
            parent = number - 1 - TOKENS // 2 if deep else TOKENS // 2
        session.apply(added(session, parent))
    return session


def added(session: Session, parent: int) -> events.AnyEvent:
    node = len(session.tree.nodes)
    return events.Add(parent=parent, node=node, id=node, bytes=b" word".hex(), source="sampled", prob=0.5)


def measured(act: Callable[[], object], prepare: Callable[[], object] = lambda: None) -> float:
    """Median in ms."""
    times = []
    for _ in range(ROUNDS):
        prepare()
        began = time.perf_counter()
        act()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


async def pictured(branches: Branches) -> AsyncIterator[float]:
    """Medians in ms: the pane opened, a row selected further down, a run folded; each until its lines are drawn."""
    app: App[None] = App()
    async with app.run_test(size=(56, 30)) as pilot:
        pane = TreePane(WORDS, id="tree")
        await app.mount(pane)
        await pilot.pause()

        def drawn(act: Callable[[], object]) -> None:
            act()
            pane.render_lines(pane.size.region)

        rows = count(len(branches.rows) // 2)
        yield measured(lambda: drawn(lambda: pane.follow(branches)), lambda: unlisted(branches))
        yield measured(lambda: drawn(lambda: setattr(pane, "row", next(rows))))
        yield measured(lambda: drawn(pane.action_out), lambda: unfold(branches, pane))


def unfold(branches: Branches, pane: TreePane) -> None:
    """Everything is there to be folded, at the row after the prompt."""
    branches.fold(branches.rows[1], False)
    pane.follow(branches)
    pane.row = 1


def unlisted(branches: Branches) -> None:
    """The rows have to be listed again."""
    prompt = branches.rows[0]
    branches.fold(prompt, True)
    branches.fold(prompt, False)


async def figures(nodes: int, deep: bool) -> dict[str, float]:
    session = grown(nodes, deep)
    branches = Branches(session)
    end, fork = partial(added, session), nodes - TOKENS // 2

    def delete() -> None:
        session.apply(end(fork))
        branches.update()
        session.apply(session.delete(session.node))

    told = {
        "made anew": measured(lambda: Branches(session)),
        "step": measured(branches.update, lambda: session.apply(end(session.node))),
        "fork": measured(branches.update, lambda: session.apply(end(fork))),
        "delete": measured(branches.update, delete),
        "rows": measured(lambda: branches.rows, lambda: unlisted(branches)),
        "next branch": measured(lambda: branches.stop(1)),
    }
    pictures = [figure async for figure in pictured(branches)]
    return told | dict(zip(("pane opened", "row selected", "run folded"), pictures, strict=True))


def main() -> None:
    for deep in (False, True):
        small, large = (asyncio.run(figures(nodes, deep)) for nodes in (1_000, 100_000))
        print(f"\n{'Each branch within the one before' if deep else 'Branches beside each other'}, medians in ms")
        print("| | 1,000 nodes, 50 branches | 100,000 nodes, 5,000 branches | ratio |\n|---|---|---|---|")
        for name in small:
            print(f"| {name} | {small[name]:.3f} | {large[name]:.3f} | {large[name] / small[name]:.1f} |")


if __name__ == "__main__":
    main()
