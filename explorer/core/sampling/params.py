"""SamplingParams: what shapes the sampling distribution, validated, under the names of transformers and vLLM."""

import random
from collections.abc import Hashable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from explorer.core.sampling.knobs import KNOB, KNOBS, take_settings


class SamplingParams(msgspec.Struct, frozen=True, omit_defaults=True):
    """The settings of the samplers; everything is off by default. Raises UsageError for a value out of range.

    What each does, and what is allowed, stands in its row of `knobs.KNOBS`.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    seed: int | None = None
    """Of the random generator that draws; None until one is chosen."""
    min_p: float = 0.0
    typical_p: float = 1.0
    epsilon_cutoff: float = 0.0
    eta_cutoff: float = 0.0
    top_h: float = 0.0
    repetition_penalty: float = 1.0
    no_repeat_ngram_size: int = 0
    logit_bias: tuple[tuple[int, float], ...] = ()
    """(token id, what is added to its logit), by id."""
    suppress_tokens: tuple[int, ...] = ()
    """Token ids that are never drawn."""
    min_new_tokens: int = 0

    def __post_init__(self) -> None:
        for knob in KNOBS:
            knob.check(getattr(self, knob.name))

    def replace(self, **changes: Any) -> "SamplingParams":
        """A copy with other values, validated."""
        return msgspec.structs.replace(self, **changes)

    @property
    def shaping(self) -> Hashable:
        """What decides the table: two settings with the same shaping differ in nothing but the draw."""
        return tuple(getattr(self, name) for name in SHAPING)

    @property
    def settings(self) -> dict[str, Any]:
        """Those that are not off, by their names."""
        values = ((knob, getattr(self, knob.name)) for knob in KNOBS)
        return {knob.name: value for knob, value in values if value != knob.off}

    @property
    def summary(self) -> str:
        """The settings that are not off, in words, without the seed: “temperature 0.8, top-k 40”; empty for none."""
        turned = ((KNOB[name], value) for name, value in self.settings.items() if name != "seed")
        return ", ".join(f"{knob.title} {knob.text(value)}" for knob, value in turned)

    @property
    def token_ids(self) -> list[int]:
        """The tokens that settings name."""
        return [*self.suppress_tokens, *(token_id for token_id, _ in self.logit_bias)]

    def step(self, name: str, direction: int) -> "SamplingParams":
        """A copy with one setting turned by one step."""
        return self.replace(**{name: KNOB[name].step(getattr(self, name), direction)})

    def without_tokens(self) -> "SamplingParams":
        """A copy that names no tokens: for another vocabulary, where the ids mean others."""
        return self.replace(logit_bias=(), suppress_tokens=())

    def banning(self, token_id: int, banned: bool) -> "SamplingParams":
        """A copy in which a token is never drawn, or may be."""
        others = {known for known in self.suppress_tokens if known != token_id}
        return self.replace(suppress_tokens=tuple(sorted(others | {token_id} if banned else others)))

    def biasing(self, token_id: int, bias: float) -> "SamplingParams":
        """A copy with another bias of a token; 0 is none."""
        biases = {**dict(self.logit_bias), token_id: float(bias)}
        return self.replace(logit_bias=tuple(sorted((known, value) for known, value in biases.items() if value)))

    def step_bias(self, token_id: int, direction: int) -> "SamplingParams":
        """A copy with the bias of a token one higher or lower, where it may be."""
        knob, bias = KNOB["logit_bias"], dict(self.logit_bias).get(token_id, 0.0)
        return self.biasing(token_id, min(max(bias + direction, knob.low), knob.high))


SHAPING = tuple(name for name in KNOB if name != "seed")


class Preset(msgspec.Struct, frozen=True):
    """Settings under a name; what a preset does not set is off."""

    name: str
    params: SamplingParams

    @classmethod
    def of(cls, name: str, settings: Mapping[str, object]) -> "Preset":
        """From setting names and values. Raises UsageError, which names the preset and the setting."""
        return cls(name, SamplingParams(**take_settings(settings, f"the preset “{name}”")))

    def apply(self, params: SamplingParams) -> SamplingParams:
        """The preset's settings; the seed stays where the preset has none."""
        return self.params if self.params.seed is not None else self.params.replace(seed=params.seed)


PRESETS = (
    # The model's own distribution, untouched.
    Preset("plain", SamplingParams()),
    Preset("greedy", SamplingParams(temperature=0.0)),
    # A little sharper than the model, without its tail: what chat models are most often served with.
    Preset("balanced", SamplingParams(temperature=0.7, top_p=0.9)),
    # Flatter than the model; min-p, which follows the most likely token, keeps a hot tail out (arXiv:2407.01082).
    Preset("creative", SamplingParams(temperature=1.3, min_p=0.05)),
)
"""The ones that everybody has; a person's own come from the configuration, the model's from its engine."""

MODELS_OWN = "model's own"
"""The name of the preset that a model's generation_config makes."""


def all_presets(own: Sequence[Preset], defaults: Mapping[str, object] = MappingProxyType({})) -> tuple[Preset, ...]:
    """Those that everybody has, that of a model whose generation_config sets `defaults`, and a person's own.

    A person's own takes the place of one that has its name.
    """
    models = [Preset.of(MODELS_OWN, defaults)] if defaults else []
    return tuple({preset.name: preset for preset in (*PRESETS, *models, *own)}.values())


def preset_of(params: SamplingParams, presets: Iterable[Preset]) -> Preset | None:
    """The first preset that would change nothing; None where there is none."""
    return next((preset for preset in presets if preset.apply(params) == params), None)


def seed_after(seed: int, *place: int) -> int:
    """A seed that follows from another one and a place: the same every time, and unlike that of any other place."""
    return random.Random(f"{seed} {place}").randrange(10**6)


def new_seed() -> int:
    """A seed that nobody chose, short enough to be read aloud."""
    return random.SystemRandom().randrange(10**6)
