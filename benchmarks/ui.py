"""What a person waits for: `python benchmarks/ui.py`.

From a key to the new table on the screen, against the bare forward pass of the same step in the same run; and from the
start of the program to its first paint, against a bare Textual app, in a pseudo terminal of 120 columns and 36 lines.
"""

import argparse
import asyncio
import fcntl
import os
import pty
import select
import statistics
import struct
import sys
import termios
import time
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING

from benchmarks.app import SIZE, explorer_on, table_shown
from explorer.cli.engines import embedded_folder
from explorer.core.sampling.params import SamplingParams

if TYPE_CHECKING:
    from benchmarks.engine import Bare

BARE_APP = """
from textual.app import App
from textual.widgets import Footer, Static
class Bare(App):
    def compose(self):
        yield Static("painted")
        yield Footer()
Bare().run()
"""


bare: "Bare"
"""The model of the process of the bare forward; no other process has it."""


def bare_begin(folder: str, ids: list[int]) -> None:
    from benchmarks.engine import Bare

    global bare
    bare = Bare(folder, "cpu")
    bare.begin(ids)


def bare_step(token: int) -> float:
    began = time.perf_counter()
    bare.forward([token])
    return (time.perf_counter() - began) * 1000


async def key_to_table(steps: int) -> tuple[float, float, float]:
    """Medians in ms: the bare forward, key to table, and the engine's part of it."""
    folder = embedded_folder()
    app = explorer_on(folder, SamplingParams(seed=1))
    forwards, keys, engines = [], [], []
    async with app.run_test(size=SIZE) as pilot:
        await table_shown(app)
        # In a process of its own, as the engine is: the one that draws never imports torch.
        other = ProcessPoolExecutor(1)
        ask = asyncio.get_running_loop().run_in_executor
        await ask(other, bare_begin, str(folder), app.main.walk.snapshot.ids)
        for _ in range(steps):
            forwards.append(await ask(other, bare_step, app.main.candidates.selected.token.id))
            await pilot.pause(0.05)
            painted = asyncio.Event()
            began = time.perf_counter()
            app.simulate_key("enter")
            node = app.main.walk.session.node
            while app.main.candidates.selected is None or app.main.candidates.snapshot.node == node:
                await asyncio.sleep(0.0005)
            app.main.candidates.call_after_refresh(painted.set)
            await painted.wait()
            keys.append((time.perf_counter() - began) * 1000)
            step_ms = app.main.walk.speed.step_ms
            assert step_ms is not None, "a table is on the screen, and no step was taken"
            engines.append(step_ms)
    return statistics.median(forwards), statistics.median(keys), statistics.median(engines)


def first_paint(command: list[str], sign: bytes) -> float:
    """Milliseconds from the start of a program to the sign in its output."""
    began = time.perf_counter()
    pid, terminal = pty.fork()
    if not pid:
        os.execvpe(command[0], command, {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"})
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
    seen = b""
    while sign not in seen:
        if select.select([terminal], [], [], 20)[0]:
            seen += os.read(terminal, 65536)
    painted = (time.perf_counter() - began) * 1000
    os.write(terminal, b"\x11")
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and os.waitpid(pid, os.WNOHANG)[0] == 0:
        if select.select([terminal], [], [], 0.05)[0]:
            try:
                os.read(terminal, 65536)
            except OSError:
                os.waitpid(pid, 0)
                break
    os.close(terminal)
    return painted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--starts", type=int, default=5)
    arguments = parser.parse_args()
    forward, key, engine = asyncio.run(key_to_table(arguments.steps))
    print("Key to new table, embedded model, medians in ms")
    print("| bare forward | asking the engine | key to table painted | over the forward |")
    print("|---|---|---|---|")
    print(f"| {forward:.2f} | {engine:.2f} | {key:.2f} | {key - forward:+.2f} |")
    bare, ours = [], []
    for _ in range(arguments.starts):
        bare.append(first_paint([sys.executable, "-c", BARE_APP], b"painted"))
        ours.append(first_paint([sys.executable, "-m", "explorer", "--no-record"], b"Next token"))
    bare_ms, ours_ms = statistics.median(bare), statistics.median(ours)
    print(f"\nFirst paint, median of {arguments.starts}, in ms")
    print("| bare Textual app | explorer | ratio |")
    print("|---|---|---|")
    print(f"| {bare_ms:.0f} | {ours_ms:.0f} | {ours_ms / bare_ms:.2f} |")


if __name__ == "__main__":
    main()
