import math

import pytest

from explorer.walk.ranking import ranks, shares


def test_what_is_unknown_or_impossible_comes_last():
    assert ranks([-1.0, None, -0.5, -math.inf, math.nan]) == [2, 3, 1, 3, 3]


def test_shares_are_a_softmax_and_nothing_is_shared_by_the_impossible():
    assert shares([math.log(0.3), math.log(0.1), None]) == pytest.approx([0.75, 0.25, 0.0])
    assert shares([-1e9, -1e9]) == [0.5, 0.5]
    assert shares([None, -math.inf]) == [None, None]
