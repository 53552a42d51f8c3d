"""What a command is given to work on: a text, a file, or ids. Raises UsageError for anything else."""

import sys
from pathlib import Path

from explorer.errors import UsageError


def read_text(file: str) -> str:
    """The text in a file; `-` is standard input. Raises UsageError."""
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).expanduser().read_bytes()
        return data.decode("utf-8")
    except OSError as error:
        raise UsageError(f"The file {file} cannot be read: {(error.strerror or str(error)).lower()}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"The file {file} is not UTF-8 text: byte {error.start} cannot be read.") from error


def check_text(text: str) -> str:
    """The text, if it can be encoded: an argument may hold bytes that are no UTF-8. Raises UsageError."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError("The text is not UTF-8.") from error
    return text


def read_lines(file: str) -> list[str]:
    """The lines of a file without their ends; `-` is standard input. Raises UsageError, also where there is none."""
    lines = [line.removesuffix("\r") for line in read_text(file).removesuffix("\n").split("\n")]
    if lines == [""]:
        raise UsageError(f"The file {file} is empty. Write one prompt a line.")
    return lines


def one_source(text: str | None, file: str | None, ids: str | None, *others: str) -> str | list[int]:
    """The text, or the ids. Raises UsageError unless exactly one is given; `others` are flags that would do as well."""
    if sum(given is not None for given in (text, file, ids)) != 1:
        *most, last = ("TEXT", "--file", "--ids", *others)
        raise UsageError(f"Give exactly one of {', '.join(most)} and {last}.")
    if file is not None:
        return read_text(file)
    if text is not None:
        return check_text(text)
    try:
        return [int(part) for part in str(ids).replace(",", " ").split()]
    except ValueError as error:
        raise UsageError(f"--ids takes numbers, separated by commas, not “{ids}”.") from error
