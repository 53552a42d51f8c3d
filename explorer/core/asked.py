"""Asked: what a table of next tokens answers.

Owns the prefix, the settings, and where the prompt ends, which belong together wherever a distribution is asked for.
Must not know engines, sessions or records.
"""

from collections.abc import Sequence

import msgspec

from explorer.core.sampling.params import SamplingParams

HIGHEST_BIAS = 100.0
"""That a logit may have."""


class Asked(msgspec.Struct, frozen=True):
    """A distribution that someone wants to know."""

    params: SamplingParams
    ids: Sequence[int]
    """The prefix."""
    prompt_length: int
    """How many tokens of the prefix the samplers take for the prompt, after which `min_new_tokens` counts."""
    eos_ids: Sequence[int] = ()
    """What `min_new_tokens` bans: the engine that answers knows them."""

    def after(self, ids: Sequence[int]) -> "Asked":
        """The same further on, under the same prompt."""
        return msgspec.structs.replace(self, ids=ids)

    def under(self, params: SamplingParams) -> "Asked":
        """The same with other settings."""
        return msgspec.structs.replace(self, params=params)

    def plain(self) -> "Asked":
        """The model's own, without any sampler."""
        return self.under(SamplingParams())

    def moved(self) -> "Asked":
        """With those settings alone that move tokens: the order of the table is that of its sampling probs."""
        params = self.params
        return self.under(SamplingParams(logit_bias=params.logit_bias, repetition_penalty=params.repetition_penalty))

    def raised(self, token_id: int, by: float) -> "Asked":
        """With a token's logit raised, as far as a bias may be."""
        bias = dict(self.params.logit_bias).get(token_id, 0.0)
        return self.under(self.params.biasing(token_id, min(bias + by, HIGHEST_BIAS)))
