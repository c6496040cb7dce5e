"""How each store is asked: where it is, and by whom.

Credentials come out of the environment, where the Job put the Secret's, and from nowhere else: an identity of the pod
would be that of ``convert`` too, which has none. Without any, a store is asked as anybody.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from aiohttp import ClientSession, ClientTimeout, TraceConfig, TraceRequestRedirectParams
from yarl import URL

from modelyard.contract.request import ObjectStoreFiles
from modelyard.contract.steps import BuildReason
from modelyard.contract.stores import (
    AWS_ID,
    AWS_REGION,
    AWS_SECRET,
    AWS_SESSION,
    AZURE_KEY,
    AZURE_SAS,
    BEARER_TOKEN,
    GOOGLE_KEY,
)
from modelyard_runtime.errors import BuildFailed
from modelyard_runtime.sources.objectstore_stores import S3, Azure, Google, Store, Web

if TYPE_CHECKING:
    from google.oauth2.service_account import Credentials

CONNECT_SECONDS, READ_SECONDS = 30, 120
TRIES = 2
"""Of the libraries' own. Whoever waits for a store that is down tells it, and they wait for minutes without a word."""
TIMEOUT = ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=READ_SECONDS)
SECRET_FIELD = "spec.source.objectStore.credentialsSecretRef"  # noqa: S105 - a field's name, no secret
GOOGLE_SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"
GOOGLE_TOKENS = ("https://oauth2.googleapis.com/token", "https://accounts.google.com/o/oauth2/token")
"""Where service accounts get their tokens, as Google's keys have it and as older ones do."""
FRESH = {"skip_instance_cache": True, "use_listings_cache": False}
"""Each try sees a store as it is then."""


def store_of(source: ObjectStoreFiles, environment: Mapping[str, str]) -> Store:
    """Return the store with the source's folder. Raises BuildFailed for credentials that can't be any."""
    parts = urlsplit(source.url)
    folder = parts.path.removeprefix("/").rstrip("/")
    match parts.scheme:
        case "s3":
            return _s3(source.endpoint, _joined(parts.netloc, folder), environment)
        case "gs":
            return _google(_joined(parts.netloc, folder), environment)
        case "az":
            container, _, host = parts.netloc.partition("@")
            return _azure(host, _joined(container, folder), environment)
        case _:
            return _web(source.url.rstrip("/"), environment)


def _given(environment: Mapping[str, str], *names: str) -> list[str | None]:
    """Return what variables hold, None for one that is empty. A file that became a Secret ends in a new line."""
    return [environment.get(name, "").strip() or None for name in names]


def _joined(bucket: str, folder: str) -> str:
    return f"{bucket}/{folder}" if folder else bucket


def _s3(endpoint: str, root: str, environment: Mapping[str, str]) -> Store:
    from s3fs import S3FileSystem

    key, secret, token, region = _given(environment, AWS_ID, AWS_SECRET, AWS_SESSION, AWS_REGION)
    if bool(key) != bool(secret):
        lacking, given = (AWS_SECRET, AWS_ID) if key else (AWS_ID, AWS_SECRET)
        raise _unusable(f"has {given} without {lacking}: put both there")
    who: dict[str, Any] = {"key": key, "secret": secret, "token": token} if key else {"anon": True}
    config = {
        "connect_timeout": CONNECT_SECONDS,
        "read_timeout": READ_SECONDS,
        "retries": {"total_max_attempts": TRIES},
        # Whole files are compared with their checksums here: the library would compare each block with the file's.
        "response_checksum_validation": "when_required",
    }
    files = S3FileSystem(
        **who,
        **FRESH,
        endpoint_url=endpoint or None,
        client_kwargs={"region_name": region} if region else {},
        config_kwargs=config,
    )
    files.retries = TRIES
    return S3(files=files, root=root, at_amazon=not endpoint)


def _google(root: str, environment: Mapping[str, str]) -> Store:
    from gcsfs.core import GCSFileSystem

    (key,) = _given(environment, GOOGLE_KEY)
    who = _account(key) if key else "anon"
    files = GCSFileSystem(
        token=who, access="read_only", requests_timeout=TIMEOUT, session_kwargs={"trust_env": True}, **FRESH
    )
    return Google(files=files, root=root)


def _account(key: str) -> Credentials:
    """Return a service account with its first token. Raises BuildFailed for a file that has no account's key."""
    from google.auth.transport.requests import Request
    from google.oauth2.service_account import Credentials

    try:
        fields = json.loads(key)
        account: Credentials = Credentials.from_service_account_info(fields, scopes=[GOOGLE_SCOPE])
    except (AttributeError, TypeError, ValueError) as error:
        fix = "put the file there that Google gave, then command retry"
        raise _unusable(f"has no service account's key in key.json: {fix}") from error
    if str(fields["token_uri"]) not in GOOGLE_TOKENS:  # a signed claim goes there, past sources.allowedHosts
        fix = f"put {GOOGLE_TOKENS[0]} there, then command retry"
        raise _unusable(f"has key.json with another token_uri than Google's: {fix}")
    account.refresh(Request())  # the library would ask six times for an account that is gone
    return account


def _azure(host: str, root: str, environment: Mapping[str, str]) -> Store:
    from adlfs import AzureBlobFileSystem

    key, token = _given(environment, AZURE_KEY, AZURE_SAS)
    files = AzureBlobFileSystem(
        account_name=host.partition(".")[0],
        account_host=host,
        account_key=key,
        sas_token=token,
        anon=not (key or token),
        connection_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        **FRESH,
    )
    return Azure(files=files, root=root)


def _web(root: str, environment: Mapping[str, str]) -> Store:
    from fsspec.implementations.http import HTTPFileSystem

    # Packed answers have another size, and no parts that could be joined.
    headers = {"Accept-Encoding": "identity"}
    (token,) = _given(environment, BEARER_TOKEN)
    if token:
        headers["Authorization"] = f"Bearer {token}"
    asked = {"headers": headers, "timeout": TIMEOUT, "trust_env": True, "trace_configs": [_only_to_tls()]}
    return Web(files=HTTPFileSystem(client_kwargs=asked, **FRESH), root=root)


def _only_to_tls() -> TraceConfig:
    """Return what refuses a redirect from https to http. That a token goes to its own host alone is aiohttp's work."""

    async def refuse(_: ClientSession, __: SimpleNamespace, asked: TraceRequestRedirectParams) -> None:
        target = asked.url.join(URL(asked.response.headers.get("Location", "")))
        if asked.url.scheme == "https" and target.scheme != "https":
            message = f"{asked.url.origin()} redirects to {target.origin()}, without TLS"
            fix = "name an address that stays with https in spec.source.objectStore.url"
            raise BuildFailed(BuildReason.SOURCE_NOT_FOUND, f"{message}: {fix}")

    trace = TraceConfig()
    trace.on_request_redirect.append(refuse)
    return trace


def _unusable(problem: str) -> BuildFailed:
    return BuildFailed(BuildReason.SOURCE_UNAUTHORIZED, f"the Secret of {SECRET_FIELD} {problem}")
