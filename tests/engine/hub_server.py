"""A model hub on this machine: what huggingface_hub asks of one, for one repository, and how it may fail."""

import contextlib
import hashlib
import json
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

COMMIT = "c" * 40
SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")


def safetensors(name: str) -> bytes:
    """A file that holds one vector, large enough to be stopped in the middle of."""
    values = bytes(4 * 50_000)
    header = json.dumps({name: {"dtype": "F32", "shape": [50_000], "data_offsets": [0, len(values)]}}).encode()
    return struct.pack("<Q", len(header)) + header + values


MODEL = {
    "README.md": b"# A model",
    "config.json": b'{"architectures": ["LlamaForCausalLM"], "dtype": "float32"}',
    "model.safetensors.index.json": json.dumps({"weight_map": {"a": SHARDS[0], "b": SHARDS[1]}}).encode(),
    SHARDS[0]: safetensors("a"),
    SHARDS[1]: safetensors("b"),
    "tokenizer.json": b"{}",
    "tokenizer_config.json": b'{"model_max_length": 96}',
}


class HubServer:
    """Serves the `files` of `owner/name` at its branch `main`. `requests`: what was asked; a download is `GET file`."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.requests: list[str] = []
        self.answer: tuple[int, dict[str, str]] | None = None
        """A status and headers that are given to everything instead."""
        self.held: str | None = None
        """A file that is sent up to its half."""
        self.resumed: dict[str, int] = {}
        """Files of which only the end was asked for, and where that began."""
        self.halfway, self.go_on = threading.Event(), threading.Event()
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub._serve(self, body=True)

            def do_HEAD(self) -> None:
                hub._serve(self, body=False)

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def downloaded(self) -> list[str]:
        """The files that were fetched, in the order of the names."""
        return sorted(request.removeprefix("GET ") for request in self.requests if request.startswith("GET "))

    def close(self) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _serve(self, handler: BaseHTTPRequestHandler, body: bool) -> None:
        path = urlsplit(handler.path).path
        name = path.removeprefix(f"/owner/name/resolve/{COMMIT}/")
        if name != path and body:
            self.requests.append(f"GET {name}")
        elif path.startswith("/api"):
            self.requests.append(path)
        if self.answer is not None:
            _send(handler, *self.answer, b"{}", body)
        elif name in self.files:
            self._send_file(handler, name, body)
        elif path in (
            "/api/models/owner/name",
            *(f"/api/models/owner/name/revision/{one}" for one in ("main", COMMIT)),
        ):
            siblings: list[dict[str, object]] = [
                {"rfilename": name, "size": len(content)} if "blobs" in handler.path else {"rfilename": name}
                for name, content in self.files.items()
            ]
            _send(
                handler, 200, {}, json.dumps({"id": "owner/name", "sha": COMMIT, "siblings": siblings}).encode(), body
            )
        elif path == f"/api/models/owner/name/tree/{COMMIT}":
            tree = [
                {"type": "file", "path": name, "oid": _etag(content), "size": len(content)}
                for name, content in self.files.items()
            ]
            _send(handler, 200, {}, json.dumps(tree).encode(), body)
        else:
            _send(handler, 404, {"X-Error-Code": "RevisionNotFound"}, b"{}", body)

    def _send_file(self, handler: BaseHTTPRequestHandler, name: str, body: bool) -> None:
        content = self.files[name]
        headers = {"ETag": f'"{_etag(content)}"', "X-Repo-Commit": COMMIT}
        begin = int((handler.headers.get("Range") or "bytes=0-").removeprefix("bytes=").partition("-")[0])
        if body and begin:
            self.resumed[name] = begin
            place = f"bytes {begin}-{len(content) - 1}/{len(content)}"
            _send(handler, 206, {**headers, "Content-Range": place}, content[begin:], body)
            return
        if not body or name != self.held:
            _send(handler, 200, headers, content, body)
            return
        half = len(content) // 2
        _send(handler, 200, {**headers, "Content-Length": str(len(content))}, content[:half], body)
        handler.wfile.flush()
        self.halfway.set()
        self.go_on.wait()


def _etag(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


def _send(handler: BaseHTTPRequestHandler, status: int, headers: dict[str, str], content: bytes, body: bool) -> None:
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(content)), **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    if body:
        with contextlib.suppress(ConnectionError):  # Whoever asked was killed.
            handler.wfile.write(content)
