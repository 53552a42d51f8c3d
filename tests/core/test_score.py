import math

import msgspec
import pytest

from explorer.core.figure import decimal, scientific
from explorer.core.score import Scored, logprob_of, prob_of, summary
from explorer.core.token import Token

WORD = Token.from_bytes(3, b"word")
LIKELY = Scored(WORD, -1.0, math.exp(-1.0), 1, 2.0)
IMPOSSIBLE = Scored(WORD, -math.inf, 0.0, 9, 2.0)
UNKNOWN = Scored(WORD)


def test_a_token_that_is_not_known_is_left_out_of_the_sums():
    assert summary([UNKNOWN, LIKELY, LIKELY]) == summary([LIKELY, LIKELY])
    whole = summary([UNKNOWN])
    assert (whole.logprob, whole.mean_nll, whole.perplexity, whole.count, whole.impossible) == (0.0, None, None, 0, 0)


def test_a_token_that_is_impossible_makes_the_sums_infinite():
    whole = summary([UNKNOWN, LIKELY, IMPOSSIBLE, LIKELY])
    assert (whole.logprob, whole.mean_nll, whole.perplexity) == (-math.inf, math.inf, math.inf)
    assert (whole.count, whole.impossible) == (3, 1)
    assert IMPOSSIBLE.surprisal == math.inf


def test_an_impossible_token_stays_one_through_json():
    line = msgspec.json.encode([UNKNOWN, IMPOSSIBLE, LIKELY])
    assert b'"logprob":null,"prob":0.0' in line
    assert msgspec.json.decode(line, type=list[Scored]) == [UNKNOWN, IMPOSSIBLE, LIKELY]


@pytest.mark.parametrize("logprob", [0.0, -3.5, -120.0, -700.0, -1e6, -3e38, -math.inf])
def test_only_what_is_impossible_has_the_probability_0(logprob):
    prob = prob_of(logprob)
    assert (prob == 0) == (logprob == -math.inf)
    assert logprob_of(prob) == (pytest.approx(logprob) if logprob > -700 or prob == 0 else pytest.approx(-744, abs=45))
    assert (prob_of(None), logprob_of(None)) == (None, None)


def test_what_is_certain_has_no_sign():
    whole = summary([Scored(WORD, 0.0, 1.0, 1, 0.0)])
    for number in (whole.mean_nll, Scored(WORD, 0.0, 1.0).surprisal, Scored(WORD, -0.0, 1.0).surprisal):
        assert number is not None and math.copysign(1, number) == 1


def test_a_perplexity_that_no_float_holds_is_infinite():
    assert summary([Scored(WORD, -1e6, 5e-324, 9, 2.0)]).perplexity == math.inf


@pytest.mark.parametrize(
    ("number", "text"),
    [(None, "–"), (1.005, "1.00"), (-0.004, "0.00"), (-0.0, "0.00"), (-3.14159, "-3.14"), (math.inf, "∞")],
)
def test_a_figure_says_what_the_number_says(number, text):
    assert decimal(number) == text
    assert (decimal(-math.inf), scientific(math.inf), scientific(0.00123), decimal(1.25, 1)) == (
        "-∞",
        "∞",
        "1.2e-03",
        "1.2",
    )
