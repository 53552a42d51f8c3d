"""Rewalk: the walk of a record on another engine, recorded there with the numbers of that one.

Owns what stays (prompts, tokens, moves, settings, names) and what is told anew (every number). A sampled token that the
other engine would not draw there is forced, so that the new record can be verified as well. Must not know how engines
are made.
"""

from pathlib import Path

import msgspec
from msgspec import UNSET

from explorer.core.distribution import Candidate, Distribution
from explorer.core.place import Place
from explorer.core.record.events import Add, AnyEvent, Move, Prompt, Score, Seen
from explorer.core.record.events import Engine as EngineEvent
from explorer.core.record.journal import Journal
from explorer.core.record.record import Record
from explorer.core.walk.session import Session
from explorer.core.walk.steps import Step, at_line, walked
from explorer.core.walk.tree import Node
from explorer.engine.base import Engine, Progress, Reporter, silent
from explorer.errors import EngineError, RecordError, UsageError
from explorer.replay.asked import drawn, table_of


class Rewalk:
    """One walk on one engine that is ready."""

    def __init__(self, engine: Engine, report: Reporter = silent) -> None:
        self._engine, self._report = engine, report
        self.forced = 0
        """Tokens that were sampled, and are forced here."""

    async def record(self, record: Record, name: str, path: Path) -> Session:
        """Walk all of a record, into a new file.

        Raises UsageError for another vocabulary, RecordError, EngineError; there is no file then.
        """
        info = self._engine.info
        if info is None:
            raise EngineError("The engine is not running.")
        if any(engine.tokenizer != info.tokenizer for engine in record.engines):
            raise UsageError(
                f"{name} names tokens of another vocabulary than that of {info.model}: the same walk is not possible "
                "there. Take a model with the same vocabulary."
            )
        header = info.header()
        steps = walked(record, name, Session(record.header))
        self._session = session = Session(header, Journal.create(path, header))
        complete = False
        try:
            for done, step in enumerate(steps):
                self._report(Progress("walking", done, len(record.events)))
                try:
                    anew = await self._anew(step)
                except RecordError as error:
                    raise at_line(step.line, name, error) from error
                if anew is not None:
                    session.apply(anew)
            complete = True
        finally:
            self._report(Progress("walking", 1, 1))
            if session.journal is not None:
                session.journal.close()
            if not complete:
                path.unlink(missing_ok=True)  # Half a walk is another one, and its name is free for another try.
        return session

    async def _anew(self, step: Step) -> AnyEvent | None:
        """The event with the numbers of this engine; None for one that is not of the walk."""
        session, event = self._session, step.event
        match event:
            case EngineEvent():
                return None
            case Prompt():
                tokens = await self._engine.describe(event.ids)
                session.learn_sequence(tokens)
                return msgspec.structs.replace(event, bytes=[token.bytes.hex() for token in tokens])
            case Score():
                ids = [token.id for token in session.tree.prompt]
                return Score.of([one async for part in self._engine.score(ids, 0) for one in part])
            case Seen():
                return await self._seen(event)
            case Add():
                return await self._add(event)
            case Move() if event.drawn is not None or event.batch is not None:
                return await self._move(event)
        return event

    async def _table(self, place: Place, listed: list[int], top: int) -> Distribution:
        table = await table_of(self._engine, self._session.asked(place), listed, top)
        self._session.learn(candidate.token for candidate in table.candidates)
        return table

    async def _seen(self, event: Seen) -> Seen:
        """The first rows, as many as there were, and every row that was listed."""
        places = {row.rank if row.adjusted_rank is None else row.adjusted_rank for row in event.candidates}
        top = next(count for count in range(len(places) + 1) if count + 1 not in places)
        place, listed = event.place, [row.id for row in event.candidates]
        return Seen.of(place.node, await self._table(place, listed, top), place.at)

    async def _add(self, event: Add) -> Add:
        table = await self._table(Place(event.parent), [event.id], 1)
        here = table.find(event.id)
        if here is None:
            raise RecordError(f"the model has no token {event.id}.")
        above = self._session.tree.nodes[event.parent]
        event = msgspec.structs.replace(event, bytes=here.token.bytes.hex(), prob=here.prob, rank=here.rank)
        if event.source == "picked":
            return msgspec.structs.replace(event, sampling_prob=here.sampling_prob)
        if event.source == "sampled" and event.batch is None:
            taken = await self._drawn(above, event.draw)
            if taken is not None and taken.token.id == event.id:
                share, seed = taken.sampling_prob, self._session.params.seed
                return msgspec.structs.replace(event, sampling_prob=share, seed=seed)
        self.forced += event.source == "sampled"
        return msgspec.structs.replace(
            event,
            source="forced",
            sampling_prob=None,
            entropy=table.entropy,
            seed=None,
            draw=None,
            row=UNSET,
            rows=UNSET,
        )

    async def _move(self, event: Move) -> Move:
        """A token that was drawn once more is drawn here too, or gone to."""
        session = self._session
        here = event.root_from(session.root) == session.root
        node = session.tree.nodes[event.node] if here else None
        if node is not None and node.token is not None and node.parent is not None and event.batch is None:
            taken = await self._drawn(session.tree.nodes[node.parent], event.drawn)
            if taken is not None and taken.token.id == node.token.id:
                return event
        return msgspec.structs.replace(event, draw=UNSET, seed=UNSET, row=UNSET, rows=UNSET)

    async def _drawn(self, above: Node, draw: int | None) -> Candidate | None:
        """What this engine draws after a node; None where another draw is due."""
        if draw not in (above.draws, above.taken):
            return None
        return await drawn(self._engine, self._session.asked(Place(above.number)), draw or 0)
