"""The libraries that compute, and whether the program knows the versions that are installed.

Owns the sentence for those it does not know; the ranges are read from the package's own metadata. Has to be asked
before any of them is imported, because an import of another version fails with no sentence, and imports none itself.
"""

from collections.abc import Iterator
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from explorer.errors import ModelError

PACKAGE = "token-explorer"
LIBRARIES = {"torch", "transformers", "tokenizers", "accelerate", "huggingface-hub", "httpx2"}


def check_libraries() -> None:
    """Raises ModelError where a library is not installed, or in a version that is out of range."""
    wrong = {requirement: found for requirement in _required() if (found := _mismatch(requirement))}
    if wrong:
        named = " and ".join(f"{requirement} ({found})" for requirement, found in wrong.items())
        install = " ".join(f"'{requirement}'" for requirement in wrong)
        raise ModelError(f"The explorer needs {named}. Install: pip install {install}")


def _required() -> Iterator[Requirement]:
    """What the package asks for; nothing where the program runs from its source alone, without being installed."""
    try:
        lines = metadata.requires(PACKAGE) or []
    except metadata.PackageNotFoundError:
        return
    for requirement in map(Requirement, lines):
        if canonicalize_name(requirement.name) in LIBRARIES:
            yield requirement


def _mismatch(requirement: Requirement) -> str | None:
    """What is there instead of what is required."""
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return "it is not installed"
    # A version before a release may be the one that somebody works on.
    return None if requirement.specifier.contains(version, prereleases=True) else f"{version} is installed"
