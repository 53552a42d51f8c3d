"""From logits to a Distribution, through transformers' own samplers.

Owns ranks, probabilities, entropy and the question which sampler cut a token. Pure functions of one row of logits [V].
Must not know models, caches or random numbers.
"""

import math
from collections.abc import Callable, Sequence

import torch
from transformers import LogitsProcessor, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from explorer.core.distribution import Candidate, Distribution
from explorer.core.sampling import SamplingParams
from explorer.core.score import Alternative, Scored
from explorer.core.token import Token


def chain(params: SamplingParams) -> list[tuple[str, LogitsProcessor]]:
    """The processors that `generate()` would build for these settings, in its order, by the names of the settings.

    Greedy is no processor: transformers takes the argmax instead.
    """
    steps: list[tuple[str, LogitsProcessor]] = []
    if params.temperature not in (0, 1):
        steps.append(("temperature", TemperatureLogitsWarper(float(params.temperature))))
    if params.top_k:
        steps.append(("top_k", TopKLogitsWarper(params.top_k)))
    if params.top_p < 1:
        steps.append(("top_p", TopPLogitsWarper(params.top_p)))
    return steps


def sampling_scores(row: torch.Tensor, ids: Sequence[int], params: SamplingParams) -> torch.Tensor:
    """The scores [1, V] in float32 whose softmax is drawn from."""
    return batch_scores(row[None], [ids], params)


def batch_scores(rows: torch.Tensor, prefixes: Sequence[Sequence[int]], params: SamplingParams) -> torch.Tensor:
    """The scores [N, V] in float32 of rows [N, V] after prefixes of one length."""
    scores = rows.float()
    steps = chain(params)
    history = torch.tensor([list(ids) for ids in prefixes], device=rows.device) if steps else scores
    for _, processor in steps:
        scores = processor(history, scores)
    return scores


def greedy(row: torch.Tensor) -> int:
    """The id of the highest logit; of equal ones the smallest, as rank says."""
    return int(comparable(row.float()).argmax())


def comparable(logits: torch.Tensor) -> torch.Tensor:
    """The logits with NaN below everything, as rank takes it."""
    return logits.nan_to_num(nan=-math.inf, posinf=math.inf, neginf=-math.inf)


def ranked(row: torch.Tensor, top: int, include: Sequence[int] = ()) -> list[tuple[int, int]]:
    """(rank, id) of the `top` highest logits and of the ids in `include`, by rank.

    Equal logits are ranked by id. `row` is float32 without NaN.
    """
    top = min(max(top, 1), row.numel())
    lowest = row.topk(top).values[-1]
    reaching = (row >= lowest).nonzero()[:, 0]
    order = row[reaching].sort(descending=True, stable=True).indices[:top]
    ranks = [(rank, int(token_id)) for rank, token_id in enumerate(reaching[order].tolist(), 1)]
    listed = {token_id for _, token_id in ranks}
    others = [token_id for token_id in dict.fromkeys(include) if token_id not in listed]
    return ranks + sorted((rank_of(row, token_id), token_id) for token_id in others)


def rank_of(row: torch.Tensor, token_id: int) -> int:
    """1 + tokens with a higher logit + tokens with the same logit and a smaller id."""
    logit = row[token_id]
    return 1 + int((row > logit).sum()) + int((row[:token_id] == logit).sum())


def distribution(
    row: torch.Tensor,
    ids: Sequence[int],
    params: SamplingParams,
    top: int,
    include: Sequence[int],
    token: Callable[[int], Token],
) -> Distribution:
    """The table of a row of logits [V] after the prefix `ids`; `token` gives the Token of an id."""
    logits = row.float()
    order = comparable(logits)
    ranks = ranked(order, top, include)
    index = torch.tensor([token_id for _, token_id in ranks], device=row.device)
    logprobs = logits.log_softmax(-1)
    probs = logits.softmax(-1)
    sampling, cuts, kept = _sampled(logits, ids, params, index)
    columns = zip(
        ranks,
        logits[index].tolist(),
        logprobs[index].tolist(),
        probs[index].tolist(),
        sampling,
        cuts,
        strict=True,
    )
    candidates = tuple(
        Candidate(token(token_id), rank, _finite(logit), _finite(logprob), _finite(prob), share, cut)
        for (rank, token_id), logit, logprob, prob, share, cut in columns
    )
    # xlogy-like: a token of probability 0 adds nothing, although its logprob is infinite.
    entropy = -torch.where(probs == 0, 0.0, probs * logprobs).sum().item() / math.log(2)
    listed = probs.index_fill(0, index, 0.0).sum().item()
    return Distribution(candidates, logits.numel(), _finite(max(entropy, 0.0)), _finite(listed), kept)


def _sampled(
    logits: torch.Tensor, ids: Sequence[int], params: SamplingParams, index: torch.Tensor
) -> tuple[list[float], list[str | None], int]:
    """Of the tokens in `index`: the sampling probs and what cut each; and how many tokens are kept in all."""
    if params.temperature == 0:
        best = greedy(logits)
        chosen = [token_id == best for token_id in index.tolist()]
        return [float(kept) for kept in chosen], [None if kept else "temperature" for kept in chosen], 1
    cuts: list[str | None] = [None] * len(index)
    scores = logits[None]
    steps = chain(params)
    history = _history(ids, logits.device) if steps else scores
    never = logits[index].isneginf()
    for name, processor in steps:
        scores = processor(history, scores)
        gone = (scores[0, index].isneginf() & ~never).tolist()
        cuts = [cut or (name if lost else None) for cut, lost in zip(cuts, gone, strict=True)]
    shares = scores[0].softmax(-1)[index].nan_to_num(nan=0.0).tolist()
    return shares, cuts, int(scores.isfinite().sum())


def drawn(
    rows: torch.Tensor, shares: torch.Tensor, chosen: Sequence[int], token: Callable[[int], Token]
) -> list[tuple[Candidate, float | None, float | None]]:
    """Of rows of logits [R, V]: the token that was chosen in each, the row's entropy in bits, and its highest prob.

    `shares` [R, V] are the sampling probs.
    """
    rows = rows.float()
    index = torch.tensor(chosen, device=rows.device)[:, None]
    logprobs, probs, order = rows.log_softmax(-1), rows.softmax(-1), comparable(rows)
    entropies = -torch.where(probs == 0, 0.0, probs * logprobs).sum(-1) / math.log(2)
    smaller = torch.arange(rows.shape[1], device=rows.device) < index
    level = order.gather(1, index)
    ranks = 1 + (order > level).sum(-1) + ((order == level) & smaller).sum(-1)
    columns = zip(
        chosen,
        ranks.tolist(),
        *(values.gather(1, index)[:, 0].tolist() for values in (rows, logprobs, probs, shares)),
        entropies.tolist(),
        probs.amax(-1).tolist(),
        strict=True,
    )
    return [
        (
            Candidate(token(token_id), rank, _finite(logit), _finite(logprob), _finite(prob), share),
            _finite(entropy),
            _finite(highest),
        )
        for token_id, rank, logit, logprob, prob, share, entropy, highest in columns
    ]


ROWS_AT_ONCE = 16
"""Rows of logits that are turned into float32 together: more are slower on a CPU, and their memory adds up."""


def scored(rows: torch.Tensor, targets: Sequence[int], top: int, token: Callable[[int], Token]) -> list[Scored]:
    """What rows of logits [n, V] say of the tokens that follow them, `targets` [n], or one fewer at the end of a text.

    Never holds more than ROWS_AT_ONCE rows in float32.
    """
    done: list[Scored] = []
    for begin in range(0, len(targets), ROWS_AT_ONCE):
        wanted = targets[begin : begin + ROWS_AT_ONCE]
        done += _scored_part(rows[begin : begin + len(wanted)].float(), wanted, top, token)
    return done


def _scored_part(rows: torch.Tensor, targets: Sequence[int], top: int, token: Callable[[int], Token]) -> list[Scored]:
    index = torch.tensor(list(targets), device=rows.device)[:, None]
    logprobs = rows.log_softmax(-1)
    entropies = -torch.where(logprobs.isneginf(), 0.0, logprobs.exp() * logprobs).sum(-1) / math.log(2)
    logits = rows.gather(1, index)
    smaller = torch.arange(rows.shape[1], device=rows.device) < index
    ranks = 1 + (rows > logits).sum(-1) + ((rows == logits) & smaller).sum(-1)
    columns = zip(
        targets,
        logprobs.gather(1, index)[:, 0].tolist(),
        ranks.tolist(),
        entropies.tolist(),
        strict=True,
    )
    done = []
    for number, (target, logprob, rank, entropy) in enumerate(columns):
        alternatives = _alternatives(rows[number], logprobs[number], top, token) if top else ()
        known = _finite(logprob)
        prob = None if known is None else math.exp(known)
        done.append(Scored(token(target), known, prob, rank, _finite(entropy), alternatives))
    return done


def _alternatives(
    row: torch.Tensor, logprobs: torch.Tensor, top: int, token: Callable[[int], Token]
) -> tuple[Alternative, ...]:
    ranks = ranked(comparable(row), top)
    values = logprobs[[token_id for _, token_id in ranks]].tolist()
    return tuple(
        Alternative(token(token_id), rank, value, math.exp(value))
        for (rank, token_id), value in zip(ranks, values, strict=True)
        if math.isfinite(value)
    )


def _history(ids: Sequence[int], device: torch.device) -> torch.Tensor:
    """The prefix [1, T], which some processors look at."""
    return torch.tensor([list(ids)], device=device)


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
