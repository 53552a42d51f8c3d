"""Walk: one session on one engine: what a person wants becomes events, and tables are asked for where they lack.

Owns the order of things (the record first, then the snapshot; a late answer is dropped when the cursor has moved on)
and the measuring of steps. Must not know widgets, so that it is tested without a terminal.
"""

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from msgspec import UNSET

from explorer.core.asked import Asked
from explorer.core.chat import Chat
from explorer.core.distribution import Candidate, Distribution
from explorer.core.place import Place
from explorer.core.record.event import Act
from explorer.core.record.events import AnyEvent, End, Move, Params, Redo, Seen, Undo
from explorer.core.sampling.params import SamplingParams
from explorer.core.walk import navigation
from explorer.core.walk.session import Session
from explorer.core.walk.snapshot import EMPTY, Snapshot
from explorer.engine.base import Engine, Reporter, Step, silent
from explorer.engine.description import EngineInfo
from explorer.errors import ContextFull, RecordError, UsageError
from explorer.walk.first_look import begin_first
from explorer.walk.room import Room
from explorer.walk.speed import Speed
from explorer.walk.tables import Tables
from explorer.wording import WORDS, Wording

OpenSession = Callable[[Engine, str | Chat], Awaitable[Session]]
"""Begins or resumes a session on an engine that is ready, a new one with the text or the chat."""


class Walk:
    """`changed` is called after each change that a screen may show, `warned` with a sentence that it must show.

    Many changes may come at once, as when a run draws: whoever shows them looks at `version` when it has time.
    """

    def __init__(
        self,
        engine: Engine,
        open_session: OpenSession,
        draft: str | Chat | None,
        top: int,
        changed: Callable[[], None] = lambda: None,
        warned: Callable[[str], None] = lambda sentence: None,
        clock: Callable[[], float] = time.perf_counter,
        words: Wording = WORDS,
    ) -> None:
        self.words = words
        self.engine = engine
        self.draft = draft
        """The prompt, until there is a session; None leaves it to the model."""
        self.before = EMPTY
        """What is shown until there is a session."""
        self.to_write: Chat | None = None
        """The chat that a person is to write before there is a session."""
        self._top = top
        self.speed = Speed()
        self.session: Session | None = None
        self.unrecorded = ""
        """Why the walk is in memory only, once its record cannot be written any more."""
        self.changed = changed
        self.warned = warned
        self.version = 0
        """Another one after each change that a screen may show."""
        self.info: EngineInfo | None = None
        """What the engine is, or was before it died."""
        self.open_session = open_session
        self.tables = Tables(self)
        self._focus: int | None = None
        self._aside: Snapshot | None = None
        """What is shown while tokens are added elsewhere."""
        self.clock = clock
        self.report: Reporter = silent
        """Takes how far the engine is at what this walk asks."""

    @property
    def alive(self) -> bool:
        """Whether the engine can be asked."""
        return self.engine.info is not None

    def answers(self, call: str) -> bool:
        """Whether the engine has an answer to a call, by its name; until it is known, nothing speaks against it."""
        return self.info is None or call in self.info.answers

    @property
    def snapshot(self) -> Snapshot:
        if self._aside is not None:
            return self._aside
        return self.session.snapshot(self._focus) if self.session else self.before

    @property
    def focus(self) -> int | None:
        """The index on the path of the token under the token cursor; None at the end. No act, and not recorded."""
        return self._focus

    @focus.setter
    def focus(self, index: int | None) -> None:
        self._focus = index
        self.tell()

    @property
    def top(self) -> int:
        """How many rows a table has."""
        return self._top

    @top.setter
    def top(self, rows: int) -> None:
        if rows != self._top:
            self._top = rows
            self.tell()

    @property
    def prefix(self) -> list[int]:
        """The ids after which the table stands."""
        return self.session.prefix(self.session.place(self._focus)) if self.session else []

    @property
    def asked(self) -> Asked:
        """What the table answers."""
        assert self.session is not None
        return self.session.asked(self.session.place(self._focus))

    @property
    def shown_aside(self) -> bool:
        """Whether what is shown is not where tokens are added."""
        return self._aside is not None

    def check_prefix(self) -> None:
        """Raises UsageError where nothing stands before the place of the table: the model has nothing to say there."""
        if not self.prefix:
            raise UsageError(self.words("walk.nothing_before"))

    @property
    def room(self) -> Room:
        """What the context has left where the table stands."""
        if self.session is None or self.info is None:
            return Room(None)
        used = self.session.cursor.length if self._focus is None else self._focus
        return Room.after(used, self.info.context_length)

    async def open(self) -> None:
        """Start the engine, and the session if there is none yet and its prompt is there.

        Raises ModelError, EngineError, RecordError, and UsageError for a prompt that cannot be used.
        """
        self.tables.stop()
        info = self.info = await self.engine.start(self.report)
        self.tables.begin()
        if self.session is None:
            await begin_first(self, info)
        else:
            self.apply(info.event(restarted=True))

    def close(self) -> None:
        """Complete the record."""
        self.tables.stop()
        if self.session is not None:
            self._come_back()
            self.apply(End())
            if self.session.journal is not None:
                try:
                    self.session.journal.close()
                except RecordError as error:
                    self.unrecorded = str(error)

    # Changing it.

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Within, what is added elsewhere is not shown; afterwards the cursor is where it was."""
        self._aside = self.snapshot
        try:
            yield
        finally:
            self._come_back()

    def _come_back(self) -> None:
        snapshot, self._aside = self._aside, None
        if snapshot is not None and self.session is not None and self.session.node != snapshot.node:
            self.apply(Move(node=snapshot.node, joined=True))
        self.tell()

    def tell(self) -> None:
        """There is something else to show."""
        self.version += 1
        self.changed()

    def apply(self, event: AnyEvent) -> None:
        """Apply an event; when the record cannot be written any more, say so and go on."""
        assert self.session is not None
        journal = self.session.journal
        if isinstance(event, Act | Undo | Redo):
            self._focus = None
        try:
            self.session.apply(event)
        except RecordError as error:
            if journal is None or journal.open:
                raise
            self._record_lost(error)
        if self._aside is None:
            self.tell()

    def look_at_record(self) -> None:
        """Say so where the file of the record is not what it was, though nothing is to be written."""
        if self.session is not None and self.session.journal is not None:
            try:
                self.session.journal.look()
            except RecordError as error:
                self._record_lost(error)

    def _record_lost(self, error: RecordError) -> None:
        self.unrecorded = self.words("walk.unrecorded")
        self.warned(self.words("walk.in_memory", error=error))

    def add(self, candidate: Candidate) -> None:
        """Go to a picked token; under the token cursor, along the path where it stands there. Raises ContextFull."""
        session = self.session
        assert session is not None
        path = session.snapshot().path
        if self._focus is not None and path[self._focus].token.id == candidate.token.id:
            self.focus = self._focus + 1 if self._focus + 1 < len(path) else None
            return
        if self.room.is_full and candidate.token.id not in session.cursor.children:
            raise ContextFull(self.words("walk.full"))
        joined = self.arrive()
        self.apply(session.choose(candidate, "picked", joined=joined))

    def arrive(self) -> bool:
        """Bring the cursor to where the table stands; whether it was elsewhere."""
        session = self.session
        assert session is not None
        events = navigation.arrival(session, session.place(self._focus))
        for event in events:
            self.apply(event)
        return bool(events)

    def back(self) -> bool:
        """Go one token back; False at the prompt. The token cursor goes along the path instead."""
        assert self.session is not None
        if self._focus is not None:
            self.focus = max(self._focus - 1, 0)
            return True
        return self._done(self.session.back())

    def undo(self) -> bool:
        """Undo the last act; False where there is none."""
        assert self.session is not None
        return self._done(self.session.undo())

    def redo(self) -> bool:
        """Do again what was undone last; False where nothing was."""
        assert self.session is not None
        return self._done(self.session.redo())

    def _done(self, event: AnyEvent | None) -> bool:
        if event is not None:
            self.apply(event)
        return event is not None

    def set_params(self, params: SamplingParams) -> None:
        assert self.session is not None
        if params != self.session.params:
            self.apply(Params.of(params))

    # What an engine answered.

    def take(self, step: Step, parent: int | None = None, joined: bool = False) -> None:
        """Go to a token that was drawn after the cursor, or after the node `parent`; `joined` to the act before."""
        session = self.session
        assert session is not None
        session.learn([step.drawn.token])
        if parent is not None:
            self.apply(Move(node=parent, joined=True if joined else UNSET))
        self.apply(session.choose(step.drawn, "sampled", step.draw, joined or parent is not None))
        here = Place(session.node)
        if step.distribution is not None and session.missing(here):
            self.see(here, step.distribution)

    def see(self, place: Place, distribution: Distribution) -> None:
        """A table was answered; it is kept."""
        assert self.session is not None
        self.session.learn(candidate.token for candidate in distribution.candidates)
        self.apply(Seen.of(place.node, distribution, place.at))
