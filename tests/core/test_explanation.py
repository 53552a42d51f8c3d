import pytest

from explorer.core.distribution import Candidate, Distribution
from explorer.core.sampling.explanation import REASONS, cumulative, explain
from explorer.core.sampling.knobs import KNOBS
from explorer.core.sampling.params import SamplingParams
from explorer.core.token import Token


def row(rank, prob, cut_by=None, moved=None):
    kept = 0.0 if cut_by else prob
    return Candidate(
        token=Token(rank, b"x", "text"),
        rank=rank,
        logit=0.0,
        logprob=0.0,
        prob=prob,
        sampling_prob=kept,
        cut_by=cut_by,
        adjusted_rank=moved,
    )


TABLE = Distribution((row(1, 0.5), row(2, 0.412), row(3, 0.05, "top_p"), row(5, 0.01, "top_p")), 9, 1.0, 0.01, 2)


def test_top_p_says_what_the_tokens_above_reach_where_that_is_known():
    third, fifth = TABLE.candidates[2:]
    assert explain(third, TABLE, SamplingParams(top_p=0.9)) == "cut by top-p 0.9: the tokens above it reach 91.2%"
    said = "cut by top-p 0.9: the tokens above it reach that already"
    assert explain(third, TABLE, SamplingParams(top_p=0.9, temperature=2.0)) == said
    assert explain(fifth, TABLE, SamplingParams(top_p=0.9)) == said
    assert cumulative(TABLE) == pytest.approx({1: 0.5, 2: 0.912, 3: 0.962})


def test_a_kept_token_in_its_place_needs_no_words_and_a_moved_one_has_both_ranks():
    assert explain(row(1, 0.5), TABLE, SamplingParams(top_p=0.9)) == ""
    params = SamplingParams(repetition_penalty=1.2)
    assert explain(row(1, 0.5, moved=4), TABLE, params) == "moved from rank 1 to 4 by the repetition penalty"


def test_every_sampler_that_can_cut_has_its_reason():
    assert REASONS.keys() == {knob.name for knob in KNOBS} - {"seed", "logit_bias", "repetition_penalty"}
    assert explain(row(7, 0.1, "top_k"), TABLE, SamplingParams(top_k=5)) == "cut by top-k 5: its place is 7"
    banned = SamplingParams(suppress_tokens=(7,))
    assert explain(row(7, 0.1, "suppress_tokens"), TABLE, banned) == "cut by banned: it is never drawn"
