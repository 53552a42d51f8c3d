"""A page in headless Chromium, over its debugging pipe: what it says, keys and clicks, pictures. No network."""

import base64
import contextlib
import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage")


class Page:
    """One tab. `faults` are what the console and the policy complained of."""

    def __init__(self, send: int, receive: int) -> None:
        self._send, self._receive = send, receive
        self._ids, self._rest = itertools.count(1), b""
        self._session: str | None = None
        self.faults: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._ids)
        said = {"id": number, "method": method, "params": params}
        if self._session is not None:
            said["sessionId"] = self._session
        os.write(self._send, json.dumps(said).encode() + b"\0")
        while (answer := self._next()).get("id") != number:
            self._note(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            data = os.read(self._receive, 1 << 20)
            if not data:
                raise RuntimeError("Chromium has gone.")
            self._rest += data
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def _note(self, event: dict[str, Any]) -> None:
        said = event.get("params", {})
        match event.get("method"):
            case "Runtime.exceptionThrown":
                self.faults.append(said["exceptionDetails"].get("exception", said["exceptionDetails"])["description"])
            case "Log.entryAdded" if said["entry"]["level"] in ("error", "warning"):
                self.faults.append(said["entry"]["text"])
            case "Network.requestWillBeSent" if not said["request"]["url"].startswith(("file:", "data:", "about:")):
                self.faults.append("a request to " + said["request"]["url"])

    def open(self, path: Path, place: str = "") -> None:
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=path.as_uri() + place)
        while self.evaluate("document.readyState") != "complete":
            self._note(self._next())

    def evaluate(self, expression: str) -> Any:
        done = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in done:
            raise RuntimeError(done["exceptionDetails"]["exception"]["description"])
        return done["result"].get("value")

    def text(self, selector: str) -> str:
        return self.evaluate(f"document.querySelector({json.dumps(selector)}).textContent")

    def press(self, *keys: str) -> None:
        for key in keys:
            for kind in ("keyDown", "keyUp"):
                self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key)

    def click(self, selector: str) -> None:
        self.evaluate(f"document.querySelector({json.dumps(selector)}).click()")

    def look(self, width: int, height: int, dark: bool = False) -> None:
        """The size of the window, and which colours its user prefers."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))


@contextlib.contextmanager
def chromium(folder: Path) -> Iterator[Page]:
    """A browser with a profile in `folder`."""
    assert PROGRAM is not None
    commands, ours = os.pipe(), os.pipe()
    # The browser reads from descriptor 3 and writes to 4.
    script = 'exec 3<&"$1" 4>&"$2"; shift 2; exec "$@"'
    arguments = ["bash", "-c", script, "bash", str(commands[0]), str(ours[1]), PROGRAM, *FLAGS]
    arguments += ["--remote-debugging-pipe", f"--user-data-dir={folder}"]
    browser = subprocess.Popen(arguments, pass_fds=(commands[0], ours[1]), stderr=subprocess.DEVNULL)
    os.close(commands[0])
    os.close(ours[1])
    try:
        yield Page(commands[1], ours[0])
    finally:
        browser.terminate()
        browser.wait()
        os.close(commands[1])
        os.close(ours[0])
