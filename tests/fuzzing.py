"""Inputs that are nearly right: what is valid, changed at random by a seed, as bytes and as values of JSON."""

import json
import os
import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from explorer.core.token import is_driving

CONTROL = "\x1b]0;own\x07\x9b\x7f\u202e"
ODD: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        -1,
        0,
        1,
        2**31,
        10**30,
        -(10**30),
        1e308,
        float("nan"),
        float("inf"),
        0.5,
        "",
        "a",
        "-1",
        "off",
    ),
    *(
        CONTROL,
        "\ud800",
        "a" * 5000,
        "~nobody/x",
        "/dev/null",
        "..",
        [],
        {},
        [[]],
        [None],
        {"": {}},
        {"a": [1]},
        [1, "a"],
    ),
)
PIECES = (
    b"",
    b"\x00",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\x1b[2J",
    b"{",
    b"}",
    b"[" * 2000,
    b'"',
    b"\n",
    b"9" * 5000,
    b"null",
    b"=",
)

TOO_LONG = 60
"""Seconds for one input, of which none takes one: a machine may be busy."""


def changed_bytes(data: bytes, chance: random.Random) -> bytes:
    """Some pieces of the bytes left out, doubled, or put in place of others."""
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        begin = chance.randrange(len(data) + 1)
        end = min(begin + chance.choice((0, 1, 1, 2, 20, 400)), len(data))
        piece = chance.choice((*PIECES, data[begin:end] * 2, bytes([chance.randrange(256)])))
        data = data[:begin] + piece + data[end:]
    return data


def changed_value(value: Any, chance: random.Random) -> Any:
    """A value of JSON with another one somewhere inside, or with something left out."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        name = chance.choice(list(value))
        rest = {one: value[one] for one in value if one != name}
        if chance.random() < 0.15:
            return rest
        other = chance.choice([*map(str, ODD), CONTROL]) if chance.random() < 0.1 else name
        return {**rest, other: changed_value(value[name], chance)}
    if isinstance(value, list) and value and chance.random() < 0.8:
        place = chance.randrange(len(value))
        return [*value[:place], changed_value(value[place], chance), *value[place + 1 :]]
    return chance.choice(ODD)


def changed_json(text: str, chance: random.Random) -> bytes:
    """A text of JSON, changed as a value or as bytes."""
    if chance.random() < 0.3:
        return changed_bytes(text.encode(errors="surrogateescape"), chance)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):  # It was changed before.
        return changed_bytes(text.encode(errors="surrogateescape"), chance)
    for _ in range(chance.choice((1, 1, 2, 4))):
        value = changed_value(value, chance)
    return json.dumps(value).encode()


@contextmanager
def in_time(seed: int) -> Iterator[None]:
    """A failure where an input takes for ever; it names its seed."""

    def late(number: int, frame: object) -> None:
        raise TimeoutError(f"the input of the seed {seed} takes too long")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(TOO_LONG)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def rounds(count: int) -> range:
    """Seeds: the same ones in each run, or as many as FUZZ_ROUNDS says, after those of FUZZ_FROM."""
    first = int(os.environ.get("FUZZ_FROM", "0"))
    return range(first, first + int(os.environ.get("FUZZ_ROUNDS", str(count))))


def check(done: Any, codes: tuple[int, ...], seed: object) -> None:
    """An answer, or a sentence and a documented exit code; nothing that drives a terminal, no fault of the program."""
    said = done.stderr
    about = f"seed {seed}: {done.args!r:.300} gives {done.returncode}: {said[:600]!r}"
    assert done.returncode in (0, *codes), about
    assert "Traceback" not in said, about
    if done.returncode > 1:  # 1 says that a check did not hold, with the answer.
        assert said.rstrip("\n").splitlines()[-1:] and said.rstrip().endswith((".", "!", "?")), about
    assert not {c for c in said if is_driving(c) and c not in "\n\t"}, about
