"""The program in a pseudo-terminal: what it writes, the modes that it leaves behind, and its end."""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

PATIENCE = 90
"""Seconds after which what does not come is a failure; a machine that is busy with other work needs some."""

BEGIN = """
import fcntl, os, signal, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
for number in map(int, sys.argv[2].split()):
    signal.signal(number, signal.SIG_IGN)
if sys.argv[1] == "bash":
    os.execvp("bash", ["bash", *sys.argv[3:]])
os.execv(sys.executable, [sys.executable, "-m", sys.argv[1], *sys.argv[3:]])
"""
"""Makes the terminal the program's own, as a login does."""

MODES = {
    "1049": "the alternate screen",
    "1000": "the mouse",
    "1003": "the mouse's movements",
    "1006": "the mouse's other coordinates",
    "1015": "the mouse's coordinates",
    "1004": "the focus",
    "2004": "the marks of a paste",
    "2048": "sizes",
}
"""Those that are off in a shell."""


class PseudoTerminal:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.written = b""
        """Everything that the program wrote."""
        self.end = contextlib.ExitStack()
        """What is closed with it."""

    def start(
        self,
        *arguments: str,
        program: str = "tests.cli.scripted",
        rows: int = 36,
        columns: int = 120,
        ignored: Collection[int] = (),
        **environment: str,
    ) -> None:
        self.written = b""
        self._ours, theirs = pty.openpty()
        self.resize(rows, columns)
        self._before = termios.tcgetattr(theirs)
        data = dict.fromkeys(("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"), str(self._folder))
        ignoring = " ".join(str(int(number)) for number in ignored)
        self.process = subprocess.Popen(
            [sys.executable, "-c", BEGIN, program, ignoring, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=ROOT,
            env={**os.environ, **data, "TERM": "xterm-256color", **environment},
        )
        self._theirs = theirs

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def send(self, data: str | bytes) -> None:
        left = data.encode() if isinstance(data, str) else data
        while left:
            self.read()  # Whoever does not listen is not heard either.
            if select.select([], [self._ours], [], 0.05)[1]:
                left = left[os.write(self._ours, left[:512]) :]

    def read(self) -> bytes:
        """What is there to read, at once."""
        new = b""
        while select.select([self._ours], [], [], 0)[0]:
            try:
                part = os.read(self._ours, 65536)
            except OSError:
                break
            if not part:
                break
            new += part
        self.written += new
        return new

    def wait(self, true: Callable[[], Any], what: str = "what is waited for") -> None:
        """Wait until something is true, and read meanwhile."""
        late = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < late, f"{what} does not come: {self.written[-300:]!r}"
            select.select([self._ours], [], [], 0.05)
            self.read()

    def see(self, words: str, since: int = 0) -> None:
        """Wait until the words are written, after so many bytes."""
        self.wait(lambda: words.encode() in self.written[since:], words)

    def mark(self) -> int:
        self.read()
        return len(self.written)

    def signal(self, number: int) -> None:
        os.kill(self.process.pid, number)

    def worker(self) -> int:
        """The process that computes, once there is one."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        self.wait(lambda: children.read_text().split(), "the worker")
        return int(children.read_text().split()[0])

    def close(self) -> None:
        """Take the terminal away."""
        os.close(self._theirs)
        os.close(self._ours)
        self._theirs = self._ours = -1

    def ended(self) -> int:
        """The exit code, once there is one."""
        if self._ours >= 0:
            self.wait(lambda: self.process.poll() is not None, "the end")
            self.read()
        return self.process.wait(PATIENCE)

    def left_behind(self) -> list[str]:
        """What of the terminal is not as it was."""
        last = dict(re.findall(rb"\x1b\[\?(\d+)([hl])", self.written))
        left = [what for mode, what in MODES.items() if last.get(mode.encode()) == b"h"]
        left += [what for mode, what in ((b"25", "no cursor"), (b"7", "no wrapping")) if last.get(mode) == b"l"]
        if len(re.findall(rb"\x1b\[>\d+u", self.written)) != self.written.count(b"\x1b[<u"):
            left.append("the keys")
        if termios.tcgetattr(self._theirs) != self._before:
            left.append("a raw terminal")
        return left

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(PATIENCE)
        if self._ours >= 0:
            self.close()
        self.end.close()


@contextlib.contextmanager
def pseudo_terminal(folder: Path) -> Iterator[PseudoTerminal]:
    terminal = PseudoTerminal(folder)
    yield terminal
    terminal.stop()


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()
