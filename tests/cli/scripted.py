"""`python -m tests.cli.scripted` is the program, with the scripted engine in its worker: it begins at once."""

from explorer.cli import main, terminal
from explorer.cli.engines import model_settings
from explorer.config import Config
from explorer.core.folders import log_folder
from explorer.engine.base import Engine
from explorer.engine.process.client import WorkerEngine


def make_engine(config: Config, adapter_on: bool = True) -> Engine:
    return WorkerEngine(model_settings(config, adapter_on), log_folder() / "engine.log", ["--engine", "scripted"])


if __name__ == "__main__":
    vars(terminal)["make_engine"] = make_engine
    main()
