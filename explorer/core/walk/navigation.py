"""Navigation: where a person can go in a session, and the events that bring the cursor there.

Functions that read a session and change nothing. Must not know the screen.
"""

from collections.abc import Sequence

from explorer.core.place import Place
from explorer.core.record.events import AnyEvent, Move, Prompt, Score, Seen
from explorer.core.token import shown_bytes, take_text
from explorer.core.walk.session import Session
from explorer.core.walk.tree import Node


def arrival(session: Session, place: Place) -> list[AnyEvent]:
    """The events that bring the cursor to where a table stands; none where it is there.

    Inside the prompt, what comes before becomes a prompt of its own, with the numbers that it had.
    """
    if place.at is None:
        return [] if place.node == session.node else [Move(node=place.node)]
    beginning, table = session.tree.prompt[: place.at], session.table(place)
    for root, tree in enumerate(session.trees):
        if session.goes_on(tree) and tree.prompt == beginning:
            return [Move(root=root, node=0)]
    text, rest = take_text(b"".join(token.bytes for token in beginning))
    prompt = Prompt.of(text + shown_bytes(rest), beginning)
    scores = [Score.of(session.tree.scores[: place.at])] if session.tree.scores else []
    return [prompt, *scores, *([] if table is None else [Seen.of(0, table)])]


def same_text(session: Session, ids: Sequence[int]) -> Move | None:
    """The event that goes to where a text of these ids ends in a tree of the present engine; None where none has it.

    Of several trees, the last one counts; what is deleted does not.
    """
    for root in range(len(session.trees) - 1, -1, -1):
        tree = session.trees[root]
        begins = [token.id for token in tree.prompt]
        if session.goes_on(tree) and 0 not in tree.deleted and begins == list(ids[: len(begins)]):
            node: int | None = 0
            for token_id in ids[len(begins) :]:
                node = tree.nodes[node].children.get(token_id) if node is not None else None
                node = None if node in tree.deleted else node
            if node is not None:
                return Move(root=root, node=node)
    return None


def sibling(session: Session, focus: int | None, step: int) -> AnyEvent | None:
    """The event that goes to a sibling: another token that was tried in the same place, or another prompt for a prompt.

    `focus` is the index on the path of the token that is left; None is the last one. `step` counts the siblings in the
    order in which they were made; after the last one comes the first. None where there is no other.
    """
    tree = session.tree
    if focus is not None and focus < len(tree.prompt):
        return None
    if focus is None and session.node == 0:
        same = (i for i, other in enumerate(session.trees) if session.goes_on(other))
        root = _after([i for i in same if 0 not in session.trees[i].deleted], session.root, step)
        return None if root is None else Move(root=root, node=0)
    here = node_at(session, focus)
    other = _after(tree.living(here.parent or 0), here.number, step)
    return None if other is None else Move(node=other)


def node_at(session: Session, focus: int | None) -> Node:
    """The node of the token of an index on the path, node 0 for a token of the prompt; None is the cursor's."""
    length = len(session.tree.prompt)
    if focus is None:
        return session.cursor
    return session.tree.nodes[0] if focus < length else session.tree.path(session.node)[focus - length]


def _after(numbers: list[int], number: int, step: int) -> int | None:
    if len(numbers) < 2 or number not in numbers:
        return None
    return numbers[(numbers.index(number) + step) % len(numbers)]
