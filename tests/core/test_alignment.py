from hypothesis import given
from hypothesis import strategies as st

from explorer.core.alignment import Stretch, stretches

TEXT = "Hello, 세계"


def test_a_stretch_ends_where_every_vocabulary_cuts():
    words = [(0, 0), (0, 5), (5, 6), (6, 9), (9, 9)]
    halves = [(0, 3), (3, 5), (5, 8), (7, 8), (8, 9)]
    assert stretches(len(TEXT), [words, halves]) == [
        Stretch(0, 0, [[0], []]),
        Stretch(0, 5, [[1], [0, 1]]),
        Stretch(5, 9, [[2, 3], [2, 3, 4]]),
        Stretch(9, 9, [[4], []]),
    ]


def test_parts_of_one_character_stand_together_and_no_text_has_no_stretch():
    assert stretches(2, [[(0, 1), (0, 1), (0, 1), (1, 2)]]) == [Stretch(0, 1, [[0, 1, 2]]), Stretch(1, 2, [[3]])]
    assert stretches(0, [[], []]) == []
    assert stretches(0, [[(0, 0)]]) == [Stretch(0, 0, [[0]])]


@given(cuts=st.lists(st.lists(st.integers(0, 12), max_size=8).map(sorted), min_size=1, max_size=4))
def test_every_token_is_in_one_stretch_and_the_stretches_are_the_text(cuts):
    spans = [list(zip([0, *one], [*one, 12], strict=True)) for one in cuts]
    found = stretches(12, spans)
    assert [place for one in found for place in range(one.begin, one.end)] == list(range(12))
    for number, one in enumerate(spans):
        assert [index for stretch in found for index in stretch.tokens[number]] == list(range(len(one)))
        for stretch in found:
            assert all(stretch.begin <= one[i][0] and one[i][1] <= stretch.end for i in stretch.tokens[number])
