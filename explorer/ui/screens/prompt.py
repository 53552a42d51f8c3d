"""The prompt editor: a text of several lines, or a chat with a preview of what its template makes of it.

Owns the two modes; what was written in one is kept while the other is shown. A prompt is tried at once, so that a
mistake can be mended here. Must not know the session.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

import msgspec
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.getters import query_one
from textual.widgets import Input, Static

from explorer.core.chat import Chat, ChatOptions, Message, join_flags, split_flags
from explorer.core.token import Token
from explorer.engine.base import RenderedChat
from explorer.errors import ExplorerError
from explorer.ui.screens.dialog import Dialog
from explorer.ui.widgets.editor import Editor
from explorer.ui.widgets.flow import SHOWN, FlowPane, id_parts, text_parts
from explorer.ui.widgets.said import Said
from explorer.ui.widgets.text_field import TextField
from explorer.ui.widgets.turns import Turns
from explorer.walk.first_look import is_unwritten
from explorer.wording import Wording

PAUSE = 0.12
"""Seconds without a key before the preview is asked for."""

PREVIEW_LIMIT = 100_000
"""Characters up to which a chat is rendered while it is written."""

CHAT_ACTIONS = {"role", "add_turn", "remove_turn", "raise_turn", "generation", "scroll_rendered"}


class Draft(msgspec.Struct, frozen=True):
    """What is written in both modes, and which one is shown."""

    text: str
    chat: Chat | None = None
    """None until a chat was begun."""
    chatting: bool = False

    @classmethod
    def of(cls, source: str | Chat) -> "Draft":
        if isinstance(source, str):
            return cls(source)
        said = (message.content for message in reversed(source.messages) if message.role == "user")
        return cls(next(said, None) or "", source, True)


Render = Callable[[Sequence[Message], ChatOptions], Awaitable[RenderedChat]]
Use = Callable[[str | Chat], Awaitable[None]]


class PromptScreen(Dialog[Draft | None]):
    """Returns None where a prompt was used, else what was written.

    `render` is None for a model without a template; `use` raises ExplorerError for a prompt that cannot be used.
    `first` is said while a chat is still to be written, in place of what its template makes of that.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s,ctrl+j", "accept", show=False),
        Binding("f2,ctrl+t", "mode", show=False, priority=True),
        Binding("f3", "role", show=False, priority=True),
        Binding("f4", "add_turn", show=False, priority=True),
        Binding("f5", "remove_turn", show=False, priority=True),
        Binding("f6", "generation", show=False, priority=True),
        Binding("f7", "raise_turn", show=False, priority=True),
        Binding("pageup", "scroll_rendered(-1)", show=False, priority=True),
        Binding("pagedown", "scroll_rendered(1)", show=False, priority=True),
        Binding("escape", "cancel", show=False, priority=True),
    ]

    dialog = query_one("#prompt", Vertical)
    editor = query_one("#text-mode", Editor)
    turns = query_one(Turns)
    flags = query_one("#flags", Input)
    text = query_one("#rendered-text", FlowPane)
    ids = query_one("#rendered-ids", FlowPane)

    def __init__(self, words: Wording, draft: Draft, render: Render | None, use: Use, first: str = "") -> None:
        super().__init__(words)
        self._ask, self._use, self._first = render, use, first
        self._draft = draft
        self._chatting = draft.chatting and render is not None
        self._options = draft.chat.options if draft.chat else ChatOptions()

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="prompt"):
            yield Editor(self._draft.text, soft_wrap=True, tab_behavior="indent", id="text-mode")
            with Vertical(id="chat-mode"):
                with Container(id="sides"):
                    yield Turns()
                    with Vertical(id="rendered"):
                        yield FlowPane("rendered-text")
                        yield FlowPane("rendered-ids")
                with Horizontal(id="options"):
                    yield Said(id="generation")
                    yield TextField(join_flags(self._options.flags), placeholder="enable_thinking=false", id="flags")
            yield Said(id="fault")

    async def on_mount(self) -> None:
        self.editor.move_cursor(self.editor.document.end)
        await self._show_mode()

    # What is written.

    @property
    def draft(self) -> Draft:
        """Both modes as they are now; flags that cannot be read are those that could be read last."""
        chat = self._draft.chat
        if self._chatting:
            chat = Chat(self.turns.messages, self._options)
        return Draft(self.editor.content, chat, self._chatting)

    def _chat(self) -> Chat:
        """Raises UsageError for flags that cannot be read."""
        self._options = msgspec.structs.replace(self._options, flags=split_flags(self.flags.value))
        return Chat(self.turns.messages, self._options)

    async def _show_mode(self) -> None:
        self.dialog.set_class(self._chatting, "-chat")
        mode = "chat" if self._chatting else "text"
        self.dialog.border_title = self._words(f"prompt.title.{mode}")
        self.dialog.border_subtitle = self._words(f"prompt.keys.{mode}")
        self.say(self._first)
        self.refresh_bindings()
        if self._chatting:
            self._show_generation()
            placeholder = self._words("prompt.message") if self._first else ""
            await self.turns.show(self._draft.chat or Chat((Message("user", self.editor.content),)), placeholder)
            self.preview()
        else:
            self.editor.focus()

    def _show_generation(self) -> None:
        words, tools = self._words, self._options.tools
        said = words("prompt.generation.on" if self._options.add_generation_prompt else "prompt.generation.off")
        if tools:
            said = words("prompt.tools", generation=said, n=len(tools))
        self.query_one("#generation", Static).update(words("prompt.flags", generation=said) + " ")

    # The preview.

    @on(Turns.Changed)
    @on(Input.Changed)
    def changed(self) -> None:
        self.preview()

    @work(exclusive=True, group="preview")
    async def preview(self) -> None:
        """Show what the template makes of the chat, once the person pauses."""
        await asyncio.sleep(PAUSE)
        if not self.open:
            return
        size = sum(len(message.content or "") for message in self.turns.messages)
        if self._ask is None or not self._chatting:
            return
        if size > PREVIEW_LIMIT:
            self._show([], self._words("prompt.too_long", size=size))
            return
        try:
            chat = self._chat()
            rendered = await self._ask(chat.messages, chat.options)
        except ExplorerError as error:
            self._show([], self._first_or(self.sentence_of(error)), fault=not self._first_or(""))
        else:
            self._show(rendered.tokens, self._first_or(rendered.note(chat.messages)))

    def _first_or(self, sentence: str) -> str:
        """What is said before anything is written, else a sentence."""
        unwritten = is_unwritten(Chat(self.turns.messages))
        return self._first if self._first and unwritten else sentence

    def _show(self, tokens: Sequence[Token], sentence: str, fault: bool = False) -> None:
        if not self.ready:  # It was left while the answer was on the way.
            return
        shown = tokens[-SHOWN:]
        self.text.parts = tuple(text_parts(shown))
        self.ids.parts = tuple(id_parts(shown))
        words = self._words
        title = words("prompt.rendered.tokens", n=len(tokens)) if tokens else words("prompt.rendered.title")
        if len(shown) < len(tokens):
            title = words("prompt.rendered.last", title=title, shown=SHOWN)
        self.text.border_title = title
        self.ids.border_title = words("prompt.rendered.ids")
        self.say(sentence, fault)

    # Keys.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The keys of a chat are the editor's own while a text is shown."""
        chat_alone = action in CHAT_ACTIONS and not self._chatting
        return False if chat_alone else super().check_action(action, parameters)

    async def action_mode(self) -> None:
        if self._ask is None:
            self.say(self._words("prompt.no_template"), fault=True)
            return
        self._draft = self.draft
        self._chatting = not self._chatting
        await self._show_mode()

    def action_role(self) -> None:
        self.turns.change_role()

    async def action_add_turn(self) -> None:
        await self.turns.add()

    async def action_remove_turn(self) -> None:
        if not await self.turns.drop():
            self.say(self._words("prompt.last_turn"))

    def action_raise_turn(self) -> None:
        self.turns.raise_current()

    def action_scroll_rendered(self, way: int) -> None:
        for pane in (self.text, self.ids):
            pane.scroll_relative(y=way * max(pane.scrollable_content_region.height - 1, 1), animate=False)

    def action_generation(self) -> None:
        on = not self._options.add_generation_prompt
        self._options = msgspec.structs.replace(self._options, add_generation_prompt=on)
        self._show_generation()
        self.preview()

    @on(Input.Submitted)
    @work(exclusive=True, group="use")
    async def action_accept(self) -> None:
        """Try what is written: the editor closes where it can be used, and says why where it cannot."""
        if not self.open:
            return
        try:
            await self._use(self._chat() if self._chatting else self.editor.content)
        except ExplorerError as error:
            self.say(self.sentence_of(error), fault=True)
        else:
            self.dismiss(None)

    def leave(self) -> None:
        self.dismiss(self.draft)
