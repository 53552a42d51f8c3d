"""Claims: what a record says that an engine can be asked again, with the line that says it.

Owns the folding of a record into the session at its end, the engine of each claim, and the order of claims in which a
prefix cache serves best. Must not know how a claim is checked.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from explorer.core.record.events import Add, AnyEvent, Move, Prompt, Score, Seen
from explorer.core.record.events import Engine as EngineEvent
from explorer.core.record.record import MadeOn, Record, same_engine
from explorer.core.sampling.params import SamplingParams
from explorer.core.token import take_text, visible
from explorer.core.walk.session import Place, Session
from explorer.core.walk.tree import Tree
from explorer.errors import RecordError, UsageError


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

    Raises RecordError, which names the line.
    """
    session, parts = Session(record.header), [Part(record.header)]
    carried = False
    for line, event in enumerate(record.events, 2):
        if isinstance(event, EngineEvent):
            carried = not event.restarted
            part = next((part for part in parts if same_engine(part.engine, event)), None)
            if part is not None:
                parts.remove(part)
            parts.append(part or Part(event))
        claim = _claim(session, line, event, carried)
        carried = carried and not isinstance(event, Prompt)
        try:
            session.apply(event)
        except (RecordError, UsageError) as error:
            raise RecordError(f"Line {line} of {name}: {error}") from error
        if claim is not None:
            parts[-1].claims.append(claim)
    return session, [part for part in parts if part.claims]


def _claim(session: Session, line: int, event: AnyEvent, carried: bool) -> Claim | None:
    match event:
        case Prompt():
            return Claim(
                line, event, len(session.trees), Place(0), session.params, typed=_typed(session, event, carried)
            )
        case Score() | Seen() | Add() if not session.trees:
            return None  # The session says what is wrong with it.
        case Score():
            return Claim(line, event, session.root, Place(0), session.params)
        case Seen():
            place = Place(event.node, None if event.at is msgspec.UNSET else event.at)
            return Claim(line, event, session.root, place, session.params)
        case Add() if 0 <= event.parent < len(session.tree.nodes):
            above = session.tree.nodes[event.parent]
            return Claim(line, event, session.root, Place(event.parent), session.params, (above.draws, above.taken))
        case Move() if event.draw is not msgspec.UNSET:
            root = session.root if event.root is msgspec.UNSET else event.root
            if not (0 <= root < len(session.trees) and 0 < event.node < len(session.trees[root].nodes)):
                return None
            nodes = session.trees[root].nodes
            above = nodes[nodes[event.node].parent or 0]
            return Claim(line, event, root, Place(above.number), session.params, (above.draws, above.taken))
    return None


def _typed(session: Session, event: Prompt, carried: bool) -> bool:
    """Whether the text of a prompt was written by a person: it was not carried over from another model, and is not
    the beginning of a prompt that the token cursor went into."""
    if carried:
        return False
    begun = (tree for tree in session.trees if tree.tokenizer == session.tokenizer)
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
