"""Run: draws token after token on a walk, as fast as a person allows, until something ends it; and draws one again.

Owns the pace, the reasons to stop and their sentences. Must not know widgets.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

import msgspec

from explorer.core.distribution import Distribution
from explorer.core.sampling.pace import RunSettings, quoted
from explorer.core.sampling.params import SamplingParams
from explorer.core.sampling.stopping import FinishReason, Stopper, StopRules
from explorer.core.token import label, visible
from explorer.core.walk import navigation
from explorer.engine.base import Step
from explorer.errors import UsageError
from explorer.walk.speed import Speed
from explorer.walk.walk import Walk
from explorer.wording import Wording


class Ended(msgspec.Struct, frozen=True):
    """Why a run stopped by itself."""

    reason: FinishReason
    sentence: str


class Run:
    """`sleep` waits between two tokens where there is a speed limit."""

    def __init__(
        self,
        walk: Walk,
        settings: RunSettings,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.settings = settings
        """A new speed holds from the next token on, new rules from the next run on."""
        self._walk = walk
        self._sleep = sleep

    async def draw(self, count: int | None = None) -> Ended | None:
        """Sample token after token, `count` at most; settings that change on the way hold from the next token on.

        Returns None when the cursor is moved. Can be cancelled between two tokens; what was drawn is in the record.
        Raises EngineError, ContextFull.
        """
        walk, session = self._walk, self._walk.session
        assert session is not None
        rules = self.settings.rules
        if count is not None:
            rules = msgspec.structs.replace(rules, max_new_tokens=count)
        stopper = Stopper(rules, walk.info.eos_ids if walk.info else (), walk.room.left)
        began = due = walk.clock()
        done, waited = 0, 0.0
        arrived = walk.arrive()
        here = (session.root, session.node)
        while True:
            params, limit = session.params, self.settings.tokens_per_second
            # Under a speed limit the engine does not run ahead: it is asked for each token when it is due.
            async with aclosing(self._steps(params, 1 if limit else rules.max_new_tokens - done)) as steps:
                async for step in steps:
                    if (session.root, session.node) != here:
                        return None
                    if self._is_stale(step, params, limit):
                        break
                    walk.take(step, joined=arrived or done > 0)
                    here = (session.root, session.node)
                    done += 1
                    now = walk.clock()
                    spent = max(now - began, 1e-9)
                    walk.speed = Speed(max(spent - waited, 1e-9) * 1000 / done, done / spent)
                    ended = _ended(walk.words, stopper, rules, step, done)
                    if ended is not None:
                        return ended
                    due = max(due + 1 / limit, now) if limit else now
                    waited += due - now
                    # Without a limit too: steps may come faster than they are awaited, and a key wants its turn.
                    await self._sleep(due - now)

    def _steps(self, params: SamplingParams, most: int) -> AsyncGenerator[Step, None]:
        """What the engine draws from here on."""
        asked, session = self._walk.asked, self._walk.session
        assert session is not None
        return self._walk.engine.generate(
            asked.ids,
            params,
            draws=session.cursor.draws,
            max_new_tokens=most,
            top=self._walk.top,
            prompt_length=asked.prompt_length,
        )

    def _is_stale(self, step: Step, params: SamplingParams, limit: float) -> bool:
        """Whether a step was drawn under what does not hold any more, so that the engine is to be asked anew."""
        session = self._walk.session
        assert session is not None
        if session.params != params or self.settings.tokens_per_second != limit:
            return True
        # Where a token was there before, picked, the path has used up fewer draws than steps.
        return params.temperature > 0 and session.cursor.draws != step.draw


def _ended(words: Wording, stopper: Stopper, rules: StopRules, step: Step, done: int) -> Ended | None:
    """Why this token is the last; None while more may come."""
    token = step.drawn.token
    match stopper.feed(token):
        case "stop":
            return Ended("stop", words("run.stop"))
        case "stop_id":
            return Ended("stop_id", words("run.stop_id", id=token.id))
        case "stop_string":
            return Ended("stop_string", words("run.stop_string", text=visible(quoted(stopper.found or "")[1:-1])))
        case "context":
            return Ended("context", words("run.context"))
        case "length":
            return Ended("length", words("run.length", n=done))
    return _woken(words, rules, step.distribution) if step.distribution else None


def _woken(words: Wording, rules: StopRules, table: Distribution) -> Ended | None:
    """Whether the model is unsure of the token that would be drawn from this table: a person picks it."""
    top = max((candidate.prob for candidate in table.candidates if candidate.prob is not None), default=None)
    if rules.unsure(table.entropy, None):
        return Ended("unsure", words("run.entropy", entropy=table.entropy, above=rules.entropy_above))
    if rules.unsure(None, top):
        return Ended("unsure", words("run.prob", prob=top, below=rules.prob_below))
    return None


async def redraw(walk: Walk) -> str:
    """Draw again in place of the cursor's token: the next draw that was never taken after the token before it.

    The token that was there stays, as a branch. Returns what was drawn, in words; nothing where the cursor was moved
    meanwhile. Raises UsageError where no token was drawn, EngineError.
    """
    session = walk.session
    assert session is not None
    here, node = (session.root, session.node), navigation.node_at(session, walk.focus)
    if node.parent is None or node.choice is None:
        raise UsageError(walk.words("run.prompt"))
    if node.choice.source != "sampled":
        raise UsageError(walk.words(f"run.not_drawn.{node.choice.source}"))
    if session.params.temperature == 0:
        raise UsageError(walk.words("run.greedy"))
    above = session.tree.nodes[node.parent]
    steps = walk.engine.generate(
        session.tree.prefix(above.number),
        session.params,
        draws=above.taken,
        max_new_tokens=1,
        top=walk.top,
        prompt_length=len(session.tree.prompt),
        report=walk.report,
    )
    async with aclosing(steps):
        async for step in steps:
            if (session.root, session.node) != here:
                break
            walk.take(step, above.number)
            same = session.node == node.number
            name = "run.drawn_again" if same else "run.drawn"
            return walk.words(name, draw=step.draw + 1, token=label(step.drawn.token))
    return ""
