"""What goes on with what a person has in mind: a text, a token to be searched, one of several texts.

A dialog opens also where the engine cannot answer, and says so inside: what a person types on is never taken for keys.
Must not know how it is computed.
"""

from functools import partial
from typing import TYPE_CHECKING

from explorer.core.query import Query
from explorer.core.token import Token
from explorer.engine.base import Found
from explorer.ui.screens.force import ForceScreen
from explorer.ui.screens.options import OptionsScreen
from explorer.ui.screens.search import SearchScreen
from explorer.walk import forcing, ranking
from explorer.walk.walk import Walk

if TYPE_CHECKING:
    from explorer.ui.walk_desk import WalkDesk

HITS = 200
"""Of a search that are listed."""


async def force(desk: "WalkDesk") -> None:
    """Add a text that a person writes; it is kept where the engine died over it."""
    read, use = partial(_read, desk.walk), partial(forcing.force, desk.walk)
    written = await desk.ask(ForceScreen(desk.words, desk.unforced, read, use))
    desk.unforced = "" if desk.walk.alive else written or ""
    if not written:
        desk.note(forcing.told(desk.words, desk.walk.snapshot.path))


async def _read(walk: Walk, typed: str) -> list[Token]:
    return await forcing.read(walk.engine, typed, walk.words)


async def search(desk: "WalkDesk") -> None:
    candidate = await desk.ask(SearchScreen(desk.words, partial(_find, desk.walk)))
    if candidate is not None:
        desk.session.learn([candidate.token])
        desk.attempt(lambda: desk.walk.add(candidate))


async def _find(walk: Walk, query: Query) -> Found:
    walk.check_prefix()
    asked = walk.asked
    return await walk.engine.search(asked.ids, query, asked.params, HITS, prompt_length=asked.prompt_length)


async def options(desk: "WalkDesk") -> None:
    screen = OptionsScreen(desk.words, desk.options, partial(ranking.compare, desk.walk))
    option = await desk.ask(screen)
    desk.options = screen.written
    if option is not None:
        desk.attempt(lambda: forcing.append(desk.walk, option.scored))
