"""Address: what a person types or copies for a model, as the name that the rest of the program knows.

Owns the addresses of the hub, and the quotes and marks that come with a name from elsewhere. Must not know the network.
"""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

HUB = re.compile(
    r"(?:hf://(?:models/)?|(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/)(?P<path>[^?#\s]+)(?:[?#]\S*)?",
    re.IGNORECASE,
)
ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*/")
"""An id as a shell completes it, with a slash at its end."""

PATH = re.compile(
    r"(?P<id>[^/]+/[^/]+|[^/]+)(?:/(?:tree|blob|resolve|raw|commit)/(?P<revision>[^/]+)(?:/(?P<file>.*))?)?/?"
)
WITHIN = re.compile(r"(?P<id>[^/]+/[^/]+)/(?P<file>.+\.gguf)", re.IGNORECASE)
"""A file behind an id, as in `hf://owner/name/x.gguf`."""

QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "`": "`"}


def as_typed(said: str) -> str:
    """The name or the path in what was typed, pasted, or dropped on a terminal: without quotes and `file://` around it.

    Spaces that a shell would want marked by a backslash are left as they are where the path so marked is not there.
    """
    said = said.strip()
    if len(said) > 1 and QUOTES.get(said[0]) == said[-1]:
        said = said[1:-1].strip()
    if said.lower().startswith("file://"):
        return unquote(urlsplit(said).path)
    plain = said.replace("\\ ", " ")
    return plain if plain != said and not _is_there(said) and _is_there(plain) else said


def _is_there(path: str) -> bool:
    try:
        return Path(path).expanduser().exists()
    except (OSError, RuntimeError, ValueError):
        return False


def read_address(model: str) -> tuple[str, str | None]:
    """The id and the revision in the address of a model's page or file; anything else as it is.

    `https://huggingface.co/owner/name/tree/v1` is `owner/name` and `v1`; `main`, which goes without saying, is None.
    The address of a GGUF file is `owner/name:FILE`.
    """
    if ID.fullmatch(model.strip()):
        return model.strip().rstrip("/"), None
    address = HUB.fullmatch(model.strip())
    if address is None:
        return model, None
    path = unquote(address["path"].rstrip("/"))
    found = PATH.fullmatch(path)
    if found is None:
        within = WITHIN.fullmatch(path)
        return (f"{within['id']}:{within['file']}", None) if within else (model, None)
    file = found["file"] or ""
    named = f"{found['id']}:{file}" if file.lower().endswith(".gguf") else found["id"]
    return named, found["revision"] if found["revision"] != "main" else None


def split_file(model: str) -> tuple[str, str]:
    """The id of a repository, and the GGUF file or the quantisation behind its colon; "" where none is named."""
    repository, _, file = model.partition(":")
    return repository, file.strip()
