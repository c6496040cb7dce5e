"""What a hub's refusals mean for a build, and their fix."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from modelyard.contract import BuildReason, HuggingFaceFiles
from modelyard_runtime.errors import BuildFailed

TOKEN_FIELD = "spec.source.huggingFace.tokenSecretRef"  # noqa: S105 - a field's name, no secret
UNAUTHORIZED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


@contextmanager
def hub_failure(source: HuggingFaceFiles, *, has_token: bool) -> Iterator[None]:
    """Raise whatever goes wrong with the hub within the block as BuildFailed."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        yield
    except HFValidationError as error:
        message = f"{source.repo!r} names no repository; write owner/name in spec.source.huggingFace.repo"
        raise BuildFailed(BuildReason.SOURCE_NOT_FOUND, message) from error
    except HfHubHTTPError as error:
        raise _refused(error, source, has_token=has_token) from error
    except LocalEntryNotFoundError as error:  # how the library says that asking for a file failed
        cause = error.__cause__
        if isinstance(cause, HfHubHTTPError):
            raise _refused(cause, source, has_token=has_token) from error
        raise _unreachable(source, str(cause or error)) from error
    except (httpx2.HTTPError, ConnectionError) as error:
        raise _unreachable(source, str(error) or type(error).__name__) from error


def _refused(error: Exception, source: HuggingFaceFiles, *, has_token: bool) -> BuildFailed:
    """Return what an answer of the hub means."""
    from huggingface_hub import errors

    where = f"{source.repo} at {source.endpoint}"
    status = getattr(getattr(error, "response", None), "status_code", 0)
    if isinstance(error, errors.GatedRepoError):
        return BuildFailed(BuildReason.SOURCE_UNAUTHORIZED, _gated(where, source, has_token=has_token))
    if isinstance(error, errors.RevisionNotFoundError):
        message = f"{where} has no revision {source.revision}; correct spec.source.huggingFace.revision"
        return BuildFailed(BuildReason.SOURCE_NOT_FOUND, message)
    if isinstance(error, errors.RepositoryNotFoundError | errors.DisabledRepoError):
        private = f"the token of {TOKEN_FIELD} may not see it" if has_token else f"it is private: set {TOKEN_FIELD}"
        message = f"there is no {where}, or {private}; check spec.source.huggingFace.repo"
        return BuildFailed(BuildReason.SOURCE_NOT_FOUND, message)
    if status in UNAUTHORIZED:
        does = "refuses the token" if has_token else "asks for a token"
        message = (
            f"{source.endpoint} {does} for {source.repo}; put one that it accepts into the secret of {TOKEN_FIELD}"
        )
        return BuildFailed(BuildReason.SOURCE_UNAUTHORIZED, message)
    if status == HTTPStatus.NOT_FOUND:
        return BuildFailed(BuildReason.SOURCE_NOT_FOUND, f"{where}: a file that the hub lists is not there ({error})")
    return _unreachable(source, str(error))


def _gated(where: str, source: HuggingFaceFiles, *, has_token: bool) -> str:
    page = f"{source.endpoint}/{source.repo}"
    if has_token:
        return f"{where} is gated, and the token of {TOKEN_FIELD} has no access: ask for it at {page} with its account"
    return f"{where} is gated: accept its terms at {page}, and name a secret with that account's token in {TOKEN_FIELD}"


def _unreachable(source: HuggingFaceFiles, told: str) -> BuildFailed:
    words = " ".join(told.split())
    return BuildFailed(
        BuildReason.SOURCE_UNREACHABLE,
        f"{source.repo} can't be fetched from {source.endpoint}: {words}; can the build's pods reach that host?",
    )
