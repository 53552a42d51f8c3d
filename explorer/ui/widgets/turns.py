"""Turns: the messages of a chat, each in an editor of its own: added, removed, their role changed by keys.

Owns the order of the turns and which one is being written. Must not know templates or engines.
"""

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.message import Message as Notice
from textual.widgets import TextArea

from explorer.core.chat import ROLES, Chat, Message
from explorer.core.token import visible
from explorer.ui.drawing.cells import fit
from explorer.ui.widgets.editor import Editor
from explorer.ui.widgets.said import Said

ROLE_WIDTH = 11
"""Cells: `+tool_calls` fits."""


class TurnText(Editor):
    """The text of a turn: Tab leaves it, and so do the arrows at its ends."""

    class Left(Notice):
        """An arrow at the beginning (-1) or the end (1) of the text."""

        def __init__(self, way: int) -> None:
            super().__init__()
            self.way = way

    def __init__(self, text: str) -> None:
        super().__init__(text, soft_wrap=True, tab_behavior="focus", highlight_cursor_line=False, compact=True)
        self.move_cursor(self.document.end)

    def action_cursor_up(self, select: bool = False) -> None:
        if self.navigator.is_first_wrapped_line(self.cursor_location) and not select:
            self.post_message(self.Left(-1))
        else:
            super().action_cursor_up(select)

    def action_cursor_down(self, select: bool = False) -> None:
        if self.navigator.is_last_wrapped_line(self.cursor_location) and not select:
            self.post_message(self.Left(1))
        else:
            super().action_cursor_down(select)


class Turn(Horizontal):
    """One message: its role, and its text."""

    def __init__(self, message: Message) -> None:
        super().__init__()
        self._message = message
        self._mark = Said(classes="mark")
        self._label = Said(classes="role")
        self.editor = TurnText(message.content or "")

    def compose(self) -> ComposeResult:
        yield self._mark
        yield self._label
        yield self.editor

    def on_mount(self) -> None:
        self.show_role()

    @property
    def message(self) -> Message:
        """The message as it is written now; a content that was not there and is not written stays away."""
        content = self.editor.content or (self._message.content and "")
        return Message(self._message.role, content, self._message.more)

    def change_role(self) -> None:
        role = self._message.role
        after = ROLES[(ROLES.index(role) + 1) % len(ROLES)] if role in ROLES else ROLES[0]
        self._message = Message(after, self._message.content, self._message.more)
        self.show_role()

    def show_role(self) -> None:
        more = (f"+{name}" for name in self._message.more)
        self._label.update("\n".join(fit(visible(name), ROLE_WIDTH) for name in (self._message.role, *more)))
        self._mark.update("▸" if self.editor.has_focus else "")
        self.set_class(self.editor.has_focus, "-written")

    def on_descendant_focus(self) -> None:
        self.show_role()

    def on_descendant_blur(self) -> None:
        self.show_role()


class Turns(VerticalScroll, can_focus=False):
    """The turns from the first to the last; there is always one."""

    class Changed(Notice):
        """What is written is another chat now."""

    def __init__(self) -> None:
        super().__init__(id="turns")
        self._last: Turn | None = None

    @property
    def turns(self) -> list[Turn]:
        return [turn for turn in self.query_children(Turn) if turn.is_attached]

    @property
    def messages(self) -> tuple[Message, ...]:
        return tuple(turn.message for turn in self.turns)

    @property
    def current(self) -> Turn:
        """The turn that is being written, or was last."""
        turns = self.turns
        return self._last if self._last in turns and self._last is not None else turns[-1]

    async def show(self, chat: Chat, placeholder: str = "") -> None:
        """Replace all turns by those of a chat; the last one is written next, and shows `placeholder` until then."""
        await self.remove_children()
        await self.mount_all(Turn(message) for message in chat.messages or (Message("user"),))
        self.turns[-1].editor.placeholder = placeholder
        self.turns[-1].editor.focus()

    async def add(self) -> None:
        """A turn after the current one, of whoever speaks next."""
        current = self.current
        turn = Turn(Message("assistant" if current.message.role == "user" else "user"))
        await self.mount(turn, after=current)
        turn.editor.focus()
        self.post_message(self.Changed())

    async def drop(self) -> bool:
        """Remove the current turn; False where it is the only one."""
        turns, current = self.turns, self.current
        if len(turns) == 1:
            return False
        place = turns.index(current)
        turns[place - 1 if place else 1].editor.focus()
        await current.remove()
        self.post_message(self.Changed())
        return True

    def raise_current(self) -> None:
        """Put the current turn before the one above it; the first stays."""
        turns = self.turns
        place = turns.index(self.current)
        if place:
            self.move_child(turns[place], before=turns[place - 1])
            self.post_message(self.Changed())

    def change_role(self) -> None:
        self.current.change_role()
        self.post_message(self.Changed())

    @on(TurnText.Left)
    def leave(self, event: TurnText.Left) -> None:
        event.stop()
        turns = self.turns
        place = turns.index(self.current) + event.way
        if 0 <= place < len(turns):
            turns[place].editor.focus()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self._last = next((turn for turn in self.turns if turn.editor is event.widget), self._last)

    @on(TextArea.Changed)
    def written(self, event: TextArea.Changed) -> None:
        event.stop()
        self.post_message(self.Changed())
