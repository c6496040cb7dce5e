"""The stores that a folder may lie in, behind one interface: describe a file, read it from a byte on.

A file is asked for by its name, never found by listing: what else a bucket holds costs nothing, and a web server
lists nothing anyway.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fsspec.asyn import sync
from fsspec.spec import AbstractFileSystem

from modelyard.contract.steps import BuildReason
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.sources.objectstore_digests import (
    Told,
    told_by_azure,
    told_by_google,
    told_by_s3,
    told_by_web,
)
from modelyard_runtime.sources.objectstore_errors import changed, status_of

BLOCK_BYTES = 8 << 20
"""What is asked for at once, and what a cut connection costs at most."""
STREAM_BYTES = 256 << 10
"""What is taken at once out of an answer that holds a whole file: what waits to be taken is lost when it is cut."""
_NOT_THERE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A file of a store. size: in bytes; state: words that change when its content does; told: its checksum."""

    path: str
    size: int
    state: str
    told: Told | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Store(ABC):
    """A folder in a store.

    ``root`` is the folder's path in the words of fsspec, without a slash at its end.
    """

    files: AbstractFileSystem
    root: str

    def is_there(self) -> bool:
        """Return whether the folder has anything, as far as its store tells. Raises what its library raises."""
        return True

    def file(self, name: str) -> Remote | None:
        """Return a file of the folder as the store describes it now, None if there is none."""
        path = f"{self.root}/{name}"
        try:
            info = self._info(path)
        except Exception as error:
            if self._says_not_there(error):
                return None
            raise
        return self._remote(path, info)

    def blocks(self, file: Remote, start: int) -> Iterator[tuple[int, bytes]]:
        """Yield what a file holds from ``start`` on, in order, each block with its place in the file.

        Raises BuildFailed if it was taken away since it was described, else what its library raises.
        """
        try:
            yield from self._blocks(file, start)
        except Exception as error:
            if self._says_not_there(error):
                raise changed(f"{file.path} isn't there any more") from error
            raise

    def _blocks(self, file: Remote, start: int) -> Iterator[tuple[int, bytes]]:
        for begin in range(start, file.size, BLOCK_BYTES):
            yield begin, self.files.cat_file(file.path, start=begin, end=min(begin + BLOCK_BYTES, file.size))

    def _says_not_there(self, error: Exception) -> bool:
        return isinstance(error, FileNotFoundError) or status_of(error) in _NOT_THERE

    # fsspec's own `info` looks for a folder of the name too, which asks twice and needs the right to list, and it
    # leaves out what some stores tell.
    @abstractmethod
    def _info(self, path: str) -> Mapping[str, Any]:
        """Return what the store says of a file. Raises what its library raises."""

    @abstractmethod
    def _remote(self, path: str, info: Mapping[str, Any]) -> Remote | None:
        """Return a file out of its description."""


def _state(info: Mapping[str, Any], *fields: str) -> str:
    """Return what of a description changes with the content."""
    return json.dumps({field: str(info[field]) for field in fields if info.get(field)})


class Google(Store):
    """A bucket of Google's. Its generation is another for each content."""

    def _info(self, path: str) -> Mapping[str, Any]:
        bucket, _, key = path.partition("/")
        info: Mapping[str, Any] = self.files.call("GET", "b/{}/o/{}", bucket, key, json_out=True)
        return info

    def _remote(self, path: str, info: Mapping[str, Any]) -> Remote:
        return Remote(path=path, size=int(info["size"]), state=_state(info, "generation"), told=told_by_google(info))


class Azure(Store):
    """A container of Azure's."""

    def _info(self, path: str) -> Mapping[str, Any]:
        async def properties() -> Mapping[str, Any]:
            container, _, name = path.partition("/")
            async with self.files.service_client.get_blob_client(container, name) as blob:
                return dict(await blob.get_blob_properties())

        info: Mapping[str, Any] = sync(self.files.loop, properties)
        return info

    def _remote(self, path: str, info: Mapping[str, Any]) -> Remote:
        return Remote(path=path, size=info["size"], state=_state(info, "etag"), told=told_by_azure(info))


@dataclass(frozen=True, slots=True, kw_only=True)
class S3(Store):
    """A bucket of S3, at Amazon's or at another server that speaks its protocol."""

    at_amazon: bool

    def is_there(self) -> bool:
        """Ask in a way that is answered in words: what is said of a single file has none, however it fails."""
        bucket, _, folder = self.root.partition("/")
        prefix = f"{folder}/" if folder else ""
        return bool(self.files.call_s3("list_objects_v2", Bucket=bucket, Prefix=prefix, MaxKeys=1).get("Contents"))

    def _info(self, path: str) -> Mapping[str, Any]:
        bucket, _, key = path.partition("/")
        info: Mapping[str, Any] = self.files.call_s3("head_object", Bucket=bucket, Key=key, ChecksumMode="ENABLED")
        return info

    def _remote(self, path: str, info: Mapping[str, Any]) -> Remote:
        told = told_by_s3(info, path.partition("/")[0], at_amazon=self.at_amazon)
        state = _state(info, "ETag", "LastModified", "VersionId")
        return Remote(path=path, size=info["ContentLength"], state=state, told=told)


class Web(Store):
    """A folder below an http or https address."""

    def _blocks(self, file: Remote, start: int) -> Iterator[tuple[int, bytes]]:
        """Yield the rest of a file out of one answer, or all of it where the server sends no parts."""
        headers = {"Range": f"bytes={start}-"} if start else {}
        with self.files.open(file.path, block_size=0, size=file.size, headers=headers) as stream:
            place = start if stream.r.status == HTTPStatus.PARTIAL_CONTENT else 0
            while block := stream.read(STREAM_BYTES):
                yield place, block
                place += len(block)

    def _info(self, path: str) -> Mapping[str, Any]:
        info: Mapping[str, Any] = self.files.info(path)
        return info

    def _says_not_there(self, error: Exception) -> bool:
        # fsspec calls everything "not found" that isn't an answer.
        return status_of(error) in _NOT_THERE

    def _remote(self, path: str, info: Mapping[str, Any]) -> Remote | None:
        if info.get("mimetype") == "text/html":  # a page that stands for what isn't there, or that asks to log in
            return None
        state = _state(info, "ETag", "Last-Modified")
        if info["size"] is None or state == "{}":
            lacks = "size" if info["size"] is None else "ETag and no time of its last change"
            message = f"{path}: the server tells no {lacks}, so that nobody sees whether it came whole"
            fix = "upload the model to a server that does, such as nginx"
            raise BuildFailed(BuildReason.SOURCE_INVALID, f"{message}; {fix}")
        return Remote(path=path, size=info["size"], state=state, told=told_by_web(info))
