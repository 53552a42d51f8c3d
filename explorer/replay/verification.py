"""Verification: every number of a record, computed again.

Owns what of an event is compared with what, and within which bounds. A rank, a cut or a draw may be another one where
the logits are as near as they are uncertain. Must not know how engines are made.
"""

import math
from collections.abc import Callable, Iterable, Sequence

from explorer.core.asked import Asked
from explorer.core.distribution import Candidate
from explorer.core.record.events import Add, Move, Prompt, Score, Seen
from explorer.core.record.record import model_in_words
from explorer.core.token import Token, label
from explorer.core.walk.session import Session
from explorer.engine.base import Engine, Progress, Reporter, silent
from explorer.errors import EngineError, UsageError
from explorer.replay.asked import drawn, table_of
from explorer.replay.claims import Claim, Part, in_order, text_before
from explorer.replay.files import another_file
from explorer.replay.report import Deviation, PartReport, Report
from explorer.replay.sequences import Sequences
from explorer.replay.tolerance import Bound, Difference, Shaping, apart, tolerance_of
from explorer.replay.uncertainty import Uncertainty

EXACT = 0.01
"""Below this tolerance, a draw of several sequences side by side must be the same; above, it is told only."""


class Verification:
    """Checks the parts of one record, one engine after the other; `tolerance` stands in the place of the dtypes'."""

    def __init__(self, session: Session, tolerance: float | None = None) -> None:
        self.report = Report(parts=[], kinds={}, deviations=[])
        self._session = session
        self._chosen = tolerance

    async def check(self, part: Part, engine: Engine, report: Reporter = silent) -> None:
        """Compute the claims of a part again; `report` takes how far that is.

        Raises UsageError for an engine of another vocabulary, EngineError.
        """
        info, recorded = engine.info, part.engine
        if info is None:
            raise EngineError("The engine is not running.")
        if info.tokenizer != recorded.tokenizer:
            raise UsageError(
                f"{info.model} has another vocabulary than {recorded.model}, on which this was recorded: its numbers "
                "cannot be compared. Verify on a model with the same vocabulary."
            )
        bounds = [tolerance_of(one.dtype, one.loaded_with) for one in (info, recorded)]
        self._engine = engine
        self._bound = Bound(max(bounds) if self._chosen is None else self._chosen)
        self._uncertainty = Uncertainty(engine, self._bound.nats)
        self._sequences = Sequences(self._session, part.claims, engine)
        # CPU, CUDA and MPS have random numbers of their own.
        self._same_draws = recorded.device.partition(":")[0] == info.device.partition(":")[0]
        self.report.parts.append(
            PartReport(
                model_in_words(recorded),
                recorded.dtype,
                recorded.device,
                recorded.versions,
                model_in_words(info.header()),
                info.dtype,
                info.device,
                info.versions,
                self._bound.nats,
                another_file(recorded.loaded_with, info.loaded_with),
            )
        )
        for done, claim in enumerate(in_order(self._session, part.claims)):
            report(Progress("verifying", done, len(part.claims)))
            try:
                await self._check(claim)
            except UsageError as error:
                # An id that the model does not have, say, where the record was changed.
                self._tell(claim, type(claim.event).__name__.lower(), 1, [Difference("refused", None, str(error))])
        report(Progress("verifying", 1, 1))
        self.report.finish()

    async def _check(self, claim: Claim) -> None:
        match claim.event:
            case Prompt():
                await self._prompt(claim, claim.event)
            case Score():
                await self._score(claim, claim.event)
            case Seen():
                await self._seen(claim, claim.event)
            case Add():
                taken = None
                if claim.event.source == "sampled":
                    taken = await self._draw(claim, claim.event, claim.event.id)
                await self._add(claim, claim.event, taken)
            case Move():
                node = self._session.trees[claim.root].nodes[claim.event.node]
                if node.token is not None:
                    await self._draw(claim, claim.event, node.token.id)

    def _asked(self, claim: Claim) -> Asked:
        tree, place = self._session.trees[claim.root], claim.place
        if place.at is not None:
            return Asked(claim.params, [token.id for token in tree.prompt[: place.at]], place.at)
        length = self._sequences.prompt_length(claim) or len(tree.prompt)
        return Asked(claim.params, tree.prefix(place.node), length)

    # Each kind of event.

    async def _prompt(self, claim: Claim, event: Prompt) -> None:
        tokens = await self._engine.describe(event.ids)
        self._learn(claim, tokens)
        wrong = []
        for data, token in zip(event.bytes, tokens, strict=False):
            wrong += _bytes(data, token.bytes.hex(), token.id)
        self._tell(claim, "prompt", len(event.bytes), wrong)
        if not claim.typed:
            self.report.prompts_unchecked += 1
            return
        # The template of a chat writes the special tokens itself.
        tokens = await self._engine.encode(event.text, not event.is_chat)
        ids = [token.id for token in tokens]
        differ = [] if ids == event.ids else [Difference("ids", _listed(event.ids), _listed(ids))]
        self._tell(claim, "encode", 1, differ)

    async def _score(self, claim: Claim, event: Score) -> None:
        ids = [token.id for token in self._session.trees[claim.root].prompt]
        scored = [one async for part in self._engine.score(ids, 0) for one in part]
        self._learn(claim, [one.token for one in scored])
        wrong = []
        for token_id, logprob, one in zip(ids, event.told, scored, strict=True):
            wrong += self._compared("logprobs", logprob, one.logprob, self._same_logprob, token_id)
        for index, (rank, entropy, one) in enumerate(zip(event.ranks, event.entropies, scored, strict=True)):
            asked = Asked(claim.params, ids[:index], index).plain()
            wrong += self._compared("entropies", entropy, one.entropy, self._bound.same_entropy, ids[index])
            wrong += await self._rank("ranks", asked, ids[index], rank, one.rank)
        self._tell(claim, "score", 3 * len(scored), wrong)

    async def _seen(self, claim: Claim, event: Seen) -> None:
        rows, asked = event.candidates, self._asked(claim)
        listed = {row.id for row in rows}
        table = await table_of(self._engine, asked, listed)
        now: dict[int, Candidate] = {candidate.token.id: candidate for candidate in table.candidates}
        known = [(row, now[row.id]) for row in rows if row.id in now]
        wrong = [Difference("id", row.id, None, row.id) for row in rows if row.id not in now]
        for row, here in known:
            wrong += _bytes(row.bytes, here.token.bytes.hex(), row.id)
            wrong += self._compared("logprob", row.logprob, here.logprob, self._same_logprob, row.id)
            wrong += self._compared("logit", row.logit, here.logit, self._bound.same_logit, row.id)
            wrong += self._compared("prob", row.prob, here.prob, self._bound.same_prob, row.id)
        for row, here in known:
            wrong += await self._rank("rank", asked.plain(), row.id, row.rank, here.rank)
            place = row.rank if row.adjusted_rank is None else row.adjusted_rank
            wrong += await self._rank("adjusted_rank", asked.moved(), row.id, place, here.place)
        wrong += self._compared("entropy", event.entropy, table.entropy, self._bound.same_entropy)
        if event.vocab_size != table.vocab_size:
            wrong.append(Difference("vocab_size", event.vocab_size, table.vocab_size))
        others = [c.prob or 0.0 for c in table.candidates if c.token.id not in listed]
        other = None if table.other_prob is None else math.fsum([table.other_prob, *others])
        wrong += self._compared("other_prob", event.other_prob, other, self._bound.same_mass)
        shares, cuts = {row.id: row.sampling_prob for row in rows}, {row.id: row.cut_by for row in rows}
        recorded = Shaping(shares, cuts, event.kept, event.cut_mass, event.sampling_entropy)
        self.report.changed_cuts += sum(row.cut_by != here.cut_by for row, here in known)
        wrong += await self._uncertainty.shaping(asked, recorded, [Shaping.of(table)])
        self._tell(claim, "seen", 6 * len(rows) + 6, wrong)

    async def _add(self, claim: Claim, event: Add, taken: Candidate | None) -> None:
        asked = self._asked(claim)
        table = await table_of(self._engine, asked, [event.id])
        here = table.find(event.id)
        if here is None:
            self._tell(claim, "add", 1, [Difference("id", event.id, None, event.id)])
            return
        self._learn(claim, [here.token])
        wrong = _bytes(event.bytes, here.token.bytes.hex(), event.id) if event.bytes else []
        if event.prob and here.prob:
            self._take_error(apart(event.prob, here.prob))
        wrong += self._compared("prob", event.prob, here.prob, self._bound.same_prob, event.id)
        wrong += self._compared("entropy", event.entropy, table.entropy, self._bound.same_entropy, event.id)
        if event.rank is not None:
            wrong += await self._rank("rank", asked.plain(), event.id, event.rank, here.rank)
        if event.sampling_prob is not None:
            # Of tokens with equal logits at a cut, a draw may keep another than the table does.
            shares = [one.sampling_prob for one in (here, taken) if one is not None and one.token.id == event.id]
            recorded, *computed = (Shaping({event.id: share}, {}) for share in (event.sampling_prob, *shares))
            wrong += await self._uncertainty.shaping(asked, recorded, computed)
        told = (event.prob, event.sampling_prob, event.rank, event.entropy)
        self._tell(claim, "add", 1 + sum(number is not None for number in told), wrong)

    async def _draw(self, claim: Claim, event: Add | Move, token_id: int) -> Candidate | None:
        """A sampled token is drawn again: what is drawn now, where that can be told."""
        if not self._same_draws and claim.params.temperature:
            self.report.draws_unchecked += 1
            return None
        if event.batch is not None:
            taken = await self._sequences.drawn(claim)
            if taken is None:
                self.report.draws_unchecked += 1
                return None
            self._drawn(claim, token_id, taken, [], holds=self._bound.nats >= EXACT)
            return taken
        draw = event.drawn or 0
        wrong = []
        if isinstance(event, Add) and event.seed != claim.params.seed:
            wrong.append(Difference("seed", event.seed, claim.params.seed, token_id))
        # Records of the first version may have counted the draws of a path in another way.
        if self._session.header.version > 1 and draw not in claim.draws:
            wrong.append(Difference("draw", draw, claim.draws[0], token_id))
        asked = self._asked(claim)
        taken = await drawn(self._engine, asked, draw)
        same = taken is not None and taken.token.id == token_id
        holds = same or await self._uncertainty.draw_holds(asked, draw, token_id)
        self._drawn(claim, token_id, taken, wrong, holds)
        return taken

    def _drawn(
        self, claim: Claim, token_id: int, taken: Candidate | None, wrong: list[Difference], holds: bool
    ) -> None:
        computed = None if taken is None else taken.token.id
        if computed != token_id:
            self.report.changed_draws += 1
            if not holds:
                wrong = [*wrong, Difference("id", token_id, computed, token_id)]
        self._tell(claim, "draw", 1, wrong)

    # Comparing.

    async def _rank(
        self, what: str, asked: Asked, token_id: int, recorded: int | None, computed: int | None
    ) -> list[Difference]:
        """`asked` is of the distribution whose order the rank is of."""
        if recorded == computed:
            return []
        self.report.changed_ranks += 1
        if None not in (recorded, computed) and await self._uncertainty.rank_holds(asked, token_id, recorded or 0):
            return []
        return [Difference(what, recorded, computed, token_id)]

    def _compared(
        self,
        what: str,
        recorded: float | None,
        computed: float | None,
        same: Callable[[float, float], bool],
        token: int | None = None,
    ) -> list[Difference]:
        """A number that was not known, or that an older record lacks, is not compared."""
        if recorded is None or (computed is not None and same(recorded, computed)):
            return []
        return [Difference(what, recorded, computed, token)]

    def _take_error(self, error: float) -> None:
        self.report.take_error(error)
        self._uncertainty.take_error(error)

    def _same_logprob(self, recorded: float, computed: float) -> bool:
        if -math.inf in (recorded, computed):
            return recorded == computed
        error = abs(recorded - computed)
        self._take_error(error)
        return error <= self._bound.nats

    def _learn(self, claim: Claim, tokens: Iterable[Token]) -> None:
        """Tokens that may have to be named."""
        self._session.learn(tokens, self._session.trees[claim.root].tokenizer)

    def _tell(self, claim: Claim, kind: str, numbers: int, wrong: Sequence[Difference]) -> None:
        self.report.count(kind, numbers, len(wrong))
        tree, place = self._session.trees[claim.root], claim.place
        for one in wrong:
            deviation = Deviation(
                line=claim.line,
                event=type(claim.event).__name__.lower(),
                root=claim.root,
                node=place.node,
                at=place.at,
                what=one.what,
                token=None if one.token is None else label(self._session.token(one.token, tree.tokenizer)),
                recorded=one.recorded,
                computed=one.computed,
                text=text_before(tree, place),
            )
            self.report.deviations.append(deviation)


def _bytes(recorded: str, computed: str, token: int) -> list[Difference]:
    return [] if recorded == computed else [Difference("bytes", recorded, computed, token)]


def _listed(ids: Sequence[int]) -> str:
    return ", ".join(map(str, ids[:20])) + (" …" if len(ids) > 20 else "")
