"""Timeline: the session of a record at any of its events, forward and back.

Owns the changes of each event, so that a step to either side costs the same at any length. What an act can undo is not
part of it: a session that was taken back is there to be shown, and not to go on with. Must not know time or screens.
"""

from explorer.core.record import events
from explorer.core.record.record import Record
from explorer.core.token import Token
from explorer.core.walk.change import Change
from explorer.core.walk.recorded import learn_recorded
from explorer.core.walk.session import Session
from explorer.core.walk.steps import walked
from explorer.errors import RecordError


class Timeline:
    """Begins before the first event. Raises RecordError, which names the record, where there is no prompt in it."""

    def __init__(self, record: Record, name: str) -> None:
        self.events = record.events
        self.session = Session(record.header)
        self.at = 0
        """How many events have been applied."""
        self.fault = ""
        """Why it ends before its last event, in a sentence."""
        self._steps = walked(record, name, self.session)
        self._changes: list[list[Change]] = []
        """Of each event that was reached so far."""
        learn_recorded(self.session.known, record)
        self._name_others(record)

    def _name_others(self, record: Record) -> None:
        """A token of which the record does not tell the bytes is shown as its id."""
        known = self.session.known
        for tokenizer, event in record.by_vocabulary():
            match event:
                case events.Prompt():
                    ids = event.ids[len(event.bytes) :]
                case events.Add():
                    ids = [event.id]
                case _:
                    continue
            others = (token_id for token_id in ids if known.token(tokenizer, token_id).kind == "unused")
            known.learn(tokenizer, (Token(token_id, f"#{token_id}".encode(), "unused") for token_id in others))

    def go(self, at: int) -> None:
        """To where `at` events have been applied, or as near as there are events that fit."""
        while self.at > max(at, 0):
            self.at -= 1
            for change in reversed(self._changes[self.at]):
                self.session.make(change.inverse)
        while self.at < min(at, len(self.events)):
            if self.at < len(self._changes):
                for change in self._changes[self.at]:
                    self.session.make(change)
            elif not self._step():
                return
            self.at += 1

    def _step(self) -> bool:
        """Apply the next event for the first time; False where it does not fit the ones before it."""
        if self.fault:
            return False
        try:
            self._changes.append(next(self._steps).changes)
        except RecordError as error:
            self.fault = str(error)
        return not self.fault
