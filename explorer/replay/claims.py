"""Claims: what a record says that an engine can be asked again, with the line that says it.

Owns the folding of a record into the session at its end, the engine of each claim, and the order of claims in which a
prefix cache serves best. Must not know how a claim is checked.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from explorer.core.place import Place
from explorer.core.record.events import Add, Move, Prompt, Score, Seen
from explorer.core.record.events import Engine as EngineEvent
from explorer.core.record.record import MadeOn, Record, same_engine
from explorer.core.sampling.params import SamplingParams
from explorer.core.token import take_text, visible
from explorer.core.walk.change import Change
from explorer.core.walk.session import Session
from explorer.core.walk.steps import Step, no_walk, walked
from explorer.core.walk.tree import Tree
from explorer.errors import UsageError


@dataclass(frozen=True, slots=True)
class Claim:
    """One event that holds numbers, and what they depend on."""

    line: int
    event: Prompt | Score | Seen | Add | Move
    root: int
    place: Place
    """Where the distribution stands that the event tells of; of a prompt or its score, the prompt's end."""
    params: SamplingParams
    draws: tuple[int, ...] = ()
    """The indices that the next draw there could have."""
    typed: bool = False
    """Of a prompt: whether a person wrote its text on this model."""


@dataclass(slots=True)
class Part:
    """What was recorded on one engine."""

    engine: MadeOn
    claims: list[Claim] = field(default_factory=list)


def fold(record: Record, name: str) -> tuple[Session, list[Part]]:
    """The session at the end of a record, and its claims by the engine that they were made on, in their order.

    Raises UsageError where there is no prompt, and RecordError, which names the line, where one does not fit.
    """
    if not record.has_prompt:
        raise UsageError(no_walk(name))
    session, parts = Session(record.header), [Part(record.header)]
    carried = False
    for step in walked(record, name, session):
        event = step.event
        if isinstance(event, EngineEvent):
            carried = not event.restarted
            part = next((part for part in parts if same_engine(part.engine, event)), None)
            if part is not None:
                parts.remove(part)
            parts.append(part or Part(event))
        claim = _claim(session, step, carried)
        carried = carried and not isinstance(event, Prompt)
        if claim is not None:
            parts[-1].claims.append(claim)
    return session, [part for part in parts if part.claims]


def _claim(session: Session, step: Step, carried: bool) -> Claim | None:
    """What an event claims that was just applied; None where it has no numbers."""
    line, event, params, root = step.line, step.event, session.params, session.root
    match event:
        case Prompt():
            return Claim(line, event, root, Place(0), params, typed=not carried and _typed(session, event))
        case Score():
            return Claim(line, event, root, Place(0), params)
        case Seen():
            return Claim(line, event, root, event.place, params)
        case Add():
            return Claim(line, event, root, Place(event.parent), params, _draws(session, event.parent, step.changes))
        case Move() if event.drawn is not None and session.cursor.parent is not None:
            above = session.cursor.parent
            return Claim(line, event, root, Place(above), params, _draws(session, above, step.changes))
    return None


def _draws(session: Session, node: int, changes: Iterable[Change]) -> tuple[int, int]:
    """The indices that the next draw after a node could have, before these changes."""
    above = session.tree.nodes[node]
    return above.draws, next((change.before for change in changes if change.kind == "taken"), above.taken)


def _typed(session: Session, event: Prompt) -> bool:
    """Whether the text of the prompt that was just begun is not the beginning of one before, as it is where the token
    cursor went into that."""
    begun = (tree for tree in session.trees[:-1] if tree.tokenizer == session.tokenizer)
    return not any(
        [token.id for token in tree.prompt[: len(event.ids)]] == event.ids and len(event.ids) < len(tree.prompt)
        for tree in begun
    )


def in_order(session: Session, claims: Iterable[Claim]) -> Iterator[Claim]:
    """The claims prompt by prompt, each tree from its first token down: what follows is after what came before."""
    by_root: dict[int, list[Claim]] = defaultdict(list)
    for claim in claims:
        by_root[claim.root].append(claim)
    for root, of_root in sorted(by_root.items()):
        places = {number: index for index, number in enumerate(depth_first(session.trees[root]))}
        # Tables inside the prompt come first, in the order of its tokens.
        yield from sorted(
            of_root, key=lambda claim: (claim.place.at is None, claim.place.at or places[claim.place.node], claim.line)
        )


def depth_first(tree: Tree) -> Iterator[int]:
    """The numbers of the nodes, each before those after it."""
    waiting = [0]
    while waiting:
        number = waiting.pop()
        yield number
        waiting.extend(reversed(tree.nodes[number].children.values()))


TAIL = 40
"""Characters of the text before a place, where the place is named."""


def text_before(tree: Tree, place: Place) -> str:
    """The end of the text at a place, on one line."""
    tokens = tree.prompt[: place.at]
    after = tree.path(place.node)[-TAIL:] if place.at is None else []
    data = b"".join([*(token.bytes for token in tokens[-TAIL:]), *(node.token.bytes for node in after if node.token)])
    return visible(take_text(data)[0].replace("\n", "↵"))[-TAIL:]
