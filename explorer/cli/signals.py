"""Signals that ask a command to end: each is heard as Ctrl+C, so that what is under way is left in order.

Owns the exit code, which is 128 and the number of the signal. Must not know what a command does. The explorer in the
terminal answers signals by itself, as long as it has the terminal.
"""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

from explorer.errors import ExitCode

HEARD = [
    getattr(signal, name) for name in ("SIGHUP", "SIGQUIT", "SIGTERM") if hasattr(signal, name)
]  # Windows has one of them.


@contextlib.contextmanager
def heard_as_interruption() -> Iterator[None]:
    """Within, a signal that ends a program raises KeyboardInterrupt where Ctrl+C would; one that is ignored stays so.

    An end by SystemExit after it has the signal's exit code.
    """
    heard: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        heard.append(number)
        of_interrupt = signal.getsignal(signal.SIGINT)
        if callable(of_interrupt):
            of_interrupt(signal.SIGINT, frame)  # That of asyncio, too, which ends what it runs.
        else:
            raise KeyboardInterrupt

    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.getsignal(number) for number in HEARD}
        for number, answer in before.items():
            if answer is not signal.SIG_IGN:
                signal.signal(number, interrupt)
    try:
        yield
    except SystemExit as end:
        if heard and end.code == ExitCode.INTERRUPTED:
            raise SystemExit(128 + heard[0]) from end
        raise
    except (KeyboardInterrupt, OSError):
        if not heard:
            raise
        # It came while the error was said, or the terminal that it would have been said on is gone.
        sys.exit(128 + heard[0])
    finally:
        for number, answer in before.items():
            signal.signal(number, answer)
