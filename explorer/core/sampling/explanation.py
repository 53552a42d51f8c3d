"""Explanation: why a token of a table was cut, or stands elsewhere than the model has it, in a sentence.

Says only what follows from the table and the settings. Must not know engines or screens.
"""

from explorer.core.distribution import Candidate, Distribution
from explorer.core.sampling.knob import Knob
from explorer.core.sampling.knobs import CUT_NAMES, KNOB
from explorer.core.sampling.params import SamplingParams

REASONS = {
    "temperature": "only the first token is taken at temperature 0",
    "top_k": "its place is {place}",
    "top_p": "the tokens above it reach that already",
    "min_p": "it is less likely than that share of the first",
    "typical_p": "tokens whose surprisal is nearer to the entropy reach that already",
    "epsilon_cutoff": "it is less likely than that",
    "eta_cutoff": "it is less likely than the bound that falls with the entropy",
    "top_h": "the tokens above it hold that share of the entropy already",
    "no_repeat_ngram_size": "it would repeat a run of the text",
    "min_new_tokens": "the text may not end yet",
    "suppress_tokens": "it is never drawn",
}


def explain(candidate: Candidate, table: Distribution, params: SamplingParams) -> str:
    """Who cut the candidate, and why it stands where it stands; empty for one that is kept in its own place."""
    parts = []
    if candidate.cut_by:
        name = CUT_NAMES.get(candidate.cut_by, candidate.cut_by)
        knob = KNOB.get(candidate.cut_by)
        value = "" if knob is None or knob.kind in ("ids", "biases") or name == "greedy" else f" {_value(knob, params)}"
        parts.append(f"cut by {name}{value}: {_reason(candidate, table, params)}")
    elif not candidate.sampling_prob:
        parts.append("the model itself gives it no probability")
    if candidate.adjusted_rank is not None:
        causes = {"repetition_penalty": "the repetition penalty", "logit_bias": "the logit bias"}
        movers = " and ".join(words for name, words in causes.items() if name in params.settings)
        parts.append(f"moved from rank {candidate.rank} to {candidate.place} by {movers}")
    return "; ".join(parts)


def _value(knob: Knob, params: SamplingParams) -> str:
    return knob.text(getattr(params, knob.name))


def _reason(candidate: Candidate, table: Distribution, params: SamplingParams) -> str:
    above = cumulative(table).get(candidate.place - 1)
    # The mass that top-p adds up is the model's own only where nothing came before it.
    alone = not params.settings.keys() - {"seed", "top_p", "min_p", "typical_p", "epsilon_cutoff", "eta_cutoff"}
    if candidate.cut_by == "top_p" and alone and above is not None:
        return f"the tokens above it reach {above:.1%}"
    return REASONS.get(candidate.cut_by or "", "").format(place=candidate.place)


def cumulative(table: Distribution) -> dict[int, float]:
    """The model's mass of the tokens down to each place, as far as the table has all of them."""
    masses: dict[int, float] = {}
    mass = 0.0
    for place, candidate in enumerate(table.candidates, 1):
        if candidate.place != place or candidate.prob is None:
            break
        mass += candidate.prob
        masses[place] = min(mass, 1.0)
    return masses
