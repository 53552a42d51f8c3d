"""First look: what a model is opened on where a person said nothing: a prompt of its kind, settings of the sampler.

Owns which prompt and which settings those are, and that a chat is awaited which the person is still to write. Must not
know how they are shown.
"""

from typing import TYPE_CHECKING

from explorer.core.chat import Chat, Message
from explorer.core.sampling.params import PRESETS, SamplingParams
from explorer.embedded import EMBEDDED
from explorer.engine.description import EngineInfo

if TYPE_CHECKING:
    from explorer.walk.walk import Walk

STORY = "One day, a little girl named Lily went to the"
"""Of the model that ships: 5.4 bits of entropy at its end, over places that a reader would think of, too."""

SENTENCE = "In the middle of the night, she heard a"
"""Of a model of any kind that goes on with texts."""

MESSAGE = Chat((Message("user", ""),))
"""Of a model that answers: the person writes it."""

BALANCED = next(preset for preset in PRESETS if preset.name == "balanced")


def first_prompt(info: EngineInfo) -> str | Chat:
    """What a model that is ready is opened on."""
    if info.model == EMBEDDED:
        return STORY
    return MESSAGE if info.chat_template else SENTENCE


def first_params(model: str) -> SamplingParams:
    """The settings that a model is opened with, by its name; without a seed.

    The model that ships is small: its own distribution, untouched, makes nonsense.
    """
    return BALANCED.params if model == EMBEDDED else SamplingParams()


def is_unwritten(chat: Chat) -> bool:
    """Whether a chat lacks what the person says in it: its last turn is one of the user's without a text."""
    last = chat.messages[-1] if chat.messages else None
    return last is not None and last.role == "user" and not last.content and not last.more


async def begin_first(walk: "Walk", info: EngineInfo) -> None:
    """Begin the session of a walk with its draft, or as the model's kind is; or say by `to_write` that it must wait.

    Raises what opening a session does.
    """
    source = first_prompt(info) if walk.draft is None else walk.draft
    # A model without a template refuses the chat, which is to be said at once.
    walk.to_write = source if isinstance(source, Chat) and info.chat_template and is_unwritten(source) else None
    if walk.to_write is None:
        walk.session = await walk.open_session(walk.engine, source)
    walk.tell()
