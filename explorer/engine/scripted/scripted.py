"""ScriptedEngine: answers from a table, without any model: for demonstrations, tests, and a worker without torch.

Owns the numbers: the distribution after a token is written in a table, or follows from the ids by arithmetic. Its words
are those of language.py. Must not import tokenizers or torch.
"""

import asyncio
import math
import random
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Self

from explorer.core.asked import Asked
from explorer.core.chat import ROLES
from explorer.core.distribution import Candidate, Distribution
from explorer.core.sampling.params import SamplingParams
from explorer.core.sampling.stopping import FinishReason, Stopper
from explorer.core.score import Alternative, Scored
from explorer.core.token import Token
from explorer.engine import calls
from explorer.engine.base import Engine, Reporter, check_sampling, ready, silent
from explorer.engine.calls import Drawn, Floats, Found, RenderedChat, Step
from explorer.engine.description import EngineInfo, Module, Structure
from explorer.engine.limits import Limits
from explorer.engine.scripted import language
from explorer.engine.scripted import plain_samplers as samplers
from explorer.engine.scripted.language import BOS, SPECIAL, token
from explorer.engine.scripted.language import EOS as EOS
from explorer.engine.scripted.language import WORDS as WORDS
from explorer.errors import EngineError, UsageError


class ScriptedEngine(Engine):
    """`table` maps the last id of a prefix to the logits of some next ids; every other id has the logit 0."""

    def __init__(self, table: Mapping[int, Mapping[int, float]], context_length: int = 512) -> None:
        self._table = table
        self._limits = Limits(language.SIZE, context_length)
        self._context_length = context_length
        self._pairs: dict[tuple[int, int, int], Scored] = {}
        self.gate: asyncio.Event | None = None
        """While it is set to an event that is not, answers wait: a slow engine, for tests."""

    @classmethod
    def demo(cls, context_length: int = 512) -> Self:
        """Tells a very short story."""
        return cls(language.story(), context_length)

    async def start(self, report: Reporter = silent) -> EngineInfo:
        del report  # There is nothing to load.
        self.info = EngineInfo(
            model="scripted",
            architecture="ScriptedEngine",
            dtype="float64",
            device="cpu",
            vocab_size=language.SIZE,
            context_length=self._context_length,
            eos_ids=[EOS],
            chat_template=True,
            special_tokens=list(SPECIAL),
            tokenizer=language.fingerprint(),
            answers=self.answered(),
        )
        return self.info

    async def _wait(self) -> None:
        if self.gate is not None:
            await self.gate.wait()

    def _logits(self, ids: Sequence[int]) -> list[float]:
        row = [0.0] * language.SIZE
        for token_id, logit in self._table.get(ids[-1], {}).items():
            row[token_id] = logit
        return row

    def _distribution(self, asked: Asked, top: int, include: Sequence[int] = ()) -> Distribution:
        row = self._logits(asked.ids)
        shaped = samplers.shape(row, asked.ids, asked.params, asked.prompt_length, [EOS])
        order = samplers.order(shaped.moved)
        places = {token_id: place for place, token_id in enumerate(order, 1)}
        ranks = {token_id: rank for rank, token_id in enumerate(samplers.order(row), 1)}
        logprobs = _log_softmax(row)
        shares = samplers.softmax(shaped.scores)
        listed = sorted({*order[: max(top, 1)], *(i for i in include if 0 <= i < len(row))}, key=places.__getitem__)
        candidates = tuple(
            Candidate(
                token=token(i),
                rank=ranks[i],
                logit=row[i] if math.isfinite(row[i]) else None,
                logprob=logprobs[i] if math.isfinite(row[i]) else None,
                prob=math.exp(logprobs[i]),
                sampling_prob=shares[i],
                cut_by=shaped.cuts.get(i),
                adjusted_rank=places[i] if places[i] != ranks[i] else None,
            )
            for i in listed
        )
        other = 1.0 - sum(math.exp(logprobs[i]) for i in listed)
        return Distribution(
            candidates,
            len(row),
            samplers.nats(map(math.exp, logprobs)) / math.log(2),
            max(other, 0.0),
            len(shaped.kept),
            sum(math.exp(logprobs[i]) for i in shaped.cuts),
            samplers.nats(shares) / math.log(2) if shaped.kept else None,
        )

    def _draw(self, asked: Asked, point: str) -> tuple[Candidate, Distribution]:
        """The token that the random numbers of a point take, and what it was taken from."""
        everything = self._distribution(asked, language.SIZE)
        kept = [c for c in everything.candidates if c.sampling_prob > 0]
        if not kept:
            raise EngineError("The samplers cut every token here, so that nothing can be drawn. Loosen a setting.")
        return random.Random(point).choices(kept, [c.sampling_prob for c in kept])[0], everything

    async def answer_next(self, call: calls.Next, _report: Reporter) -> Distribution:
        self._limits.check(call.ids)
        self._limits.check_params(call.params)
        await self._wait()
        return self._distribution(call.asked, call.top, call.include)

    async def answer_generate(self, call: calls.Generate, _report: Reporter) -> AsyncGenerator[Step, None]:
        self._limits.check_room(call.ids)
        self._limits.check_params(call.params)
        check_sampling(call.params)
        asked = call.asked
        for count in range(call.max_new_tokens):
            await self._wait()
            # Give the loop a turn: a cancellation lands between two tokens.
            await asyncio.sleep(0)
            draw = call.draws + count
            drawn, _ = self._draw(asked, f"{call.params.seed}:{draw}")
            asked = asked.after([*asked.ids, drawn.token.id])
            finish: FinishReason | None = None
            if drawn.token.id == EOS:
                finish = "stop"
            elif len(asked.ids) == self._context_length:
                finish = "context"
            elif count + 1 == call.max_new_tokens:
                finish = "length"
            yield Step(drawn, draw, self._distribution(asked, call.top), finish)
            if finish:
                return

    async def answer_sample(self, call: calls.Sample, _report: Reporter) -> AsyncGenerator[list[Drawn], None]:
        params, num_sequences = call.params, call.num_sequences
        check_sampling(params, num_sequences)
        self._limits.check_params(params)
        if call.padding == "right":
            raise UsageError("The scripted engine does not pad: right padding cannot be shown on it.")
        paths: dict[int, list[int]] = {}
        stoppers = []
        for ids in call.prompts:
            self._limits.check_room(ids)
            for _ in range(num_sequences):
                paths[len(paths)] = list(ids)
                stoppers.append(Stopper(call.stop.after(len(ids)), [EOS], self._context_length - len(ids)))
        draw = 0
        while paths:
            await self._wait()
            # Give the loop a turn: a cancellation lands between two tokens.
            await asyncio.sleep(0)
            drawn = []
            for index, path in list(paths.items()):
                prompt, row = divmod(index, num_sequences)
                point = f"{(params.seed or 0) + prompt}:{draw}" + (f":{row}" if row else "")
                candidate, table = self._draw(Asked(params, path, len(call.prompts[prompt])), point)
                path.append(candidate.token.id)
                finish = stoppers[index].feed(candidate.token, table.entropy, table.candidates[0].prob)
                drawn.append(Drawn(index, candidate, finish))
                if finish:
                    del paths[index]
            draw += 1
            yield drawn

    async def answer_score(self, call: calls.Score, _report: Reporter) -> AsyncGenerator[list[Scored], None]:
        self._limits.check(call.ids)
        await self._wait()
        yield [self._scored(call.ids, index, call.top) for index in range(call.begin, len(call.ids))]

    def _scored(self, ids: Sequence[int], index: int, top: int) -> Scored:
        if index == 0:
            return Scored(token(ids[0]))
        # The score of a token hangs on the one before it alone, and long texts repeat themselves.
        pair = (ids[index - 1], ids[index], top)
        if pair not in self._pairs:
            self._pairs[pair] = self._scored_after(ids[:index], ids[index], top)
        return self._pairs[pair]

    def _scored_after(self, ids: Sequence[int], token_id: int, top: int) -> Scored:
        table = self._distribution(Asked(SamplingParams(), ids, len(ids)), top, [token_id])
        chosen = table.find(token_id)
        assert chosen is not None
        alternatives = tuple(
            Alternative(c.token, c.rank, c.logprob or 0.0, c.prob or 0.0) for c in table.candidates if c.rank <= top
        )
        return Scored(chosen.token, chosen.logprob, chosen.prob, chosen.rank, table.entropy, alternatives)

    async def answer_compare(self, call: calls.Compare, _report: Reporter) -> list[list[Scored]]:
        ids = call.ids
        texts = [[*ids, *continuation] for continuation in call.continuations]
        for text in (ids, *texts):
            self._limits.check(text)
        await self._wait()
        return [[self._scored(text, index, 0) for index in range(len(ids), len(text))] for text in texts]

    async def answer_search(self, call: calls.Search, _report: Reporter) -> Found:
        self._limits.check(call.ids)
        self._limits.check_params(call.params)
        await self._wait()
        table = self._distribution(call.asked, language.SIZE)
        matching = set(language.entries().matching(call.query))
        hits = [candidate for candidate in table.candidates if candidate.token.id in matching]
        return Found(tuple(hits[: call.limit]), len(hits))

    async def answer_logprobs(self, call: calls.Logprobs, _report: Reporter) -> Floats:
        self._limits.check(call.ids)
        await self._wait()
        return Floats.of(_log_softmax(self._logits(call.ids)))

    async def answer_encode(self, call: calls.Encode, _report: Reporter) -> list[Token]:
        begin = [BOS] if call.special_tokens else []
        return [token(token_id) for token_id in [*begin, *language.encode(call.text)]]

    async def answer_spell(self, call: calls.Spell, _report: Reporter) -> list[Token]:
        return [token(token_id) for token_id in language.entries().spelling(call.data)]

    async def answer_render_chat(self, call: calls.RenderChat, _report: Reporter) -> RenderedChat:
        """`<|begin|>`, then `ROLE: CONTENT<|end|>` and a line break for each turn, then `assistant:`."""
        await self._wait()
        messages = call.messages
        unknown = next((message.role for message in messages if message.role not in ROLES), None)
        if unknown or not messages:
            raise UsageError(f"The template refuses these messages: it knows {', '.join(ROLES)}.")
        turns = "".join(f"{message.role}: {message.content or ''}<|end|>\n" for message in messages)
        text = f"<|begin|>{turns}{'assistant:' if call.options.add_generation_prompt else ''}"
        return RenderedChat(text, [token(token_id) for token_id in language.encode(text)])

    async def answer_describe(self, call: calls.Describe, _report: Reporter) -> list[Token]:
        return [token(token_id) for token_id in call.ids]

    async def answer_adapt(self, _call: calls.Adapt, _report: Reporter) -> EngineInfo:
        raise UsageError(calls.NO_ADAPTER.format(model=ready(self).model))

    async def answer_inspect(self, _call: calls.Inspect, _report: Reporter) -> Structure:
        return Structure(
            layers=None,
            heads=None,
            key_value_heads=None,
            head_dim=None,
            hidden_size=None,
            memory=0,
            quantization=None,
            devices={"": "cpu"},
            cache=None,
            modules=[Module("", type(self).__name__, 0, "")],
            weights=[],
        )

    async def close(self) -> None:
        self.info = None


def _log_softmax(row: Sequence[float]) -> list[float]:
    top = max(row)
    total = top + math.log(sum(math.exp(logit - top) for logit in row))
    return [logit - total for logit in row]
