"""One token on, one token back, another prompt."""

from typing import TYPE_CHECKING

from explorer.core.chat import Chat
from explorer.errors import ExplorerError
from explorer.ui.screens.prompt import Draft, PromptScreen
from explorer.walk.beginning import begin, prompt_note

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
    walk = desk.walk
    snapshot, info = walk.snapshot, walk.info
    source = (snapshot.prompt_chat or snapshot.prompt_text) if walk.session else walk.draft
    render = walk.engine.render_chat if info and info.chat_template else None

    async def use(source: str | Chat) -> None:
        await begin(walk, source)
        desk.loader.fault = None
        await note_prompt(desk)

    written = await desk.ask(PromptScreen(desk.words, desk.unused or Draft.of(source), render, use))
    desk.unused = None if walk.alive else written
