"""Jumps: which tokens of a path are worth a look, and the form in which a person says so.

Owns the reasons and their words. Must not know the screen.
"""

from collections.abc import Mapping, Sequence

import msgspec

from explorer.core.figure import decimal
from explorer.core.form import Field, read_answer, read_number, written_answer, written_number
from explorer.core.token import visible
from explorer.core.walk.session import Session
from explorer.core.walk.snapshot import PathToken
from explorer.errors import UsageError


class JumpSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a jump stops at. A bound of None is off. Raises UsageError for one below 0."""

    surprisal_above: float | None = 8.0
    """Bits of a token where it stands; a token of one in 256 has 8."""
    entropy_above: float | None = None
    """Bits of the distribution that a token was chosen from."""
    forks: bool = True
    """Where several branches begin."""
    bookmarks: bool = True

    def __post_init__(self) -> None:
        for bound in (self.surprisal_above, self.entropy_above):
            if bound is not None and not bound >= 0:
                raise UsageError(f"A bound in bits must be at least 0, not {bound:g}.")

    @property
    def summary(self) -> str:
        """In words."""
        parts = [f"surprisal above {self.surprisal_above:g} bits"] if self.surprisal_above is not None else []
        parts += [f"entropy above {self.entropy_above:g} bits"] if self.entropy_above is not None else []
        parts += ["forks"] if self.forks else []
        parts += ["bookmarks"] if self.bookmarks else []
        return " · ".join(parts) or "nothing"


def jump(
    session: Session, path: Sequence[PathToken], start: int, step: int, settings: JumpSettings
) -> tuple[int, str] | None:
    """The next token on the path after the index `start`, in steps of 1 or -1, that a jump stops at, and why.

    None where there is none.
    """
    for index in range(start + step, len(path) if step > 0 else -1, step):
        if why := reason(session, path, index, settings):
            return index, why
    return None


def reason(session: Session, path: Sequence[PathToken], index: int, settings: JumpSettings) -> str:
    """Why a jump stops at a token of the path, in words; empty where it does not."""
    place, tree = path[index], session.tree
    reasons = []
    if place.node is not None and settings.bookmarks and place.node in tree.bookmarks:
        reasons.append(f"★ {visible(tree.bookmarks[place.node])}")
    parent = None if place.node is None else tree.nodes[place.node].parent
    if parent is not None and settings.forks:
        branches = len(tree.living(parent))
        reasons += [f"{branches} branches begin here"] if branches > 1 else []
    if _above(place.surprisal, settings.surprisal_above):
        reasons.append(f"surprisal {decimal(place.surprisal, 1)} bits")
    if _above(place.entropy, settings.entropy_above):
        reasons.append(f"entropy {decimal(place.entropy, 1)} bits")
    return " · ".join(reasons)


def _above(value: float | None, bound: float | None) -> bool:
    return value is not None and bound is not None and value > bound


# The form.

FIELDS = (
    Field("surprisal_above", "surprisal above", "bits; empty is off"),
    Field("entropy_above", "entropy above", "bits; empty is off"),
    Field("forks", "forks", "yes or no"),
    Field("bookmarks", "bookmarks", "yes or no"),
)


def written(settings: JumpSettings) -> dict[str, str]:
    """The fields as a person would write them."""
    return {
        "surprisal_above": written_number(settings.surprisal_above),
        "entropy_above": written_number(settings.entropy_above),
        "forks": written_answer(settings.forks),
        "bookmarks": written_answer(settings.bookmarks),
    }


def read(texts: Mapping[str, str]) -> JumpSettings:
    """The settings of a form that is filled in. Raises UsageError, which names the field."""
    title = {field.name: field.title for field in FIELDS}
    return JumpSettings(
        surprisal_above=read_number(title["surprisal_above"], texts["surprisal_above"]),
        entropy_above=read_number(title["entropy_above"], texts["entropy_above"]),
        forks=read_answer(title["forks"], texts["forks"]),
        bookmarks=read_answer(title["bookmarks"], texts["bookmarks"]),
    )
