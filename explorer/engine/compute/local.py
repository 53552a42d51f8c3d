"""TransformersEngine: a model of Hugging Face transformers, in this process.

Owns what is loaded, and the way from a call to whoever computes its answer. Loading is loading.py's affair, the thread
is thread.py's, what is kept of a prefix is that of prefixes.py. Must not know processes, the wire, or how numbers are
made.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from functools import partial
from typing import TypeVar

import msgspec
import torch
from transformers import PreTrainedModel

from explorer.core.asked import Asked
from explorer.core.distribution import Distribution
from explorer.core.score import Scored
from explorer.core.token import Token
from explorer.engine import calls
from explorer.engine.base import Engine, Progress, Reporter, check_sampling, silent
from explorer.engine.calls import Drawn, Floats, Found, RenderedChat, Step
from explorer.engine.compute import finiteness, memory
from explorer.engine.compute.comparison import Comparison
from explorer.engine.compute.forward.cache import forward_for
from explorer.engine.compute.forward.forward import Forward
from explorer.engine.compute.loading import inspection
from explorer.engine.compute.loading.generation import bos_id, eos_ids
from explorer.engine.compute.loading.loading import (
    pad_id,
    text_context_length,
)
from explorer.engine.compute.loading.opening import open_model
from explorer.engine.compute.loading.slowness import Slowdown, measured
from explorer.engine.compute.prefixes import Prefixes
from explorer.engine.compute.saving import save
from explorer.engine.compute.scoring import Scoring
from explorer.engine.compute.sequences import Sequences
from explorer.engine.compute.tables.search import first_of
from explorer.engine.compute.thread import Thread, Turn, from_threads
from explorer.engine.description import EngineInfo, ModelSettings, Structure
from explorer.engine.limits import Limits
from explorer.errors import EngineError, UsageError

Answer = TypeVar("Answer")


def check_same(begun: Prefixes, now: Prefixes) -> None:
    """Raises EngineError where the adapter was switched since something began, whose numbers would be of both."""
    if begun is not now:
        raise EngineError("The adapter was switched on or off while this was under way. Ask again.")


def asked_of(call: calls.TableCall, eos_ids: list[int]) -> Asked:
    """What a table is made of, where these ids end a sequence."""
    return msgspec.structs.replace(call.asked, eos_ids=eos_ids)


class TransformersEngine(Engine):
    """`forward` replaces the scheme that `start` chooses, as the tests do; `slowdown` what is measured of the dtype."""

    def __init__(
        self,
        settings: ModelSettings,
        forward: Callable[[PreTrainedModel], Forward] = forward_for,
        slowdown: Slowdown = measured,
    ) -> None:
        self.settings = settings
        self._scheme = forward
        self._slowdown = slowdown
        self._thread = Thread()

    async def start(self, report: Reporter = silent) -> EngineInfo:
        self.info = await self._thread.run(lambda turn: self._load(turn.report), report)
        return self.info

    async def close(self) -> None:
        self._thread.close()

    async def _compute(self, work: Callable[[Turn], Answer], report: Reporter, begun: Prefixes | None = None) -> Answer:
        """Run `work` on the thread; where memory runs out, once more with nothing kept.

        `begun`: what it began with, where it is a later part of something. Raises OutOfMemory, NotFinite, EngineError.
        """
        begun = begun or self.prefixes

        def tried(turn: Turn) -> Answer:
            check_same(begun, self.prefixes)
            with finiteness.explained(self.model):
                return memory.retried(partial(work, turn), self.prefixes.let_go, self.model.device)

        return await self._thread.run(tried, report)

    def _load(self, report: Reporter) -> EngineInfo:
        opened = self._opened = open_model(self.settings, report, self._slowdown)
        self.model, self._sides = opened.model, opened.sides
        with memory.fitting(opened.name, self.model.device):
            self._forward = self._scheme(self.model)
            return self._on_side()

    def _on_side(self) -> EngineInfo:
        """What the engine is from now on, with the adapter on or off; without one there is one side alone."""
        read = self._sides.tokenizer(self._sides.on)
        self._forward.let_go()
        probe = self._forward.logits([bos_id(self.model.config) or 0])
        limits = Limits(probe.numel(), text_context_length(self.model.config))
        self.vocabulary, self.chat_template = read.vocabulary, read.template
        self.eos_ids = sorted(eos_ids(self.model, self._opened.name) | read.eos_ids)
        self.prefixes = Prefixes(self._forward, probe, limits, self.eos_ids, self.vocabulary.token)
        return self._opened.info(read, limits, self.eos_ids, self.answered())

    def _let_go(self) -> None:
        """Free what can be computed again, and give its memory back to the device."""
        self.prefixes.let_go()
        memory.release(self.model.device)

    # The calls.

    async def answer_next(self, call: calls.Next, report: Reporter) -> Distribution:
        self.prefixes.limits.check_params(call.params)
        return await self._compute(
            partial(self.prefixes.table, asked_of(call, self.eos_ids), call.top, call.include), report
        )

    async def answer_generate(self, call: calls.Generate, report: Reporter) -> AsyncGenerator[Step, None]:
        self.prefixes.limits.check_room(call.ids)
        self.prefixes.limits.check_params(call.params)
        check_sampling(call.params)
        asked, begun = asked_of(call, self.eos_ids), self.prefixes
        for count in range(call.max_new_tokens):
            step = await self._compute(partial(begun.step, asked, call.draws + count, call.top), report, begun)
            asked = asked.after([*asked.ids, step.drawn.token.id])
            if step.finish is None and count + 1 == call.max_new_tokens:
                step = msgspec.structs.replace(step, finish="length")
            yield step
            if step.finish is not None:
                return

    async def answer_sample(self, call: calls.Sample, report: Reporter) -> AsyncGenerator[list[Drawn], None]:
        check_sampling(call.params, call.num_sequences)
        self.prefixes.limits.check_params(call.params)
        for ids in call.prompts:
            self.prefixes.limits.check_room(ids)

        begun = self.prefixes

        def begin(turn: Turn) -> tuple[Sequences, list[Drawn]]:
            sequences = Sequences(
                self.prefixes.forward,
                self.prefixes.reader(turn.report),
                self.vocabulary.token,
                call.prompts,
                call.params,
                call.num_sequences,
                call.stop,
                self.eos_ids,
                self.prefixes.limits.context_length,
                pad_id(self.model, self._opened.name) if call.padding == "right" else None,
                self._let_go,
            )
            return sequences, sequences.step(turn.cancelled)

        def go_on(turn: Turn) -> list[Drawn]:
            check_same(begun, self.prefixes)
            with finiteness.explained(self.model), memory.said(self.model.device):
                return sequences.step(turn.cancelled)

        # The first step begins from nothing, and may be tried once more; in a later one, half of the sequences wait.
        sequences, drawn = await self._compute(begin, report)
        while drawn:
            yield drawn
            drawn = await self._thread.run(go_on, report)

    async def answer_score(self, call: calls.Score, report: Reporter) -> AsyncGenerator[list[Scored], None]:
        self.prefixes.limits.check(call.ids)
        token, begun = self.vocabulary.token, self.prefixes
        if call.begin == 0:
            yield [Scored(token(call.ids[0], first=True))]
        row = self.prefixes.reader(from_threads(report))
        scoring = Scoring(self.prefixes.forward, self.prefixes.rows, row, token, call.ids, call.top, call.begin)
        try:
            while not scoring.ended:
                if scored := await self._compute(lambda turn: scoring.part(turn.cancelled), report, begun):
                    yield scored
        finally:
            scoring.stop()

    async def answer_compare(self, call: calls.Compare, report: Reporter) -> list[list[Scored]]:
        for continuation in ([], *call.continuations):
            self.prefixes.limits.check([*call.ids, *continuation])

        def work(turn: Turn) -> list[list[Scored]]:
            row = self.prefixes.row(call.ids, turn).logits
            comparison = Comparison(self.prefixes.forward, call.ids, row, self.vocabulary.token, turn.cancelled)
            return comparison.scored(call.continuations)

        return await self._compute(work, report)

    async def answer_search(self, call: calls.Search, report: Reporter) -> Found:
        self.prefixes.limits.check_params(call.params)
        asked, vocabulary = asked_of(call, self.eos_ids), self.vocabulary

        def work(turn: Turn) -> Found:
            row = self.prefixes.row(call.ids, turn)
            matching = vocabulary.entries.matching(call.query, turn.cancelled)
            known = [token_id for token_id in matching if token_id < self.prefixes.limits.vocab_size]
            with torch.inference_mode():
                return Found(first_of(known, row, asked, call.limit, vocabulary.token), len(known))

        return await self._compute(work, report)

    async def answer_logprobs(self, call: calls.Logprobs, report: Reporter) -> Floats:
        def work(turn: Turn) -> Floats:
            return Floats.of(self.prefixes.row(call.ids, turn).logits.float().log_softmax(-1).tolist())

        return await self._compute(work, report)

    # In threads of their own where the whole vocabulary may be looked at: the one that computes may be busy.

    async def answer_encode(self, call: calls.Encode, _report: Reporter) -> list[Token]:
        if call.first:
            ids = self.vocabulary.encode(call.text, call.special_tokens)
        else:
            ids = await asyncio.to_thread(self.vocabulary.continuation, call.text)
        size, name = self.prefixes.limits.vocab_size, self._opened.name
        if ids and max(ids) >= size:
            raise UsageError(
                f"The tokenizer of {name} gives the token {max(ids)}, but the model has {size} tokens: "
                "they do not belong together. Take the tokenizer that the model was trained with."
            )
        return [self.vocabulary.token(token_id, call.first and index == 0) for index, token_id in enumerate(ids)]

    async def answer_spell(self, call: calls.Spell, _report: Reporter) -> list[Token]:
        ids = await asyncio.to_thread(self.vocabulary.entries.spelling, call.data)
        return [self.vocabulary.token(token_id) for token_id in ids]

    async def answer_render_chat(self, call: calls.RenderChat, _report: Reporter) -> RenderedChat:
        return self.chat_template.render(call.messages, call.options)

    async def answer_describe(self, call: calls.Describe, _report: Reporter) -> list[Token]:
        return self.vocabulary.tokens(call.ids)

    async def answer_adapt(self, call: calls.Adapt, report: Reporter) -> EngineInfo:
        def work(_turn: Turn) -> EngineInfo:
            before = self._sides.on
            self._sides.switch(call.on)
            try:
                return self._on_side()
            except BaseException:
                self._sides.switch(before)
                raise

        self.info = await self._thread.run(work, report)
        return self.info

    async def answer_inspect(self, _call: calls.Inspect, report: Reporter) -> Structure:
        return await self._thread.run(
            lambda _: inspection.structure(self.model, self.prefixes.forward.capabilities), report
        )

    async def answer_save(self, call: calls.Save, report: Reporter) -> int:
        report(Progress("writing the weights"))
        return await self._thread.run(lambda _: save(self.model, self._opened.folder, call), report)
