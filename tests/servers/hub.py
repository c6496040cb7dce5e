"""A small hub that speaks Hugging Face's real paths, error codes and headers, for pods to download from.

``/api/models/REPO[/revision/REV]``, ``/api/models/REPO/tree/REV`` and ``/REPO/resolve/REV/FILE``. As on the real one,
everybody sees that a gated repository exists, and only an accepted token gets its files; a repository that doesn't
exist is answered 401 to those without a token.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

BRANCH = "main"
LARGE = 100_000
"""From this size on, in bytes, a file is an LFS file, known by its sha256."""

API = re.compile(r"/api/models/(?P<repo>[\w.-]+/[\w.-]+?)(/(?P<what>revision|tree)/(?P<revision>[^/]+))?/?")
FILE = re.compile(r"/(?P<repo>[\w.-]+/[\w.-]+)/resolve/(?P<revision>[^/]+)/(?P<path>.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Repo:
    """A repository, its files the same at each commit. ``lies``: another sha256 of large files is told than theirs."""

    folder: Path
    gated: bool = False
    lies: bool = False

    def files(self) -> list[str]:
        """Return the paths of the files."""
        return sorted(p.relative_to(self.folder).as_posix() for p in self.folder.rglob("*") if p.is_file())

    def entry(self, path: str) -> dict[str, object]:
        """Return what the hub tells of a file."""
        content = (self.folder / path).read_bytes()
        blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
        large = (
            {}
            if len(content) < LARGE
            else {"lfs": {"oid": self.sha256(content), "size": len(content), "pointerSize": 134}}
        )
        return {"type": "file", "path": path, "size": len(content), "oid": blob, **large}

    def sha256(self, content: bytes) -> str:
        """Return the digest that the hub tells."""
        return hashlib.sha256(content + (b"?" if self.lies else b"")).hexdigest()


@dataclass(slots=True, kw_only=True)
class Hub:
    """A running hub. ``token`` opens the gated repository; ``commit`` is what ``main`` is, ``former`` what it was."""

    endpoint: str
    repos: dict[str, Repo]
    token: str = "hf_accepted"  # noqa: S105 - of this hub alone
    commit: str = "4f6c1f0e9b8a7d6c5b4a39281706f5e4d3c2b1a0"
    open_repo: str = "tests/tiny"
    gated_repo: str = "tests/gated"
    corrupted_repo: str = "tests/corrupted"
    former: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def moves_on(self) -> None:
        """Let ``main`` become another commit; the one it was stays there, as on the real hub."""
        self.former.add(self.commit)
        self.commit = hashlib.sha1(self.commit.encode(), usedforsecurity=False).hexdigest()


@contextmanager
def running_hub(folder: Path, *, address: str, port: int = 0) -> Iterator[Hub]:
    """Run a hub with three repositories of the same model folder: open, gated, and one that sends other bytes."""
    repos = {
        "tests/tiny": Repo(folder=folder),
        "tests/gated": Repo(folder=folder, gated=True),
        "tests/corrupted": Repo(folder=folder, lies=True),
    }
    hub = Hub(endpoint="", repos=repos)
    server = ThreadingHTTPServer((address, port), type("Bound", (_Handler,), {"hub": hub}))
    hub.endpoint = f"http://{address}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, name="hub")
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD."""

    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with a body."""
        self._answer()

    def do_HEAD(self) -> None:
        """Answer without one."""
        self._answer()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's name
        """Keep what was asked instead of printing it."""
        self.hub.asked.append(format % arguments)

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        found = API.fullmatch(path) or FILE.fullmatch(path)
        wanted = found.groupdict() if found else {}
        refusal = self._refusal(wanted)
        if refusal:
            self._refuse(*refusal)
        elif "path" in wanted:
            self._file(wanted)
        else:
            self._describe(wanted)

    def _refusal(self, wanted: dict[str, str]) -> tuple[int, str, str] | None:
        """Return status, code and words where the hub refuses, in the real one's order."""
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        repo = self.hub.repos.get(wanted.get("repo", ""))
        if not wanted:
            return 404, "NotFound", "there is no such page"
        if token and token != self.hub.token:
            return 401, "", "Invalid credentials in Authorization header"
        if repo is None:
            return 404 if token else 401, "RepoNotFound", "Repository not found"
        if wanted["revision"] not in {None, BRANCH, self.hub.commit, *self.hub.former}:
            return 404, "RevisionNotFound", f"Invalid rev id: {wanted['revision']}"
        if "path" in wanted and repo.gated and not token:
            return 401, "GatedRepo", "Access to this model is restricted. Please log in."
        return None

    def _commit(self, wanted: dict[str, str]) -> str:
        """Return the commit that is asked for."""
        revision = wanted["revision"]
        return revision if revision in self.hub.former else self.hub.commit

    def _describe(self, wanted: dict[str, str]) -> None:
        name, repo = wanted["repo"], self.hub.repos[wanted["repo"]]
        if wanted["what"] == "tree":
            self._send(json.dumps([repo.entry(path) for path in repo.files()]).encode())
            return
        about = {
            "id": name,
            "modelId": name,
            "sha": self._commit(wanted),
            "private": False,
            "gated": "manual" if repo.gated else False,
            "tags": [],
            "siblings": [{"rfilename": path} | _lfs(repo.entry(path)) for path in repo.files()],
        }
        self._send(json.dumps(about).encode())

    def _file(self, wanted: dict[str, str]) -> None:
        repo, path = self.hub.repos[wanted["repo"]], wanted["path"]
        if path not in repo.files():
            self._refuse(404, "EntryNotFound", "Entry not found")
            return
        content = (repo.folder / path).read_bytes()
        tag = repo.entry(path)["oid"] if len(content) < LARGE else repo.sha256(content)
        linked = {} if len(content) < LARGE else {"X-Linked-Etag": f'"{tag}"', "X-Linked-Size": str(len(content))}
        self._send(content, {"ETag": f'"{tag}"', "X-Repo-Commit": self._commit(wanted), **linked})

    def _send(self, content: bytes, headers: dict[str, str] | None = None, status: int = 200) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def _refuse(self, status: int, code: str, message: str) -> None:
        headers = {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {})
        self._send(json.dumps({"error": message}).encode(), headers, status)


def _lfs(entry: dict[str, object]) -> dict[str, object]:
    large = entry.get("lfs")
    if not isinstance(large, dict):
        return {"size": entry["size"], "blobId": entry["oid"]}
    return {
        "size": large["size"],
        "blobId": entry["oid"],
        "lfs": {"sha256": large["oid"], "size": large["size"], "pointerSize": 134},
    }
