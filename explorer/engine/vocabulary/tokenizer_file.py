"""The tokenizer.json of a folder, as its publisher wrote it.

Owns two questions: whether it is the whole tokenizer by itself, so that transformers would change nothing; and whether
a tokenizer that transformers made of it splits and spells texts in another way. Must not import transformers or torch.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from tokenizers import AddedToken, Tokenizer

from explorer.engine.vocabulary.faults import failing_library, why_no_tokenizer_file
from explorer.errors import ModelError

TOKENIZER = "tokenizer.json"

AS_IT_STANDS = ("PreTrainedTokenizerFast", "TokenizersBackend")
"""Tokenizer classes of which transformers loads a tokenizer.json unchanged. Others build theirs anew."""

OF_ANOTHER_CLASS = (
    "hyperclovax_vision_v2",
    "qwen2",
    "qwen3_5",
    "qwen3_5_moe",
    "qwen3_5_moe_text",
    "qwen4_exp",
    "siglip2",
)
"""Types of models for which transformers takes a class of theirs whatever tokenizer_config.json names."""

CHANGES = {"add_bos_token", "add_eos_token", "auto_map", "fix_mistral_regex", "split_special_tokens"}
"""Keys of tokenizer_config.json that change what is made of a tokenizer.json."""

BESIDE = ("added_tokens.json", "tekken.json")
"""Files that transformers may read in addition, or instead."""


def whole_tokenizer(folder: Path) -> tuple[Tokenizer, str | None] | None:
    """The tokenizer of a folder whose tokenizer.json is all of it, and what its BOS is called.

    None where transformers makes something else of it, or may do so: where a class of its own builds the tokenizer, or
    where a token is named elsewhere that tokenizer.json lacks. Raises ModelError for one that cannot be read.
    """
    file, config = folder / TOKENIZER, _read(folder / "tokenizer_config.json")
    kind = _read(folder / "config.json").get("model_type")
    beside = any((folder / name).exists() for name in BESIDE)
    if (
        not file.exists()
        or beside
        or CHANGES & config.keys()
        or config.get("tokenizer_class") not in AS_IT_STANDS
        or kind in OF_ANOTHER_CLASS
    ):
        return None
    with failing_library(lambda error: ModelError(why_no_tokenizer_file(file, error))):
        tokenizer = Tokenizer.from_file(str(file))
    known = {token.content: token for token in tokenizer.get_added_tokens_decoder().values()}
    ids = config.get("added_tokens_decoder", {})
    if not isinstance(ids, dict) or any(
        not isinstance(token, dict) or tokenizer.token_to_id(str(token.get("content"))) != _number(token_id)
        for token_id, token in ids.items()
    ):
        return None
    named = [*ids.values(), *_named(config), *_named(_read(folder / "special_tokens_map.json"))]
    if not all(_is_there(token, known) for token in named):
        return None
    bos = config.get("bos_token")
    spelt = bos.get("content") if isinstance(bos, dict) else bos
    return (tokenizer, spelt) if spelt is None or isinstance(spelt, str) else None


def _read(file: Path) -> dict[str, Any]:
    """The object in a JSON file; nothing where there is none, of which transformers may say more."""
    try:
        content = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _number(said: object) -> int | None:
    return int(said) if isinstance(said, str) and said.isascii() and said.isdigit() else None


def _named(config: dict[str, Any]) -> Iterator[Any]:
    """The special tokens that a configuration names, each as a text or with its properties."""
    for key, value in config.items():
        if key.endswith("_token") and value is not None and not isinstance(value, bool):
            yield value
        elif key in ("extra_special_tokens", "additional_special_tokens"):
            yield from value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]


PROPERTIES = ("lstrip", "rstrip", "single_word", "normalized", "special")


def _is_there(token: Any, known: dict[str, AddedToken]) -> bool:
    """Whether tokenizer.json has a token as it is named, so that to add it again would change nothing."""
    if isinstance(token, str):
        found = known.get(token)
        return found is not None and found.special and not found.normalized
    found = known.get(str(token.get("content"))) if isinstance(token, dict) else None
    return found is not None and all(
        getattr(found, name) == token.get(name, getattr(found, name)) for name in PROPERTIES
    )


class _Model(msgspec.Struct):
    """How the entries of a model of tokenizers are put together; False and empty are None."""

    ignore_merges: bool | None = None
    byte_fallback: bool | None = None
    continuing_subword_prefix: str | None = None
    end_of_word_suffix: str | None = None


class _Published(msgspec.Struct):
    """What a tokenizer.json says beside its entries."""

    model: _Model
    normalizer: dict[str, Any] | None = None
    pre_tokenizer: dict[str, Any] | None = None
    decoder: dict[str, Any] | None = None


PARTS = ("normalizer", "pre_tokenizer", "decoder")

OPTIONS = {
    "add_prefix_space",
    "clean_text",
    "cleanup",
    "handle_chinese_chars",
    "lowercase",
    "prefix",
    "prepend_scheme",
    "strip_accents",
    "trim_offsets",
}
"""What tokenizer_config.json may set for a class of transformers: there it wins over tokenizer.json."""


def is_built_otherwise(folder: Path, built: Tokenizer) -> bool:
    """Whether `built` is put together of other parts than the tokenizer.json of the folder says; False without one.

    Classes of transformers build a tokenizer of the entries alone, in the way of their family. A model whose
    tokenizer.json is of another way would get other tokens than those that it was trained with.
    """
    try:
        published = msgspec.json.decode((folder / TOKENIZER).read_bytes(), type=_Published)
        bare = {name: getattr(published, name) for name in PARTS}
        # Read by the library, so that both are told in the same words.
        entries = {"type": "WordLevel", "vocab": {"": 0}, "unk_token": ""}
        said = Tokenizer.from_str(json.dumps({"version": "1.0", "added_tokens": [], "model": entries, **bare}))
    except (OSError, msgspec.MsgspecError):
        return False
    except Exception:  # The library raises plain Exception for what it cannot parse; a part that it can alone is none.
        return False
    if any(_parts(name, getattr(said, name)) != _parts(name, getattr(built, name)) for name in PARTS):
        return True
    model = published.model
    return any(
        (getattr(model, name) or None) != (getattr(built.model, name) or None)
        for name in model.__struct_fields__
        if hasattr(built.model, name)
    )


def _parts(name: str, part: Any) -> Any:
    """What a part of a tokenizer does, without its options."""
    if part is None:
        return None
    essence = _essence(json.loads(part.__getstate__()))
    if name == "decoder" and essence.get("type") == "ByteLevel":  # To decode, it does the same in every way.
        return {"type": "ByteLevel"}
    return essence


def _essence(value: Any) -> Any:
    if isinstance(value, list):
        return [_essence(one) for one in value]
    if not isinstance(value, dict):
        return value
    for name in ("normalizers", "pretokenizers", "decoders"):
        if name in value and len(value[name]) == 1:
            return _essence(value[name][0])
    return {key: _essence(one) for key, one in value.items() if key not in OPTIONS}
