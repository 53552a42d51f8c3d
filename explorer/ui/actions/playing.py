"""What plays a record and goes to and fro in it."""

from typing import TYPE_CHECKING

from explorer.ui.actions import session

if TYPE_CHECKING:
    from explorer.ui.replay_desk import ReplayDesk


def play(desk: "ReplayDesk") -> None:
    """Play, from the beginning where it is at its end; or pause."""
    if desk.player.playing:
        desk.pause()
    else:
        desk.play()
    desk.note("")


def set_pace(direction: int, desk: "ReplayDesk") -> None:
    """One step faster (1) or slower (-1)."""
    desk.player.pace = desk.player.pace.step(direction)
    desk.note("")


def next_act(desk: "ReplayDesk") -> None:
    desk.go(desk.player.act + (desk.count.take() or 1))


def previous_act(desk: "ReplayDesk") -> None:
    desk.go(desk.player.act - (desk.count.take() or 1))


def first_act(desk: "ReplayDesk") -> None:
    desk.go(0)


def last_act(desk: "ReplayDesk") -> None:
    desk.go(desk.player.acts - 1)


def go_to_act(desk: "ReplayDesk") -> None:
    """Go to the number that was typed."""
    number = desk.count.take()
    if number is None:
        desk.note(desk.words("playing.no_number"), "warning")
    elif number > desk.player.acts:
        desk.note(desk.words("playing.acts", acts=desk.player.acts), "warning")
    else:
        desk.go(number - 1)


def show_help(desk: "ReplayDesk") -> None:
    desk.pause()
    session.show_help(desk)


def leave(desk: "ReplayDesk") -> None:
    """Leave; a number that was typed is dropped first."""
    if desk.count.take() is None:
        desk.app.exit()
    else:
        desk.note("")
