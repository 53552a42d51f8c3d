"""The tokenizer of a GGUF file, as the files that a folder of Hugging Face has for it.

Owns tokenizer.json, tokenizer_config.json and the chat template. A text gets the ids that llama.cpp gives it. Must not
import transformers, whose own conversion gives other ids for many files, nor torch.
"""

from pathlib import Path
from typing import Any

import msgspec

from explorer.engine.gguf.header import Header
from explorer.engine.vocabulary import gguf_tokens
from explorer.engine.vocabulary.gguf_parts import Part, Parts, parts_of, splitting_of
from explorer.engine.vocabulary.gguf_tokens import CONTROL, UNKNOWN, USER_DEFINED, Metadata, TokenList, read_tokens

TEMPLATE = "chat_template"


def write_tokenizer(header: Header, folder: Path) -> list[int]:
    """Write the tokenizer of a file into a folder. Returns the ids that end what is written, as llama.cpp has it.

    Raises ModelError for a tokenizer that is broken, or of a kind that would get other ids than llama.cpp gives.
    """
    tokens = read_tokens(header)
    parts = parts_of(header, tokens)
    begin, end = _around(header, tokens, parts)
    tokenizer = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": _added(header, tokens),
        "normalizer": _sequence(parts.normalizer, "normalizers"),
        "pre_tokenizer": _sequence(parts.pre_tokenizer, "pretokenizers"),
        "post_processor": _template(tokens, begin, end),
        "decoder": _sequence(parts.decoder, "decoders"),
        "model": parts.model,
    }
    (folder / "tokenizer.json").write_bytes(msgspec.json.encode(tokenizer))
    templates = _templates(header)
    config = _config(header, tokens)
    if set(templates) == {"default"}:
        (folder / "chat_template.jinja").write_text(templates["default"], "utf-8", newline="")
    elif templates:
        config[TEMPLATE] = [{"name": name, "template": text} for name, text in templates.items()]
    (folder / "tokenizer_config.json").write_bytes(msgspec.json.encode(config))
    return tokens.ends


def unnamed_splitting(header: Header) -> str:
    """What to tell of a file from before the ways of splitting had names, which may be of any; "" of others."""
    said = header.metadata
    if said.get("tokenizer.ggml.model") != "gpt2" or said.get("tokenizer.ggml.pre") is not None:
        return ""
    return (
        f"{header.path.name} is from before GGUF files named how a text is split: some texts may have other tokens "
        "than in the training of the model. Prefer a newer file of it."
    )


def _bos(header: Header, tokens: TokenList) -> int | None:
    if tokens.family != "gpt2" or splitting_of(header, tokens).has_bos:
        return gguf_tokens.bos_id(header, tokens)
    return Metadata(header).token_id("bos", None, len(tokens.texts))


def _around(header: Header, tokens: TokenList, parts: Parts) -> tuple[int | None, int | None]:
    """The ids that are put before and after a text; None where nothing is."""
    metadata, (bos, eos) = Metadata(header), parts.adds
    begin, end = _bos(header, tokens), gguf_tokens.eos_id(header, tokens)
    if tokens.family == "bert":
        return begin, metadata.token_id("seperator", 102, len(tokens.texts))
    bos = metadata.flag("ggml.add_bos_token", bos) or tokens.family == "gemma4"
    eos = metadata.flag("ggml.add_eos_token", eos)
    return begin if bos else None, end if eos else None


def _template(tokens: TokenList, begin: int | None, end: int | None) -> Part | None:
    """What is put before a text and after it."""
    if begin is None and end is None:
        return None

    def marker(token_id: int | None) -> list[Part]:
        return [] if token_id is None else [{"SpecialToken": {"id": tokens.texts[token_id], "type_id": 0}}]

    named = {tokens.texts[token_id]: token_id for token_id in (begin, end) if token_id is not None}
    text = [{"Sequence": {"id": "A", "type_id": 0}}]
    return {
        "type": "TemplateProcessing",
        "single": [*marker(begin), *text, *marker(end)],
        "pair": [*marker(begin), *text, {"Sequence": {"id": "B", "type_id": 0}}, *marker(end)],
        "special_tokens": {name: {"id": name, "ids": [token_id], "tokens": [name]} for name, token_id in named.items()},
    }


PHI = ("phi-3", "phi3")
"""Models, by what their names contain, whose markers take the spaces after them."""

KEEPING = ("<unk>", "<s>", "<|endoftext|>")
"""Markers of theirs that do not."""


def _added(header: Header, tokens: TokenList) -> list[dict[str, Any]]:
    """The markers, as tokenizer.json has them."""
    name = str(header.metadata.get("general.name", "")).lower()
    strips = any(part in name for part in PHI)
    markers = tokens.markers
    if strips and (end := tokens.ids.get("</s>")) is not None and tokens.types[end] not in (CONTROL, USER_DEFINED):
        strips = False
    return [
        {
            "id": token_id,
            "content": tokens.texts[token_id],
            "single_word": False,
            "lstrip": False,
            "rstrip": strips and tokens.texts[token_id] not in KEEPING,
            "normalized": False,
            "special": tokens.types[token_id] in (CONTROL, UNKNOWN),
        }
        for token_id in markers
    ]


def _config(header: Header, tokens: TokenList) -> dict[str, Any]:
    """What tokenizer_config.json says; a token is named where it is a marker, so that nothing is added by its name."""
    metadata, count = Metadata(header), len(tokens.texts)
    named = {
        "bos_token": _bos(header, tokens),
        "eos_token": gguf_tokens.eos_id(header, tokens),
        "unk_token": metadata.token_id("unknown", None, count),
        "pad_token": metadata.token_id("padding", None, count),
    }
    markers = {
        key: tokens.texts[token_id]
        for key, token_id in named.items()
        if token_id is not None and tokens.types[token_id] in (CONTROL, UNKNOWN)
    }
    return {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False, **markers}


def _templates(header: Header) -> dict[str, str]:
    """The chat templates by their names; the usual one is called `default`."""
    metadata = Metadata(header)
    names = metadata.list_of("chat_templates", str, "texts") or []
    keys = {"default": TEMPLATE} | {name: f"{TEMPLATE}.{name}" for name in names}
    return {name: text for name, key in keys.items() if (text := metadata.text(key))}


def _sequence(steps: list[Part], name: str) -> Part | None:
    """One step, or several in the order in which they are done."""
    if len(steps) < 2:
        return steps[0] if steps else None
    return {"type": "Sequence", name: steps}
