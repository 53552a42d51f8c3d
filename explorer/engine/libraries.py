"""The libraries of the engine while they are imported: which variable of the environment stops them.

Some read their settings from the environment on the way, and fail in words that do not name it. Must not import any.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from explorer.core.token import visible
from explorer.errors import ModelError

PREFIXES = ("ACCELERATE_", "CUDA_", "HF_", "HUGGINGFACE_", "OMP_", "PYTORCH_", "TORCH_", "TRANSFORMERS_", "USE_")
"""How the variables begin that torch, transformers and the libraries of the hub read."""


@contextmanager
def importing() -> Iterator[None]:
    """Around the first import of such a library.

    Raises ModelError, which names the variable whose value the error tells of. An ImportError goes through: it is no
    matter of the environment.
    """
    try:
        yield
    except ImportError:
        raise
    except Exception as error:  # What a library makes of a value that it does not understand is its own affair.
        raise ModelError(_why(error)) from error


def _why(error: Exception) -> str:
    said = visible(" ".join(str(error).split())) or type(error).__name__
    known = [name for name in os.environ if name.startswith(PREFIXES)]
    blamed = [name for name in known if _tells_of(said, os.environ[name])]
    blamed = blamed or [name for name in known if isinstance(error, ValueError) and _is_broken(os.environ[name])]
    if not blamed:
        return f"A library of the engine cannot be imported: {said[:200].rstrip('.')}. Look into the log."
    name = max(blamed, key=lambda name: len(os.environ[name]))
    first = said.partition(", ")[0].rstrip(".")
    return f"A library of the engine does not understand {name}={visible(os.environ[name])}: {first}. Unset {name}."


def _is_broken(value: str) -> bool:
    """Whether a value is an address that cannot be taken apart, which no error quotes."""
    try:
        urlsplit(value)
    except ValueError:
        return True
    return False


def _tells_of(said: str, value: str) -> bool:
    """Whether an error quotes a value; a number such as 1 stands in errors of every kind."""
    return bool(value) and not value.isdecimal() and re.search(rf"(?<!\w){re.escape(value)}(?!\w)", said) is not None
