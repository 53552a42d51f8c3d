"""StopRules and Stopper: when a run of sampling ends, and why.

Owns the reasons and their order. A stop string is searched for in the bytes of the drawn tokens: it may span several
of them, and a character may be split between two. UTF-8 cannot be found off its boundaries, so that bytes match
exactly where the text would. Must not know engines or what is shown.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from explorer.core.token import Token
from explorer.errors import UsageError

FinishReason = Literal["stop", "stop_id", "stop_string", "context", "length", "unsure"]
"""`stop`: an end-of-sequence token was drawn; `stop_id`, `stop_string`: one that was asked for; `context`: no position
is left; `length`: the asked number of tokens; `unsure`: the model was, where the last token was drawn. The first that
holds is said."""

MAX_NEW_TOKENS = 50


class StopRules(msgspec.Struct, frozen=True, kw_only=True):
    """What ends a run of sampling. Raises UsageError for a value out of range."""

    max_new_tokens: int = MAX_NEW_TOKENS
    max_length: int | None = None
    """Tokens of the prompt and of what is drawn, together; takes the place of `max_new_tokens`."""
    eos: bool = True
    """Whether the model's end-of-sequence tokens end it."""
    strings: tuple[str, ...] = ()
    """Searched for in what is drawn, never in the prompt; the one that is found is part of the result."""
    ids: tuple[int, ...] = ()
    entropy_above: float | None = None
    """Bits: the model is unsure where its entropy is higher."""
    prob_below: float | None = None
    """The model is unsure where the probability of its likeliest token is lower."""

    def __post_init__(self) -> None:
        if self.max_new_tokens < 1:
            raise UsageError(f"max-new-tokens must be a positive number, not {self.max_new_tokens}.")
        if self.max_length is not None and self.max_length < 1:
            raise UsageError(f"max-length must be a positive number, not {self.max_length}.")
        if "" in self.strings:
            raise UsageError("A stop string must not be empty.")
        for string in self.strings:
            try:
                string.encode()
            except UnicodeEncodeError as error:
                raise UsageError("A stop string is not UTF-8.") from error
        for token_id in self.ids:
            if token_id < 0:
                raise UsageError(f"A stop id must be 0 or a positive number, not {token_id}.")
        if self.entropy_above is not None and not self.entropy_above >= 0:
            raise UsageError(f"The bound of the entropy must be 0 or more bits, not {self.entropy_above:g}.")
        if self.prob_below is not None and not 0 < self.prob_below <= 1:
            raise UsageError(f"The bound of the probability must be above 0 and at most 1, not {self.prob_below:g}.")

    def after(self, prompt_length: int) -> "StopRules":
        """The rules after a prompt of so many tokens, without `max_length`.

        Raises UsageError where it leaves no room for a token.
        """
        if self.max_length is None:
            return self
        if self.max_length <= prompt_length:
            raise UsageError(
                f"The prompt has {prompt_length:,} tokens, and max-length is {self.max_length:,}, which counts those "
                "as well. Raise it, or give max-new-tokens."
            )
        return msgspec.structs.replace(self, max_new_tokens=self.max_length - prompt_length, max_length=None)

    def unsure(self, entropy: float | None, top_prob: float | None) -> bool:
        """Whether the model is, where it has this entropy in bits, and this probability of its likeliest token."""
        if entropy is not None and self.entropy_above is not None and entropy > self.entropy_above:
            return True
        return top_prob is not None and self.prob_below is not None and top_prob < self.prob_below


class Stopper:
    """Folds the tokens of one sequence into the reason to stop.

    `room`: how many positions of the context are left at the beginning; None where there is no limit.
    """

    def __init__(self, rules: StopRules, eos_ids: Sequence[int], room: int | None = None) -> None:
        self._rules = rules
        self._eos_ids = frozenset(eos_ids if rules.eos else ())
        self._ids = frozenset(rules.ids)
        self._strings = [string.encode() for string in rules.strings]
        self._overlap = max(map(len, self._strings), default=1) - 1
        self._tail = b""
        self._room = room
        self._count = 0
        self.found: str | None = None
        """The stop string that was drawn."""

    def feed(self, token: Token, entropy: float | None = None, top_prob: float | None = None) -> FinishReason | None:
        """Why this token is the last; None while more may come.

        `entropy` and `top_prob` are the model's own where the token was drawn from.
        """
        self._count += 1
        data = self._tail + token.bytes
        self._tail = data[-self._overlap :] if self._overlap else b""
        if token.id in self._eos_ids:
            return "stop"
        if token.id in self._ids:
            return "stop_id"
        self.found = next((string.decode() for string in self._strings if string in data), None)
        if self.found is not None:
            return "stop_string"
        if self._room is not None and self._count >= self._room:
            return "context"
        if self._count >= self._rules.max_new_tokens:
            return "length"
        return "unsure" if self._rules.unsure(entropy, top_prob) else None
