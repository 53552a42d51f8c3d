"""Defaults: the settings that a model brings in its generation_config, and what of it nothing here can follow.

Owns that nothing a model asks for is dropped without a word: a setting is taken, or a sentence says why not. What is no
matter of which token comes next (lengths, caches, what `generate()` returns) is not looked at. Must not know files.
"""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from explorer.core.sampling.knobs import KNOB
from explorer.core.token import visible
from explorer.errors import UsageError

GREEDY_TOO = ("repetition_penalty", "no_repeat_ngram_size", "suppress_tokens", "min_new_tokens", "logit_bias")
"""Settings that also shape what is taken without sampling."""

ELSEWHERE = "there is no such setting here"
LEFT_OUT: dict[str, tuple[Any, str]] = {
    "num_beams": (1, "one token is drawn after the other, without beams"),
    "num_beam_groups": (1, "one token is drawn after the other, without beams"),
    "diversity_penalty": (0, "one token is drawn after the other, without beams"),
    "constraints": (None, "one token is drawn after the other, without beams"),
    "force_words_ids": (None, "one token is drawn after the other, without beams"),
    "penalty_alpha": (0, ELSEWHERE),
    "dola_layers": (None, ELSEWHERE),
    "guidance_scale": (1, ELSEWHERE),
    "watermarking_config": (None, ELSEWHERE),
    "token_healing": (False, ELSEWHERE),
    "encoder_repetition_penalty": (1, ELSEWHERE),
    "encoder_no_repeat_ngram_size": (0, ELSEWHERE),
    "exponential_decay_length_penalty": (None, ELSEWHERE),
    "forced_bos_token_id": (None, ELSEWHERE),
    "forced_eos_token_id": (None, ELSEWHERE),
    "begin_suppress_tokens": (None, "tokens are banned everywhere or nowhere"),
    "min_length": (0, "it counts the prompt too; min_new_tokens does not"),
    "stop_strings": (None, "give them with --stop"),
    "presence_penalty": (0, ELSEWHERE),
    "frequency_penalty": (0, ELSEWHERE),
}
"""What shapes or ends a text and is no setting here: the value that does nothing, and why it is left out."""

SHOWN = 40
"""Characters of a value in a sentence."""


class Defaults(msgspec.Struct, frozen=True):
    """What a generation_config comes to."""

    settings: dict[str, Any]
    """By their names, as JSON has them, for a Preset; empty if there are none."""
    left_out: list[str]
    """A sentence for each thing that it asks for and does not get."""


def defaults(generation: Mapping[str, Any], vocab_size: int) -> Defaults:
    """The settings of a generation_config.

    `do_sample: false` is a temperature of 0. What `generate()` adds by itself (a top-k of 50) is not the model's.
    """
    values = {name: generation.get(name) for name in KNOB if name != "seed"}
    banned, biases, left_out = _by_tokens(generation, vocab_size)
    values["suppress_tokens"], values["logit_bias"] = banned, biases
    if generation.get("do_sample") is not None and not generation["do_sample"]:
        values = {name: values[name] for name in GREEDY_TOO} | {"temperature": 0.0}
    found = {}
    for name, value in values.items():
        knob = KNOB[name]
        try:
            taken = knob.off if value is None else knob.take(value)
        except UsageError:
            left_out.append(_sentence(name, value, f"it must be {knob.allowed}"))
            continue
        if taken != knob.off:
            found[name] = taken
    for name, (off, reason) in LEFT_OUT.items():
        value = generation.get(name)
        if value not in (None, off, [], {}):
            left_out.append(_sentence(name, value, reason))
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(found))
    return Defaults(plain, left_out)


def _by_tokens(generation: Mapping[str, Any], vocab_size: int) -> tuple[list[int], dict[int, float], list[str]]:
    """The tokens that are banned, those that have a bias, and what is left out."""
    banned: list[int] = []
    biases: dict[int, float] = {}
    left_out = []
    readers = {"suppress_tokens": _banned, "bad_words_ids": _bad_words, "sequence_bias": _biased}
    for name, read in readers.items():
        value, pairs = generation.get(name), []
        if value is None:
            continue
        try:
            pairs = list(read(value))
        except (TypeError, ValueError, AttributeError):
            left_out.append(_sentence(name, value, "it names no tokens in a way that can be read"))
        if any(len(ids) > 1 for ids, _ in pairs):
            left_out.append(_sentence(name, value, "what is about several tokens in a row has no setting here"))
        single = {ids[0]: bias for ids, bias in pairs if len(ids) == 1}
        unknown = [token_id for token_id in single if not 0 <= token_id < vocab_size]
        if unknown:
            left_out.append(_sentence(name, unknown[0], f"the model has the ids 0 to {vocab_size - 1}"))
        known = {token_id: bias for token_id, bias in single.items() if token_id not in unknown}
        banned += [token_id for token_id, bias in known.items() if bias == -math.inf]
        biases |= {token_id: bias for token_id, bias in known.items() if bias != -math.inf}
    return banned, biases, left_out


Biased = Iterator[tuple[list[int], float]]
"""Runs of tokens, and what is added to the logit of their last one; minus infinity is a ban."""


def _banned(value: Any) -> Biased:
    return (([_whole(token_id)], -math.inf) for token_id in value)


def _bad_words(value: Any) -> Biased:
    return ((_run(ids), -math.inf) for ids in value)


def _biased(value: Any) -> Biased:
    pairs = value.items() if isinstance(value, Mapping) else value
    return ((_run(ids), float(bias)) for ids, bias in pairs)


def _run(ids: Any) -> list[int]:
    found = list(map(_whole, ids))
    if not found:
        raise ValueError("no token")
    return found


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("no id")
    return value


def _sentence(name: str, value: Any, reason: str) -> str:
    plain = list(value.items()) if isinstance(value, Mapping) else value
    text = visible(json.dumps(plain, default=str, ensure_ascii=False))
    shown = text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
    return f"The model's own {name} {shown} is left out: {reason}."
