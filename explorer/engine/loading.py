"""From a folder to a model and a vocabulary that can answer, through transformers.

Owns devices, dtypes, what the configs say of context and ends, and the sentences for what cannot be loaded. Must not
know caches, samplers or the wire.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GenerationConfig, PreTrainedModel

from explorer.engine.base import ModelSettings, Progress
from explorer.engine.vocabulary import Vocabulary
from explorer.errors import ModelError


def load_vocabulary(folder: Path, name: str) -> tuple[Vocabulary, set[int]]:
    """The vocabulary of a model folder, and the id that its tokenizer calls the end. Raises ModelError."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # Each family of tokenizers raises errors of its own.
        raise ModelError(
            f"The tokenizer of {name} cannot be loaded: {one_line(error)}. A causal language model needs its "
            "tokenizer.json (or tokenizer.model) in the same folder."
        ) from error
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise ModelError(
            f"The tokenizer of {name} ({type(tokenizer).__name__}) has no form that the tokenizers library reads. "
            "Convert it to a tokenizer.json."
        )
    eos = tokenizer.eos_token_id
    return Vocabulary(backend), {eos} if isinstance(eos, int) else set()


def load_model(folder: Path, settings: ModelSettings, report: Callable[[Progress], None]) -> PreTrainedModel:
    """The model on its device, ready to answer. Raises ModelError."""
    device = resolve_device(settings.device)
    name = settings.name
    transformers.logging.set_verbosity_error()
    transformers.logging.set_tqdm_hook(lambda factory, args, kwargs: _Bar(report, *args, **kwargs))
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        model, loaded = AutoModelForCausalLM.from_pretrained(
            folder,
            config=config,
            dtype=settings.dtype,
            device_map={"": device},
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
        )
    except torch.OutOfMemoryError as error:
        raise ModelError(
            f"{name} does not fit into the memory of {device}. Try --device cpu or --dtype bfloat16."
        ) from error
    except MemoryError as error:
        raise ModelError(f"{name} does not fit into this machine's memory. Try --dtype bfloat16.") from error
    except Exception as error:  # A broken folder fails in as many ways as there are model classes.
        raise ModelError(_why_not_loaded(folder, name, error)) from error
    finally:
        transformers.logging.set_tqdm_hook(None)
    missing = sorted(loaded["missing_keys"])
    if missing:
        raise ModelError(
            f"{name} lacks {len(missing)} of the weights that its config.json asks for, {missing[0]} for one. "
            "It is not a whole causal language model; download it again."
        )
    if device == "cpu" and model.num_parameters() < SMALL:
        torch.set_num_threads(1)
    return model.eval()


def _why_not_loaded(folder: Path, name: str, error: Exception) -> str:
    if not any(folder.glob("*.safetensors")):
        return (
            f"{name} has no weights in the safetensors format in {folder}. Convert them, or download the model again."
        )
    if "ignore_mismatched_sizes" in str(error) or "size mismatch" in str(error):
        return f"{name} cannot be loaded: its weights do not have the shapes that its config.json says."
    if "Unrecognized configuration class" in str(error):
        return f"{name} is not a causal language model: transformers has no text generation head for it."
    if "trust_remote_code" in str(error):
        return f"{name} needs code of its own (trust_remote_code), which the explorer does not run."
    return f"{name} cannot be loaded: {one_line(error)}."


def resolve_device(wanted: str) -> str:
    """`auto` is cuda, then mps, then cpu. Raises ModelError for a device that is not there."""
    if wanted == "auto":
        if torch.cuda.is_available():
            return "cuda:0"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    kind, _, number = wanted.partition(":")
    if kind == "cuda" and not torch.cuda.is_available():
        raise ModelError("There is no CUDA device here, or this torch was built without CUDA. Try --device cpu.")
    if kind == "cuda" and number and int(number) >= torch.cuda.device_count():
        raise ModelError(f"There is no {wanted}: the machine has {torch.cuda.device_count()} CUDA devices.")
    if kind == "mps" and not torch.backends.mps.is_available():
        raise ModelError("There is no Apple GPU (mps) here. Try --device cpu.")
    return "cuda:0" if wanted == "cuda" else wanted


BAR_INTERVAL = 0.05

SMALL = 50_000_000
"""Parameters under which a second thread costs a step more than it gains, and stalls it on a busy machine."""

CONTEXT_NAMES = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "seq_length")


def context_length(config: Any) -> int | None:
    """How many positions the model has; None where its config names no limit."""
    text = config.get_text_config(decoder=True)
    named = (getattr(text, name, None) for name in CONTEXT_NAMES)
    return next((length for length in named if isinstance(length, int) and length > 0), None)


def eos_ids(model: PreTrainedModel) -> set[int]:
    """The ids that end a sequence, of the generation config and the config together."""
    found: set[int] = set()
    generation: GenerationConfig | None = getattr(model, "generation_config", None)
    for source in (generation, model.config, model.config.get_text_config(decoder=True)):
        ids = getattr(source, "eos_token_id", None)
        found.update([ids] if isinstance(ids, int) else ids or [])
    return found


def one_line(error: Exception) -> str:
    """The first line of an error, without its full stop."""
    text = (str(error).strip() or type(error).__name__).split("\n")[0]
    return text[:300].rstrip(". :!")


class _Bar:
    """Stands in for tqdm: draws nothing, reports at most every BAR_INTERVAL seconds."""

    def __init__(
        self, report: Callable[[Progress], None], iterable: Iterable[Any] = (), total: int | None = None, **_: Any
    ) -> None:
        self._report, self._iterable, self._done, self._reported = report, iterable, 0, 0.0
        self._total = total or getattr(iterable, "__len__", lambda: 0)()

    def __iter__(self) -> Iterator[Any]:
        for item in self._iterable:
            yield item
            self.update()

    def update(self, count: int = 1) -> None:
        self._done += count
        if self._done == self._total or time.monotonic() - self._reported > BAR_INTERVAL:
            self._reported = time.monotonic()
            self._report(Progress("loading the weights", self._done, self._total))

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __getattr__(self, name: str) -> Callable[..., None]:
        """Everything else that a bar can do, which is about drawing."""
        return lambda *args, **kwargs: None
