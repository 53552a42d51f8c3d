"""TransformersEngine: a model of Hugging Face transformers, in this process.

Owns the thread that computes: calls come from an event loop, and one thread runs them one after the other. Loading is
loading.py's affair, speed is cache.py's, numbers are those of logits.py. Must not know processes or the wire.
"""

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import msgspec
import tokenizers
import torch
import transformers
from transformers import PreTrainedModel

from explorer.core.chat import ChatOptions, Message
from explorer.core.distribution import Distribution
from explorer.core.query import Query
from explorer.core.sampling.params import SamplingParams, sampling_defaults
from explorer.core.sampling.stopping import FinishReason, StopRules
from explorer.core.score import Scored
from explorer.core.token import Token
from explorer.engine.base import DEFAULT_STOP, Drawn, Engine, Found, Progress, RenderedChat, Step, check_sampling
from explorer.engine.compute import memory
from explorer.engine.compute.comparison import Comparison
from explorer.engine.compute.forward.cache import CHUNK, Cancelled, Forward, forward_for
from explorer.engine.compute.loading import inspection
from explorer.engine.compute.loading.loading import context_length, eos_ids, load_config, load_model, load_vocabulary
from explorer.engine.compute.loading.placement import devices_in_words
from explorer.engine.compute.scoring import Scoring
from explorer.engine.compute.sequences import Sequences
from explorer.engine.compute.tables import logits
from explorer.engine.compute.tables.drawing import Draws
from explorer.engine.compute.tables.ranking import Row
from explorer.engine.compute.tables.rows import RowStore
from explorer.engine.compute.tables.search import first_of
from explorer.engine.description import EngineInfo, ModelSettings, Structure
from explorer.engine.files import hub
from explorer.errors import ContextFull, EngineError, ExplorerError, UsageError

Answer = TypeVar("Answer")


class TransformersEngine(Engine):
    """`forward` replaces the scheme that `start` chooses: the tests put the oracle there."""

    def __init__(self, settings: ModelSettings, forward: Callable[[PreTrainedModel], Forward] = forward_for) -> None:
        self.settings = settings
        self._scheme = forward
        self._thread = ThreadPoolExecutor(1, "engine")
        self._rows = RowStore()
        self._report: Callable[[Progress], None] = lambda progress: None

    async def start(self) -> EngineInfo:
        loop = asyncio.get_running_loop()

        def report(progress: Progress) -> None:
            loop.call_soon_threadsafe(self.on_progress, progress)

        self._report = report
        self.info = await self._call(lambda cancelled: self._load(report))
        return self.info

    async def _call(self, work: Callable[[Callable[[], bool]], Answer]) -> Answer:
        """Run `work` on the engine's thread; a cancelled caller waits until it has stopped."""
        stop = threading.Event()
        job = self._thread.submit(work, stop.is_set)
        try:
            return await asyncio.wrap_future(job)
        except asyncio.CancelledError:
            stop.set()
            # Of what has not begun, nothing is left to wait for.
            with contextlib.suppress(Cancelled, ExplorerError, asyncio.CancelledError):
                await asyncio.wrap_future(job)
            raise

    async def _compute(self, work: Callable[[Callable[[], bool]], Answer]) -> Answer:
        """Run `work` on the engine's thread; where memory runs out, once more with nothing kept. Raises OutOfMemory."""
        return await self._call(
            lambda cancelled: memory.retried(partial(work, cancelled), self._let_go, self.model.device)
        )

    def _let_go(self) -> None:
        self._forward.let_go()
        self._rows.clear()

    # Loading.

    def _load(self, report: Callable[[Progress], None]) -> EngineInfo:
        settings = self.settings
        folder, revision = hub.locate(
            settings.model,
            report,
            revision=settings.revision,
            allow_pickle=settings.allow_pickle,
            remote_code=settings.trust_remote_code,
        )
        config = load_config(folder, self.settings)
        report(Progress("reading the tokenizer"))
        self.vocabulary, self.chat_template, tokenizer_eos = load_vocabulary(folder, self.settings)
        report(Progress("loading the weights"))
        self.model = load_model(folder, config, self.settings, report)
        self.context_length = context_length(self.model.config)
        try:
            self._forward = self._scheme(self.model)
            probe = self._forward.logits([self._some_id()])
        except Exception as error:
            if memory.ran_out(error):
                raise memory.does_not_fit(self.settings.name, self.model.device, error) from error
            raise
        self.vocab_size = probe.numel()
        self._draws = Draws(self.vocab_size, probe.device)
        self.eos_ids = sorted(eos_ids(self.model) | tokenizer_eos)
        return EngineInfo(
            model=self.settings.name,
            revision=revision,
            architecture=type(self.model).__name__,
            parameters=self.model.num_parameters(),
            dtype=str(self.model.dtype).removeprefix("torch."),
            device=devices_in_words(self.model),
            vocab_size=self.vocab_size,
            context_length=self.context_length,
            eos_ids=self.eos_ids,
            tokenizer=self.vocabulary.fingerprint(),
            special_tokens=self.vocabulary.special_ids,
            chat_template=self.chat_template.present,
            loaded_with=self.settings.special(),
            versions={library.__name__: str(library.__version__) for library in (torch, transformers, tokenizers)},
            sampling_defaults=sampling_defaults(self.model.generation_config.to_dict()),
        )

    def _some_id(self) -> int:
        bos = getattr(self.model.config.get_text_config(decoder=True), "bos_token_id", None)
        return bos if isinstance(bos, int) else 0

    # Answering; on the engine's thread.

    def _row(self, ids: Sequence[int], cancelled: Callable[[], bool]) -> Row:
        """The logits after the prefix, computed once and kept, so that its digits never change."""
        row = self._rows.get(ids)
        if row is None:
            self._check(ids)
            row = self._rows.put(ids, self._forward.logits(ids, cancelled, self._prefilled).clone())
        return row

    def _logits(self, ids: Sequence[int], cancelled: Callable[[], bool]) -> torch.Tensor:
        return self._row(ids, cancelled).logits

    def _prefilled(self, done: int, total: int) -> None:
        if total > CHUNK:
            self._report(Progress("reading the prompt", done, total))

    def _check(self, ids: Sequence[int]) -> None:
        """Raises UsageError, ContextFull. What has a row was checked before: looking at every id takes a while."""
        if not ids:
            raise UsageError("There is no token to go on from: give a prompt of at least one token.")
        self._check_range(ids)
        if self.context_length is not None and len(ids) > self.context_length:
            raise ContextFull(
                f"The text has {len(ids):,} tokens, but the model's context holds {self.context_length:,}. Shorten it."
            )

    def _check_range(self, ids: Sequence[int]) -> None:
        wrong = next((one for one in (min(ids), max(ids)) if not 0 <= one < self.vocab_size), None)
        if wrong is not None:
            raise UsageError(f"There is no token {wrong}: the model has the ids 0 to {self.vocab_size - 1}.")

    def _check_named(self, params: SamplingParams) -> None:
        """Whether the model has the tokens that the settings name."""
        if params.token_ids:
            self._check_range(params.token_ids)

    def _check_room(self, ids: Sequence[int]) -> None:
        """Whether a token can follow."""
        self._check(ids)
        if len(ids) == self.context_length:
            raise ContextFull(f"The model's context of {self.context_length:,} tokens is full: no token can be added.")

    def _table(
        self, asked: logits.Asked, top: int, include: Sequence[int], cancelled: Callable[[], bool]
    ) -> Distribution:
        row = self._row(asked.ids, cancelled)
        include = [token_id for token_id in include if 0 <= token_id < self.vocab_size]
        with torch.inference_mode():
            return logits.distribution(row, asked, top, include, self.vocabulary.token)

    def _draw(self, asked: logits.Asked, draw: int, cancelled: Callable[[], bool]) -> tuple[int, float]:
        """The token that is drawn after the prefix, and its sampling prob."""
        row = self._row(asked.ids, cancelled)
        with torch.inference_mode():
            scores = logits.sampling_scores(row.logits, asked)
            if bool(scores.isneginf().all()):
                raise EngineError("The samplers cut every token here, so that nothing can be drawn. Loosen a setting.")
            if asked.params.temperature == 0:
                return logits.greedy(scores[0]), 1.0
            probs = scores.softmax(-1)
            if not bool(probs.isfinite().all()):
                raise EngineError("The model's logits are not finite here, so that nothing can be drawn.")
            assert asked.params.seed is not None
            drawn = self._draws.draw(probs, asked.params.seed, draw)
            return drawn, probs[0, drawn].item()

    def _step(self, asked: logits.Asked, draw: int, top: int, cancelled: Callable[[], bool]) -> Step:
        drawn, prob = self._draw(asked, draw, cancelled)
        before = self._table(asked, 1, [drawn], cancelled).find(drawn)
        assert before is not None
        # Of tokens with equal logits at a cut, the table may have kept another than the draw did.
        before = msgspec.structs.replace(before, sampling_prob=prob, cut_by=None)
        after = [*asked.ids, drawn]
        finish: FinishReason | None = "stop" if drawn in self.eos_ids else None
        if finish is None and len(after) == self.context_length:
            finish = "context"
        table = self._table(msgspec.structs.replace(asked, ids=after), top, (), cancelled)
        return Step(before, draw, table, finish)

    def _asked(self, ids: Sequence[int], params: SamplingParams, prompt_length: int | None) -> logits.Asked:
        length = len(ids) if prompt_length is None else prompt_length
        return logits.Asked(params, ids, length, self.eos_ids)

    def _sampled(self, sequences: Sequences, cancelled: Callable[[], bool]) -> list[Drawn]:
        """The next tokens of sequences that are under way. Raises OutOfMemory."""
        with memory.said(self.model.device):
            return sequences.step(cancelled)

    # The interface.

    async def next(
        self,
        ids: Sequence[int],
        params: SamplingParams,
        top: int,
        include: Sequence[int] = (),
        *,
        prompt_length: int | None = None,
    ) -> Distribution:
        self._check_named(params)
        asked = self._asked(ids, params, prompt_length)
        return await self._compute(lambda cancelled: self._table(asked, top, include, cancelled))

    async def generate(
        self,
        ids: Sequence[int],
        params: SamplingParams,
        *,
        draws: int,
        max_new_tokens: int,
        top: int,
        prompt_length: int | None = None,
    ) -> AsyncGenerator[Step, None]:
        self._check_room(ids)
        self._check_named(params)
        check_sampling(params)
        asked = self._asked(list(ids), params, prompt_length)
        for count in range(max_new_tokens):
            step = await self._compute(partial(self._step, asked, draws + count, top))
            asked = msgspec.structs.replace(asked, ids=[*asked.ids, step.drawn.token.id])
            if step.finish is None and count + 1 == max_new_tokens:
                step = msgspec.structs.replace(step, finish="length")
            yield step
            if step.finish is not None:
                return

    async def sample(
        self,
        prompts: Sequence[Sequence[int]],
        params: SamplingParams,
        *,
        num_sequences: int = 1,
        stop: StopRules = DEFAULT_STOP,
    ) -> AsyncGenerator[list[Drawn], None]:
        check_sampling(params, num_sequences)
        self._check_named(params)
        for ids in prompts:
            self._check_room(ids)

        def begin(cancelled: Callable[[], bool]) -> tuple[Sequences, list[Drawn]]:
            sequences = Sequences(
                self._forward,
                self._logits,
                self.vocabulary.token,
                prompts,
                params,
                num_sequences,
                stop,
                self.eos_ids,
                self.context_length,
            )
            return sequences, sequences.step(cancelled)

        # The first step begins from nothing, and may be tried once more; a later one has gone on from what it holds.
        sequences, drawn = await self._compute(begin)
        while drawn:
            yield drawn
            drawn = await self._call(partial(self._sampled, sequences))

    async def score(self, ids: Sequence[int], top: int, begin: int = 0) -> AsyncGenerator[list[Scored], None]:
        self._check(ids)
        if begin == 0:
            yield [Scored(self.vocabulary.token(ids[0], first=True))]
        scoring = Scoring(self._forward, self._rows, self._logits, self.vocabulary.token, ids, top, begin)
        try:
            while not scoring.ended:
                if scored := await self._compute(scoring.part):
                    yield scored
        finally:
            scoring.stop()

    async def compare(self, ids: Sequence[int], continuations: Sequence[Sequence[int]]) -> list[list[Scored]]:
        for continuation in ((), *continuations):
            self._check([*ids, *continuation])

        def work(cancelled: Callable[[], bool]) -> list[list[Scored]]:
            row = self._logits(ids, cancelled)
            return Comparison(self._forward, ids, row, self.vocabulary.token, cancelled).scored(continuations)

        return await self._compute(work)

    async def search(
        self,
        ids: Sequence[int],
        query: Query,
        params: SamplingParams,
        limit: int,
        *,
        prompt_length: int | None = None,
    ) -> Found:
        self._check_named(params)
        asked = self._asked(ids, params, prompt_length)

        def work(cancelled: Callable[[], bool]) -> Found:
            row = self._row(ids, cancelled)
            matching = [i for i in self.vocabulary.entries.matching(query, cancelled) if i < self.vocab_size]
            with torch.inference_mode():
                return Found(first_of(matching, row, asked, limit, self.vocabulary.token), len(matching))

        return await self._compute(work)

    async def logprobs(self, ids: Sequence[int]) -> list[float]:
        return await self._compute(lambda cancelled: self._logits(ids, cancelled).float().log_softmax(-1).tolist())

    async def encode(self, text: str, special_tokens: bool = True, *, first: bool = True) -> list[Token]:
        ids = self.vocabulary.encode(text, special_tokens) if first else await self._continuation(text)
        if ids and max(ids) >= self.vocab_size:
            raise UsageError(
                f"The tokenizer of {self.settings.name} gives the token {max(ids)}, but the model has "
                f"{self.vocab_size} tokens: they do not belong together. Take the tokenizer that the model was trained "
                "with."
            )
        return [self.vocabulary.token(token_id, first and index == 0) for index, token_id in enumerate(ids)]

    async def _continuation(self, text: str) -> list[int]:
        # In a thread, because the whole vocabulary may be looked at; not in the one that computes, which may be busy.
        return await asyncio.to_thread(self.vocabulary.continuation, text)

    async def spell(self, data: bytes) -> list[Token]:
        ids = await asyncio.to_thread(self.vocabulary.entries.spelling, data)
        return [self.vocabulary.token(token_id) for token_id in ids]

    async def render_chat(self, messages: Sequence[Message], options: ChatOptions) -> RenderedChat:
        return self.chat_template.render(messages, options)

    async def describe(self, ids: Sequence[int]) -> list[Token]:
        return self.vocabulary.tokens(ids)

    async def structure(self) -> Structure:
        return await self._call(lambda cancelled: inspection.structure(self.model, self._forward.capabilities))

    async def close(self) -> None:
        self._thread.shutdown(wait=True)
