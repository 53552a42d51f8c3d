"""One token on, one token back, another prompt."""

from typing import TYPE_CHECKING

from explorer.core.chat import Chat
from explorer.errors import ExplorerError, UsageError
from explorer.ui.screens.prompt import Draft, PromptScreen
from explorer.walk.beginning import begin, prompt_note
from explorer.walk.first_look import SENTENCE
from explorer.walk.walk import Walk

if TYPE_CHECKING:
    from explorer.ui.walk_desk import WalkDesk


def add(desk: "WalkDesk") -> None:
    """Add what a person saw selected."""
    candidate = desk.selected
    if candidate is not None:
        desk.attempt(lambda: desk.walk.add(candidate))


def back(desk: "WalkDesk") -> None:
    def go() -> None:
        if not desk.walk.back():
            desk.note(desk.words("walking.prompt"))

    desk.attempt(go)


async def note_prompt(desk: "WalkDesk") -> None:
    """Say where the model does not read the prompt as it was written; else nothing."""
    try:
        said = await prompt_note(desk.walk)
    except ExplorerError:
        # The prompt stands. Of an engine that died it is told already; a template that refuses it now made it not.
        said = ""
    desk.note(said, "warning" if said else "note")


async def prompt(desk: "WalkDesk") -> None:
    """Edit the prompt; a draft is kept where the engine died over it."""
    walk, snapshot = desk.walk, desk.walk.snapshot
    source = (snapshot.prompt_chat or snapshot.prompt_text) if walk.session else walk.to_write or walk.draft
    written = await _write(desk, desk.unused or Draft.of(source or ""))
    desk.unused = None if walk.alive else written


async def write_first(desk: "WalkDesk") -> None:
    """Have a person write the chat that the walk begins with; where they leave it, it begins without a word of theirs.

    What they left is kept for the next time that they write.
    """
    walk = desk.walk
    chat, walk.to_write = walk.to_write, None
    if chat is None:
        return
    desk.candidates.say(desk.words("loading.chat"))
    empty = Draft.of(chat)
    written = await _write(desk, desk.unused or empty, desk.words("prompt.first"))
    desk.unused = None if written == empty else written
    if written is None or walk.session is not None:
        return
    if not walk.alive:
        walk.to_write = chat
        desk.candidates.fail(desk.words("desk.no_engine"))
        return
    try:
        await _begin_unwritten(walk, chat)
    except ExplorerError as error:
        desk.loader.fault = error
        desk.fail(error)
    else:
        desk.note(desk.words("walking.write"))
    desk.screen.refresh_bindings()


async def _begin_unwritten(walk: Walk, chat: Chat) -> None:
    """Begin with a chat as it is; with a text, where the template refuses a turn that says nothing."""
    try:
        await begin(walk, chat)
    except UsageError:
        await begin(walk, SENTENCE)


async def _write(desk: "WalkDesk", draft: Draft, first: str = "") -> Draft | None:
    """None where a prompt was written and used, else what was written; `first` is said until something is."""
    walk = desk.walk
    render = walk.engine.render_chat if walk.info and walk.info.chat_template else None

    async def use(source: str | Chat) -> None:
        await begin(walk, source)
        desk.loader.fault = None
        await note_prompt(desk)

    return await desk.ask(PromptScreen(desk.words, draft, render, use, first))
