"""Comparison: two records side by side: where they part, and how far their distributions are from each other.

Owns the formulas. KL(A‖B) is in bits. From recorded rows it is a lower bound: the rows that both list, and all the rest
as one, which makes no divergence greater (the data-processing inequality). Must not know engines.
"""

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from explorer.core.distribution import Distribution
from explorer.core.record.record import ENGINE_FIELDS, Record, adapter_of
from explorer.core.score import surprisal
from explorer.core.token import label
from explorer.replay.claims import fold
from explorer.replay.prefixes import Known, Prefixes, Trie, text_of
from explorer.replay.tolerance import apart


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two records."""

    file: str
    model: str
    revision: str | None
    dtype: str
    device: str
    loaded_with: dict[str, Any]
    versions: dict[str, str]
    tokenizer: str
    started: str
    prompts: int
    nodes: int
    """Tokens that were tried after prompts."""
    tokens: int
    """Of the path at the end."""
    next: str | None
    """The first token of that path which the other's does not have, where ids can be compared; None where it ends."""
    bits: float
    """Of the shared text, as far as its tokens are whole and have a probability."""
    bytes: int
    """Of those tokens."""
    bits_per_byte: float | None


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """A prefix that both records have, and what both say of the next token."""

    length: int
    """Tokens of the prefix."""
    on_path: bool
    """Whether it is of the path that both end with."""
    text: str
    """The end of the prefix, on one line."""
    token: str | None
    """What stands next on both paths."""
    logprob_a: float | None
    """Of that token, in nats."""
    logprob_b: float | None
    kl: float | None
    """KL(A‖B) in bits; at least, where it is not exact."""
    exact: bool
    """Whether it is of the whole distributions, for which the models were run."""
    rows: int
    """That both tables list."""
    max_logprob_error: float | None
    """Among those, in nats."""
    changed_ranks: int
    """Among those."""
    entropy_a: float | None
    """Bits."""
    entropy_b: float | None


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two records, and the sums over the positions."""

    a: Side
    b: Side
    same_vocabulary: bool
    shared_tokens: int | None
    """That both paths begin with; None where the vocabularies differ."""
    shared_text: str
    """That both paths begin with."""
    positions: list[Position]
    """Those of the path, then the others."""
    max_kl: float | None
    """The greatest KL(A‖B), in bits: of the exact ones where the models were run, otherwise a lower bound."""
    mean_kl: float | None
    """The mean of the same ones."""
    max_logprob_error: float | None
    mean_entropy_error: float | None
    """Of |entropy A - entropy B|, in bits."""
    changed_ranks: int


class Compared:
    """A record that is to be compared; `trie` is the same for both."""

    def __init__(self, record: Record, name: str, trie: Trie) -> None:
        self.name = name
        self.session, _ = fold(record, name)
        self.tokenizer = self.session.tree.tokenizer
        """Of the tree that the record ends in, which may be older than its last engine."""
        made_on = (self.tokenizer, self.session.tree.adapter)
        self.engine = [one for one in record.engines if (one.tokenizer, adapter_of(one)) == made_on][-1]
        self.prefixes = Prefixes(self.session, trie)
        self.ids = self.session.prefix()
        self.text, self._spans = text_of(self.session)

    def side(self, shared_tokens: int | None, shared_bytes: int) -> Side:
        told = [
            (surprisal(logprob) or 0.0, end - begin)
            for begin, end, logprob in self._spans
            if begin >= 0 and end <= shared_bytes and logprob is not None
        ]
        bits, data = math.fsum(one for one, _ in told), sum(one for _, one in told)
        trees, path = self.session.trees, self.session.snapshot().path
        more = shared_tokens is not None and shared_tokens < len(path)
        return Side(
            **{name: getattr(self.engine, name) for name in ENGINE_FIELDS},
            file=self.name,
            started=self.session.header.started,
            prompts=len(trees),
            nodes=sum(len(tree.nodes) - 1 for tree in trees),
            tokens=len(path),
            next=label(path[shared_tokens or 0].token) if more else None,
            bits=bits,
            bytes=data,
            bits_per_byte=bits / data if data else None,
        )


def shared(one: Sequence[object], other: Sequence[object]) -> int:
    """How many elements two sequences begin with together."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(one), len(other)))


def shared_path(a: Compared, b: Compared) -> list[int]:
    """The ids that both paths begin with; none where the vocabularies differ."""
    return a.ids[: shared(a.ids, b.ids)] if a.tokenizer == b.tokenizer else []


def compare(a: Compared, b: Compared, exact: Sequence[float] | None = None) -> Comparison:
    """What two records say of the same prefixes.

    `exact` is KL(A‖B) in bits, after 1, 2 ... tokens of the shared path, where the models were run for it.
    """
    same = a.tokenizer == b.tokenizer
    count = len(shared_path(a, b)) if same else None
    length = shared(a.text, b.text)
    positions = _positions(a, b, count or 0, exact or ()) if same else []
    kls = [one.kl for one in positions if one.kl is not None and (one.exact or not exact)]
    errors = [one.max_logprob_error for one in positions if one.max_logprob_error is not None]
    entropies = [(one.entropy_a, one.entropy_b) for one in positions]
    off = [abs(one - other) for one, other in entropies if one is not None and other is not None]
    return Comparison(
        a=a.side(count, length),
        b=b.side(count, length),
        same_vocabulary=same,
        shared_tokens=count,
        shared_text=a.text[:length].decode(errors="ignore"),
        positions=positions,
        max_kl=max(kls, default=None),
        mean_kl=math.fsum(kls) / len(kls) if kls else None,
        max_logprob_error=max(errors, default=None),
        mean_entropy_error=math.fsum(off) / len(off) if off else None,
        changed_ranks=sum(one.changed_ranks for one in positions),
    )


def _positions(a: Compared, b: Compared, count: int, exact: Sequence[float]) -> list[Position]:
    """Those of the shared path, then every other prefix of which both have a table."""
    path = a.prefixes.path[:count]
    numbers = {prefix: index for index, prefix in enumerate(path)}
    others = (prefix for prefix in a.prefixes.known if prefix in b.prefixes.known and prefix not in numbers)
    found = []
    for prefix in (*path, *others):
        index = numbers.get(prefix)
        after = path[index + 1] if index is not None and index + 1 < len(path) else None
        pair = a.prefixes.known[prefix], b.prefixes.known[prefix]
        following = (a.prefixes.known[after], b.prefixes.known[after]) if after is not None else None
        kl = exact[index] if index is not None and index < len(exact) else None
        position = _position(pair, following, index is not None, kl)
        if position is not None:
            found.append(position)
    return found


def _position(
    pair: tuple[Known, Known], following: tuple[Known, Known] | None, on_path: bool, exact: float | None
) -> Position | None:
    """None where the two have nothing that could be compared."""
    one, other = pair
    logprobs = tuple(known.logprob for known in following) if following else (None, None)
    between = None
    if one.table is not None and other.table is not None:
        between = between_tables(one.table, other.table)
    elif exact is None and None in logprobs:
        return None
    entropies = [
        known.table.entropy if known.table is not None else after.entropy if after is not None else None
        for known, after in zip(pair, following or (None, None), strict=True)
    ]
    return Position(
        length=one.length,
        on_path=on_path,
        text=one.text,
        token=label(following[0].token) if following else None,
        logprob_a=logprobs[0],
        logprob_b=logprobs[1],
        kl=exact if exact is not None else between.kl if between else None,
        exact=exact is not None,
        rows=between.rows if between else 0,
        max_logprob_error=between.max_logprob_error if between else None,
        changed_ranks=between.changed_ranks if between else 0,
        entropy_a=entropies[0],
        entropy_b=entropies[1],
    )


class Between(msgspec.Struct, frozen=True):
    """Two tables of one prefix."""

    kl: float | None
    """In bits, at least; None where no row is in both."""
    rows: int
    max_logprob_error: float | None
    changed_ranks: int


def between_tables(a: Distribution, b: Distribution) -> Between:
    """What the rows say that both list."""
    others = {candidate.token.id: candidate for candidate in b.candidates}
    pairs = [(one, others[one.token.id]) for one in a.candidates if one.token.id in others]
    errors = [
        abs(one.logprob - other.logprob)
        if one.logprob is not None and other.logprob is not None
        # One of them is impossible: its logprob is minus infinity, and a table has None for it.
        else apart(one.prob, other.prob)
        for one, other in pairs
        if one.prob is not None and other.prob is not None
    ]
    probs = {
        one.token.id: (one.prob, other.prob) for one, other in pairs if one.prob is not None and other.prob is not None
    }
    kl = divergence(*zip(*probs.values(), strict=True)) if probs else None
    return Between(kl, len(pairs), max(errors, default=None), sum(one.rank != other.rank for one, other in pairs))


def divergence(p: Sequence[float], q: Sequence[float]) -> float:
    """KL(P‖Q) in bits, of probabilities of the same outcomes; what they lack to 1 is one more outcome."""
    rest = (max(1.0 - math.fsum(p), 0.0), max(1.0 - math.fsum(q), 0.0))
    pairs = [*zip(p, q, strict=True), rest]
    if any(one > 0 and other <= 0 for one, other in pairs[:-1]):
        return math.inf
    terms = (one * math.log2(one / other) for one, other in pairs if one > 0 and other > 0)
    return max(0.0, math.fsum(terms))


def exact_divergence(a: Sequence[float], b: Sequence[float]) -> float:
    """KL(A‖B) in bits, of the logprobs of two whole vocabularies, in nats."""
    terms = (math.exp(one) * (one - other) for one, other in zip(a, b, strict=True) if math.exp(one) > 0)
    return max(0.0, math.fsum(terms) / math.log(2))
