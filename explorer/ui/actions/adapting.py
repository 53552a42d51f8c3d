"""The adapter on the model, switched on and off while the walk goes on.

Owns what is said of it. Must not know how an engine does it.
"""

from typing import TYPE_CHECKING

from explorer.errors import ExplorerError
from explorer.walk.beginning import adapt

if TYPE_CHECKING:
    from explorer.ui.walk_desk import WalkDesk


def switch_adapter(desk: "WalkDesk") -> None:
    """On where it is off, and off where it is on; where that cannot be, why."""
    desk.stop()
    adapter = desk.walk.info.adapter if desk.walk.info else None
    if adapter is None:
        desk.note(desk.words("adapting.none", model=desk.loader.label), "warning")
    elif adapter.fixed:
        desk.note(adapter.fixed, "warning")
    else:
        # Not exclusive: what has begun is ended, so that the engine and the record are on the same side.
        desk.run_worker(_switch(desk), group="adapter")


async def _switch(desk: "WalkDesk") -> None:
    async with desk.loader.changing:
        info = desk.walk.info
        if info is None or info.adapter is None or not desk.walk.alive:
            return  # Another model was opened meanwhile, or the engine died.
        on, called = not info.adapter.on, desk.loader.models.label
        adapter, model = called(info.adapter.name), called(info.model)
        desk.note(desk.words("adapting.switching", adapter=adapter))
        try:
            await adapt(desk.walk, on)
        except ExplorerError as error:
            desk.notify(str(error), severity="error", timeout=15, markup=False)
            desk.note(str(error), "error")
            return
        desk.note(
            desk.words("adapting.on", adapter=adapter)
            if on
            else desk.words("adapting.off", adapter=adapter, model=model)
        )
    desk.screen.refresh_bindings()


def model_in_words(desk: "WalkDesk") -> str:
    """What the model is called, and whether its adapter is on."""
    info, called = desk.walk.info, desk.loader.models.label
    if info is None or info.adapter is None:
        return desk.loader.label
    if not info.adapter.on:
        return desk.words("adapting.model_without", model=called(info.model))
    if info.adapter.name == info.model:
        return desk.words("adapting.model_with_its_own", model=called(info.model))
    return desk.words("adapting.model_with", model=called(info.model), adapter=called(info.adapter.name))
