"""What is said of a model: how it is to be loaded, what it is once it is, what it is made of, what is in the cache.

Owns these values, which cross every boundary. Must not know who loads, asks or shows.
"""

from typing import Any

import msgspec

from explorer.core.record.events import Engine as EngineEvent
from explorer.core.record.events import Header
from explorer.engine.capabilities import Capabilities


class ModelSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Which model, and how it is loaded."""

    model: str
    """A folder, a GGUF file, a name of another program's model, or an id of the Hugging Face hub."""
    name: str
    """What the model is called on the screen and in the record."""
    revision: str | None = None
    """A branch, a tag or a commit of the hub's repository."""
    adapter: str | None = None
    """A folder of PEFT, or an id of the hub, that goes on the model; None takes one that lies beside the weights, and
    "" none at all. Where `model` is an adapter itself, its base model is found."""
    adapter_revision: str | None = None
    """As `revision`, of the adapter's repository."""
    adapter_on: bool = True
    """Whether the adapter is on at the beginning."""
    device: str = "auto"
    dtype: str = "auto"
    device_map: str | dict[str, str] | None = None
    """A strategy of accelerate, or module -> device (a number, cpu or disk); None puts all on `device`."""
    max_memory: dict[str, str] = {}
    """Device -> what may be used of it, such as 20GiB."""
    offload_folder: str | None = None
    quantize: str | None = None
    """4bit or 8bit."""
    packed: bool = False
    """Leave the weights of a GGUF file in their blocks."""
    allow_pickle: bool = False
    trust_remote_code: bool = False
    bos: bool | None = None
    """Whether a text begins with the BOS token; None leaves it to the tokenizer."""

    def special(self) -> dict[str, Any]:
        """What is not as usual and decides on the numbers, or on trust: for the record."""
        usual = ModelSettings(model=self.model, name=self.name)
        names = ("device_map", "quantize", "packed", "allow_pickle", "trust_remote_code", "bos")
        return {name: value for name in names if (value := getattr(self, name)) != getattr(usual, name)}


class AdapterInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The adapter that an engine has loaded beside its model."""

    name: str
    """A folder, or an id of the hub."""
    revision: str | None = None
    kind: str
    """The method by PEFT's name, such as LORA."""
    base: str
    """What it names as its base model; empty where it names none."""
    parameters: int
    """Of the adapter alone."""
    tokenizer: bool
    """Whether it brings a tokenizer of its own, which is used while it is on."""
    on: bool
    fixed: str = ""
    """Why it cannot be switched off, in a sentence; empty where it can."""


class EngineInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine is, once it is ready."""

    model: str
    revision: str | None = None
    architecture: str
    parameters: int | None = None
    dtype: str
    device: str
    vocab_size: int
    """Rows of the output, which may be more than the tokenizer has."""
    context_length: int | None
    """Positions of the model; None where it has no limit."""
    eos_ids: list[int]
    """Ends a sequence: the union of generation config, config and tokenizer."""
    tokenizer: str
    """Fingerprint of the vocabulary."""
    special_tokens: list[int] = []
    """Ids of the vocabulary that are markers, and no text."""
    chat_template: bool = False
    """Whether the model has a template for chats."""
    loaded_with: dict[str, Any] = {}
    """What was asked for that is not as usual: quantisation, a device map, trust in code that came with the model; and
    the adapter while it is on."""
    versions: dict[str, str] = {}
    sampling_defaults: dict[str, Any] = {}
    """The settings of the sampler that the model's generation_config sets, for a Preset; empty if there are none."""
    sampling_left_out: list[str] = []
    """What else that generation_config asks for, a sentence each that says why nothing here follows it."""
    part: str = ""
    """What of the model is used, where that is not the whole."""
    warnings: tuple[str, ...] = ()
    """Sentences about what is not as a person would expect of the model."""
    advice: str = ""
    """A sentence about what would serve a person better here; empty where there is nothing to say."""
    adapter: AdapterInfo | None = None
    """The adapter beside the model, be it on or off; None where there is none."""
    answers: tuple[str, ...] = ()
    """The names of the calls that the engine answers; it refuses every other one."""

    def header(self) -> Header:
        """The first line of a record made on this engine."""
        return Header(
            model=self.model,
            revision=self.revision,
            dtype=self.dtype,
            device=self.device,
            tokenizer=self.tokenizer,
            special_tokens=self.special_tokens,
            loaded_with=self.loaded_with,
            versions=self.versions,
        )

    def event(self, restarted: bool) -> EngineEvent:
        """The event that says that this engine goes on with a walk."""
        return EngineEvent(
            restarted=restarted,
            model=self.model,
            revision=self.revision,
            dtype=self.dtype,
            device=self.device,
            tokenizer=self.tokenizer,
            special_tokens=self.special_tokens,
            loaded_with=self.loaded_with,
            versions=self.versions,
        )


class Module(msgspec.Struct, frozen=True):
    """One module of a model."""

    name: str
    """Its path, such as `model.layers.0.mlp`; empty for the model itself."""
    kind: str
    """The name of its class."""
    parameters: int
    """In it and below it."""
    device: str
    """Where its weights are, in one word or several joined by commas; empty for a module without weights."""


class Parameter(msgspec.Struct, frozen=True):
    """One weight of a model."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    device: str


class Structure(msgspec.Struct, frozen=True, kw_only=True):
    """What a loaded model is made of, beyond EngineInfo."""

    layers: int | None
    heads: int | None
    key_value_heads: int | None
    head_dim: int | None
    hidden_size: int | None
    memory: int
    """Bytes of the weights and buffers, wherever they are."""
    quantization: str | None
    """How the weights are packed, with the dtype that computes; None where they are not."""
    devices: dict[str, str]
    """Module -> device: the device map; the empty name is the whole model."""
    cache: Capabilities | None
    """How the model goes on and back; None where nothing is known of it."""
    modules: list[Module]
    """The module tree, parents before children."""
    weights: list[Parameter]


class ModelEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A model that is on this machine, as far as its files say without being loaded."""

    id: str
    """What it is opened by: `owner/name` of the hub, `owner/name:Q4_K_M` or `owner/name:FILE` for a GGUF file there, a
    name of another program such as `ollama:llama3.2:1b`, or the name of the model that ships."""
    revision: str
    """The commit; empty for what is not of the hub."""
    size: int
    """Bytes on the disk."""
    architecture: str | None
    """The class that its config names, else the kind of model; what a GGUF file calls it."""
    dtype: str | None
    """How the weights are stored: a dtype, or the method where they are quantised; of GGUF as `Q4_K_M`."""
    last_used: str
    """ISO 8601, UTC; empty where no file is there. A file system that keeps no times of access tells when it was
    downloaded."""
    context_length: int | None
    complete: bool
    """Whether every file that it needs is there."""
    problem: str = ""
    """Why it cannot be loaded, in a few words; empty where nothing speaks against it."""
    note: str = ""
    """What part of it is opened, where that is not the whole."""
    to_fetch: int = 0
    """Bytes to download, for one that can be had and is not here; 0 for one that is here."""
    source: str = ""
    """Where it would come from; empty for one that is here."""
