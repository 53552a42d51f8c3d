"""What ends whatever is under way. Owns which of several things is meant."""

from typing import TYPE_CHECKING

from explorer.ui.actions import editing, loading

if TYPE_CHECKING:
    from explorer.ui.walk_desk import WalkDesk


def stop(desk: "WalkDesk") -> None:
    """Stop what is under way; where nothing is, the token cursor goes back to the end."""
    if desk.count.take() is not None or loading.stop(desk):
        return
    if desk.walk.tables.scoring.skip():
        desk.note(desk.words("stopping.unscored"))
    elif desk.stop():
        desk.note(desk.words("running.by_hand"))
    else:
        editing.leave_token(desk)
