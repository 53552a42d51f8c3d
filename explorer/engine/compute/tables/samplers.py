"""Samplers: transformers' own processors for the settings, in the order in which `generate()` applies them.

Owns the order and the names of the steps, which are those of the settings. Each step takes ids [N, T] and scores
[N, V]. Must not know tables, rows that are stored, or random numbers.
"""

from collections.abc import Callable, Sequence

import torch
from transformers import (
    EpsilonLogitsWarper,
    EtaLogitsWarper,
    MinNewTokensLengthLogitsProcessor,
    MinPLogitsWarper,
    NoRepeatNGramLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
    SequenceBiasLogitsProcessor,
    SuppressTokensLogitsProcessor,
    TopHLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
    TypicalLogitsWarper,
)

from explorer.core.sampling.params import SamplingParams

Processor = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
Chain = list[tuple[str, Processor]]

MOVES = ("logit_bias", "repetition_penalty")
"""Change the order of the tokens; they come first. Every step after them only scales, or cuts."""

WARPERS = ("temperature", "top_h", "top_k", "top_p", "min_p", "typical_p", "epsilon_cutoff", "eta_cutoff")
"""Come last, and look at nothing but the scores."""


EXACT_FROM = 1e-4
"""A temperature below which a scaled logit in float32 is too coarse to tell which of two likely tokens is likelier."""


def tempered(scores: torch.Tensor, temperature: float, highest: torch.Tensor | None = None) -> torch.Tensor:
    """Scores [..., V] divided by a temperature above 0, as `generate()` does it.

    Where float32 has no room for that, which is at a tiny temperature or huge logits, they are first lowered by the
    highest score of their row [..., 1]: the softmax is the same, and stays exact. No score that was finite becomes
    minus infinity, which is what a ban is. `highest` is that of the whole row, where these are a part of it.
    """
    if highest is None:
        highest = scores.amax(-1, keepdim=True)
    least = torch.finfo(torch.float32).min
    scaled = scores / temperature
    roomy = (highest / temperature).isfinite() & (temperature >= EXACT_FROM)
    if not bool(roomy.all()):
        # A double holds what a temperature of any size leaves of a float.
        lowered = ((scores.double() - highest.double()) / temperature).clamp(min=least).float()
        scaled = torch.where(roomy, scaled, lowered)
    return torch.where(scores.isneginf(), scores, scaled.clamp(min=least))


def chain(
    params: SamplingParams, *, prompt_length: int, eos_ids: Sequence[int] = (), device: torch.device | str = "cpu"
) -> Chain:
    """The processors that `generate()` would build for these settings, by the names of the settings.

    `prompt_length` and `eos_ids` are for `min_new_tokens`, which bans the end until so many tokens stand after the
    prompt. Greedy has no processor of its own, and none of the ones that only sampling has: `generate()` takes the
    argmax of what the others leave. The order is that of `GenerationMixin._get_logits_processor`.
    """
    steps: Chain = []
    if params.logit_bias:
        biases = {(token_id,): float(bias) for token_id, bias in params.logit_bias}
        steps.append(("logit_bias", SequenceBiasLogitsProcessor(biases)))
    if params.repetition_penalty != 1:
        steps.append(("repetition_penalty", RepetitionPenaltyLogitsProcessor(float(params.repetition_penalty))))
    if params.no_repeat_ngram_size:
        steps.append(("no_repeat_ngram_size", NoRepeatNGramLogitsProcessor(params.no_repeat_ngram_size)))
    if params.min_new_tokens and eos_ids:
        ends = torch.tensor(list(eos_ids), device=device)
        held = MinNewTokensLengthLogitsProcessor(prompt_length, params.min_new_tokens, ends)
        steps.append(("min_new_tokens", held))
    if params.suppress_tokens:
        banned = SuppressTokensLogitsProcessor(list(params.suppress_tokens), device=device)
        steps.append(("suppress_tokens", banned))
    return steps if params.temperature == 0 else steps + _warpers(params, device)


def _warpers(params: SamplingParams, device: torch.device | str) -> Chain:
    steps: Chain = []
    if params.temperature != 1:
        steps.append(("temperature", lambda history, scores: tempered(scores, params.temperature)))
    if params.top_h:
        steps.append(("top_h", TopHLogitsWarper(float(params.top_h))))
    if params.top_k:
        steps.append(("top_k", TopKLogitsWarper(params.top_k)))
    if params.top_p < 1:
        steps.append(("top_p", TopPLogitsWarper(params.top_p)))
    if params.min_p:
        steps.append(("min_p", MinPLogitsWarper(params.min_p)))
    if params.typical_p < 1:
        steps.append(("typical_p", TypicalLogitsWarper(params.typical_p)))
    if params.epsilon_cutoff:
        steps.append(("epsilon_cutoff", EpsilonLogitsWarper(params.epsilon_cutoff)))
    if params.eta_cutoff:
        steps.append(("eta_cutoff", EtaLogitsWarper(params.eta_cutoff, device=device)))
    return steps
