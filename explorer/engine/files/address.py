"""Address: the id of a model in what a person copies from a browser. Must not know the network."""

import re

HUB = re.compile(
    r"(?:hf://(?:models/)?|(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/)(?P<path>[^?#\s]+)(?:[?#]\S*)?",
    re.IGNORECASE,
)
ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*/")
"""An id as a shell completes it, with a slash at its end."""

PATH = re.compile(r"(?P<id>[^/]+/[^/]+|[^/]+)(?:/(?:tree|blob|resolve|raw|commit)/(?P<revision>[^/]+)(?:/.*)?)?/?")


def read_address(model: str) -> tuple[str, str | None]:
    """The id and the revision in the address of a model's page or file; anything else as it is.

    `https://huggingface.co/owner/name/tree/v1` is `owner/name` and `v1`; `main`, which goes without saying, is None.
    """
    if ID.fullmatch(model.strip()):
        return model.strip().rstrip("/"), None
    address = HUB.fullmatch(model.strip())
    found = PATH.fullmatch(address["path"].rstrip("/")) if address else None
    if found is None:
        return model, None
    return found["id"], found["revision"] if found["revision"] != "main" else None
