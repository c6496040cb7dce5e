"""What a hub's refusals mean for a build, and their fix."""

from __future__ import annotations

from http import HTTPStatus

from huggingface_hub.errors import (
    DisabledRepoError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from modelyard.contract.request import HuggingFaceFiles
from modelyard.contract.steps import BuildReason
from modelyard.oci.errors import may_pass
from modelyard_runtime.errors import BuildFailed

TOKEN_FIELD = "spec.source.huggingFace.tokenSecretRef"  # noqa: S105 - a field's name, no secret
REPO_FIELD = "spec.source.huggingFace.repo"
UNAUTHORIZED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


def hub_failure(error: Exception, source: HuggingFaceFiles, *, with_token: bool) -> BuildFailed:
    """Return what an error of the hub's library means."""
    if isinstance(error, HFValidationError):
        message = f"{source.repo!r} names no repository; write owner/name in {REPO_FIELD}"
        return BuildFailed(BuildReason.SOURCE_NOT_FOUND, message)
    if isinstance(error, HfHubHTTPError):
        return _refused(error, source, with_token=with_token)
    if isinstance(error.__cause__, HfHubHTTPError):  # the library says so where asking for a file failed
        return _refused(error.__cause__, source, with_token=with_token)
    return _unreachable(error.__cause__ or error, source)


def _refused(error: HfHubHTTPError, source: HuggingFaceFiles, *, with_token: bool) -> BuildFailed:
    """Return what an answer of the hub means."""
    where = f"{source.repo} at {source.endpoint}"
    status = error.response.status_code
    if isinstance(error, GatedRepoError):
        return BuildFailed(BuildReason.SOURCE_UNAUTHORIZED, _gated(where, source, with_token=with_token))
    if isinstance(error, RevisionNotFoundError):
        message = f"{where} has no revision {source.revision}; correct spec.source.huggingFace.revision"
        return BuildFailed(BuildReason.SOURCE_NOT_FOUND, message)
    if isinstance(error, RepositoryNotFoundError | DisabledRepoError):
        private = f"the token of {TOKEN_FIELD} may not see it" if with_token else f"it is private: set {TOKEN_FIELD}"
        message = f"there is no {where}, or {private}; check {REPO_FIELD}"
        return BuildFailed(BuildReason.SOURCE_NOT_FOUND, message)
    if status in UNAUTHORIZED:
        does = "refuses the token" if with_token else "asks for a token"
        message = f"{where}: the hub {does}; put one that it accepts into the secret of {TOKEN_FIELD}"
        return BuildFailed(BuildReason.SOURCE_UNAUTHORIZED, message)
    if may_pass(status):
        return _unreachable(error, source)
    lacking = status == HTTPStatus.NOT_FOUND
    fix = (
        "a file that the hub lists is not there: upload it again" if lacking else f"the hub refuses: check {REPO_FIELD}"
    )
    return BuildFailed(BuildReason.SOURCE_NOT_FOUND, f"{where}: {error}; {fix}")


def _gated(where: str, source: HuggingFaceFiles, *, with_token: bool) -> str:
    page = f"{source.endpoint}/{source.repo}"
    if with_token:
        return f"{where} is gated, and the token of {TOKEN_FIELD} has no access: ask for it at {page} with its account"
    return f"{where} is gated: accept its terms at {page}, and name a secret with that account's token in {TOKEN_FIELD}"


def _unreachable(error: BaseException, source: HuggingFaceFiles) -> BuildFailed:
    words = " ".join(str(error).split()) or type(error).__name__
    message = f"{source.repo} can't be fetched from {source.endpoint}: {words}; can the build's pods reach that hub?"
    return BuildFailed(BuildReason.SOURCE_UNREACHABLE, message)
