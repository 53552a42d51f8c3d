"""Why a tokenizer cannot be loaded or used, in sentences: what is wrong, with what, and the way out.

Owns what the errors of transformers and tokenizers mean to a person, and that a panic of the tokenizers library is an
error like others. Must not load anything.
"""

import contextlib
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
    said = str(error)
    if error is not None and "trust_remote_code" in said:
        return f"The tokenizer of {name} needs code that comes with it. If you trust it: --trust-remote-code"
    if error is None or lacks_tokenizer(folder):
        return (
            f"{name} has no tokenizer: it needs its tokenizer.json (or tokenizer.model). Copy it from "
            "the model that this one was made of."
        )
    if (folder / "tokenizer.json").exists():
        return (
            f"The tokenizer of {name} cannot be loaded: {one_line(error)}. Its tokenizer.json or tokenizer_config.json "
            "is broken, or needs a package; download the model again, or look into the log."
        )
    if any(folder.glob("*tekken.json")):
        return (
            f"{name} has its tokenizer as tekken.json only, which transformers does not read here: {one_line(error)}. "
            "Take the tokenizer.json of the same model, which most repositories have beside it, or: pip install "
            "mistral-common"
        )
    if package := re.search(r"pip install ['\"`]?([\w.-]+)", said) or re.search(
        r"requires the ([\w.-]+) library", said
    ):
        kind = "tiktoken" if is_tiktoken(folder) else package[1]
        return f"The tokenizer of {name} needs a package that is not installed. Install: pip install {kind}"
    files = sorted({path.name for pattern in TOKENIZER_FILES for path in folder.glob(pattern)})
    read = ", ".join(one for one in files if one != "tokenizer_config.json")
    return (
        f"The tokenizer of {name} cannot be made of {read}: {one_line(error)}. The file is broken or of another "
        "format; download it again, or take the model's tokenizer.json."
    )


def is_tiktoken(folder: Path) -> bool:
    """Whether the vocabulary is a file of tiktoken: lines of base64 and a rank, whatever its name."""
    for file in (*folder.glob("*.tiktoken"), *folder.glob("*.model")):
        with contextlib.suppress(OSError), open(file, "rb") as opened:
            if re.match(rb"[A-Za-z0-9+/]+={0,2} \d+\r?\n", opened.read(200)):
                return True
    return False


def one_line(error: BaseException) -> str:
    """The first line of an error, without its full stop."""
    text = (str(error).strip() or type(error).__name__).split("\n")[0]
    return text[:300].rstrip(". :!")
