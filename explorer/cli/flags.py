"""The flags that commands share, and the configuration that they make. Must not know what a command does."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from explorer.config import DTYPES, Config, load
from explorer.core.folders import record_folder
from explorer.core.reading import is_there, path_of
from explorer.core.sampling.knob import Knob
from explorer.core.sampling.knobs import KNOBS
from explorer.core.sampling.params import MODELS_OWN, Preset, SamplingParams
from explorer.errors import UsageError

if TYPE_CHECKING:
    from explorer.core.record.record import MadeOn
    from explorer.engine.base import Engine

Command = Callable[..., Any]


def model_options(command: Command) -> Command:
    """The flags that say which model, and how it is loaded."""
    for option in reversed(MODEL_OPTIONS):
        command = option(command)
    return command


def model_flags() -> frozenset[str]:
    """The names of those flags, as a command gets them."""
    command = click.Command("any")
    model_options(command)
    return frozenset(flag.name for flag in command.params if flag.name)


MODEL = click.option(
    "--model", help="A folder, or an id of the Hugging Face hub. Default: the record's, else the one that ships."
)
ADAPTER = click.option(
    "--adapter", metavar="DIR|ID", help="A PEFT adapter on the model; alone, on the base model that it names."
)
REVISION = click.option("--revision", help="A branch, tag or commit of the hub's repository.")
BOS = click.option("--bos/--no-bos", default=None, help="Begin a text with BOS or not. Default: as the tokenizer does.")
TRUST = click.option(
    "--trust-remote-code", is_flag=True, default=None, help="Run code that comes with the model. Look at it first."
)
DEVICE = click.option("--device", help="auto (cuda, then mps, then cpu), cpu, cuda, cuda:N or mps.")
PICKLE = click.option(
    "--allow-pickle", is_flag=True, default=None, help="Read pickled weights where there are no safetensors."
)
MODEL_OPTIONS = (
    MODEL,
    ADAPTER,
    REVISION,
    DEVICE,
    click.option("--dtype", help="auto (the model's own), float32, bfloat16 or float16."),
    click.option("--device-map", help="auto, balanced, sequential or a JSON file: the model over several devices."),
    click.option("--max-memory", metavar="0:20GiB,cpu:60GiB", help="What --device-map may use of each device."),
    click.option("--offload-folder", metavar="DIR", help="For weights that fit nowhere else."),
    click.option("--quantize", metavar="4bit|8bit", help="Pack the weights while loading (bitsandbytes)."),
    click.option(
        "--packed", is_flag=True, default=None, help="Leave the weights of a GGUF file packed, where possible."
    ),
    PICKLE,
    TRUST,
    BOS,
)


AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, as the README describes it.")
RECORD_TOP = click.option("--record-top", type=int, help="Rows of a table that the record keeps. Default: all.")


def sampling_options(command: Command) -> Command:
    """The flags that shape the sampling distribution: one a setting, read by its knob, and the two that set many."""
    for option in reversed((*map(_setting, KNOBS), *MANY_SETTINGS)):
        command = option(command)
    return command


METAVARS = {"number": "NUMBER", "count": "COUNT", "ids": "ID", "biases": "ID=VALUE", "seed": "NUMBER"}
OTHER_NAMES = {"suppress_tokens": ("--ban",)}
MANY_SETTINGS = (
    click.option(
        "--preset", metavar="NAME", help="Settings under a name: plain, greedy, balanced, creative, or yours."
    ),
    click.option("--model-defaults", is_flag=True, default=None, help="The settings of the model's generation_config."),
)


def _setting(knob: Knob) -> Callable[[Command], Command]:
    """The flag of a setting. One of token ids may be given again, and the texts are joined as a person would."""
    several = knob.kind in ("ids", "biases")
    return click.option(
        "--" + knob.name.replace("_", "-"),
        *OTHER_NAMES.get(knob.name, ()),
        knob.name,
        metavar=METAVARS[knob.kind],
        multiple=several,
        callback=(lambda context, parameter, texts: ", ".join(texts) or None) if several else None,
        help=knob.help + (" May be given again." if several else ""),
    )


def text_options(command: Command) -> Command:
    """TEXT, --file or --ids, of which exactly one is given."""
    for option in (
        click.option("--no-special", is_flag=True, help="Do not add the special tokens that the tokenizer adds (BOS)."),
        click.option("--ids", help="Token ids instead of a text: 1,2,3; - is standard input."),
        click.option("--file", help="A file that holds the text; - is standard input."),
        click.argument("text", required=False),
    ):
        command = option(command)
    return command


def run_options(command: Command) -> Command:
    """The flags about runs of auto-sampling."""
    for option in (
        click.option("--wake-prob", type=float, help="Stop where the likeliest token is less likely, and let me pick."),
        click.option("--wake-entropy", type=float, help="Stop where the entropy is above, in bits, and let me pick."),
        click.option("--tokens-per-second", type=float, help="Speed limit, 1 to 50. Default: none."),
        click.option("--ignore-eos", is_flag=True, default=None, help="Go on after end-of-sequence tokens."),
        click.option("--stop-id", type=int, multiple=True, help="Stop where this token is drawn; may be repeated."),
        click.option("--stop", multiple=True, metavar="TEXT", help="Stop where this text is drawn; may be repeated."),
        click.option("--max-new-tokens", type=int, help="Of one run of auto-sampling. Default: 256."),
    ):
        command = option(command)
    return command


def template_options(command: Command) -> Command:
    """The flags about a chat that are beside its text."""
    for option in (
        click.option(
            "--template-flag",
            "template_flags",
            metavar="NAME=VALUE",
            multiple=True,
            help="For the chat template, such as enable_thinking=false; may be given again.",
        ),
        click.option(
            "--chat-template", metavar="NAME|FILE.jinja", help="Another of the model's chat templates, or your own."
        ),
        click.option("--no-generation-prompt", is_flag=True, help="Do not end a chat with the head of an answer."),
        click.option("--messages", metavar="FILE.json", help="A chat: a list of messages, or an object with tools."),
        click.option("--system", metavar="TEXT", help="The system's turn of a chat, before the user's."),
    ):
        command = option(command)
    return command


def chat_options(command: Command) -> Command:
    """The flags that make a chat of the text, or read one; `sources.ChatFlags` takes them."""
    return click.option("--chat", is_flag=True, help="TEXT is the user's turn of a chat.")(template_options(command))


def prompt_options(command: Command) -> Command:
    """Everything that names a prompt: a text, a file, ids or a chat; `sources.take_source` takes them."""
    return text_options(chat_options(command))


def configure(flags: dict[str, Any]) -> Config:
    """The configuration with the flags that were given."""
    return load({name: value for name, value in flags.items() if value not in (None, ())}, os.environ)


def sampling_params(config: Config, engine: "Engine", say: Callable[[str], None]) -> SamplingParams:
    """The settings of the sampler on an engine that is ready; `say` gets the sentences about the model's own."""
    from explorer.engine.base import ready

    info = ready(engine)
    if config.model_defaults:
        for sentence in (told_defaults(info.sampling_defaults), *info.sampling_left_out):
            say(sentence)
    return config.params_on(info.sampling_defaults)


def told_defaults(defaults: Mapping[str, object]) -> str:
    """What a model's generation_config sets, in a sentence."""
    summary = Preset.of(MODELS_OWN, defaults).params.summary
    return f"The model's own settings: {summary}." if summary else "The model has no settings of its own."


def record_file(name: str) -> Path:
    """The record that a person names: a file, or one of the data folder, as `sessions` lists it."""
    file, listed = path_of(name), record_folder() / name
    return listed if not is_there(file) and is_there(listed) else file


def recorded_config(recorded: "MadeOn", flags: dict[str, Any], *, adapters: bool = True) -> Config:
    """The engine that a record names, as far as flags do not name another one.

    `adapters`: an adapter of the flags goes also on a model that was recorded without one. What a record says is never
    a leave to run code or to read pickles: that is the flags' alone.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    if not adapters and not recorded_adapter(recorded):
        given.pop("adapter", None)
    said: dict[str, Any] = {"model": recorded.model, "adapter": recorded_adapter(recorded)}
    # What was packed is unpacked to verify it: the numbers are the same, and the kernels may not be here.
    said |= {name: recorded.loaded_with[name] for name in ("quantize", "bos") if name in recorded.loaded_with}
    if recorded.dtype in DTYPES:
        said["dtype"] = recorded.dtype
    if recorded.revision is not None and "model" not in given:
        said["revision"] = recorded.revision
    return configure({**said, **given})


def recorded_adapter(recorded: "MadeOn") -> str:
    """The adapter that a record names, with its revision, as a flag names it; "" where the model was without one."""
    name, revision = (recorded.loaded_with.get(field) for field in ("adapter", "adapter_revision"))
    if not isinstance(name, str):
        return ""
    return f"hf://{name}/tree/{revision}" if isinstance(revision, str) else name


def refuse_both(one: str, first: object, other: str, second: object) -> None:
    if first not in (None, False) and second not in (None, False):
        raise UsageError(f"Give {one} or {other}, not both.")
