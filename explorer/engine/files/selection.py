"""Selection: which GGUF file of a folder or a repository is meant, by its name or by its quantisation.

Owns how such files are called: `name-Q4_K_M.gguf`, parts of one, and what is no language model. It gets names, relative
to the folder, and sizes where they are known. Must not read a file, nor know where the folder is.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from explorer.core.size import size_in_words
from explorer.core.token import visible
from explorer.engine.gguf.purpose import split_sentence
from explorer.errors import ModelError

ENDING = ".gguf"

BESIDE = re.compile(r"mmproj|imatrix|(^|/)(mtp|eagle3|dflash|dspark)-", re.IGNORECASE)
"""In the names of files that belong to a model, and are none."""

PART = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf", re.IGNORECASE)

PIECE = re.compile(r".+\.gguf[.-](part\d+of\d+|split-[a-z])", re.IGNORECASE)
"""What a file was cut into without regard to what it holds, before llama.cpp split files itself."""

QUANTISATION = re.compile(
    r"(?:^|[-._/])(?P<name>(?:UD-)?(?:I?Q\d\w*|T?Q\d_\d\w*|B?F16|F(?:32|64)|FP(?:16|32)|MXFP4\w*|NVFP4))"
    r"(?=[-._]?(?:\d{5}-of-\d{5})?\.gguf$)",
    re.IGNORECASE,
)
"""How a name ends that says its quantisation."""

LATEST = "latest"
"""What other programs write where no quantisation is asked for."""

SHOWN = 8
"""Files that a sentence lists at the most."""


class Place(NamedTuple):
    """What holds the files, in the words of a person."""

    said: str
    """Begins a sentence: `The folder x`, `owner/name on the hub`."""
    model: str
    """What goes before the colon when a file is named."""


def is_gguf_name(name: str) -> bool:
    """Whether a file is called as GGUF files and their pieces are."""
    return name.lower().endswith(ENDING) or is_piece(name)


def is_piece(name: str) -> bool:
    """Whether a file is called as a piece of a GGUF file that was cut up."""
    return PIECE.fullmatch(name) is not None


def models_among(names: Sequence[str]) -> list[str]:
    """The GGUF files that may be language models; of one in parts, the first part."""
    found = [name for name in names if name.lower().endswith(ENDING) and not BESIDE.search(name)]
    return [name for name in found if (part := PART.fullmatch(name)) is None or int(part["number"]) <= 1]


def select(place: Place, sizes: Mapping[str, int | None], wanted: str | None) -> str:
    """The one file that is meant. `sizes`: name -> bytes, of all files; `wanted`: a name or a quantisation, or nothing.

    Raises ModelError where it is none or several, in parts, or no model; the sentence lists what there is.
    """
    names = models_among(list(sizes))
    if not wanted or wanted.lower() == LATEST:
        if len(names) == 1:
            return _whole(place, sizes, names[0])
        raise ModelError(_list_of(place, sizes, names))
    found = matching(list(sizes), wanted)
    if len(found) == 1:
        return _whole(place, sizes, found[0])
    said = visible(wanted)
    if found:
        raise ModelError(f"{place.said} has several files of {said}: {_joined(sizes, found)}. Give the name of one.")
    raise ModelError(f"{place.said} has no GGUF file {said}. {_list_of(place, sizes, names)}")


def matching(names: Sequence[str], wanted: str) -> list[str]:
    """The GGUF files of a name, else those of a quantisation."""
    return _named(names, wanted) or _quantised(models_among(names), wanted)


def short_name(names: Sequence[str], name: str) -> str:
    """The shortest text by which `select` finds a file among others: its quantisation, or its name."""
    known = quantisation_in(name)
    models = models_among(names)
    return known if known and _quantised(models, known) == [name] and not _named(names, known) else name


def quantisation_in(name: str) -> str:
    """The quantisation that the name of a file ends with, in capitals; empty where it says none."""
    found = QUANTISATION.search(name)
    return found["name"].upper() if found else ""


def parts_in(name: str) -> int:
    """Of how many parts the file is one, by its name; 1 for a whole one."""
    part = PART.fullmatch(name)
    return int(part["count"]) if part else 1


def piece_sentence() -> str:
    """What is said of a piece of a file; goes after its name."""
    return "is a piece of a file that was cut up. Join all of them in their order: cat x.gguf.part* > x.gguf."


def _named(names: Sequence[str], wanted: str) -> list[str]:
    """The files of a name, with or without the folder, the ending, and the capitals."""
    wanted = wanted.removeprefix("./").casefold()
    endings = {wanted, wanted + ENDING}
    ggufs = [name for name in names if is_gguf_name(name)]
    whole = [name for name in ggufs if name.casefold() in endings]
    return whole or [name for name in ggufs if PurePosixPath(name).name.casefold() in endings]


def _quantised(names: Sequence[str], wanted: str) -> list[str]:
    """The files of a quantisation; where one says exactly that, no other that only contains it."""
    exact = [name for name in names if quantisation_in(name).casefold() == wanted.casefold()]
    pattern = re.compile(rf"(^|[-._/]){re.escape(wanted)}([-./]|$)", re.IGNORECASE)
    return exact or [name for name in names if pattern.search(name)]


def _whole(place: Place, sizes: Mapping[str, int | None], name: str) -> str:
    if BESIDE.search(name):
        others = _list_of(place, sizes, models_among(list(sizes)))
        raise ModelError(f"{visible(name)} of {place.model} goes beside a model, and is none. {others}")
    if (parts := parts_in(name)) > 1:
        raise ModelError(f"{visible(name)} of {place.model} {split_sentence(parts)}")
    return name


def _list_of(place: Place, sizes: Mapping[str, int | None], names: Sequence[str]) -> str:
    if not names and (pieces := sorted(name for name in sizes if is_piece(name))):
        raise ModelError(f"{visible(pieces[0])} of {place.model} {piece_sentence()}")
    if not names:
        others = [name for name in sizes if is_gguf_name(name)]
        said = f" ({', '.join(map(visible, others[:SHOWN]))})" if others else ""
        return f"{place.said} has no GGUF file of a language model{said}."
    example = short_name(list(sizes), min(names, key=lambda name: _order(sizes, name)))
    number = "one GGUF file" if len(names) == 1 else f"{len(names)} GGUF files"
    named = f"{place.model}:{visible(example)}"
    return f"{place.said} has {number}: {_joined(sizes, names)}. Name one of them, as in “{named}”."


def _order(sizes: Mapping[str, int | None], name: str) -> tuple[bool, int, str]:
    """The smallest first, and those in parts last."""
    return parts_in(name) > 1, sizes[name] or 0, name


def _joined(sizes: Mapping[str, int | None], names: Sequence[str]) -> str:
    said = []
    for name in sorted(names, key=lambda name: _order(sizes, name))[:SHOWN]:
        parts, size = parts_in(name), sizes[name]
        facts = [f"{parts} parts"] if parts > 1 else [size_in_words(size)] if size else []
        called = visible(short_name(list(sizes), name))
        said.append(f"{called} ({facts[0]})" if facts else called)
    more = len(names) - SHOWN
    return ", ".join(said) + (f" and {more} more" if more > 0 else "")
