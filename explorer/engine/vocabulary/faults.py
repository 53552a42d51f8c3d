"""Why a tokenizer cannot be loaded or used, in sentences: what is wrong, with what, and the way out.

Owns what the errors of transformers and tokenizers mean to a person, and that a panic of the tokenizers library is an
error like others. Must not load anything.
"""

import contextlib
import importlib.util
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from explorer.errors import ExplorerError

TOKENIZER_FILES = (
    "tokenizer*.json",
    "tekken.json",
    "vocab*",
    "merges.txt",
    "spiece*",
    "sentencepiece*",
    "*.model",
    "*.tiktoken",
)


def lacks_tokenizer(folder: Path) -> bool:
    """Whether none of the files is there that a tokenizer is made of; transformers makes an empty one up then."""
    files = (path.name for pattern in TOKENIZER_FILES for path in folder.glob(pattern))
    return all(name == "tokenizer_config.json" for name in files)


@contextlib.contextmanager
def failing_library(told: Callable[[BaseException], ExplorerError]) -> Iterator[None]:
    """Raises what `told` makes of an error of a library, or of a panic, which is no Exception."""
    try:
        yield
    except ExplorerError:
        raise
    except BaseException as error:
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise told(error) from error
        raise


def why_no_tokenizer_file(file: Path, error: BaseException) -> str:
    return f"The tokenizer {file} cannot be read: {one_line(error)}. Download the model again."


def why_no_tokenizer(folder: Path, name: str, error: BaseException | None) -> str:
    """The sentence for a folder of which transformers makes no tokenizer; `error`: what it raised, if it was asked."""
    if error is not None and "trust_remote_code" in str(error):
        return f"The tokenizer of {name} needs code that comes with it. If you trust it: --trust-remote-code"
    if error is None or lacks_tokenizer(folder):
        return (
            f"{name} has no tokenizer: it needs its tokenizer.json (or tokenizer.model). Copy it from "
            "the model that this one was made of."
        )
    for file in (folder / said for said in OBJECTS):
        if not _is_object(file):
            return f"{file.name} of {name} is broken: it is not a JSON object. Download it again."
    if (folder / "tokenizer.json").exists():
        why = one_line(error)
        if isinstance(error, ATTRIBUTES):
            why = f"it has a value of a kind that transformers cannot use ({why})"
        return (
            f"The tokenizer of {name} cannot be loaded: {why}. Its tokenizer.json or tokenizer_config.json is broken, "
            "or needs a package; download the model again, or look into the log."
        )
    entries = _entries(folder)
    lacking = " ".join(package for package, module in _packages(folder) if not _is_installed(module))
    if lacking:
        return f"The tokenizer of {name} needs a package to read {entries}. Install: pip install {lacking}"
    return (
        f"The tokenizer of {name} cannot be made of {entries}: the file is broken, or of a format that transformers "
        "does not know. Download it again, or take the tokenizer.json of the same model."
    )


OBJECTS = ("tokenizer_config.json", "tokenizer.json", "tekken.json", "special_tokens_map.json", "added_tokens.json")
"""Files that are JSON objects, where they are there."""

ATTRIBUTES = (AttributeError, TypeError, KeyError, IndexError)
"""What Python raises where a value is of another kind than was thought."""


def _is_object(file: Path) -> bool:
    """Whether a file is a JSON object; what is not there, or not to be read, is not found wrong here."""
    try:
        return isinstance(json.loads(file.read_bytes()), dict)
    except OSError:
        return True
    except (ValueError, RecursionError):
        return False


def _entries(folder: Path) -> str:
    """The files that hold the entries of a vocabulary."""
    files = {path.name for pattern in TOKENIZER_FILES for path in folder.glob(pattern)}
    return " and ".join(sorted(files - {"tokenizer_config.json"}))


def _packages(folder: Path) -> tuple[tuple[str, str], ...]:
    """What transformers reads the entries of a folder with: packages, and their modules."""
    if is_tiktoken(folder):
        return (("tiktoken", "tiktoken"),)
    if any(folder.glob("*.model")):
        return ("sentencepiece", "sentencepiece"), ("protobuf", "google.protobuf")
    return (("mistral-common", "mistral_common"),) if (folder / "tekken.json").exists() else ()


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):  # Of a package whose parent is not there, or that is marked as not to be found.
        return False


def is_tiktoken(folder: Path) -> bool:
    """Whether a tokenizer.model is a file of tiktoken, as that of Llama 3: lines of base64 and a rank."""
    for file in folder.glob("*.model"):
        with contextlib.suppress(OSError), open(file, "rb") as opened:
            if re.match(rb"[A-Za-z0-9+/]+={0,2} \d+\r?\n", opened.read(200)):
                return True
    return False


def one_line(error: BaseException) -> str:
    """The first line of an error, without its full stop."""
    text = (str(error).strip() or type(error).__name__).split("\n")[0]
    return text[:300].rstrip(". :!")
