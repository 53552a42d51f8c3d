"""What a screen tells of a walk by itself: the status line, how far a loading is, why something failed and what can be
done, what a new person needs.

Owns the order in which one sentence gives way to another. Must not know what the sentences are about.
"""

from typing import TYPE_CHECKING

from explorer.core.sampling.params import MODELS_OWN, Preset
from explorer.embedded import EMBEDDED
from explorer.engine.base import Progress
from explorer.errors import ContextFull, EngineDied, ExplorerError, NotFinite, OutOfMemory, RecordError, UsageError
from explorer.ui.actions.adapting import model_in_words
from explorer.ui.widgets.coach import Beginner
from explorer.ui.widgets.status import Status

if TYPE_CHECKING:
    from explorer.ui.walk_desk import WalkDesk


def status(desk: "WalkDesk") -> Status:
    """What the status line says; where nothing has happened, a hint that waits."""
    walk, info, speed = desk.walk, desk.walk.info, desk.walk.speed
    note, severity = desk.view.note, desk.view.severity
    if not note:
        note, severity = walk.unrecorded or walk.room.note(desk.words), "warning"
    if not note and walk.session is not None:
        note, severity = desk.hints.show((steps(desk), desk.snapshot.params)), "note"
    return Status(
        model=model_in_words(desk),
        dtype=info.dtype if info else "",
        device=info.device if info else "",
        used=len(desk.snapshot.path),
        context_length=info.context_length if info else None,
        step_ms=speed.step_ms,
        rate=speed.rate,
        note=note,
        severity=severity,
    )


def steps(desk: "WalkDesk") -> int:
    """How many acts there were that can be undone, or done again."""
    session = desk.walk.session
    return len(session.history.done) + len(session.history.undone) if session else 0


def beginner(desk: "WalkDesk") -> Beginner:
    """How far a new person is."""
    snapshot = desk.snapshot
    last = snapshot.path[-1].choice if snapshot.path else None
    return Beginner(
        steps=steps(desk),
        drawn=last is not None and last.source == "sampled",
        answers=snapshot.prompt_chat is not None,
        demo=desk.loader.model == EMBEDDED,
        running=desk.view.running,
    )


def welcome(desk: "WalkDesk") -> None:
    """Let hints wait about a model that is new in this run."""
    loader, info = desk.loader, desk.walk.info
    if info is None or loader.model in loader.met:
        return
    loader.met.add(loader.model)
    desk.hints.add((info.advice, _about_settings(desk, info.sampling_defaults)))


def _about_settings(desk: "WalkDesk", own: dict[str, object]) -> str:
    """Why a model has the settings that nobody chose, or which others it would like."""
    if desk.loader.settings_chosen:
        return ""
    if desk.loader.model == EMBEDDED:
        return desk.words("loading.balanced")
    return desk.words("loading.own_settings", summary=Preset.of(MODELS_OWN, own).params.summary) if own else ""


def loading(desk: "WalkDesk", progress: Progress) -> str:
    """How far the engine is, for the place of the table; at first with what loads, and what will stand there."""
    said = desk.progress_text.text(progress)
    if desk.walk.session is not None:
        return said
    return desk.words("loading.first", model=desk.loader.label, progress=said)


def failure(desk: "WalkDesk", error: ExplorerError) -> str:
    """An error, and what a person can do about it here."""
    if isinstance(error, RecordError):
        way = desk.words("desk.no_record")
    elif desk.walk.alive and isinstance(error, UsageError | ContextFull | OutOfMemory | NotFinite):
        way = desk.words("desk.other_prompt")
    else:
        log = error.log_tail if isinstance(error, EngineDied) else ""
        way = desk.words("desk.restart_with_log" if log else "desk.restart", log=log)
    return f"{error}\n\n{way}".rstrip()
