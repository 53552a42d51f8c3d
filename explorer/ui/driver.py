"""TerminalDriver: the terminal that the program is drawn in, from the first picture to the shell that comes back.

Owns what becomes of it whatever happens: a signal that ends the program, a stop and a continuation by the shell, a
terminal that goes away. Must not know what is drawn, nor what a key does.
"""

import contextlib
import os
import selectors
import signal
import sys
import termios
import threading
import time
from types import FrameType
from typing import Any, TextIO, cast

from textual.drivers.linux_driver import LinuxDriver

from explorer.ui.input import TerminalInput

ENDING = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
"""The signals that ask a program to end."""

PATIENCE = 10.0
"""Seconds that an end may take, once it was asked for by a signal; the record is whole before."""
AGAIN = 1.0
"""Seconds after which another signal means at once: closing a terminal sends two of them."""

LOOK = 0.05
"""Seconds between two looks whether what was begun goes on, or the input is no longer read."""

RESTORED = (
    "\x1b[?2004l\x1b[?7h\x1b[?2048l"  # pastes without marks, long lines are wrapped, no sizes
    "\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1016l"  # no mouse
    "\x1b[<u\x1b[?1004l\x1b[?1049l\x1b[?25h"  # plain keys, no focus, the screen of before, its cursor
)
"""What puts a terminal back."""


class TerminalDriver(LinuxDriver):
    """Textual's driver; the app has a method `end(number)`, which is called for a signal."""

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **options)
        self._end = app.end
        if self._file is not None:
            self._file = cast(Any, Output(self._file))
        self._drawing = False
        """Whether the terminal is the program's: not before it begins, while it is stopped, after its end."""
        self._stopped = False
        self._asked = 0.0
        """When a signal asked for the end."""
        for number in ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._ask_to_end)

    # The end.

    def _ask_to_end(self, number: int, _frame: FrameType | None = None) -> None:
        """End as soon as what is under way allows it; the second time at once."""
        now = time.monotonic()
        if self._loop.is_closed() or (self._asked and now - self._asked > AGAIN):
            self._end_at_once(number)
        if self._asked:
            return
        self._asked = now
        timer = threading.Timer(PATIENCE, self._end_at_once, [number])
        timer.daemon = True
        timer.start()
        self._loop.call_soon_threadsafe(self._end, number)

    def _end_at_once(self, number: int) -> None:
        """Whatever hangs: the terminal is put back by hand. A worker ends when its input is closed."""
        if self._drawing and self._file is not None:
            with contextlib.suppress(OSError):
                os.set_blocking(self._file.fileno(), False)
                os.write(self._file.fileno(), RESTORED.encode())
            if self.attrs_before is not None:
                with contextlib.suppress(termios.error):
                    termios.tcsetattr(self.fileno, termios.TCSANOW, self.attrs_before)
        os._exit(128 + number)

    def start_application_mode(self) -> None:
        self._drawing = True
        super().start_application_mode()  # type: ignore[no-untyped-call]  # textual has no types there

    def stop_application_mode(self) -> None:
        if self._drawing:
            super().stop_application_mode()
        self._drawing = False

    # Stopped by the shell, and going on (`Textual#6298`).

    def suspend_application_mode(self) -> None:
        if self._drawing:
            self._stopped = True
            super().suspend_application_mode()

    def _sigcont_application(self, *_: object) -> None:
        """Take the terminal again, as it is by now; what stands on it is drawn anew by the app."""
        if self._drawing:  # Stopped by a signal that nobody hears of, SIGSTOP.
            self.suspend_application_mode()
        if self._stopped:
            self._stopped = False
            vars(self)["_must_signal_resume"] = True  # Textual asks for it, once the terminal is taken.
            super()._sigcont_application()

    # Reading.

    def run_input_thread(self) -> None:
        """Hand on what the terminal sends, and what is wrong with that."""
        try:
            self._read()
        except Exception as error:
            self._loop.call_soon_threadsafe(self._app._handle_exception, error)

    def _read(self) -> None:
        """Where the terminal is gone, the program ends (`Textual#6690`)."""
        terminal = TerminalInput()
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                if selector.select(LOOK):
                    try:
                        data = os.read(self.fileno, 2**16)
                    except BlockingIOError:
                        continue
                    except OSError:
                        data = b""
                    if not data:
                        self._loop.call_soon_threadsafe(self._ask_to_end, signal.SIGHUP)
                        return
                    for message in terminal.feed(data):
                        self.process_message(message)
                for message in terminal.tick():
                    self.process_message(message)


class Output:
    """The file that the program is drawn on; once the terminal is gone, nothing more is written."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> None:
        try:
            self._file.write(text)
        except OSError:
            self._leave()

    def flush(self) -> None:
        try:
            self._file.flush()
        except OSError:
            self._leave()

    def fileno(self) -> int:
        return self._file.fileno()

    def _leave(self) -> None:
        """What is still in the buffer goes nowhere, and is not complained of at the end."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.__stdout__, sys.__stderr__):
            if stream is not None:
                os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
