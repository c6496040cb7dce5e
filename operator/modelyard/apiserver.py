"""HTTP to the Kubernetes API server: one session, credentials that renew themselves, errors by type.

Built on the aiohttp session and the credentials that Kopf brings along anyway, so it costs no memory of its own.

::

    ClusterError             the API server answered, but not as asked; has what its Status object says
    ├── NotFound             404
    ├── AlreadyExists        409 on a POST
    ├── Conflict             409 otherwise: someone wrote meanwhile, or the precondition doesn't hold
    ├── Forbidden            403: RBAC, a quota, an admission policy
    └── Refused              422 or 400: the object itself
    Unreachable              no answer
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from itertools import count
from typing import Any, Self

import aiohttp
import kopf

from modelyard.errors import ModelyardError
from modelyard.telemetry import METRICS

JsonObject = dict[str, Any]
Login = Callable[[], kopf.ConnectionInfo]

JSON = "application/json"
_ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "&<>\u2028\u2029"}
REQUEST_SECONDS = 30.0
BUSY_TRIES = 3
BUSY_SECONDS = 0.5


class ClusterError(ModelyardError):
    """The API server's refusal, in its own words."""

    def __init__(self, status: int, reason: str, message: str, *, fields: frozenset[str] = frozenset()) -> None:
        """Keep the HTTP status, and ``reason``, ``message`` and the fields complained of from the Status object."""
        super().__init__(f"the API server answered {status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message
        self.fields = fields


class NotFound(ClusterError):
    """There is no such object, or no such kind."""


class AlreadyExists(ClusterError):
    """An object of this name is there already."""


class Conflict(ClusterError):
    """The object changed since it was read, or a precondition doesn't hold."""


class Forbidden(ClusterError):
    """Not allowed: RBAC, a quota or an admission policy."""


class Refused(ClusterError):
    """The API server validated the object and said no."""


class Unreachable(ModelyardError):
    """The API server didn't answer."""


_BY_STATUS: dict[int, type[ClusterError]] = {
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.CONFLICT: Conflict,
    HTTPStatus.FORBIDDEN: Forbidden,
    HTTPStatus.UNPROCESSABLE_ENTITY: Refused,
    HTTPStatus.BAD_REQUEST: Refused,
}


def login() -> kopf.ConnectionInfo:
    """Return credentials: the pod's service account, else the current context of KUBECONFIG."""
    settings = kopf.OperatorSettings()
    found = kopf.login_with_service_account(settings=settings)
    if found is not None:
        return _without_dns(found)
    found = kopf.login_with_kubeconfig(settings=settings)
    if found is None:
        message = "no credentials for a cluster; run in a pod with a service account, or set KUBECONFIG"
        raise Unreachable(message)
    return found


def _without_dns(info: kopf.ConnectionInfo) -> kopf.ConnectionInfo:
    """Return ``info`` with the address that the kubelet gives every pod: the operator then outlives the DNS."""
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    if not host:
        return info
    return replace(info, server=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}")


class ApiServer:
    """Requests to one API server; use as an async context manager."""

    def __init__(self, login: Login = login) -> None:
        """``login`` is asked at the start, and again when the API server doesn't accept a token any more."""
        self._login = login
        self._info = login()

    async def __aenter__(self) -> Self:
        """Open the session."""
        secure = self._info.server.startswith("https:")
        context = self._info.as_ssl_context() if secure else False
        connector = aiohttp.TCPConnector(ssl=context)
        self._session = aiohttp.ClientSession(connector=connector)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self._session.close()

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        content_type: str = JSON,
        accept: str = JSON,
        **query: str,
    ) -> JsonObject:
        """Return the answer's object. Raises ClusterError or Unreachable."""
        data = None if body is None else _json(body)
        headers = {"Accept": accept} | ({} if data is None else {"Content-Type": content_type})
        for attempt in count(1):
            try:
                async with asyncio.timeout(REQUEST_SECONDS):
                    status, text = await self._send(method, path, data, headers, query)
            except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
                message = f"the API server didn't answer {method} {path}: {str(error) or type(error).__name__}"
                raise Unreachable(message) from error
            if status == HTTPStatus.UNAUTHORIZED and attempt == 1:
                self._info = self._login()  # service account tokens are replaced every hour
            elif status == HTTPStatus.TOO_MANY_REQUESTS and method == "GET" and attempt <= BUSY_TRIES:
                await asyncio.sleep(attempt * BUSY_SECONDS)  # a write is left to the next pass, which asks the guard
            else:
                break
        METRICS.count("api_calls", method=method, status=str(status))
        if status < HTTPStatus.BAD_REQUEST:
            return _object(text)
        raise _error(method, status, text)

    async def _send(
        self, method: str, path: str, data: str | None, headers: dict[str, str], query: dict[str, str]
    ) -> tuple[int, str]:
        headers = headers | self._info.as_http_headers()
        url = f"{self._info.server.rstrip('/')}/{path}"
        async with self._session.request(method, url, data=data, headers=headers, params=query) as response:
            return response.status, await response.text()


def _json(body: object) -> str:
    """Return JSON as Go writes it: no spaces, and ``&<>`` escaped.

    The API server compares a ControllerRevision's data by its bytes. It keeps those of the POST, but a patch of an
    annotation writes all of it anew: other bytes would be refused as a change of what is immutable.
    """
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    return text.translate(_ESCAPES)


def _object(text: str) -> JsonObject:
    found = json.loads(text)
    return found if isinstance(found, dict) else {}


def _error(method: str, status: int, text: str) -> ClusterError:
    try:
        answer = _object(text)
    except ValueError:  # a proxy in between, or a plain 404 of an unknown path
        answer = {"message": text.strip()[:500]}
    reason = str(answer.get("reason") or HTTPStatus(status).phrase)
    kind = _BY_STATUS.get(status, ClusterError)
    if status == HTTPStatus.CONFLICT and method == "POST":
        kind = AlreadyExists
    causes = (answer.get("details") or {}).get("causes") or []
    fields = frozenset(str(cause["field"]) for cause in causes if "field" in cause)
    return kind(status, reason, str(answer.get("message", "")), fields=fields)
