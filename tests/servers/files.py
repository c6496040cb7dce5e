"""A web server with a folder's files, as aiohttp serves them: parts, ETags, times of change; over TLS or without."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from aiohttp import web

from tests.cluster.certificates import Authority


@dataclass(slots=True, kw_only=True)
class Files:
    """A server at ``url``, and how it behaves.

    ``token``: what it asks for. ``parts``: whether it sends parts of files. ``states``: whether it tells ETag and time.
    ``headers``: more of them, by a file's name. ``pages``: whether it answers with a page of HTML what isn't there.
    ``moved``: where it redirects everything to. ``asked``: method, path as sent, and token of each question.
    """

    folder: Path
    url: str = ""
    token: str | None = None
    parts: bool = True
    states: bool = True
    headers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    pages: bool = False
    moved: str | None = None
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one question."""
        authorization = request.headers.get("Authorization")
        self.asked.append((request.method, request.raw_path, authorization))
        if self.moved is not None:
            return web.Response(
                status=HTTPStatus.TEMPORARY_REDIRECT, headers={"Location": self.moved + request.raw_path}
            )
        if self.token is not None and authorization != f"Bearer {self.token}":
            return web.Response(status=HTTPStatus.UNAUTHORIZED)
        path = self.folder / request.path.lstrip("/")
        if not path.is_file():
            if self.pages:
                return web.Response(text="<html>Welcome", content_type="text/html")
            return web.Response(status=HTTPStatus.NOT_FOUND)
        more = self.headers.get(path.name, {})
        if self.parts and self.states:
            return web.FileResponse(path, headers=more)
        state = {"ETag": f'"{path.stat().st_mtime_ns:x}"'} if self.states else {}
        return web.Response(body=path.read_bytes(), headers={**state, **more})


@contextmanager
def running_files(folder: Path, *, certificate: Path | None = None) -> Iterator[Files]:
    """Run one. certificate: the file with the server's own, its key beside it; without, it speaks plain HTTP."""
    files = Files(folder=folder)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", files.answer)
    with running_app(app, certificate) as port:
        files.url = f"{'https' if certificate else 'http'}://127.0.0.1:{port}"
        yield files


@contextmanager
def running_app(app: web.Application, certificate: Path | None) -> Iterator[int]:
    """Run an application in a thread, and yield its port on loopback."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    runner = web.AppRunner(app, access_log=None)
    try:
        asyncio.run_coroutine_threadsafe(_start(runner, certificate), loop).result(timeout=20)
        yield runner.addresses[0][1]
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(timeout=20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _start(runner: web.AppRunner, certificate: Path | None) -> None:
    await runner.setup()
    context = None
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()


def certificate_for(folder: Path, *names: str) -> Path:
    """Return the certificate of a server of these names; ``ca.crt`` beside it is its authority's."""
    folder.mkdir()
    Authority(folder, "ca").issue("server", user="server", names=names, server=True)
    return folder / "server.crt"


def trust(certificate: Path) -> dict[str, str]:
    """Return the variables by which clients trust a server's authority, and no other: Python's, Amazon's, requests'."""
    authority = str(certificate.with_name("ca.crt"))
    return dict.fromkeys(("SSL_CERT_FILE", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"), authority)
