"""`python -m explorer` is `token-explorer`.

Python puts the current folder first on the path of a module that is run by its name, so that a `torch.py` which lies
there by chance would be run in place of torch. It is taken off before anything else is imported. What Python imports
on its way here is out of reach: in a folder with a package `explorer` of its own, use `token-explorer`.
"""

import os
import sys


def leave_out_current_folder() -> None:
    """Take the current folder off the front of the path, where Python has put it."""
    try:
        here = os.getcwd()  # noqa: PTH109  (pathlib is not imported yet)
    except OSError:
        return  # The folder is gone, and Python has put nothing there.
    if not sys.flags.safe_path and sys.path[:1] == [here]:
        del sys.path[0]


if __name__ == "__main__":
    leave_out_current_folder()

    from explorer.cli import main

    main()
