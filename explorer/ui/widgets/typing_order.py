"""Typing order: in a field of text, keys act in the order in which they are typed. Must not know what they do."""

from textual import events
from textual.widget import Widget

WRITING = frozenset(
    ("backspace", "delete", "left", "right", "home", "end", "ctrl+left", "ctrl+right", "ctrl+l", "ctrl+u", "ctrl+k")
)
"""Keys that change what is written, or where; any other may belong to the dialog or the program."""


async def act_in_order(field: Widget, event: events.Key) -> None:
    """Do what a key of the field is bound to now.

    A character is written where its key arrives, but a binding is looked up once the key has gone on to the app, too:
    what is typed right behind Backspace or an arrow would come before it, and Ctrl+L would take it away.
    """
    if event.key not in WRITING:
        return
    bound = field.screen.active_bindings.get(event.key)
    if bound is not None and bound.node is field:
        event.stop()
        event.prevent_default()
        await field.run_action(bound.binding.action)
