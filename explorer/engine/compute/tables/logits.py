"""From logits to a Distribution, through transformers' own samplers.

Owns probabilities and the question which sampler cut a token. Pure functions of rows of logits. Must not know models,
caches or random numbers.
"""

import math
from collections.abc import Callable, Sequence

import msgspec
import torch

from explorer.core.asked import Asked
from explorer.core.distribution import Candidate, Distribution
from explorer.core.score import prob_of
from explorer.core.token import Token
from explorer.engine.compute.tables.drawing import check_scores
from explorer.engine.compute.tables.ranking import DEPTH, Row, comparable, entropy
from explorer.engine.compute.tables.samplers import MOVES, WARPERS, Chain, chain
from explorer.engine.compute.tables.shortcuts import Beginning, beginning


def sampling_scores(row: torch.Tensor, asked: Asked) -> torch.Tensor:
    """The scores [1, V] in float32 whose softmax is drawn from, or whose argmax is taken where it is greedy."""
    return batch_scores(row[None], [asked.ids], asked)


def batch_scores(rows: torch.Tensor, prefixes: Sequence[Sequence[int]], asked: Asked) -> torch.Tensor:
    """The same of several rows [N, V] at once, each after its own of the prefixes, which are of one length."""
    scores = rows.float()
    steps = _chain(asked, rows.device)
    history = torch.tensor([list(ids) for ids in prefixes], device=rows.device) if steps else scores
    for _, processor in steps:
        scores = processor(history, scores)
    return scores


def greedy(scores: torch.Tensor) -> int:
    """The id of the highest of the scores [V]; of equal ones the smallest, as rank says."""
    return int(comparable(scores.float()).argmax())


def distribution(
    row: Row, asked: Asked, top: int, include: Sequence[int], token: Callable[[int], Token]
) -> Distribution:
    """The table of a row of logits; `token` gives the Token of an id.

    Lists the `top` first tokens after the steps that move tokens, and those of `include`, in that order; a token that
    is banned keeps its place. For the other steps, short cuts are taken where they give the same. Raises EngineError
    where the settings leave a score that has no probability.
    """
    logits = row.logits.float()
    steps = _chain(asked, logits.device)
    history = _history(asked, logits.device) if steps else logits
    moves = [step for step in steps if step[0] in MOVES]
    order = moved(row, asked)
    places = _places(order, top, include)
    index = torch.tensor(list(places), device=logits.device)
    ranks = row.ranks(index) if moves else list(places.values())
    probs = logits.softmax(-1)
    begun = beginning(order, asked.params)
    if not steps and asked.params.temperature and row.known:
        shaped = Shaped(probs[index].tolist(), [None] * len(places), row.finite, 0.0, row.entropy)
    elif begun is not None:
        shaped = _by_order(begun, order, probs, places, index)
    else:
        cutting = steps[len(moves) :]
        if asked.params.temperature == 0:
            cutting.append(("temperature", _only_the_highest))
        shaped = _by_chain(cutting, order, probs, history, index)
    columns = zip(
        places.items(),
        ranks,
        logits[index].tolist(),
        logits.log_softmax(-1)[index].tolist(),
        probs[index].tolist(),
        shaped.shares,
        shaped.cuts,
        strict=True,
    )
    candidates = tuple(
        Candidate(
            token=token(token_id),
            rank=rank,
            logit=finite(logit),
            logprob=finite(logprob),
            prob=_prob(prob, logprob),
            sampling_prob=share,
            cut_by=cut,
            adjusted_rank=place if place != rank else None,
        )
        for (token_id, place), rank, logit, logprob, prob, share, cut in columns
    )
    return Distribution(
        candidates,
        logits.numel(),
        finite(row.entropy),
        finite(probs.index_fill(0, index, 0.0).sum().item()),
        shaped.kept,
        finite(shaped.cut_mass),
        shaped.entropy,
    )


def _chain(asked: Asked, device: torch.device) -> Chain:
    return chain(asked.params, prompt_length=asked.prompt_length, eos_ids=asked.eos_ids, device=device)


def _history(asked: Asked, device: torch.device) -> torch.Tensor:
    """The prefix [1, T]."""
    return torch.tensor([list(asked.ids)], device=device)


def moved(row: Row, asked: Asked) -> Row:
    """The row after the steps that move tokens: the order of the table."""
    for name, processor in _chain(asked, row.logits.device):
        if name in MOVES:
            row = Row(processor(_history(asked, row.logits.device), row.logits.float()[None])[0])
    return row


def _places(row: Row, top: int, include: Sequence[int]) -> dict[int, int]:
    """The ids to list and their places in the row, in that order."""
    top = max(top, 1)
    listed = {token_id: place for place, token_id in enumerate(row.order(top)[:top].tolist(), 1)}
    others = [token_id for token_id in dict.fromkeys(include) if token_id not in listed]
    if others:
        places = row.ranks(torch.tensor(others, device=row.logits.device))
        listed.update(sorted(zip(others, places, strict=True), key=lambda pair: pair[1]))
    return listed


class Shaped(msgspec.Struct, frozen=True):
    """What the samplers make of a row: of each listed token, and of the whole."""

    shares: list[float]
    """The sampling prob of each listed token."""
    cuts: list[str | None]
    """What cut each listed token first."""
    kept: int
    cut_mass: float
    """Of the model's probability; not finite where that is not known."""
    entropy: float | None
    """After the samplers, in bits; None where nothing is kept."""


def _by_order(begun: Beginning, row: Row, probs: torch.Tensor, places: dict[int, int], index: torch.Tensor) -> Shaped:
    """What the beginning of the row's order says of the tokens in `index`, which stand at `places`."""
    kept = [place <= begun.kept for place in places.values()]
    possible = (row.logits[index] > -math.inf).tolist()
    return Shaped(
        [share if here else 0.0 for share, here in zip(begun.shares(row.logits[index]), kept, strict=True)],
        [begun.cut_by(place) if able else None for place, able in zip(places.values(), possible, strict=True)],
        begun.kept,
        0.0 if begun.kept == row.finite else probs.index_fill(0, row.order(1)[: begun.kept], 0.0).sum().item(),
        begun.entropy,
    )


def _by_chain(steps: Chain, row: Row, probs: torch.Tensor, history: torch.Tensor, index: torch.Tensor) -> Shaped:
    """What the processors make of the row, and which of them cut the tokens in `index`."""
    scores = row.logits.float()[None]
    size = scores.shape[1]
    cuts: list[str | None] = [None] * len(index)
    never = scores[0, index].isneginf()
    left: torch.Tensor | None = None
    for name, processor in steps:
        scores = processor(history, scores)
        if left is None and size > DEPTH and name in WARPERS and int(scores.isfinite().sum()) <= DEPTH:
            # What is cut changes nothing for the steps that follow, and a long row costs them a sort each.
            left = scores[0].isfinite().nonzero()[:, 0]
            scores = scores[:, left]
        standing = _spread(scores, left, size)[index]
        gone = (standing.isneginf() & ~never).tolist()
        cuts = [cut or (name if lost else None) for cut, lost in zip(cuts, gone, strict=True)]
    final = _spread(scores, left, size)
    check_scores(final)
    kept = final.isfinite()
    shares = final.softmax(-1).nan_to_num(nan=0.0)
    count = int(kept.sum())
    cut_mass = torch.where(kept, 0.0, probs).sum().item()
    return Shaped(
        shares[index].tolist(), cuts, count, cut_mass, entropy(final.log_softmax(-1)).item() if count else None
    )


def _spread(scores: torch.Tensor, left: torch.Tensor | None, size: int) -> torch.Tensor:
    """The scores of the whole vocabulary [V], from those of the ids `left` or of all of them."""
    if left is None:
        return scores[0]
    return torch.full((size,), -math.inf, device=scores.device).index_copy(0, left, scores[0])


def _only_the_highest(history: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
    """Greedy as a step: cuts everything but the token that is taken."""
    del history
    best = greedy(scores[0])
    taken = torch.full_like(scores, -math.inf)
    if bool(comparable(scores[0, best]) > -math.inf):
        taken[0, best] = 0.0
    return taken


def drawn(
    rows: torch.Tensor, shares: torch.Tensor, chosen: Sequence[int], token: Callable[[int], Token]
) -> list[tuple[Candidate, float | None, float | None]]:
    """Of rows of logits [R, V]: the token that was chosen in each, the row's entropy in bits, and its highest prob.

    `shares` [R, V] are the sampling probs.
    """
    rows = rows.float()
    index = torch.tensor(chosen, device=rows.device)[:, None]
    logprobs, probs, order = rows.log_softmax(-1), rows.softmax(-1), comparable(rows)
    smaller = torch.arange(rows.shape[1], device=rows.device) < index
    level = order.gather(1, index)
    ranks = 1 + (order > level).sum(-1) + ((order == level) & smaller).sum(-1)
    columns = zip(
        chosen,
        ranks.tolist(),
        *(values.gather(1, index)[:, 0].tolist() for values in (rows, logprobs, probs, shares)),
        entropy(logprobs).tolist(),
        probs.amax(-1).tolist(),
        strict=True,
    )
    return [
        (
            Candidate(
                token=token(token_id),
                rank=rank,
                logit=finite(logit),
                logprob=finite(logprob),
                prob=_prob(prob, logprob),
                sampling_prob=share,
            ),
            finite(bits),
            finite(most),
        )
        for token_id, rank, logit, logprob, prob, share, bits, most in columns
    ]


SMALLEST = torch.finfo(torch.float32).tiny
"""Below it, float32 has few digits left and then none."""


def _prob(prob: float, logprob: float) -> float | None:
    """A probability of the softmax, by its logarithm where float32 would make nothing of it."""
    return prob_of(logprob) if prob < SMALLEST and math.isfinite(logprob) else finite(prob)


def finite(number: float) -> float | None:
    """A number, or None for what is none."""
    return number if math.isfinite(number) else None
