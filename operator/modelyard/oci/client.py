"""A client of one repository in a registry: manifests, blobs up and down, referrers. Every digest is verified."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin

import httpx

from modelyard.oci.authorization import Authorization
from modelyard.oci.credentials import Credentials
from modelyard.oci.errors import (
    DigestMismatch,
    NotFound,
    RegistryError,
    RegistryUnauthorized,
    RegistryUnreachable,
    UnexpectedAnswer,
    may_pass,
)
from modelyard.oci.layers import Descriptor
from modelyard.oci.reference import Reference

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
ACCEPTED = f"{MANIFEST_TYPE}, {INDEX_TYPE}, application/vnd.docker.distribution.manifest.v2+json"
DOWNLOAD_ATTEMPTS = 4


def digest_of(content: bytes) -> str:
    """Return ``sha256:<hex>`` of bytes."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Repository:
    """One repository. Credentials are sent only where the registry asks for them; timeout in seconds an operation."""

    def __init__(
        self,
        place: Reference,
        *,
        plain_http: bool = False,
        credentials: Credentials | None = None,
        timeout: float = 60.0,
    ) -> None:
        """Name the repository by any reference to it; nothing is asked yet."""
        self.place = place
        scheme = "http" if plain_http else "https"
        self._root = f"{scheme}://{place.api_host}"
        self._http = httpx.Client(
            auth=Authorization(place.repository, credentials),
            timeout=timeout,
            transport=httpx.HTTPTransport(retries=2),
        )

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Close the connections."""
        self._http.close()

    def resolve(self, version: str) -> Descriptor | None:
        """Return the descriptor of a tag or digest, None if there is none."""
        answer = self._send("HEAD", self._url("manifests", version), headers={"Accept": ACCEPTED})
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        self._check(answer, version)
        digest = answer.headers.get("Docker-Content-Digest")
        if digest is None:  # optional in the protocol: then the content says it
            return self.manifest(version)[0]
        return Descriptor(
            media_type=answer.headers["Content-Type"], digest=digest, size=int(answer.headers.get("Content-Length", 0))
        )

    def manifest(self, version: str) -> tuple[Descriptor, dict[str, Any]]:
        """Return a manifest, with its descriptor. Raises NotFound, and DigestMismatch for a pinned one that differs."""
        answer = self._send("GET", self._url("manifests", version), headers={"Accept": ACCEPTED})
        self._check(answer, version)
        digest = digest_of(answer.content)
        if version.startswith("sha256:") and digest != version:
            message = f"{self.place.registry}/{self.place.repository}@{version}: the registry sent {digest}"
            raise DigestMismatch(message)
        described = Descriptor(media_type=answer.headers["Content-Type"], digest=digest, size=len(answer.content))
        content: dict[str, Any] = json.loads(answer.content)
        return described, content

    def push_manifest(self, manifest: dict[str, Any], tag: str | None = None) -> tuple[Descriptor, bool]:
        """Push a manifest by its tag, else by its digest.

        Returns its descriptor, and whether the registry took note of its ``subject`` by itself.
        """
        content = json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()
        digest = digest_of(content)
        headers = {"Content-Type": manifest["mediaType"]}
        answer = self._send("PUT", self._url("manifests", tag or digest), headers=headers, content=content)
        self._check(answer, tag or digest)
        described = Descriptor(
            media_type=manifest["mediaType"],
            digest=digest,
            size=len(content),
            artifact_type=manifest.get("artifactType"),
            annotations=tuple(sorted(manifest.get("annotations", {}).items())),
        )
        return described, "OCI-Subject" in answer.headers

    def push_blob(self, described: Descriptor, chunks: Callable[[], Iterator[bytes]]) -> bool:
        """Upload a blob in one request unless it is there. Returns whether it was sent."""
        if self._has_blob(described.digest):
            return False
        started = self._send("POST", self._url("blobs", "uploads/"))
        self._check(started, "an upload")
        place = httpx.URL(urljoin(self._root, started.headers["Location"]))
        headers = {"Content-Length": str(described.size), "Content-Type": "application/octet-stream"}
        place = place.copy_merge_params({"digest": described.digest})
        self._check(self._send("PUT", str(place), headers=headers, content=chunks()), described.digest)
        return True

    def blob(self, described: Descriptor) -> bytes:
        """Return a small blob's bytes."""
        answer = self._send("GET", self._url("blobs", described.digest), follow_redirects=True)
        self._check(answer, described.digest)
        if digest_of(answer.content) != described.digest:
            raise DigestMismatch(self._mismatch(described, digest_of(answer.content)))
        return answer.content

    def download(
        self, described: Descriptor, destination: Path, advance: Callable[[int], None] = lambda _: None
    ) -> None:
        """Write a blob to a file, going on where a broken connection stopped. ``advance`` is told of bytes written.

        Raises DigestMismatch (the file is removed), and RegistryUnreachable once no attempt gets any further.
        """
        destination.unlink(missing_ok=True)
        for attempt in range(1, DOWNLOAD_ATTEMPTS + 1):
            with contextlib.suppress(*(() if attempt == DOWNLOAD_ATTEMPTS else (RegistryUnreachable,))):
                self._download_rest(described, destination, advance)
                break
        with destination.open("rb") as file:
            digest = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
        if digest != described.digest:
            destination.unlink()
            raise DigestMismatch(self._mismatch(described, digest))

    def referrers(self, digest: str, artifact_type: str) -> list[Descriptor]:
        """Return what refers to a manifest, by the referrers API or, where there is none, by the fallback tag."""
        answer = self._send("GET", self._url("referrers", digest))
        if answer.status_code == httpx.codes.NOT_FOUND:
            answer = self._send("GET", self._url("manifests", _fallback_tag(digest)), headers={"Accept": INDEX_TYPE})
            if answer.status_code == httpx.codes.NOT_FOUND:
                return []
        self._check(answer, f"the referrers of {digest}")
        found = [Descriptor.from_json(entry) for entry in answer.json().get("manifests", [])]
        return [entry for entry in found if entry.artifact_type == artifact_type]

    def attach(self, manifest: dict[str, Any]) -> Descriptor:
        """Push a manifest with a ``subject`` so that ``referrers`` finds it, in place of an older one of its type.

        A registry without the referrers API keeps the list under a tag, which the client must write.
        """
        described, noted = self.push_manifest(manifest)
        if noted:
            return described
        tag = _fallback_tag(manifest["subject"]["digest"])
        answer = self._send("GET", self._url("manifests", tag), headers={"Accept": INDEX_TYPE})
        before: list[dict[str, Any]] = []
        if answer.status_code != httpx.codes.NOT_FOUND:
            self._check(answer, tag)
            before = answer.json()["manifests"]
        after = _with(before, described)
        if after != before:
            self.push_manifest({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": after}, tag)
        return described

    def _has_blob(self, digest: str) -> bool:
        answer = self._send("HEAD", self._url("blobs", digest), follow_redirects=True)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return False
        self._check(answer, digest)
        return True

    def _download_rest(self, described: Descriptor, destination: Path, advance: Callable[[int], None]) -> None:
        """Append what is missing of a blob to its file."""
        have = destination.stat().st_size if destination.exists() else 0
        headers = {"Range": f"bytes={have}-"} if have else {}
        url = self._url("blobs", described.digest)
        with self._reached(), self._http.stream("GET", url, headers=headers, follow_redirects=True) as answer:
            self._check(answer, described.digest)
            resumed = answer.status_code == httpx.codes.PARTIAL_CONTENT
            with destination.open("ab" if resumed else "wb") as file:
                for chunk in answer.iter_bytes():  # as they come: what is gathered first is lost when it breaks off
                    file.write(chunk)
                    advance(len(chunk))

    def _send(self, method: str, url: str, **options: Any) -> httpx.Response:
        with self._reached():
            return self._http.request(method, url, **options)

    @contextlib.contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except httpx.TransportError as error:
            message = (
                f"{self.place.registry} can't be reached: {str(error) or type(error).__name__}; is the address right?"
            )
            raise RegistryUnreachable(message) from error

    def _url(self, kind: str, name: str) -> str:
        return f"{self._root}/v2/{self.place.repository}/{kind}/{name}"

    def _check(self, answer: httpx.Response, what: str) -> None:
        """Raise what an answer's status means."""
        if answer.is_success:
            return
        where = f"{self.place.registry}/{self.place.repository}"
        status = f"{answer.status_code} {answer.reason_phrase}"
        if answer.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
            raise RegistryUnauthorized(f"{where}: {status} for {what}; give credentials that may do this")
        if answer.status_code == httpx.codes.NOT_FOUND:
            raise NotFound(f"{where} has no {what}")
        error: type[RegistryError] = RegistryUnreachable if may_pass(answer.status_code) else UnexpectedAnswer
        raise error(f"{where}: {status} for {what}{_told(answer)}")

    def _mismatch(self, described: Descriptor, got: str) -> str:
        where = f"{self.place.registry}/{self.place.repository}"
        return f"{where}: {described.title or 'a blob'} should be {described.digest} but is {got}; push it again"


def _fallback_tag(digest: str) -> str:
    return digest.replace(":", "-")


def _with(referrers: list[dict[str, Any]], described: Descriptor) -> list[dict[str, Any]]:
    """Return a list of referrers with this one in the place of an older one of its type, else at its end.

    In its place, so that what is attached again in any order leaves the list as it was.
    """
    same = [entry.get("artifactType") == described.artifact_type for entry in referrers]
    place = same.index(True) if any(same) else len(referrers)
    others = [None if is_same else entry for entry, is_same in zip(referrers, same, strict=True)]
    found = [*others[:place], described.to_json(), *others[place + 1 :]]
    return [entry for entry in found if entry is not None]


def _told(answer: httpx.Response) -> str:
    """Return the registry's own words on an error."""
    with contextlib.suppress(ValueError, KeyError, IndexError, TypeError, httpx.ResponseNotRead):
        return f": {answer.json()['errors'][0]['message']}"
    return ""
