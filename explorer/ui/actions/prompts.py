"""Prompts: the action that edits the prompt, and the draft that is kept where it could not be used."""

from textual import work
from textual.screen import Screen

from explorer.core.chat import Chat
from explorer.errors import ExplorerError
from explorer.ui.screens.prompt import Draft, PromptScreen
from explorer.walk.walk import Walk


class Prompts(Screen[None]):
    """The part of the main screen that opens the prompt editor."""

    walk: Walk
    fault: ExplorerError | None = None
    """Why there is no session, where there is none."""
    _unused: Draft | None = None
    """What was being written when the engine died."""

    def prompted(self) -> None:
        """A new prompt is there."""
        raise NotImplementedError

    def stop_run(self) -> bool:
        raise NotImplementedError

    @work(exclusive=True, group="prompt")
    async def action_prompt(self) -> None:
        self.stop_run()
        snapshot, info = self.walk.snapshot, self.walk.info
        source = (snapshot.prompt_chat or snapshot.prompt_text) if self.walk.session else self.walk.draft
        render = self.walk.engine.render_chat if info and info.chat_template else None
        written = await self.app.push_screen_wait(PromptScreen(self._unused or Draft.of(source), render, self._use))
        self._unused = None if self.walk.alive else written

    async def _use(self, source: str | Chat) -> None:
        await self.walk.prompt(source)
        self.fault = None
        self.prompted()
