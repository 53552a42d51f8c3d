"""The explorer as the command line builds it, on engines without a model, for the tests that open or kill one."""

from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from explorer.core.sampling.pace import RunSettings
from explorer.core.sampling.params import SamplingParams
from explorer.core.sampling.stopping import StopRules
from explorer.engine.base import Engine
from explorer.engine.description import AdapterInfo
from explorer.engine.scripted.language import story, token
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


class Adapted(ScriptedEngine):
    """The scripted engine with an adapter, under which every logit is half of what the demo's is."""

    def __init__(self, on: bool = True) -> None:
        self._on = on
        self._alone = story()
        self._adapted = {last: {one: logit / 2 for one, logit in row.items()} for last, row in story().items()}
        super().__init__(self._adapted if on else self._alone)

    async def start(self, *report):
        self.info = self._on_side(await super().start(*report), self._on)
        return self.info

    async def answer_adapt(self, call, report):
        self._on = call.on
        self._table = self._adapted if call.on else self._alone
        self._pairs.clear()
        return self._on_side(self.info, call.on)

    @staticmethod
    def _on_side(info, on):
        adapter = AdapterInfo(name="a/lora", kind="LORA", base="scripted", parameters=1, tokenizer=False, on=on)
        return msgspec.structs.replace(info, adapter=adapter, loaded_with={"adapter": "a/lora"} if on else {})
