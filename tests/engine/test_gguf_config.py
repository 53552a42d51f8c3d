"""What a GGUF file says of its model, where that is broken, or says in its own way that there is nothing."""

import math
import struct
from contextlib import suppress

import pytest
import torch

from explorer.engine.gguf.config import config_of
from explorer.engine.gguf.header import Header, read_header
from explorer.engine.gguf.keys import shortest
from explorer.engine.gguf.rope import part_of
from explorer.errors import ModelError
from tests.engine.gguf_models import ARCHITECTURES, write_model
from tests.engine.test_gguf_weights import SCALED, tiny
from tests.fuzzing import in_time

LARGE = 2**32 - 1
COUNTS = (0, 1, -1, 3, LARGE, [], [1, 2], "x", 1.5, None)
REALS = (0.0, -1.0, math.nan, math.inf, 1e300, "")


def values(value):
    """Values that may stand in the place of one."""
    match value:
        case bool():
            return (not value, 5)
        case int():
            return COUNTS
        case float():
            return REALS
        case list():
            return ([], value[:1], [-1] * len(value), [0] * len(value), ["x"] * len(value), *COUNTS)
    return ("", "x", 3)


def broken(header: Header):
    """Headers in each of which one key of the architecture has another value, or none."""
    for key, value in header.metadata.items():
        for other in values(value) if key.startswith(header.architecture) else ():
            changed = header.metadata | {key: other}
            yield header._replace(metadata={name: one for name, one in changed.items() if one is not None})


def tried(header: Header) -> None:
    for one in broken(header):
        with suppress(ModelError):
            config_of(one)


@pytest.mark.parametrize("kind", sorted(ARCHITECTURES))
def test_a_wrong_number_anywhere_in_a_header_is_no_more_than_a_sentence(kind, tmp_path):
    header = read_header(write_model(tmp_path / "m.gguf", tiny(kind)))
    with in_time(0):
        tried(header)


@pytest.mark.parametrize("scaling", sorted(SCALED))
def test_a_wrong_number_beside_scaled_positions_is_no_more_than_a_sentence(scaling, tmp_path):
    model = tiny("llama", rope_parameters=SCALED[scaling])
    tried(read_header(write_model(tmp_path / "m.gguf", model)))


@pytest.mark.parametrize("factors", [[0.0] * 8, [math.nan] * 8, [-1.0] * 8])
def test_factors_of_positions_that_are_none_are_told(factors, tmp_path):
    path = write_model(tmp_path / "m.gguf", tiny("llama"), extra={"rope_freqs.weight": torch.tensor(factors)})
    with pytest.raises(ModelError, match=r"rope_freqs\.weight holds what is no factor"):
        config_of(read_header(path))


@pytest.mark.parametrize("factor", [1e-6, 1.0, 1e30, math.inf])
def test_factors_of_positions_may_be_of_any_size(factor, tmp_path):
    path = write_model(tmp_path / "m.gguf", tiny("llama"), extra={"rope_freqs.weight": torch.full((8,), factor)})
    assert config_of(read_header(path))["rope_parameters"]["rope_type"] == ("default" if factor == 1 else "longrope")


def test_the_part_of_a_head_that_is_turned_is_just_what_the_file_says(tmp_path):
    for width in range(2, 600, 2):
        for turned in range(2, width + 1, 2):
            assert int(width * part_of(turned, width)) == turned


def test_a_number_has_the_fewest_digits_that_are_the_same_in_32_bits():
    for digits in ("1e-05", "10000.0", "0.22", "1e-06", "3.4028235e+38", "1e-45", "0.0"):
        assert repr(shortest(struct.unpack("f", struct.pack("f", float(digits)))[0])) == digits
    assert shortest(1 / 3) == 1 / 3
