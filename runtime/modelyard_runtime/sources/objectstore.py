"""A model's folder in an object store (S3, Google's, Azure's) or below an https address, read through fsspec."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from modelyard.contract.request import ObjectStoreFiles
from modelyard.contract.steps import BuildReason
from modelyard.contract.stores import SECRET_KEYS, scheme_of
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.models.folder import INDEX_SUFFIX
from modelyard_runtime.progress import Advance
from modelyard_runtime.sources.copying import keep_only
from modelyard_runtime.sources.objectstore_access import store_of
from modelyard_runtime.sources.objectstore_errors import changed, nothing_there, store_failure
from modelyard_runtime.sources.objectstore_stores import Remote, Store
from modelyard_runtime.sources.space import check_room
from modelyard_runtime.sources.wanted import INDEXES, MODEL, MODULES, Wanted, named_by

PARTS = ".parts"
"""What came of files so far. It stays until all are there, so that another try goes on where this one ended."""
WHOLE = ".whole"
NAMING_LIMIT_BYTES = 32 << 20
"""Of a file that names others: an index of a hundred thousand weights has a third of it."""


def download_folder(source: ObjectStoreFiles, destination: Path, advance: Advance, wanted: Wanted = MODEL) -> str:
    """Download the files that a build uses, and return the folder's address. Raises BuildFailed with the fix.

    Either all of them are in ``destination`` afterwards, as they are in the store at one moment, or none.
    """
    with_credentials = any(os.environ.get(name) for name in SECRET_KEYS[scheme_of(source.url)])
    with _told(source, with_credentials=with_credentials):
        store = store_of(source, os.environ)
        files = _files(store, wanted) if store.is_there() else {}
        if not files:
            raise nothing_there(source, with_credentials=with_credentials)
        check_room(destination, sum(file.size for file in files.values()))
        parts = destination / PARTS
        parts.mkdir(exist_ok=True)
        _download(store, files.values(), parts, advance)
        _check_unchanged(store, files, wanted)
    for name, file in files.items():
        target = destination / name
        target.parent.mkdir(parents=True, exist_ok=True)
        _whole(file, parts).replace(target)
    shutil.rmtree(parts)
    keep_only(files.keys(), destination)
    return source.url


@contextmanager
def _told(source: ObjectStoreFiles, *, with_credentials: bool) -> Iterator[None]:
    """Say what a store's refusal means."""
    try:
        yield
    except Exception as error:
        failure = store_failure(error, source, with_credentials=with_credentials)
        if failure is None:
            raise
        # Its words are in the message. The trace would show where a redirect led, and the signature in that address.
        raise failure from None


def _files(store: Store, wanted: Wanted) -> dict[str, Remote]:
    """Return the files that a build uses, by their path within the folder."""
    found: dict[str, Remote] = {}

    def ask(names: Iterable[str]) -> bool:
        there = {name: file for name in sorted(names) if (file := store.file(name))}
        found.update(there)
        return bool(there)

    ask(wanted.small)
    for weights in wanted.weights:
        if ask({weights + INDEX_SUFFIX, weights}):
            break
    for name in found.keys() & {MODULES, *INDEXES}:
        ask(_named_by(store, name, found[name]))
    return {name: found[name] for name in wanted.of(found)}


def _named_by(store: Store, name: str, file: Remote) -> list[str]:
    """Return the files that one of the folder names."""
    if file.size > NAMING_LIMIT_BYTES:
        message = f"{name} has {file.size} bytes, which no list of files has: upload it again"
        raise BuildFailed(BuildReason.SOURCE_INVALID, message)
    try:
        return named_by(name, b"".join(block for _, block in store.blocks(file, 0)))
    except ValueError as error:
        raise BuildFailed(BuildReason.SOURCE_INVALID, f"{name} can't be read ({error}): upload it again") from error


def _download(store: Store, files: Collection[Remote], parts: Path, advance: Advance) -> None:
    """Have all files in ``parts``, whole and verified."""
    size, done = max(sum(file.size for file in files), 1), 0

    def count(bytes_more: int) -> None:
        nonlocal done
        done += bytes_more
        advance(done / size)

    for file in files:
        whole = _whole(file, parts)
        if whole.exists():
            count(file.size)
            continue
        part = whole.with_suffix("")
        _complete(store, file, part, count)
        _verify(file, part)
        part.rename(whole)


def _whole(file: Remote, parts: Path) -> Path:
    """Return where a file lies once it is whole: of this content, and no other."""
    identity = f"{file.path} {file.size} {file.state}"
    return parts / (hashlib.sha256(identity.encode()).hexdigest() + WHOLE)


def _complete(store: Store, file: Remote, part: Path, count: Callable[[int], None]) -> None:
    """Read on where the part ends. Raises BuildFailed for an end that the store's size doesn't have there."""
    with part.open("ab") as local:
        there = local.tell()
        count(there)
        for place, block in store.blocks(file, there) if there < file.size else ():
            if place != local.tell():  # the server began anew
                count(place - local.tell())
                local.truncate(place)
                local.seek(place)
            local.write(block)
            count(len(block))
        got = local.tell()
    if got != file.size:
        part.unlink()
        raise changed(f"{file.path} came with {got} bytes instead of {file.size}")


def _verify(file: Remote, part: Path) -> None:
    """Compare a file with the checksum that the store tells, where it tells one."""
    if file.told is None or (got := file.told.of(part)) == file.told.value:
        return
    part.unlink()
    raise changed(f"{file.path} came with {file.told.kind} {got.hex()} but the store says {file.told.value.hex()}")


def _check_unchanged(store: Store, files: Mapping[str, Remote], wanted: Wanted) -> None:
    """Raise BuildFailed if the folder's files aren't those any more that they were before the first was read."""
    now = _files(store, wanted)
    others = sorted(name for name in files.keys() | now.keys() if files.get(name) != now.get(name))
    if others:
        raise changed(f"{', '.join(others)} in {store.root}: the store describes it otherwise than before it was read")
