"""The explorer as the command line builds it, on engines without a model, for the tests that open or kill one."""

from functools import partial
from pathlib import Path
from typing import Any

from explorer.core.sampling.pace import RunSettings
from explorer.core.sampling.params import SamplingParams
from explorer.core.sampling.stopping import StopRules
from explorer.engine.base import Engine
from explorer.engine.scripted.language import token
from explorer.engine.scripted.scripted import ScriptedEngine
from explorer.ui.actions.loading import Models
from explorer.ui.app import ExplorerApp
from explorer.ui.theme import read_themes, shipped_folder
from explorer.walk import opening

THEMES, _ = read_themes([shipped_folder()])
PARAMS = SamplingParams(seed=1)
RULES = StopRules(max_new_tokens=32)


def build(
    engine: Engine | None = None,
    record: Path | None = None,
    params: SamplingParams = PARAMS,
    rules: StopRules = RULES,
    **settings: Any,
) -> ExplorerApp:
    """An explorer that records where it is told to; `settings` are the app's own, in place of the usual ones."""
    usual = {
        "open_session": partial(opening.begin, params=params, record=record),
        "themes": THEMES,
        "theme": "dark",
        "models": Models("demo", lambda name: name, list, lambda name: ScriptedEngine.demo()),
        "draft": "Once upon a",
        "run_settings": RunSettings(rules=rules),
    }
    return ExplorerApp(engine or ScriptedEngine.demo(), **{**usual, **settings})


class Reversed(ScriptedEngine):
    """The same words under other ids: another vocabulary."""

    async def start(self, *report):
        info = await super().start(*report)
        self.info = type(info)(
            **{name: getattr(info, name) for name in info.__struct_fields__ if name != "tokenizer"}, tokenizer="1" * 64
        )
        return self.info

    async def encode(self, text, special_tokens=True, *, first=True):
        return [token(byte) for byte in text.encode()]
