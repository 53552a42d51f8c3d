"""Tables: what a walk asks its engine where a table, or the numbers of a prompt, are lacking.

Owns that a late answer is dropped when the cursor or the settings have moved on, and that what an engine could not
answer is not asked again of itself. Must not know who waits for a table.
"""

from collections.abc import Hashable
from typing import TYPE_CHECKING

import msgspec

from explorer.core.place import Place
from explorer.core.record.events import Score
from explorer.core.score import Scored
from explorer.core.walk.session import Session
from explorer.engine.base import Progress
from explorer.errors import ExplorerError, NotFinite, OutOfMemory
from explorer.walk.scoring import Scoring

if TYPE_CHECKING:
    from explorer.walk.walk import Walk

Question = tuple[int, Place, Hashable, int]
"""What a table answers: root, place, settings and rows."""


class Tables:
    """Those of one walk."""

    def __init__(self, walk: "Walk") -> None:
        self.scoring = Scoring()
        self._walk = walk
        self._refused: Question | None = None
        """What the engine could not answer."""

    def begin(self) -> None:
        """The engine was started: it may be asked anything."""
        self._refused = None

    def stop(self) -> None:
        """End what is under way over a prompt."""
        self.scoring.stop()

    @property
    def lacking(self) -> bool:
        """Whether the table where the walk stands must be asked for."""
        walk, session = self._walk, self._walk.session
        if session is None or not session.trees or not walk.alive or walk.shown_aside:
            return False
        if self._refused == self._question(session):
            return False
        place = session.place(walk.focus)
        if session.missing(place):
            return True
        table = session.table(place)
        return table is not None and len(table.candidates) < min(walk.top, table.vocab_size)

    def _question(self, session: Session) -> Question:
        return (session.root, session.place(self._walk.focus), session.params.shaping, self._walk.top)

    async def fetch(self) -> None:
        """Ask for the table where the walk stands. Raises EngineError."""
        walk, session = self._walk, self._walk.session
        assert session is not None
        question = self._question(session)
        place, began = session.place(walk.focus), walk.clock()
        try:
            if walk.answers("score") and self.scoring.wanted(session):
                await self._numbers(session)
                began = walk.clock()
            asked, named = walk.asked, [*session.tried(place), *session.params.token_ids]
            distribution = await walk.engine.next(
                asked.ids, asked.params, walk.top, named, prompt_length=asked.prompt_length, report=walk.report
            )
        except ExplorerError:
            self._refused = question
            raise
        walk.speed = msgspec.structs.replace(walk.speed, step_ms=(walk.clock() - began) * 1000)
        if question == self._question(session):
            walk.see(place, distribution)

    async def _numbers(self, session: Session) -> None:
        """Ask what the model thinks of the prompt, once; the same pass fills its cache. Raises EngineError."""
        root = session.root
        try:
            await self.scoring.wait(root, lambda: self._score(session, root))
        except (OutOfMemory, NotFinite) as error:
            # The table needs less than the numbers of every token: less memory, and one row of logits.
            self.scoring.skipped.add(root)
            self._walk.warned(self._walk.words("walk.unscored", error=error))

    async def _score(self, session: Session, root: int) -> None:
        walk, tree = self._walk, session.trees[root]
        ids = [token.id for token in tree.prompt]
        scored: list[Scored] = []
        async for part in walk.engine.score(ids, 0):
            scored += part
            if 1 < len(scored) < len(ids):
                walk.report(Progress(walk.words("walk.scoring"), len(scored), len(ids)))
        if session.root == root and not tree.scores:
            walk.apply(Score.of(scored))
