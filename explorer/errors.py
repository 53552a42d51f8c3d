"""Every error that a person may see, as one tree; a message is a sentence: what happened, to what, what to do.

    ExplorerError
    ├── UsageError          an argument, a setting or a text that cannot be used
    ├── ModelError          a model or a tokenizer that cannot be loaded
    ├── EngineError         the engine failed at a request
    │   ├── EngineDied      the worker process is gone
    │   ├── ContextFull     no position is left in the model's context
    │   ├── OutOfMemory     the device has no memory for it, even after everything else was let go of
    │   └── NotFinite       the model's logits are no numbers there, or none is possible
    ├── RecordError         a record that cannot be read or written
    ├── OutputError         standard output cannot be written
    └── Interrupted         Ctrl+C

Imports nothing; everyone may import it. Each error names the exit code of the command line that meets it.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the exit status of the program says."""

    SUCCESS = 0
    CHECK_FAILED = 1
    """A check that was asked for did not hold."""
    USAGE = 2
    """Wrong usage or bad input."""
    MODEL = 3
    """The model or its tokenizer cannot be loaded."""
    ENGINE = 4
    """The engine failed."""
    RECORD = 5
    """A record cannot be read or written."""
    UNFORESEEN = 6
    """A fault of the program itself; its traceback is in a file that the sentence names."""
    INTERRUPTED = 130
    """Ctrl+C."""


class ExplorerError(Exception):
    """The root. `str(error)` is the sentence for the person."""

    exit_code = ExitCode.ENGINE


class UsageError(ExplorerError):
    exit_code = ExitCode.USAGE


class ModelError(ExplorerError):
    exit_code = ExitCode.MODEL


class EngineError(ExplorerError):
    exit_code = ExitCode.ENGINE


class EngineDied(EngineError):
    """The worker ended; `log_tail` holds the last lines it wrote to its standard error."""

    def __init__(self, message: str, log_tail: str = "") -> None:
        super().__init__(message)
        self.log_tail = log_tail


class ContextFull(EngineError):
    exit_code = ExitCode.USAGE


class OutOfMemory(EngineError):
    """The engine goes on; what was asked is too much for it."""


class NotFinite(EngineError):
    """No softmax over the model's logits exists at one place; the engine goes on elsewhere."""


class Interrupted(ExplorerError):
    """Ctrl+C while something was under way."""

    exit_code = ExitCode.INTERRUPTED


class RecordError(ExplorerError):
    exit_code = ExitCode.RECORD


class OutputError(ExplorerError):
    """Of the program's own output; of a file that is read, it is said what cannot be read."""

    exit_code = ExitCode.USAGE
