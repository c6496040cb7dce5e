"""What a store's refusals mean for a build, and their fix.

Each library has errors of its own, with no base in common: they are told by their names, so that none is imported for
it, and by the HTTP status behind them.
"""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

from modelyard.contract.request import ObjectStoreFiles
from modelyard.contract.steps import BuildReason
from modelyard.contract.stores import SECRET_KEYS, scheme_of
from modelyard.oci.errors import may_pass
from modelyard_runtime.errors import BuildFailed

UNAUTHORIZED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
UNREACHABLE = frozenset(
    {
        *("ConnectionError", "TimeoutError", "FSTimeoutError"),  # Python's, botocore's, requests', fsspec's
        *("ClientConnectionError", "ClientPayloadError"),  # aiohttp's
        *("HTTPClientError", "IncompleteReadError"),  # botocore's, Azure's
        *("ServiceRequestError", "ServiceResponseError"),  # Azure's
        *("TransportError",),  # Google's
    }
)
"""What an address is called that doesn't answer, or an answer that is cut short; and all that derive from these."""
REFUSED = frozenset({"PermissionError", "ClientAuthenticationError", "RefreshError"})
LISTED = frozenset({"s3", "gs"})
"""Who may not list a bucket there is told that a file is forbidden, not that there is none."""
WORDS = 300
URL_FIELD = "spec.source.objectStore.url"
SECRET_FIELD = "spec.source.objectStore.credentialsSecretRef"  # noqa: S105 - a field's name, no secret


def store_failure(error: Exception, source: ObjectStoreFiles, *, with_credentials: bool) -> BuildFailed | None:
    """Return what an error of a store's library means; None where it is none of a store's."""
    chain = list(_chain(error))
    if told := next((one for one in chain if isinstance(one, BuildFailed)), None):
        return told
    names = {kind.__name__ for one in chain for kind in type(one).__mro__}
    status = status_of(error)
    # Google's library has no other word for it.
    forbidden = any(str(one).startswith("Forbidden: ") for one in chain)
    if status in UNAUTHORIZED or names & REFUSED or forbidden:
        return _unauthorized(source, _words(chain), with_credentials=with_credentials)
    if names & UNREACHABLE or (status is not None and may_pass(status)):
        message = f"{source.url} can't be read: {_words(chain)}; can the build's pods reach that store?"
        return BuildFailed(BuildReason.SOURCE_UNREACHABLE, message)
    if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        return changed(f"{source.url} has a file that is shorter now than it was ({_words(chain)})")
    if status is not None or isinstance(error, FileNotFoundError):
        message = f"{source.url} can't be read: {_words(chain)}; the store refuses: correct {URL_FIELD}"
        return BuildFailed(BuildReason.SOURCE_NOT_FOUND, message)
    return None


def changed(found: str) -> BuildFailed:
    """Return that a file isn't what the store said of it."""
    fix = "it was written to meanwhile, or a proxy changed it: command retry once all of it is there"
    return BuildFailed(BuildReason.DIGEST_MISMATCH, f"{found}; {fix}")


def nothing_there(source: ObjectStoreFiles, *, with_credentials: bool) -> BuildFailed:
    """Return that a folder has no file of a model. A store doesn't tell a stranger whether it is there."""
    private = "" if with_credentials else f", or it is private: {_name_a_secret(source)}"
    message = f"there is no model at {source.url}: correct {URL_FIELD}, or put its files there{private}"
    return BuildFailed(BuildReason.SOURCE_NOT_FOUND, message)


def status_of(error: BaseException) -> int | None:
    """Return the HTTP status behind an error, None where there was none."""
    for one in _chain(error):
        response = getattr(one, "response", None)  # botocore's; Azure's is an object
        if isinstance(response, dict):
            return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) or None
        for name in ("status", "status_code", "code"):  # aiohttp's, Azure's, Google's
            status = getattr(one, name, None)
            if isinstance(status, int | str) and str(status).isdecimal():
                return int(status)
    return None


def _unauthorized(source: ObjectStoreFiles, words: str, *, with_credentials: bool) -> BuildFailed:
    if with_credentials:
        rights = " (to get objects, and to list the bucket)" if scheme_of(source.url) in LISTED else ""
        fix = f"the store refuses the credentials: put some that may read it{rights} into the Secret of {SECRET_FIELD}"
    else:
        fix = f"the store asks for credentials: {_name_a_secret(source)}"
    return BuildFailed(BuildReason.SOURCE_UNAUTHORIZED, f"{source.url} may not be read ({words}); {fix}")


def _name_a_secret(source: ObjectStoreFiles) -> str:
    keys = ", ".join(SECRET_KEYS[scheme_of(source.url)].values())
    return f"name a Secret that has what the store needs of {keys} in {SECRET_FIELD}"


def _words(chain: list[BaseException]) -> str:
    """Return what the first of them says, in short. A status stands for an answer, whose address may be signed."""
    first = next((one for one in chain if not isinstance(one, FileNotFoundError)), chain[0])
    status = getattr(first, "status", None)
    if status is not None and hasattr(first, "request_info"):  # aiohttp's
        return f"HTTP {status} {getattr(first, 'message', '')}".strip()
    said = str(first).strip().splitlines()
    return (said[0][:WORDS] if said else "") or type(first).__name__


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it came from."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
