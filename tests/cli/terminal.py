"""The real program in a real terminal, as tmux has one: keys go in, and the screen can be read."""

import re
import subprocess
import sys
import time
from pathlib import Path

PATIENCE = 120
"""Seconds after which what does not come is a failure; a machine that is busy with other work needs some."""


class Terminal:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "tmux"

    def tmux(self, *arguments: str) -> str:
        done = subprocess.run(["tmux", "-S", str(self.socket), *arguments], capture_output=True, text=True, check=True)
        return done.stdout

    def start(self, *arguments: str, **environment: str) -> None:
        data = dict.fromkeys(("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"), str(self.folder))
        said = [f"{name}={value}" for name, value in {**data, **environment}.items()]
        command = ["env", *said, sys.executable, "-m", "explorer", *arguments]
        self.tmux("-f", "/dev/null", "new-session", "-d", "-s", "t", "-x", "120", "-y", "36", *command)
        self.tmux("set-option", "-g", "remain-on-exit", "on")
        self.tmux("resize-window", "-t", "t", "-x", "120", "-y", "36")

    def screen(self) -> str:
        return self.tmux("capture-pane", "-p", "-t", "t")

    def wait(self, pattern: str, seconds: float = PATIENCE) -> str:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if re.search(pattern, screen := self.screen()):
                return screen
            time.sleep(0.05)
        raise AssertionError(f"no {pattern!r} on the screen:\n{self.screen()}")

    def keys(self, *keys: str) -> None:
        self.tmux("send-keys", "-t", "t", *keys)

    @property
    def pid(self) -> int:
        return int(self.tmux("display-message", "-p", "-t", "t", "#{pane_pid}"))

    def worker(self) -> int:
        return int(Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()[0])

    def stop(self) -> None:
        asked = ["tmux", "-S", str(self.socket), "display-message", "-p", "#{pid}", ";", "kill-server"]
        server = subprocess.run(asked, capture_output=True, text=True).stdout.strip()
        # A new server cannot begin before the old one is gone; its socket may stay.
        deadline = time.monotonic() + PATIENCE
        while server and Path(f"/proc/{server}").exists():
            assert time.monotonic() < deadline, "the terminal does not end"
            time.sleep(0.02)
        self.socket.unlink(missing_ok=True)
