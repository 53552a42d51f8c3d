"""RunSettings: what ends a run of auto-sampling and how fast it may go; and the form in which a person writes that.

Owns the fields of the form, and how several stop strings stand on one line. Must not know who draws.
"""

import json
from collections.abc import Mapping

import msgspec

from explorer.core.form import Field, read_answer, read_number, read_whole_number, written_answer, written_number
from explorer.core.reading import DIGITS
from explorer.core.sampling.stopping import StopRules
from explorer.errors import UsageError

SPEEDS = (0.0, 50.0, 20.0, 10.0, 5.0, 2.0, 1.0)
"""Tokens a second that keys walk through, from the fastest on; 0 is no limit."""

FASTEST_LIMIT = 50.0


class RunSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How auto-sampling goes. Raises UsageError for a value out of range."""

    rules: StopRules = StopRules(max_new_tokens=256)
    tokens_per_second: float = 0.0
    """At most; 0 is as fast as the engine is."""

    def __post_init__(self) -> None:
        if self.tokens_per_second and not 1 <= self.tokens_per_second <= FASTEST_LIMIT:
            raise UsageError(
                f"tokens-per-second must be 1 to {FASTEST_LIMIT:g}, or 0 for no limit, not {self.tokens_per_second:g}."
            )

    def at_speed(self, direction: int) -> "RunSettings":
        """One step slower (1) or faster (-1)."""
        now = self.tokens_per_second or float("inf")
        slower = [speed for speed in SPEEDS if (speed or float("inf")) < now]
        faster = [speed for speed in SPEEDS if (speed or float("inf")) > now]
        steps = slower[:1] if direction > 0 else faster[-1:]
        return msgspec.structs.replace(self, tokens_per_second=steps[0]) if steps else self

    @property
    def speed(self) -> str:
        """The limit in words."""
        limit = self.tokens_per_second
        if not limit:
            return "no speed limit"
        return f"at most {limit:g} token{'' if limit == 1 else 's'} a second"

    @property
    def summary(self) -> str:
        """What differs from a run that draws until the model ends the text, in words."""
        rules = self.rules
        parts = [f"{rules.max_new_tokens:,} tokens", self.speed]
        parts += ["goes on after EOS"] if not rules.eos else []
        parts += [f"stops at {', '.join(map(quoted, rules.strings))}"] if rules.strings else []
        parts += [f"stops at ids {', '.join(map(str, rules.ids))}"] if rules.ids else []
        parts += [f"wakes above {rules.entropy_above:g} bits"] if rules.entropy_above is not None else []
        parts += [f"wakes below {rules.prob_below:.4g}"] if rules.prob_below is not None else []
        return " · ".join(parts)


# The form.


FIELDS = (
    Field("max_new_tokens", "max new tokens", "of one run"),
    Field("tokens_per_second", "tokens a second", "1 to 50; empty is no limit"),
    Field("eos", "stop at EOS", "yes or no"),
    Field("stop", "stop strings", r'"\n\n", "User:"'),
    Field("stop_id", "stop ids", "token ids: 5, 17"),
    Field("wake_entropy", "wake: entropy above", "bits; empty is off"),
    Field("wake_prob", "wake: top prob below", "0 to 1; empty is off"),
)


def written(settings: RunSettings) -> dict[str, str]:
    """The fields as a person would write them."""
    rules = settings.rules
    return {
        "max_new_tokens": str(rules.max_new_tokens),
        "tokens_per_second": written_number(settings.tokens_per_second or None),
        "eos": written_answer(rules.eos),
        "stop": ", ".join(quoted(string) for string in rules.strings),
        "stop_id": ", ".join(str(token_id) for token_id in rules.ids),
        "wake_entropy": written_number(rules.entropy_above),
        "wake_prob": written_number(rules.prob_below),
    }


def read(texts: Mapping[str, str]) -> RunSettings:
    """The settings of a form that is filled in. Raises UsageError, which names the field."""
    title = {field.name: field.title for field in FIELDS}
    return RunSettings(
        rules=StopRules(
            max_new_tokens=read_whole_number(title["max_new_tokens"], texts["max_new_tokens"]) or 0,
            eos=read_answer(title["eos"], texts["eos"]),
            strings=read_strings(texts["stop"].strip()),
            ids=read_ids(texts["stop_id"].strip()),
            entropy_above=read_number(title["wake_entropy"], texts["wake_entropy"]),
            prob_below=read_number(title["wake_prob"], texts["wake_prob"]),
        ),
        tokens_per_second=read_number(title["tokens_per_second"], texts["tokens_per_second"]) or 0.0,
    )


def quoted(string: str) -> str:
    r"""In double quotes, with \n for a line break, as JSON writes it."""
    return json.dumps(string, ensure_ascii=False)


def read_strings(text: str) -> tuple[str, ...]:
    r"""Strings in double quotes with commas between them; a text without quotes is one string. \n is a line break.

    Raises UsageError.
    """
    if not text:
        return ()
    body = text if text.startswith('"') else '"' + text.replace('"', '\\"') + '"'
    try:
        strings = json.loads(f"[{body}]")
    except (ValueError, RecursionError) as error:
        raise UsageError(f'stop strings are written as "one", "two", with \\n for a line break, not {text}.') from error
    if not all(isinstance(string, str) for string in strings):
        raise UsageError('Each stop string needs double quotes: "one", "two".')
    return tuple(strings)


def read_ids(text: str) -> tuple[int, ...]:
    """Ids with commas or spaces between them. Raises UsageError."""
    parts = text.replace(",", " ").split()
    wrong = next((part for part in parts if not part.isdecimal() or len(part) > DIGITS), None)
    if wrong is not None:
        raise UsageError(f"stop ids are numbers with commas between them, not “{wrong}”.")
    return tuple(map(int, parts))
