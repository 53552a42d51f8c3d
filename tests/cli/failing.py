"""`python -m tests.cli.failing` is the program with a fault: the list of models fails, in a way that nobody foresaw."""

from explorer.cli import main, terminal
from explorer.engine.description import ModelEntry
from tests.cli.scripted import make_engine


def listed_models() -> list[ModelEntry]:
    hidden = "what stands in a variable \x1b]0;title\x07"
    raise ZeroDivisionError("one by \x1b[31mzero" + hidden[:0])


if __name__ == "__main__":
    vars(terminal)["make_engine"] = make_engine
    vars(terminal)["listed_models"] = listed_models
    main()
