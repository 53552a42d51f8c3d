"""Index: a package index, asked for one wheel without any installer (PEP 503 and 691).

Owns which indexes a person has set, in the variables and files of pip and in the variables of uv, and that what was
fetched by half is gone on with. Proxies and names of users come from the environment and the address, as everywhere.
Must not know what is in the wheel.
"""

import configparser
import contextlib
import os
import ssl
import sys
from collections.abc import Callable, Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit
from urllib.request import url2pathname

import httpx2
import msgspec
import platformdirs

from explorer.core.reading import reason
from explorer.errors import ModelError

PYPI = "https://pypi.org/simple"
"""Where packages are looked for unless a person has set something else."""

ACCEPTED = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"

TIMEOUT = 30.0
"""Seconds without a byte after which an index is given up."""

LARGEST_PAGE = 2**24
"""Bytes of the page on which an index lists the files of a project."""

FAILURES = (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError)
"""What an index that cannot be asked raises: a ValueError comes of an address or a proxy that makes no sense."""

Count = Callable[[int], None]
"""Takes how many bytes of the file are here."""


async def fetch(project: str, file: str, size: int, part: Path, count: Count) -> None:
    """Write a wheel to `part`, from where it was broken off, if it is there; at most `size` bytes.

    Whether it is the right one is for the caller to see. Raises ModelError where no index has it.
    """
    reasons = []
    for index in indexes(os.environ):
        try:
            async with _client() as client:
                address = await _address(client, index, project, file)
                if address is not None:
                    await _download(client, address, size, part, count)
                    return
            reasons.append(f"{shown(index)} has no {file}")
        except httpx2.HTTPStatusError as error:
            status = error.response.status_code
            said = f"has no {project}" if status == 404 else f"answers with HTTP {status}"
            reasons.append(f"{shown(index)} {said}")
        except FAILURES as error:
            why = reason(error) if isinstance(error, OSError) else type(error).__name__
            reasons.append(f"{shown(index)} cannot be reached ({why})")
    if not reasons:
        raise ModelError(f"{file} cannot be fetched: PIP_NO_INDEX forbids to ask a package index. Unset it.")
    raise ModelError(f"{file} cannot be fetched: {'; '.join(reasons)}. Check the network, its proxy and PIP_INDEX_URL.")


def indexes(environment: Mapping[str, str]) -> list[str]:
    """The addresses of the indexes that a person has set, the first one first; else that of PyPI."""
    if environment.get("PIP_NO_INDEX", "").lower() in ("1", "true", "yes", "on"):
        return []
    said = dict(_of_files(environment))
    main = environment.get("PIP_INDEX_URL") or environment.get("UV_DEFAULT_INDEX") or environment.get("UV_INDEX_URL")
    more = (environment.get(name, "") for name in ("PIP_EXTRA_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL"))
    found = [main or said.get("index-url") or PYPI, *" ".join(more).split(), *said.get("extra-index-url", "").split()]
    return list(dict.fromkeys(_without_name(address) for address in found))


def _without_name(address: str) -> str:
    """uv may call an index by a name: `corporate=https://…`."""
    name, equals, rest = address.partition("=")
    return (rest if equals and "/" not in name else address).rstrip("/")


def _of_files(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The settings of pip's configuration files about indexes, the strongest last."""
    named = environment.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return
    name = "pip.ini" if sys.platform == "win32" else "pip.conf"
    homes = (*platformdirs.site_config_dir("pip", appauthor=False, multipath=True).split(os.pathsep), "/etc")
    files = [Path(home) / name for home in homes]
    files += [Path.home() / ".pip" / name, platformdirs.user_config_path("pip", appauthor=False) / name]
    files += [Path(sys.prefix) / name, *([Path(named)] if named else [])]
    for file in files:
        parser = configparser.RawConfigParser()
        with contextlib.suppress(OSError, configparser.Error, UnicodeDecodeError):
            parser.read_string(file.read_text("utf-8"))
        for section in ("global", "download"):
            if parser.has_section(section):
                yield from parser.items(section)


def shown(address: str) -> str:
    """An address without the name and the password that may stand in it."""
    with contextlib.suppress(ValueError):
        parts = urlsplit(address)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return "the index"


def _client() -> httpx2.AsyncClient:
    certificates = os.environ.get("PIP_CERT") or os.environ.get("SSL_CERT_FILE") or os.environ.get("REQUESTS_CA_BUNDLE")
    verify = ssl.create_default_context(cafile=certificates) if certificates else True
    return httpx2.AsyncClient(timeout=TIMEOUT, follow_redirects=True, verify=verify)


async def _address(client: httpx2.AsyncClient, index: str, project: str, file: str) -> str | None:
    """Where an index says that the file is."""
    page = f"{index}/{project}/"
    if urlsplit(page).scheme == "file":
        listed, where = _links((_local(page) / "index.html").read_text("utf-8", "replace")), page
    else:
        async with client.stream("GET", page, headers={"Accept": ACCEPTED}) as answer:
            answer.raise_for_status()
            content, where = await _read(answer), str(answer.url)
        as_json = "json" in answer.headers.get("content-type", "")
        listed = _named(content) if as_json else _links(content.decode("utf-8", "replace"))
    addresses = (urljoin(where, address) for address in listed)
    return next((one for one in addresses if unquote(urlsplit(one).path).rpartition("/")[2] == file), None)


async def _read(answer: httpx2.Response) -> bytes:
    """The page of a project. Raises ValueError for one that is too long to be any."""
    content = bytearray()
    async for piece in answer.aiter_bytes():
        content += piece
        if len(content) > LARGEST_PAGE:
            raise ValueError(f"a page of more than {LARGEST_PAGE} bytes")
    return bytes(content)


class Listed(msgspec.Struct):
    url: str


class Listing(msgspec.Struct):
    """What is read of the answer of an index in JSON."""

    files: list[Listed]


def _named(content: bytes) -> list[str]:
    return [file.url for file in msgspec.json.decode(content, type=Listing).files]


def _links(page: str) -> list[str]:
    links: list[str] = []

    class Links(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag == "a":
                links.extend(value for name, value in attrs if name == "href" and value)

    Links().feed(page)
    return links


def _local(address: str) -> Path:
    return Path(url2pathname(urlsplit(address).path))


async def _download(client: httpx2.AsyncClient, address: str, size: int, part: Path, count: Count) -> None:
    if urlsplit(address).scheme == "file":
        part.write_bytes(_local(address).read_bytes()[: size + 1])
        return
    have = part.stat().st_size if part.exists() else 0
    begun = {"Range": f"bytes={have}-"} if 0 < have < size else {}
    # Packed once more on the way, its bytes would not be those that the size and the range count.
    async with client.stream("GET", address, headers={"Accept-Encoding": "identity", **begun}) as answer:
        answer.raise_for_status()
        goes_on = answer.status_code == httpx2.codes.PARTIAL_CONTENT
        with open(part, "ab" if goes_on else "wb") as file:
            done = have if goes_on else 0
            async for piece in answer.aiter_bytes():
                file.write(piece)
                done += len(piece)
                count(done)
                if done > size:  # It is another file, or never ends.
                    return
