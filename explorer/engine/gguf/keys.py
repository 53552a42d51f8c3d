"""Keys: what a GGUF file says under the name of its architecture, read once each, and what of it nobody has read.

Owns the sentences for what is missing or has the wrong type. Must not know what a key means.
"""

import math
import struct
from collections.abc import Sequence
from typing import Any

from explorer.core.token import visible
from explorer.engine.gguf.header import Header
from explorer.errors import ModelError

SHOWN = 60
"""Characters of a value in a sentence."""

TOWERS = ("vision.", "audio.", "mm.")
"""How keys begin that are about pictures and sound, of which a text has none; Ollama has them in the same file."""

ELSEWHERE = "llama-server of llama.cpp may run the file."


class Keys:
    """The keys of one file; a name is given without the architecture in front of it.

    Every reader raises ModelError for a value of another type, and for a missing one where there is no default.
    """

    def __init__(self, header: Header) -> None:
        self.header = header
        self._prefix = f"{header.architecture}."
        self._read: set[str] = set()
        self._shapes = {tensor.name: tensor.shape for tensor in header.tensors}

    def has(self, name: str) -> bool:
        """Whether the file says it."""
        return self._prefix + name in self.header.metadata

    def count(self, name: str, default: int | None = None) -> int:
        """A whole number from 0."""
        value = self._value(name, default)
        if isinstance(value, list) and value and all(one == value[0] for one in value):  # One for each layer.
            value = value[0]
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self._wrong(name, value)
        return value

    def size(self, name: str, default: int | None = None) -> int:
        """A whole number from 1."""
        found = self.count(name, default)
        if not found:
            raise self._wrong(name, found)
        return found

    def layers(self) -> int:
        """How many layers a model has: no more than tensors, of which each layer has some.

        Without those behind them that guess later tokens, which the file counts, too.
        """
        found = self.size("block_count")
        if found > len(self._shapes) or self.ahead() >= found:
            raise self._wrong("block_count", found)
        return found - self.ahead()

    def ahead(self) -> int:
        """How many layers guess later tokens."""
        return self.count("nextn_predict_layers", 0)

    def real(self, name: str, default: float | None = None) -> float:
        """A number, as the shortest text that has the same 32 bits says it: 1e-05, and not 9.999999747378752e-06."""
        value = self._value(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise self._wrong(name, value)
        return shortest(float(value))

    def positive(self, name: str, default: float | None = None) -> float:
        """A number above 0."""
        found = self.real(name, default)
        if found <= 0:
            raise self._wrong(name, found)
        return found

    def flag(self, name: str, default: bool | None = None) -> bool:
        """Yes or no."""
        value = self._value(name, default)
        if not isinstance(value, bool):
            raise self._wrong(name, value)
        return value

    def text(self, name: str, default: str | None = None) -> str:
        """A word."""
        value = self._value(name, default)
        if not isinstance(value, str):
            raise self._wrong(name, value)
        return value

    def each(self, name: str, layers: int, default: int | None = None) -> list[int]:
        """A whole number for each layer; a single one holds for all of them."""
        value = self._value(name, default)
        found = value if isinstance(value, list) else [value] * layers
        if len(found) < layers or not all(isinstance(one, int) and one >= 0 for one in found):
            raise self._wrong(name, value)
        return [int(one) for one in found[:layers]]

    def windows(self, layers: int, every: int) -> list[str]:
        """The layer_types of a model with windows: for each layer, or every how many of them one sees everything.

        0 is for none that does.
        """
        pattern = self._value("attention.sliding_window_pattern", every)
        if isinstance(pattern, list):
            narrow = [bool(one) for one in self.each("attention.sliding_window_pattern", layers)]
        else:
            step = self.count("attention.sliding_window_pattern", every)
            narrow = [step == 0 or (layer + 1) % step != 0 for layer in range(layers)]
        return ["sliding_attention" if one else "full_attention" for one in narrow]

    def leave(self, *names: str) -> None:
        """Take note of keys that decide no number here."""
        self._read.update(names)

    def unread(self) -> list[str]:
        """The keys under the architecture that nobody has asked for."""
        names = (key.removeprefix(self._prefix) for key in self.header.metadata if key.startswith(self._prefix))
        return sorted(name for name in set(names) - self._read if not name.startswith(TOWERS))

    def unknown(self, name: str) -> ModelError:
        """For a key that nothing here knows."""
        value = visible(str(self.header.metadata.get(self._prefix + name)))[:SHOWN]
        return ModelError(
            f"{self.header.path} says {visible(self._prefix + name)[:SHOWN]}: {value}, which is not known here of a "
            f"model of the architecture {self.header.architecture}: its numbers might be wrong. {ELSEWHERE}"
        )

    def refusal(self, name: str, known: str) -> ModelError:
        """For a value that transformers cannot follow; `known` is what it can, in words."""
        value = visible(str(self.header.metadata.get(self._prefix + name)))[:SHOWN]
        return ModelError(
            f"{self.header.path} says {self._prefix}{name}: {value}, and the explorer knows {known} alone for "
            f"{self.header.architecture}: its numbers would be wrong. {ELSEWHERE}"
        )

    def shape(self, tensor: str) -> tuple[int, ...] | None:
        """The shape of a tensor of the file; None where it has none of this name."""
        return self._shapes.get(tensor)

    def rows(self, tensor: str) -> int:
        """The first dimension of a tensor. Raises ModelError where the file has none of this name."""
        shape = self.shape(tensor)
        if not shape:
            raise ModelError(
                f"{self.header.path} has no tensor {tensor}: it is no language model, or only part of one."
            )
        return shape[0]

    def any_tensor(self, end: str) -> bool:
        """Whether the name of a tensor ends so."""
        return any(name.endswith(end) for name in self._shapes)

    def _value(self, name: str, default: Any) -> Any:
        self._read.add(name)
        value = self.header.metadata.get(self._prefix + name, default)
        if value is None:
            raise ModelError(f"{self.header.path} is a broken GGUF file: it does not say its {self._prefix}{name}.")
        return value

    def _wrong(self, name: str, value: Any) -> ModelError:
        return ModelError(
            f"{self.header.path} is a broken GGUF file: its {self._prefix}{name} is {visible(str(value))[:SHOWN]}."
        )


def shortest(value: float) -> float:
    """The number with the fewest digits that is the same one of 32 bits, as a config.json would have it."""
    packed = struct.pack("f", value)
    if struct.unpack("f", packed)[0] != value:  # It was of 64 bits.
        return value
    candidates = (float(f"{value:.{digits}g}") for digits in range(1, 10))
    return next((one for one in candidates if struct.pack("f", one) == packed), value)


def floats(header: Header, tensor: str) -> Sequence[float]:
    """The factors in a small tensor of 32-bit floats, all above 0, as of rotary positions. Raises ModelError."""
    found = next(one for one in header.tensors if one.name == tensor)
    count = math.prod(found.shape)
    if found.kind != 0 or count > MOST:
        raise ModelError(f"{header.path} is a broken GGUF file: its tensor {tensor} is no short list of numbers.")
    try:
        with header.path.open("rb") as file:
            file.seek(header.weights_start + found.offset)
            factors = struct.unpack(f"<{count}f", file.read(4 * count))
    except (OSError, struct.error) as error:
        raise ModelError(f"{header.path} ends before its weights do. Download it again.") from error
    if not all(factor > 0 for factor in factors):
        raise ModelError(f"{header.path} is a broken GGUF file: its tensor {tensor} holds what is no factor.")
    return factors


MOST = 4096
"""Numbers of a tensor that is read with the header."""
