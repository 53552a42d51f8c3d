"""Running: the actions that draw: one token, several by a count before the key, a run without end; and what stops it.

Owns the count that a person types, and the background work of the kind `auto`. Must not know how a token is drawn.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from textual import events, work

from explorer.core.sampling.pace import FIELDS, RunSettings, read, written
from explorer.errors import ExplorerError, UsageError
from explorer.ui.actions.loading import Loading
from explorer.ui.screens.form import FormScreen
from explorer.ui.screens.sequences import SequencesScreen
from explorer.ui.widgets.sampler import SamplerPane
from explorer.ui.widgets.status import Severity
from explorer.walk.fork import Fork
from explorer.walk.run import Ended, Run, redraw

SEQUENCES = 4
"""Drawn side by side where no count says how many."""

AWAKE = "Awake, you pick the token that the model is unsure of; a goes on."

COUNT_DIGITS = 5
"""Of a count before a key; more are not taken."""


class Running(Loading):
    """The part of the main screen that draws."""

    run: Run
    sampler: SamplerPane
    _note: tuple[str, Severity]
    _typed = 0
    """The count, while it is typed."""
    _count: int | None = None
    """The count before the key that was pressed last."""

    def show(self) -> None:
        raise NotImplementedError

    # A count before a key.

    def take_digit(self, event: events.Key) -> None:
        """Add a digit to the count; any other key is the one that it stands before."""
        if event.key in "0123456789" and len(event.key) == 1:
            event.stop()
            count = self._typed * 10 + int(event.key)
            if not count:
                self.note("a count begins with 1 to 9", "warning")
            elif len(str(count)) <= COUNT_DIGITS:
                self._typed = count
                self.note(f"{count} … Space, a: tokens · N: sequences · ]: token {count} · Esc")
            return
        self._count, typed = self._typed or None, self._typed
        self._typed = 0
        if typed:
            self.note("")

    def take_count(self) -> int | None:
        """The count before this key; None where there was none."""
        count, self._count = self._count, None
        return count

    # Drawing.

    @work(exclusive=True, group="auto")
    async def draw(self, count: int | None) -> None:
        """Draw `count` tokens, or as many as the rules allow."""
        await self._while_drawing(self._draw(count), count != 1)

    async def _draw(self, count: int | None) -> str:
        ended: Ended | None = await self.run.draw(count)
        quiet = ended is None or (count == 1 and ended.reason == "length")
        return "" if ended is None or quiet else ended.sentence

    @work(exclusive=True, group="auto")
    async def draw_again(self) -> None:
        await self._while_drawing(redraw(self.walk), False)

    async def _while_drawing(self, drawing: Coroutine[Any, Any, str], auto: bool) -> None:
        """Say what came of it; nothing where the cursor was moved."""
        self.sampler.auto = auto
        self._note = ("", "note")
        try:
            said = await drawing
        except UsageError as error:
            self.note(str(error), "warning")
        except ExplorerError as error:
            self.fail(error)
        else:
            self._note = (said, "note") if said else self._note
        finally:
            self.sampler.auto = False
        self.show()

    @property
    def drawing(self) -> bool:
        """Whether something is being drawn; a held key draws as fast as the engine does."""
        return any(worker.group == "auto" and not worker.is_finished for worker in self.workers)

    def stop_run(self) -> bool:
        """Stop drawing between two tokens; False where no run was under way."""
        running = self.sampler.auto
        self.workers.cancel_group(self, "auto")
        self.sampler.auto = False
        return running

    def may_draw(self) -> bool:
        """Whether a token can be added here; if not, say why."""
        if not self.walk.alive:
            self.note("the engine is starting" if self.loading else "the engine is not running; R starts it", "warning")
        elif self.walk.context_is_full:
            self.note(self.walk.ending, "warning")
        else:
            return True
        return False

    def action_sample(self) -> None:
        count = self.take_count() or 1
        if not self.drawing and self.may_draw():
            self.draw(count)

    def action_auto(self) -> None:
        count = self.take_count()
        if self.sampler.auto:
            self.action_stop()
        elif self.may_draw():
            self.draw(count)

    def action_draw_again(self) -> None:
        if not self.walk.alive:
            self.may_draw()
        elif not self.drawing:
            self.draw_again()

    @work(exclusive=True, group="sequences")
    async def action_sequences(self) -> None:
        count = self.take_count() or SEQUENCES
        self.stop_run()
        if not self.may_draw():
            return
        try:
            fork = Fork(self.walk, count, self.run.settings.rules)
        except UsageError as error:
            self.note(str(error), "warning")
            return
        chosen = await self.app.push_screen_wait(SequencesScreen(fork))
        if chosen is None:
            self.note(f"{fork.begun} sequences begin here, at the tokens marked with •" if fork.begun else "")
        else:
            fork.go(chosen)
            self.note(f"the end of sequence {chosen + 1} of {count}")

    def action_stop(self) -> None:
        if self.take_count() is not None or self.stop_loading():
            return
        if self.walk.scoring.skip():
            self.note("the prompt goes without its numbers")
        elif self.stop_run():
            self.note("stopped by hand")
        else:
            self.leave_token()

    def leave_token(self) -> bool:
        raise NotImplementedError

    # How it goes.

    def action_slower(self) -> None:
        self._set_run(lambda settings: settings.at_speed(1))

    def action_faster(self) -> None:
        self._set_run(lambda settings: settings.at_speed(-1))

    def _set_run(self, change: Callable[[RunSettings], RunSettings]) -> None:
        self.run.settings = change(self.run.settings)
        self.note(self.run.settings.speed)

    @work(exclusive=True, group="run-settings")
    async def action_run_settings(self) -> None:
        self.stop_run()
        form = FormScreen("Auto-sampling", FIELDS, written(self.run.settings), read, AWAKE)
        settings = await self.app.push_screen_wait(form)
        if settings is not None:
            self.run.settings = settings
            self.note(f"auto-sampling: {settings.summary}")
