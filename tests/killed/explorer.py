"""Explorers that are there to be killed: `python -m tests.killed.explorer`.

For each line of its standard input, `{"seed": 1, "record": "walk.jsonl", "model": "scripted"}`, a copy of this process
becomes an explorer, without a terminal, in which a person does one thing after the other without end. It writes what
was painted, and this process the copy's id before and how it ended after that, each as a line of JSON.
"""

import asyncio
import gc
import json
import os
import random
import sys
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

from textual.pilot import Pilot

from explorer.cli.engines import make_engine
from explorer.config import Config
from explorer.core.sampling.params import SamplingParams
from explorer.core.sampling.stopping import StopRules
from explorer.core.walk.snapshot import Snapshot
from explorer.embedded import EMBEDDED
from explorer.engine.base import Engine
from explorer.engine.scripted.scripted import ScriptedEngine
from explorer.ui.actions.loading import Models
from explorer.ui.app import ExplorerApp
from explorer.ui.screen import MainScreen
from explorer.ui.walk_desk import WalkDesk
from tests import explorers

SIZE = (80, 24)
ENGINES: dict[str, Callable[[], Engine]] = {
    "scripted": ScriptedEngine.demo,
    EMBEDDED: lambda: make_engine(Config()),
}


def told(snapshot: Snapshot) -> dict[str, Any]:
    """What a snapshot shows, in the words of JSON."""
    table = snapshot.distribution
    return {
        "ids": snapshot.ids,
        "text": "".join(place.text for place in snapshot.path),
        "numbers": [[place.rank, place.logprob, place.entropy] for place in snapshot.path],
        "at": [snapshot.root, snapshot.node],
        "tried": sorted(snapshot.children),
        "bookmark": snapshot.bookmark,
        "temperature": snapshot.params.temperature,
        "table": table and [[row.token.id, row.prob, row.sampling_prob, row.cut_by] for row in table.candidates],
    }


class Painter:
    """Tells each snapshot after it was painted, with the number of events that it is the sum of."""

    def __init__(self, app: ExplorerApp) -> None:
        self._screen = app.main
        self._paint = app.main.paint
        self._told: Snapshot | None = None
        self._events = 0
        app.main.paint = self.paint  # type: ignore[method-assign]  # beside it: that goes on
        app.post_display_hook = self.displayed  # type: ignore[method-assign]  # beside it: that goes on

    def paint(self) -> None:
        session = self._screen.walk.session
        self._events = len(session.events) if session is not None else 0
        self._paint()

    def displayed(self) -> None:
        snapshot = self._screen.tokens.snapshot if self._screen.is_mounted else None
        if snapshot is None or not snapshot.path or snapshot is self._told:
            return
        self._told = snapshot
        write({"events": self._events, **told(snapshot)})


def write(line: dict[str, Any]) -> None:
    data = json.dumps(line).encode() + b"\n"
    while data:
        data = data[os.write(1, data) :]


class Person:
    """Does one thing after the other."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    async def act(self, pilot: Pilot[object]) -> None:
        app = pilot.app
        assert isinstance(app, ExplorerApp)
        main, do = app.main, cast(MainScreen, app.screen).action_do
        while True:
            session = main.walk.session
            if session is None:
                await pilot.pause()
                continue
            for _ in range(self._random.randrange(3)):
                do("row_down")
            act = self._random.choice(
                [
                    *(partial(do, name) for name in ("auto", "auto", "sample", "add", "add", "back", "undo", "redo")),
                    *(partial(main.attempt, act) for act in (self.delete(main), self.name(main), self.warm(main))),
                ]
            )
            act()
            for _ in range(self._random.randrange(60)):
                await asyncio.sleep(0)

    def delete(self, main: WalkDesk) -> Callable[[], object]:
        session = main.walk.session
        assert session is not None

        def act() -> None:
            if session.node:
                main.walk.apply(session.delete(session.node))

        return act

    def name(self, main: WalkDesk) -> Callable[[], object]:
        session = main.walk.session
        assert session is not None
        return lambda: main.walk.apply(session.bookmark(self._random.choice(["here", "뷁", None])))

    def warm(self, main: WalkDesk) -> Callable[[], object]:
        session = main.walk.session
        assert session is not None
        temperature = self._random.choice([0.5, 1.0, 2.0])
        return lambda: main.walk.set_params(session.params.replace(temperature=temperature))


def build(model: str, seed: int, record: Path | None) -> ExplorerApp:
    """As the command line does."""
    return explorers.build(
        ENGINES[model](),
        record,
        SamplingParams(seed=seed),
        StopRules(max_new_tokens=64, eos=False),
        models=Models(model, str, list, lambda name: ENGINES[name]()),
    )


def explore(seed: int, record: str, model: str) -> None:
    """Be an explorer until it is killed."""
    app = build(model, seed, Path(record))
    Painter(app)
    app.run(headless=True, size=SIZE, auto_pilot=Person(seed).act)


def warm_up() -> None:
    """Open and close one, so that each of its successors finds what it needs imported and parsed."""

    async def leave(pilot: Pilot[object]) -> None:
        await pilot.pause()
        pilot.app.exit()

    build("scripted", 0, None).run(headless=True, size=SIZE, auto_pilot=leave)


def main() -> None:
    warm_up()
    # What is here is for every copy: none of them looks for garbage in it, and the pages stay shared.
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        child = os.fork()
        if not child:
            try:
                os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
                explore(**json.loads(line))
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)  # It was to go on until it is killed.
        write({"child": child})
        _, status = os.waitpid(child, 0)
        write({"ended": os.waitstatus_to_exitcode(status)})


if __name__ == "__main__":
    main()
