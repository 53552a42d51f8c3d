"""The tokenizer of a GGUF file, as transformers converts it."""

from pathlib import Path

from explorer.engine.gguf.header import Header


def write_tokenizer(header: Header, folder: Path) -> None:
    """Write tokenizer.json and what belongs to it."""
    from transformers import AutoTokenizer

    AutoTokenizer.from_pretrained(header.path.parent, gguf_file=header.path.name).save_pretrained(folder)
