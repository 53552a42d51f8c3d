"""A tokenizer read from a folder, for every family that transformers knows.

Owns what is taken of transformers, and where its own tokenizer.json is taken instead. Nothing but the tokenizer's files
is needed, and torch is not: in a process where it cannot be imported, transformers does without. Must not know models.
"""

import os
from pathlib import Path
from typing import Any, NamedTuple

from transformers import AutoTokenizer, PreTrainedTokenizerFast

from explorer.engine.vocabulary.chat import ChatTemplate
from explorer.engine.vocabulary.faults import failing_library, lacks_tokenizer, why_no_tokenizer
from explorer.engine.vocabulary.tokenizer_file import is_built_otherwise
from explorer.engine.vocabulary.vocabulary import Vocabulary
from explorer.errors import ModelError


class ReadTokenizer(NamedTuple):
    """What a tokenizer gives: its vocabulary, its chat template, and the ids that it calls the end."""

    vocabulary: Vocabulary
    template: ChatTemplate
    eos_ids: set[int]


def read_tokenizer(
    folder: Path, name: str, *, trust_remote_code: bool = False, bos: bool | None = None
) -> ReadTokenizer:
    """The tokenizer of a folder; `name` is the model's. Raises ModelError."""
    if not trust_remote_code and lacks_tokenizer(folder):
        raise ModelError(why_no_tokenizer(folder, name, None))
    with failing_library(lambda error: ModelError(why_no_tokenizer(folder, name, error))):
        tokenizer: Any = AutoTokenizer.from_pretrained(
            os.fspath(folder), local_files_only=True, trust_remote_code=trust_remote_code
        )
        backend = getattr(tokenizer, "backend_tokenizer", None)
        if backend is None:
            raise ModelError(
                f"The tokenizer of {name} ({type(tokenizer).__name__}) has no form that the tokenizers library reads. "
                "Convert it to a tokenizer.json."
            )
        if type(tokenizer).__module__.startswith("transformers.") and is_built_otherwise(folder, backend):
            backend = _as_it_stands(folder, backend)
        bos_id, eos_id = (_id(backend, token) for token in (tokenizer.bos_token, tokenizer.eos_token))
        vocabulary = Vocabulary(backend, bos_id, bos)
        return ReadTokenizer(
            vocabulary, ChatTemplate(tokenizer, vocabulary, name, folder), set() if eos_id is None else {eos_id}
        )


def _as_it_stands(folder: Path, built: Any) -> Any:
    """The tokenizer.json of a folder; where it says nothing of BOS and EOS, with those of what was built of it."""
    published = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True).backend_tokenizer
    added = built.encode("").ids
    if not published.encode("").ids and all(published.id_to_token(i) == built.id_to_token(i) for i in added):
        published.post_processor = built.post_processor
    return published


def _id(backend: Any, token: Any) -> int | None:
    found: int | None = None if token is None else backend.token_to_id(str(token))
    return found
