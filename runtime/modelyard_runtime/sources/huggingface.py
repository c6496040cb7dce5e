"""A repository of the Hugging Face hub, or of whatever speaks its paths, at a commit."""

from __future__ import annotations

import hashlib
import os
import shutil
from functools import partial
from pathlib import Path
from typing import Any, Self

import httpx2  # what huggingface_hub speaks by, and whose errors it lets through
from huggingface_hub import HfApi, constants
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from huggingface_hub.hf_api import RepoFile

from modelyard.contract.request import HuggingFaceFiles
from modelyard.contract.steps import BuildReason
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.progress import Advance
from modelyard_runtime.sources.digest import file_digest
from modelyard_runtime.sources.hub_errors import hub_failure
from modelyard_runtime.sources.space import check_room
from modelyard_runtime.sources.wanted import MODEL, Wanted

TOKEN_VARIABLE = "HF_TOKEN"  # noqa: S105 - the variable's name
NOTES = ".cache"
"""The library's own notes on what it downloaded and when: no part of the model."""


class Counter:
    """What the library takes for a progress bar: adds up the bytes of all files and tells their share."""

    def __init__(self, total: int, advance: Advance) -> None:
        """Begin at none. total: in bytes."""
        self._total, self._done, self._advance = max(total, 1), 0, advance

    def update(self, size: float | None) -> None:
        """Count bytes; the library takes some back when it begins a file anew."""
        self._done += int(size or 0)
        self._advance(self._done / self._total)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Go on counting with the next file."""


def download_model(source: HuggingFaceFiles, destination: Path, advance: Advance, files: Wanted = MODEL) -> str:
    """Download the files that a build uses, and return ``repo@commit``. Raises BuildFailed with the fix."""
    # The library's Xet downloads may hold gigabytes in memory, more than this step has; plain requests get the same.
    constants.HF_HUB_DISABLE_XET = True
    token = os.environ.get(TOKEN_VARIABLE) or False  # False: never one that happens to lie about
    api = HfApi(endpoint=source.endpoint.rstrip("/"), token=token)
    try:
        used = _files(api, source, files)
        size = sum(file.size for file in used)
        check_room(destination, size)
        counter: Any = partial(_same, Counter(size, advance))
        for file in used:
            api.hf_hub_download(
                source.repo, file.path, revision=source.revision, local_dir=destination, tqdm_class=counter
            )
            _verify(destination / file.path, file)
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, httpx2.HTTPError) as error:
        raise hub_failure(error, source, with_token=bool(token)) from error
    shutil.rmtree(destination / NOTES, ignore_errors=True)
    return f"{source.repo}@{source.revision}"


def _files(api: HfApi, source: HuggingFaceFiles, wanted: Wanted) -> list[RepoFile]:
    """Return what the hub says of the files that a build uses."""
    tree = api.list_repo_tree(source.repo, revision=source.revision, recursive=True)
    files = {entry.path: entry for entry in tree if isinstance(entry, RepoFile)}
    return [files[name] for name in wanted.of(files)]


def _same(counter: Counter, **_: Any) -> Counter:
    """Return the one counter wherever the library would make a bar for a file."""
    return counter


def _verify(path: Path, file: RepoFile) -> None:
    """Compare a file with what the hub says of it: its sha256 where it is kept apart, else git's hash of a blob.

    The library itself compares the size alone.
    """
    if file.lfs is not None:
        kind, want, got = "sha256", file.lfs.sha256, file_digest(path)
    else:
        content = path.read_bytes()
        head = f"blob {len(content)}\0".encode()
        kind, want, got = "git blob", file.blob_id, hashlib.sha1(head + content, usedforsecurity=False).hexdigest()
    if want != got:
        raise BuildFailed(
            BuildReason.DIGEST_MISMATCH,
            f"{file.path} came with {kind} {got} but the hub says {want}: a proxy between them may have changed it",
        )
