"""A repository of the Hugging Face hub, or of whatever speaks its paths, at a commit."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import httpx
from huggingface_hub import HfApi
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoFile

from modelyard.contract import BuildReason, HuggingFaceFiles
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.progress import Advance
from modelyard_runtime.sources.digest import file_digest
from modelyard_runtime.sources.space import check_room
from modelyard_runtime.sources.wanted import wanted

TOKEN_VARIABLE = "HF_TOKEN"  # noqa: S105 - the variable's name


def download_model(source: HuggingFaceFiles, destination: Path, advance: Advance) -> str:
    """Download the files that a build uses, and return ``repo@commit``. Raises BuildFailed with the fix."""
    token = os.environ.get(TOKEN_VARIABLE) or False  # False: never one that happens to lie about
    api = HfApi(endpoint=source.endpoint, token=token)
    try:
        files = {
            entry.path: entry
            for entry in api.list_repo_tree(source.repo, revision=source.revision, recursive=True)
            if isinstance(entry, RepoFile)
        }
        used = [files[name] for name in wanted(files)]
        size = sum(file.size for file in used)
        check_room(destination, size)
        done = 0
        for file in used:
            api.hf_hub_download(source.repo, file.path, revision=source.revision, local_dir=destination)
            _verify(destination / file.path, file)
            done += file.size
            advance(done / size)
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, httpx.TransportError) as error:
        raise _translated(error, source, with_token=bool(token)) from error
    return f"{source.repo}@{source.revision}"


def _verify(path: Path, file: RepoFile) -> None:
    """Compare a file with what the hub says of it: its sha256 where it is kept apart, else git's hash of a blob."""
    if file.lfs is not None:
        want, got = file.lfs.sha256, file_digest(path)
    else:
        content = path.read_bytes()
        head = f"blob {len(content)}\0".encode()
        want, got = file.blob_id, hashlib.sha1(head + content, usedforsecurity=False).hexdigest()
    if want != got:
        raise BuildFailed(
            BuildReason.DIGEST_MISMATCH,
            f"{file.path} came with digest {got} but the hub says {want}: a proxy between them may have changed it",
        )


def _translated(error: Exception, source: HuggingFaceFiles, *, with_token: bool) -> BuildFailed:
    """Return what a hub's error means for the user."""
    where = f"{source.repo} at {source.endpoint}"
    status = error.response.status_code if isinstance(error, HfHubHTTPError) and error.response is not None else None
    token = "the token may not read it" if with_token else "give a token in source.huggingFace.tokenSecretRef"
    match error:
        case GatedRepoError():
            return BuildFailed(
                BuildReason.SOURCE_UNAUTHORIZED, f"{where} is gated: accept its terms on its page, and {token}"
            )
        case RepositoryNotFoundError() if status == httpx.codes.UNAUTHORIZED or with_token is False:
            return BuildFailed(
                BuildReason.SOURCE_NOT_FOUND,
                f"there is no {where}: check the name; if it is private, {token}",
            )
        case RepositoryNotFoundError():
            return BuildFailed(BuildReason.SOURCE_NOT_FOUND, f"there is no {where}, or {token}: check the name")
        case RevisionNotFoundError():
            return BuildFailed(BuildReason.SOURCE_NOT_FOUND, f"{where} has no revision {source.revision}: check it")
        case LocalEntryNotFoundError():
            return BuildFailed(BuildReason.SOURCE_UNREACHABLE, f"{where} can't be reached: {error}")
        case EntryNotFoundError():
            return BuildFailed(BuildReason.SOURCE_NOT_FOUND, f"{where} lost a file while it was read: {error}")
        case HFValidationError():
            return BuildFailed(BuildReason.SOURCE_NOT_FOUND, f"{source.repo!r} is no repository's name: {error}")
        case HfHubHTTPError() if status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
            return BuildFailed(BuildReason.SOURCE_UNAUTHORIZED, f"{where} answered {status}: {token}")
    return BuildFailed(BuildReason.SOURCE_UNREACHABLE, f"{where} can't be reached: {error}")
