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
    TemperatureLogitsWarper,
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
        steps.append(("temperature", TemperatureLogitsWarper(float(params.temperature))))
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
