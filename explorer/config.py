"""Config: what a person may set, from a TOML file, the environment and the command line; the later wins.

Owns the names, the order and the sentences for what is not understood. Must not know click.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_type_hints

import msgspec

from explorer.core.folders import config_file
from explorer.core.reading import is_there, path_of, read_text, read_toml
from explorer.core.sampling.knobs import KNOB, take_settings
from explorer.core.sampling.pace import RunSettings, read_ids, read_strings
from explorer.core.sampling.params import MODELS_OWN, Preset, SamplingParams, all_presets
from explorer.core.sampling.stopping import StopRules
from explorer.core.size import memory_by_device
from explorer.embedded import EMBEDDED
from explorer.errors import UsageError

PREFIX = "TOKEN_EXPLORER_"


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every setting; its name in the file, in the environment (TOKEN_EXPLORER_TOP_P) and as a flag (--top-p)."""

    model: str = EMBEDDED
    """A folder, an id of the Hugging Face hub, or `embedded`."""
    adapter: str | None = None
    """A folder of PEFT, or an id of the hub, that goes on the model; without a model, on the one that it names. "" is
    none, where the model's files have one."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:N or mps."""
    dtype: str = "auto"
    """auto (the model's own), float32, bfloat16 or float16."""
    revision: str | None = None
    """A branch, a tag or a commit of the hub's repository."""
    device_map: str | None = None
    """auto, balanced, balanced_low_0, sequential, or a JSON file that maps modules to devices."""
    max_memory: str | None = None
    """What may be used of each device: `0:20GiB,cpu:60GiB`."""
    offload_folder: str | None = None
    """Where weights go that fit nowhere else."""
    quantize: str | None = None
    """4bit or 8bit, by bitsandbytes while loading."""
    packed: bool = False
    """Leave the weights of a GGUF file packed, where transformers can compute with them so."""
    allow_pickle: bool = False
    """Read weights that are Python pickles where there are no safetensors."""
    trust_remote_code: bool = False
    """Run the code that comes with a model."""
    bos: bool | None = None
    """Whether an encoded text begins with the BOS token; None is as the tokenizer does by default."""
    prompt: str | None = None
    file: str | None = None
    """Holds the prompt."""
    top: int = 20
    """Rows of the table."""
    params: SamplingParams = SamplingParams()
    """The preset's, and over them those that were given one by one, under their own names: `temperature = 0.7`."""
    preset: str | None = None
    """Settings of the sampler under a name."""
    model_defaults: bool = False
    """Take the settings of the sampler from the model's generation_config, as `params_on` does."""
    given: frozenset[str] = frozenset()
    """Names of the settings in `params` that were given one by one."""
    presets: tuple[Preset, ...] = ()
    """A person's own: `[presets.NAME]` in the file, with the settings of the sampler that are not off."""
    max_new_tokens: int = 256
    """Of one run of auto-sampling."""
    ignore_eos: bool = False
    """Whether a run goes on after the model's end-of-sequence tokens."""
    stop: tuple[str, ...] = ()
    """Strings that end a run where they are drawn."""
    stop_id: tuple[int, ...] = ()
    """Token ids that end a run where they are drawn."""
    tokens_per_second: float = 0.0
    """At most, in a run; 0 is as fast as the engine is."""
    wake_entropy: float | None = None
    """Bits: a run stops where the entropy of the next token is higher."""
    wake_prob: float | None = None
    """A run stops where the probability of the likeliest token is lower."""
    record: str | None = None
    """The file of the record; by default one a session in the data folder."""
    no_record: bool = False
    record_top: int | None = None
    """Rows of a table that the record keeps; None is all that are shown."""
    theme: str = "dark"
    keys: dict[str, str] = {}
    """Command id -> keys, by Textual's names, separated by commas."""

    def __post_init__(self) -> None:
        if self.top < 1:
            raise UsageError(f"top must be at least 1, not {self.top}.")
        if self.record_top is not None and self.record_top < 1:
            raise UsageError(f"record_top must be at least 1, not {self.record_top}.")
        if self.preset is not None and self.model_defaults:
            raise UsageError("Give preset or model-defaults, not both.")
        _ = self.run_settings
        if self.quantize not in (None, *QUANTIZATIONS):
            raise UsageError(f"quantize must be one of {', '.join(QUANTIZATIONS)}, not “{self.quantize}”.")
        if self.quantize is not None and self.packed:
            raise UsageError("Give quantize or packed, not both.")
        if self.device_map is not None and self.device != "auto":
            raise UsageError("Give device or device-map, not both: a device map names the devices.")
        if self.max_memory is not None:
            memory_by_device(self.max_memory)
            if self.device_map is None:
                raise UsageError("max-memory goes with device-map: give --device-map auto as well.")
        if self.dtype not in DTYPES:
            raise UsageError(f"dtype must be one of {', '.join(DTYPES)}, not “{self.dtype}”.")
        kind, _, number = self.device.partition(":")
        if kind not in DEVICES or (":" in self.device and not (kind == "cuda" and number.isdecimal())):
            raise UsageError(f"device must be auto, cpu, cuda, cuda:N or mps, not “{self.device}”.")

    @property
    def chooses_settings(self) -> bool:
        """Whether a person asks for settings of the sampler, beside the seed."""
        return bool(self.given - {"seed"}) or self.preset is not None or self.model_defaults

    def params_on(self, defaults: Mapping[str, Any]) -> SamplingParams:
        """The settings on a model whose generation_config sets `defaults`: what was given one by one wins."""
        return self._over(Preset.of(MODELS_OWN, defaults)) if self.model_defaults else self.params

    def with_preset(self) -> "Config":
        """A copy whose `params` begin with those of the preset. Raises UsageError for one that there is not."""
        if self.preset is None:
            return self
        known = {preset.name: preset for preset in all_presets(self.presets)}
        if self.preset not in known:
            raise UsageError(f"There is no preset “{self.preset}”. The presets are: {', '.join(known)}.")
        return msgspec.structs.replace(self, params=self._over(known[self.preset]))

    def _over(self, preset: Preset) -> SamplingParams:
        return preset.params.replace(**{name: getattr(self.params, name) for name in self.given})

    @property
    def run_settings(self) -> RunSettings:
        """How auto-sampling goes. Raises UsageError."""
        rules = StopRules(
            max_new_tokens=self.max_new_tokens,
            eos=not self.ignore_eos,
            strings=self.stop,
            ids=self.stop_id,
            entropy_above=self.wake_entropy,
            prob_below=self.wake_prob,
        )
        return RunSettings(rules=rules, tokens_per_second=self.tokens_per_second)


DTYPES = ("auto", "float32", "bfloat16", "float16")
DEVICES = ("auto", "cpu", "cuda", "mps")
QUANTIZATIONS = ("4bit", "8bit")


def load(flags: Mapping[str, Any], environment: Mapping[str, str], file: Path | None = None) -> Config:
    """The configuration; `flags` without those that were not given. Raises UsageError, which names the setting."""
    named = environment.get(PREFIX + "CONFIG")
    path = file or (path_of(named) if named else config_file())
    settings: dict[str, Any] = {}
    _check_characters("A flag", flags)
    for source in (_from_file(path, must_exist=bool(file or named)), _from_environment(environment), flags):
        _lay_over(settings, source)
    if settings.get("adapter") and "model" not in settings:
        settings["model"] = settings.pop("adapter")  # Its base model is found as where it stands in the model's place.
    return _convert(settings, "the settings", strict=True).with_preset()


OTHERWISE = (("prompt", "file"), ("record", "no_record"), ("preset", "model_defaults"))
"""Two settings that say the same thing in different ways."""


def _lay_over(settings: dict[str, Any], stronger: Mapping[str, Any]) -> None:
    """Add a stronger source, which decides against what the weaker ones say of the same thing."""
    dropped = {one for pair in OTHERWISE for one in pair if any(other in stronger for other in pair)}
    if stronger.get("preset") is not None or stronger.get("model_defaults"):
        # Both say of every setting what it is, but of the seed.
        dropped.update(KNOB.keys() - {"seed"})
    for name in dropped:
        settings.pop(name, None)
    settings.update(stronger)


NAMES = (*(name for name in Config.__struct_fields__ if name not in ("params", "given")), *KNOB)
"""The settings as they are named in every source."""


def _convert(settings: Mapping[str, Any], source: str, strict: bool) -> Config:
    """Raises UsageError, which names the source and the setting."""
    others = {name: value for name, value in settings.items() if name not in KNOB}
    taken = take_settings({name: settings[name] for name in settings if name in KNOB}, source)
    try:
        if "presets" in others:
            others["presets"] = _presets(others["presets"])
        shaped = {"params": SamplingParams(**taken), "given": frozenset(taken)}
        return msgspec.convert({**others, **shaped}, Config, strict=strict)
    except msgspec.ValidationError as error:
        if isinstance(error.__cause__, UsageError):
            raise UsageError(str(error.__cause__)) from error
        raise UsageError(_of_another_kind(others, source, error)) from error


KINDS = (
    (bool, "true or false"),
    (int, "a whole number"),
    (float, "a number"),
    (str, "a text"),
    (tuple[str, ...], "a list of texts"),
    (tuple[int, ...], "a list of whole numbers"),
    (dict[str, str], "a table of texts"),
)
"""Types of settings, in words."""

ENVIRONMENT = f"the environment ({PREFIX}...)"


def _of_another_kind(settings: Mapping[str, Any], source: str, error: msgspec.ValidationError) -> str:
    """The sentence for a value of another type than its setting has."""
    found = re.search(r"\$\.(\w+)", str(error))
    if found is None or found[1] not in settings:
        return f"In {source}: {error}."
    name, hint = found[1], get_type_hints(Config)[found[1]]
    kind = next((words for one, words in KINDS if hint in (one, one | None)), "of another kind")
    about = f"{PREFIX}{name.upper()}" if source == ENVIRONMENT else f"In {source}: {name}"
    return f"{about} must be {kind}, not “{str(settings[name])[:80]}”."


def _presets(tables: Any) -> tuple[Preset, ...]:
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise UsageError("A preset is a table of settings: [presets.NAME] in the configuration file.")
    return tuple(Preset.of(name, table) for name, table in tables.items())


def _check_names(names: Mapping[str, Any], source: str) -> None:
    unknown = sorted(names.keys() - set(NAMES))
    if unknown:
        raise UsageError(f"{source} has an unknown setting “{unknown[0]}”. The settings are: {', '.join(NAMES)}.")


PATHS = ("prompt", "file", "record", "device_map")
"""Settings in which half a character is no fault here: names of files may hold any byte, and a prompt is looked at."""


def _check_characters(source: str, settings: Mapping[str, Any]) -> None:
    """Raises UsageError for a text that is no UTF-8."""
    for name, value in settings.items():
        for text in value if isinstance(value, tuple) else (value,):
            if name not in PATHS and isinstance(text, str) and not _is_utf8(text):
                raise UsageError(f"{source} holds what is not UTF-8 text: {name} is “{text}”.")


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _from_file(path: Path, must_exist: bool) -> dict[str, Any]:
    if not is_there(path):
        if must_exist:
            raise UsageError(f"There is no configuration file {path}.")
        return {}
    settings = read_toml(read_text(path), f"The configuration file {path}")
    _check_names(settings, str(path))
    _convert(settings, str(path), strict=True)
    return settings


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """The variables of the program; a number is read from its digits, and an empty one is as none."""
    said = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environment.items()
        if value and name.startswith(PREFIX) and name != PREFIX + "CONFIG"
    }
    _check_characters("The environment", said)
    _check_names(said, f"The environment (variables that begin with {PREFIX})")
    for name, what in (("keys", "Keys"), ("presets", "Presets")):
        if name in said:
            raise UsageError(f"{what} are set in the configuration file only, under [{name}].")
    lists = {"stop": read_strings, "stop_id": read_ids}
    values = {name: lists[name](value) if name in lists else value for name, value in said.items()}
    read = _convert(values, ENVIRONMENT, strict=False)
    return {name: getattr(read.params if name in KNOB else read, name) for name in said}
