import pytest

from explorer.core.size import size_in_words

SIZES = {
    0: "0 B",
    999: "999 B",
    1000: "1 kB",
    36_000_000: "36 MB",
    999_600_000: "1 GB",
    1_254_000_000: "1.25 GB",
    123_400_000_000: "123 GB",
    1.126e15: "1,126 TB",
}


@pytest.mark.parametrize(("size", "words"), SIZES.items())
def test_a_size_is_three_digits_and_the_unit_that_fits(size, words):
    assert size_in_words(size) == words
