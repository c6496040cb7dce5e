"""Google's object store as far as a build asks it, by its JSON interface; and where service accounts get their tokens.

Of our own, as the hub is: the emulator that there is takes three minutes to build, and asks nobody who they are.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

import google_crc32c
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import jwt

from tests.servers.files import certificate_for, running_app

BUCKET = "models"
HOST, TOKEN_HOST = "storage.googleapis.com", "oauth2.googleapis.com"
"""What they are called at Google's: a proxy leads clients from there to ``Google.host``."""
ACCESS_TOKEN = "ya29.tests"  # noqa: S105 - of this server alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An object. ``checksums``: those of what was uploaded, whatever became of it since."""

    content: bytes
    generation: int
    checksums: dict[str, str]


@dataclass(slots=True, kw_only=True)
class Google:
    """A server at ``host`` (127.0.0.1:PORT) that is trusted by ``certificate``'s authority, with a bucket ``models``.

    ``public``: whether it lets everybody in, or only the account whose file is ``key``. ``known``: whether that one is
    there (any more). ``claims``: what its bearers signed so far.
    """

    certificate: Path
    key: str
    account: bytes
    host: str = ""
    public: bool = True
    known: bool = True
    claims: list[dict[str, Any]] = field(default_factory=list)
    objects: dict[str, Stored] = field(default_factory=dict)

    def upload(self, folder: Path, prefix: str) -> None:
        """Put a folder's files below ``prefix``."""
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.put(f"{prefix}{path.relative_to(folder).as_posix()}", path.read_bytes())

    def put(self, name: str, content: bytes) -> None:
        """Put one object, over what is there."""
        sums = {
            "md5Hash": hashlib.md5(content, usedforsecurity=False).digest(),
            "crc32c": google_crc32c.value(content).to_bytes(4, "big"),
        }
        before = self.objects[name].generation if name in self.objects else 0
        checksums = {kind: b64encode(value).decode() for kind, value in sums.items()}
        self.objects[name] = Stored(content=content, generation=before + 1, checksums=checksums)

    def rot(self, name: str) -> None:
        """Change an object's content, and nothing that is said of it."""
        stored = self.objects[name]
        self.objects[name] = Stored(
            content=stored.content[::-1], generation=stored.generation, checksums=stored.checksums
        )

    async def describe(self, request: web.Request) -> web.Response:
        """Answer what is known of an object."""
        found = self._found(request)
        if isinstance(found, web.Response):
            return found
        name = request.match_info["object"]
        told = {"kind": "storage#object", "bucket": BUCKET, "name": name, "generation": str(found.generation)}
        return web.json_response(told | {"size": str(len(found.content))} | found.checksums)

    async def read(self, request: web.Request) -> web.Response:
        """Answer a part of an object."""
        found = self._found(request)
        if isinstance(found, web.Response):
            return found
        part, size = request.http_range, len(found.content)
        content = found.content[part]
        if not content:
            return _refusal(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "Request range not satisfiable")
        begin = part.start or 0
        headers = {"Content-Range": f"bytes {begin}-{begin + len(content) - 1}/{size}"}
        return web.Response(status=HTTPStatus.PARTIAL_CONTENT, body=content, headers=headers)

    async def token(self, request: web.Request) -> web.Response:
        """Give a token for a claim that the account's key signed."""
        assertion = str((await request.post())["assertion"])
        self.claims.append(dict(jwt.decode(assertion, certs=self.account)))
        if not self.known:
            gone = {"error": "invalid_grant", "error_description": "Invalid grant: account not found"}
            return web.json_response(gone, status=HTTPStatus.BAD_REQUEST)
        return web.json_response({"access_token": ACCESS_TOKEN, "expires_in": 3600, "token_type": "Bearer"})

    def _found(self, request: web.Request) -> Stored | web.Response:
        bucket, name = request.match_info["bucket"], request.match_info["object"]
        bearer = request.headers.get("Authorization")
        if bearer is not None and bearer != f"Bearer {ACCESS_TOKEN}":
            return _refusal(HTTPStatus.UNAUTHORIZED, "Invalid Credentials")
        if bearer is None and not self.public:
            return _refusal(HTTPStatus.UNAUTHORIZED, "Anonymous caller does not have storage.objects.get access")
        if bucket != BUCKET:
            return _refusal(HTTPStatus.NOT_FOUND, "The specified bucket does not exist.")
        return self.objects.get(name) or _refusal(HTTPStatus.NOT_FOUND, f"No such object: {bucket}/{name}")


@contextmanager
def running_google(folder: Path) -> Iterator[Google]:
    """Run one; ``folder`` holds its certificate."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = serialization.Encoding.PEM
    plain = private.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    key = {
        "type": "service_account",
        "project_id": "acme",
        "client_email": "tests@acme.iam.gserviceaccount.com",
        "private_key_id": "1",
        "private_key": plain.decode(),
        "token_uri": f"https://{TOKEN_HOST}/token",
    }
    account = private.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    certificate = certificate_for(folder / "tls", HOST, TOKEN_HOST)
    google = Google(certificate=certificate, key=json.dumps(key), account=account)
    app = web.Application()
    app.router.add_get("/storage/v1/b/{bucket}/o/{object}", google.describe)
    app.router.add_get("/download/storage/v1/b/{bucket}/o/{object}", google.read)
    app.router.add_post("/token", google.token)
    with running_app(app, certificate) as port:
        google.host = f"127.0.0.1:{port}"
        yield google


def _refusal(status: HTTPStatus, message: str) -> web.Response:
    return web.json_response({"error": {"code": int(status), "message": message}}, status=status)
