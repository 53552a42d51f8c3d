"""Adapters: the folders of PEFT, what each is for, and the model that it was made on.

Owns what an adapter_config.json says to a person: which base model, and why an adapter cannot be put on a language
model. Nothing is loaded here. Must not know torch, peft, or where a folder comes from.
"""

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from explorer.core.token import visible
from explorer.engine.files import checkpoint
from explorer.errors import ModelError

CONFIG = "adapter_config.json"
SAFETENSORS, PICKLE = "adapter_model.safetensors", "adapter_model.bin"

SHOWN = 120
"""Characters of what a file says, in a sentence."""

INSTALL = "Install it with: pip install 'token-explorer[peft]'"

VIRTUAL = frozenset(("PROMPT_TUNING", "MULTITASK_PROMPT_TUNING", "P_TUNING", "PREFIX_TUNING", "CPT", "CARTRIDGE"))
"""Kinds that put learned vectors, which are no tokens, before a text."""

OTHERWISE = {
    "ADAPTION_PROMPT": "it puts learned tokens into the attention of its own",
    "XLORA": "it mixes several adapters, by a first pass over the whole text",
    "POLY": "every text has to come with the number of a task",
    "SHADOW": "a second network runs beside the model, and goes on from states of its own",
}
"""Kinds that need more than the modules of the model, and what."""

MORE = {
    "alora_invocation_tokens": "it begins to count at certain tokens of a text (aLoRA), so that no table belongs to "
    "what comes before",
    "arrow_config": "it mixes several adapters by what each token says (Arrow)",
    "megatron_config": "it was made for Megatron, whose modules would be imported by the name that it gives",
}
"""The same of fields of the configuration."""

TASKS = {
    "SEQ_CLS": "it gives a class to a text",
    "TOKEN_CLS": "it gives a class to each token of a text",
    "QUESTION_ANS": "it marks an answer in a text",
    "FEATURE_EXTRACTION": "it makes vectors of a text, as embedding models do",
    "SEQ_2_SEQ_LM": "its encoder reads one thing and its decoder writes another",
}
"""What an adapter may be for that has no next token, by the names of PEFT."""


class AdapterAlone(ModelError):
    """A repository of the hub that was to be a model holds an adapter, and no model."""


class AdapterFiles(NamedTuple):
    """An adapter that can be tried on a language model."""

    folder: Path
    name: str
    """What it is called in sentences and in the record: a folder, or an id of the hub."""
    revision: str | None
    """The commit, where it is one of the hub."""
    kind: str
    """The method by PEFT's name, such as LORA."""
    base: str
    """What it names as its base model; empty where it names none."""
    base_revision: str | None

    @property
    def has_tokenizer(self) -> bool:
        """Whether it brings a tokenizer of its own. Raises OSError."""
        return checkpoint.has_tokenizer(self.folder)


def is_adapter(folder: Path) -> bool:
    """Whether a folder holds an adapter and no whole weights. Raises ModelError for an index that is broken."""
    if not (folder / CONFIG).is_file():
        return False
    return not (folder / checkpoint.CONFIG).is_file() or not checkpoint.weight_files(folder, allow_pickle=True)


def known_as_adapter(folder: Path) -> bool:
    """Whether a folder holds an adapter alone, as far as can be told: what is broken beside it is told otherwise."""
    try:
        return is_adapter(folder)
    except ModelError:
        return False


def lies_beside(folder: Path) -> bool:
    """Whether an adapter lies beside whole weights. Raises ModelError for an index that is broken."""
    return (folder / CONFIG).is_file() and not is_adapter(folder)


def wanted(names: Sequence[str], allow_pickle: bool) -> list[str]:
    """What to download of an adapter's repository: its configuration, its weights, and the tokenizer that it brings."""
    weights = next((file for file in _formats(allow_pickle) if file in names), None)
    small = [name for name in names if name == CONFIG or ("/" not in name and checkpoint.is_read(name))]
    more = [name for name in names if name.startswith("additional_chat_templates/")]
    return [*small, *more, *([weights] if weights else [])]


def lacking(folder: Path, allow_pickle: bool) -> str:
    """What an adapter lacks, in words that go after “with”; empty where it is whole."""
    if any((folder / file).exists() for file in _formats(allow_pickle)):
        return ""
    return checkpoint.PICKLED if (folder / PICKLE).exists() else "no weights"


def _formats(allow_pickle: bool) -> tuple[str, ...]:
    return (SAFETENSORS, PICKLE) if allow_pickle else (SAFETENSORS,)


def read_adapter(folder: Path, name: str, allow_pickle: bool, revision: str | None = None) -> AdapterFiles:
    """The adapter of a folder. Raises ModelError for one that is no PEFT adapter of a language model, or not whole."""
    config = checkpoint.read_json(folder / CONFIG)
    if why := why_not(config):
        raise ModelError(f"{name} cannot be put on a language model: {why}.")
    lacks = lacking(folder, allow_pickle)
    if lacks == checkpoint.PICKLED:
        raise ModelError(
            f"The adapter {name} has pickled weights only ({PICKLE}), which can run code when they are opened. Where "
            "you trust their author: --allow-pickle"
        )
    if lacks:
        raise ModelError(f"The adapter {name} has no {SAFETENSORS}. Copy or download it into the folder.")
    base, base_revision = config.get("base_model_name_or_path"), config.get("revision")
    return AdapterFiles(
        folder,
        name,
        revision,
        str(config["peft_type"]),
        base if isinstance(base, str) else "",
        base_revision if isinstance(base_revision, str) and base_revision else None,
    )


def check_peft(adapter: AdapterFiles) -> None:
    """Raises ModelError where the package is not installed that puts an adapter on a model."""
    if not has_peft():
        raise ModelError(
            f"{adapter.name} is an adapter ({adapter.kind}), for which the package peft is needed. {INSTALL}"
        )


def has_peft() -> bool:
    """Whether the package peft is there; it is not imported."""
    return importlib.util.find_spec("peft") is not None


def unused_beside(folder: Path, allow_pickle: bool) -> str:
    """A sentence about an adapter beside whole weights that is not used; empty where it is, and where there is none.

    The weights are whole without it, so that this is no fault of the model's. Raises ModelError.
    """
    if not lies_beside(folder):
        return ""
    lacks = lacking(folder, allow_pickle)
    if lacks == checkpoint.PICKLED:
        why = f"its weights are pickles ({PICKLE}), which --allow-pickle reads where you trust their author"
    elif lacks:
        why = f"it has no {SAFETENSORS}"
    else:
        why = why_not(checkpoint.read_json(folder / CONFIG))
    if not why and not has_peft():
        why = f"it needs the package peft. {INSTALL}"
    if not why:
        return ""
    return (
        "An adapter lies beside the weights, and is not used, so that the numbers are those of the weights alone: "
        f"{why.rstrip('.')}."
    )


def why_not(config: dict[str, Any]) -> str:
    """Why the adapter of a configuration cannot be put on a language model, in words; empty where it can be tried."""
    kind, task = config.get("peft_type"), config.get("task_type")
    if kind is None and {"fine_tune_type", "lora_parameters", "lora_layers"} & config.keys():
        return "it is an adapter of MLX, in a format of its own: fuse it with mlx_lm.fuse, and give the model"
    if kind is None and isinstance(config.get("config"), dict):
        return "it is an adapter of the library “adapters” (AdapterHub), in a format of its own"
    if not isinstance(kind, str) or not kind:
        said = "none" if kind is None else f"“{_shown(kind)}”"
        return f"its {CONFIG} has to name a peft_type, and names {said}"
    if task is not None and task != "CAUSAL_LM":
        known = TASKS.get(task) if isinstance(task, str) else None
        return f"{known} ({task})" if known else f"PEFT has no task “{_shown(task)}”"
    if kind in VIRTUAL:
        count = config.get("num_virtual_tokens")
        those = f"{count} learned vectors" if isinstance(count, int) else "learned vectors"
        return (
            f"it puts {those} before every text ({kind}), which are no tokens and have no probability, and every "
            "position is another one for them"
        )
    if kind in OTHERWISE:
        return f"{OTHERWISE[kind]} ({kind})"
    return next((why for field, why in MORE.items() if config.get(field)), "")


def _shown(value: object) -> str:
    return visible(str(value))[:SHOWN]


def base_folder(adapter: AdapterFiles) -> Path | None:
    """The local folder that an adapter names as its base model; None for what may be an id of the hub.

    A path is meant from the adapter's folder, else from the current one. Raises ModelError where it names none, or
    a folder that is not here.
    """
    said = adapter.base
    if not said:
        raise ModelError(
            f"{adapter.name} is an adapter ({adapter.kind}), and does not say for which model. Name its base model: "
            f"--model BASE --adapter {adapter.name}"
        )
    try:
        for folder in (adapter.folder / said, Path(said)):
            if folder.is_dir():
                return folder.resolve()
    except (OSError, ValueError):  # A name too long, a null character.
        pass
    if said.startswith(("/", ".", "~")) or said.count("/") > 1 or "\\" in said:
        raise ModelError(
            f"{adapter.name} is an adapter ({adapter.kind}) for {_shown(said)}, which is not here. Give its base "
            f"model, a folder or an id of the hub: --model BASE --adapter {adapter.name}"
        )
    return None
