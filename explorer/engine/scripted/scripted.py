"""ScriptedEngine: answers from a table, without any model: for demonstrations, tests, and a worker without torch.

Owns a tiny language of words over UTF-8 bytes: an id below 256 is a byte, the others are words. The distribution after
a token is written in a table, or follows from the ids by arithmetic. Must not import tokenizers or torch.
"""

import asyncio
import hashlib
import itertools
import math
import random
from array import array
from collections.abc import AsyncGenerator, Mapping, Sequence
from functools import cached_property

from explorer.core.chat import ROLES, ChatOptions, Message
from explorer.core.distribution import Candidate, Distribution
from explorer.core.query import Query
from explorer.core.sampling.params import SamplingParams
from explorer.core.sampling.stopping import FinishReason, Stopper, StopRules
from explorer.core.score import Alternative, Scored
from explorer.core.token import Kind, Token
from explorer.engine.base import DEFAULT_STOP, Drawn, Engine, Found, RenderedChat, Step, check_sampling
from explorer.engine.description import EngineInfo, Module, Structure
from explorer.engine.scripted import plain_samplers as samplers
from explorer.engine.vocabulary.entries import Entries
from explorer.errors import ContextFull, EngineError, UsageError

WORDS = (
    "<|begin|>",
    "<|end|>",
    "Once",
    " upon",
    " a",
    " time",
    ",",
    " there",
    " was",
    " little",
    " fox",
    " bear",
    " who",
    " sang",
    ".",
    " The",
    " end",
    "옛날",
    " 옛적에",
    "\n",
)
BOS, EOS = 256, 257
SPECIAL = (BOS, EOS)
EVERYTHING_OFF = SamplingParams()


class ScriptedEngine(Engine):
    """`table` maps the last id of a prefix to the logits of some next ids; every other id has the logit 0."""

    def __init__(self, table: Mapping[int, Mapping[int, float]], context_length: int = 512) -> None:
        self._table = table
        self._context_length = context_length
        self._vocab_size = 256 + len(WORDS)
        self._pairs: dict[tuple[int, int, int], Scored] = {}
        self.gate: asyncio.Event | None = None
        """While it is set to an event that is not, answers wait: a slow engine, for tests."""

    @classmethod
    def demo(cls) -> "ScriptedEngine":
        """Tells a very short story."""
        ids = {word: 256 + index for index, word in enumerate(WORDS)}
        story = ["Once", " upon", " a", " time", ",", " there", " was", " a"]
        table = {ids[word]: {ids[after]: 9.0} for word, after in itertools.pairwise(story)}
        table[ids[" a"]] = {ids[" time"]: 9.5, ids[" little"]: 8.0, ids[" fox"]: 7.0}
        table[ids[" little"]] = {ids[" fox"]: 9.0, ids[" bear"]: 8.5}
        table[ids[" fox"]] = table[ids[" bear"]] = {ids[" who"]: 9.0, ids["."]: 8.0}
        table[ids[" who"]] = {ids[" sang"]: 10.0}
        table[ids[" sang"]] = {ids["."]: 10.0}
        table[ids["."]] = {ids[" The"]: 9.0, EOS: 8.0}
        table[ids[" The"]] = {ids[" end"]: 9.0, ids[" fox"]: 8.0, ids[" bear"]: 8.0}
        table[ids[" end"]] = {ids["."]: 8.0, EOS: 9.0}
        return cls(table)

    async def start(self) -> EngineInfo:
        self.info = EngineInfo(
            model="scripted",
            architecture="ScriptedEngine",
            dtype="float64",
            device="cpu",
            vocab_size=self._vocab_size,
            context_length=self._context_length,
            eos_ids=[EOS],
            chat_template=True,
            special_tokens=list(SPECIAL),
            tokenizer=hashlib.sha256("\0".join(WORDS).encode()).hexdigest(),
        )
        return self.info

    async def _wait(self) -> None:
        if self.gate is not None:
            await self.gate.wait()

    def _check(self, ids: Sequence[int], params: SamplingParams = EVERYTHING_OFF) -> None:
        if not ids:
            raise UsageError("There is no token to go on from: give a prompt of at least one token.")
        wrong = next((i for i in (*ids, *params.token_ids) if not 0 <= i < self._vocab_size), None)
        if wrong is not None:
            raise UsageError(f"There is no token {wrong}: the model has the ids 0 to {self._vocab_size - 1}.")
        if len(ids) > self._context_length:
            raise ContextFull(f"The text has {len(ids):,} tokens, but the context holds {self._context_length:,}.")

    def _logits(self, ids: Sequence[int]) -> list[float]:
        row = [0.0] * self._vocab_size
        for token_id, logit in self._table.get(ids[-1], {}).items():
            row[token_id] = logit
        return row

    def _distribution(
        self, ids: Sequence[int], params: SamplingParams, top: int, include: Sequence[int], prompt_length: int
    ) -> Distribution:
        row = self._logits(ids)
        shaped = samplers.shape(row, ids, params, prompt_length, [EOS])
        order = samplers.order(shaped.moved)
        places = {token_id: place for place, token_id in enumerate(order, 1)}
        ranks = {token_id: rank for rank, token_id in enumerate(samplers.order(row), 1)}
        logprobs = _log_softmax(row)
        shares = samplers.softmax(shaped.scores)
        listed = sorted({*order[: max(top, 1)], *(i for i in include if 0 <= i < len(row))}, key=places.__getitem__)
        candidates = tuple(
            Candidate(
                token=self._token(i),
                rank=ranks[i],
                logit=row[i],
                logprob=logprobs[i],
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

    def _check_room(self, ids: Sequence[int], params: SamplingParams) -> None:
        self._check(ids, params)
        if len(ids) == self._context_length:
            raise ContextFull(f"The context of {self._context_length:,} tokens is full: no token can be added.")

    def _draw(
        self, ids: Sequence[int], params: SamplingParams, point: str, prompt_length: int
    ) -> tuple[Candidate, Distribution]:
        """The token that the random numbers of a point take, and what it was taken from."""
        everything = self._distribution(ids, params, self._vocab_size, (), prompt_length)
        kept = [c for c in everything.candidates if c.sampling_prob > 0]
        if not kept:
            raise EngineError("The samplers cut every token here, so that nothing can be drawn. Loosen a setting.")
        return random.Random(point).choices(kept, [c.sampling_prob for c in kept])[0], everything

    async def next(
        self,
        ids: Sequence[int],
        params: SamplingParams,
        top: int,
        include: Sequence[int] = (),
        *,
        prompt_length: int | None = None,
    ) -> Distribution:
        self._check(ids, params)
        await self._wait()
        return self._distribution(ids, params, top, include, len(ids) if prompt_length is None else prompt_length)

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
        self._check_room(ids, params)
        check_sampling(params)
        path = list(ids)
        prompt = len(ids) if prompt_length is None else prompt_length
        for count in range(max_new_tokens):
            await self._wait()
            # Give the loop a turn: a cancellation lands between two tokens.
            await asyncio.sleep(0)
            draw = draws + count
            drawn, _ = self._draw(path, params, f"{params.seed}:{draw}", prompt)
            path.append(drawn.token.id)
            finish: FinishReason | None = None
            if drawn.token.id == EOS:
                finish = "stop"
            elif len(path) == self._context_length:
                finish = "context"
            elif count + 1 == max_new_tokens:
                finish = "length"
            yield Step(drawn, draw, self._distribution(path, params, top, (), prompt), finish)
            if finish:
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
        paths: dict[int, list[int]] = {}
        stoppers = []
        for ids in prompts:
            self._check_room(ids, params)
            for _ in range(num_sequences):
                paths[len(paths)] = list(ids)
                stoppers.append(Stopper(stop, [EOS], self._context_length - len(ids)))
        draw = 0
        while paths:
            await self._wait()
            # Give the loop a turn: a cancellation lands between two tokens.
            await asyncio.sleep(0)
            drawn = []
            for index, path in list(paths.items()):
                prompt, row = divmod(index, num_sequences)
                point = f"{(params.seed or 0) + prompt}:{draw}" + (f":{row}" if row else "")
                candidate, table = self._draw(path, params, point, len(prompts[prompt]))
                path.append(candidate.token.id)
                finish = stoppers[index].feed(candidate.token, table.entropy, table.candidates[0].prob)
                drawn.append(Drawn(index, candidate, finish))
                if finish:
                    del paths[index]
            draw += 1
            yield drawn

    async def score(self, ids: Sequence[int], top: int, begin: int = 0) -> AsyncGenerator[list[Scored], None]:
        self._check(ids)
        await self._wait()
        yield [self._scored(ids, index, top) for index in range(begin, len(ids))]

    def _scored(self, ids: Sequence[int], index: int, top: int) -> Scored:
        if index == 0:
            return Scored(self._token(ids[0]))
        # The score of a token hangs on the one before it alone, and long texts repeat themselves.
        pair = (ids[index - 1], ids[index], top)
        if pair not in self._pairs:
            self._pairs[pair] = self._scored_after(ids[:index], ids[index], top)
        return self._pairs[pair]

    def _scored_after(self, ids: Sequence[int], token_id: int, top: int) -> Scored:
        table = self._distribution(ids, EVERYTHING_OFF, top, [token_id], len(ids))
        chosen = table.find(token_id)
        assert chosen is not None
        alternatives = tuple(
            Alternative(c.token, c.rank, c.logprob or 0.0, c.prob or 0.0) for c in table.candidates if c.rank <= top
        )
        return Scored(chosen.token, chosen.logprob, chosen.prob, chosen.rank, table.entropy, alternatives)

    async def compare(self, ids: Sequence[int], continuations: Sequence[Sequence[int]]) -> list[list[Scored]]:
        texts = [[*ids, *continuation] for continuation in continuations]
        for text in (ids, *texts):
            self._check(text)
        await self._wait()
        return [[self._scored(text, index, 0) for index in range(len(ids), len(text))] for text in texts]

    async def search(
        self,
        ids: Sequence[int],
        query: Query,
        params: SamplingParams,
        limit: int,
        *,
        prompt_length: int | None = None,
    ) -> Found:
        table = await self.next(ids, params, self._vocab_size, prompt_length=prompt_length)
        matching = set(self._entries.matching(query))
        hits = [candidate for candidate in table.candidates if candidate.token.id in matching]
        return Found(tuple(hits[:limit]), len(hits))

    async def logprobs(self, ids: Sequence[int]) -> list[float]:
        self._check(ids)
        await self._wait()
        return array("f", _log_softmax(self._logits(ids))).tolist()

    @cached_property
    def _entries(self) -> Entries:
        return Entries([self._token(token_id).bytes for token_id in range(self._vocab_size)], SPECIAL)

    def _token(self, token_id: int) -> Token:
        if token_id < 256:
            return Token.from_bytes(token_id, bytes([token_id]))
        if token_id >= self._vocab_size:
            return Token(token_id, b"", "unused")
        kind: Kind = "special" if token_id in SPECIAL else "text"
        word = WORDS[token_id - 256]
        return Token(token_id, word.encode(), kind, word)

    async def encode(self, text: str, special_tokens: bool = True, *, first: bool = True) -> list[Token]:
        del first  # No text begins otherwise here.
        ids = [BOS] if special_tokens else []
        longest = sorted(range(len(WORDS)), key=lambda index: -len(WORDS[index]))
        rest = text
        while rest:
            index = next((i for i in longest if rest.startswith(WORDS[i])), None)
            if index is None:
                ids += rest[0].encode()
                rest = rest[1:]
            else:
                ids.append(256 + index)
                rest = rest[len(WORDS[index]) :]
        return [self._token(token_id) for token_id in ids]

    async def spell(self, data: bytes) -> list[Token]:
        return [self._token(token_id) for token_id in self._entries.spelling(data)]

    async def render_chat(self, messages: Sequence[Message], options: ChatOptions) -> RenderedChat:
        """`<|begin|>`, then `ROLE: CONTENT<|end|>` and a line break for each turn, then `assistant:`."""
        await self._wait()
        unknown = next((message.role for message in messages if message.role not in ROLES), None)
        if unknown or not messages:
            raise UsageError(f"The template refuses these messages: it knows {', '.join(ROLES)}.")
        turns = "".join(f"{message.role}: {message.content or ''}<|end|>\n" for message in messages)
        text = f"<|begin|>{turns}{'assistant:' if options.add_generation_prompt else ''}"
        return RenderedChat(text, await self.encode(text, special_tokens=False))

    async def describe(self, ids: Sequence[int]) -> list[Token]:
        return [self._token(token_id) for token_id in ids]

    async def structure(self) -> Structure:
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
