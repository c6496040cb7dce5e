"""A Hugging Face hub's HTTP API, as far as the operator needs it: from a branch or tag to the commit."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import aiohttp

from modelyard.oci.errors import may_pass
from modelyard.reasons import Reason
from modelyard.state.observed import PinFailed

SECONDS = 20.0
_HOPS = 4  # a repository that was renamed is answered by a redirect on the same host


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """A hub at ``endpoint`` (``https://host``); ``token`` if it asks for one."""

    endpoint: str
    token: str | None = None

    async def commit(self, repo: str, revision: str) -> str | PinFailed:
        """Return the 40 hex digits that ``revision`` of ``repo`` is now, or why that can't be said."""
        url = f"{self.endpoint.rstrip('/')}/api/models/{repo}/revision/{quote(revision, safe='')}"
        try:
            async with asyncio.timeout(SECONDS), aiohttp.ClientSession() as session:
                status, error_code, answer = await self._get(session, url)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return _unreachable(self.endpoint, str(error) or type(error).__name__)
        if status == HTTPStatus.OK and isinstance(answer.get("sha"), str):
            return str(answer["sha"])
        return self._failure(repo, revision, status, error_code)

    async def _get(self, session: aiohttp.ClientSession, url: str) -> tuple[int, str, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        for _ in range(_HOPS):
            async with session.get(url, headers=headers, allow_redirects=False) as response:
                target = response.headers.get("Location")
                if not target or response.status not in range(300, 400):
                    answer = await response.json(content_type=None) if response.status == HTTPStatus.OK else {}
                    return response.status, response.headers.get("X-Error-Code", ""), answer
            following = urljoin(url, target)
            if urlsplit(following)[:2] != urlsplit(self.endpoint)[:2]:  # the token, and our reach, stay at this host
                message = f"it redirects to another host, {urlsplit(following).netloc}"
                raise ValueError(message)
            url = following
        message = f"more than {_HOPS} redirects"
        raise ValueError(message)

    def _failure(self, repo: str, revision: str, status: int, error_code: str) -> PinFailed:
        where = f"{repo} at {self.endpoint}"
        if error_code == "RevisionNotFound":
            return PinFailed(
                reason=Reason.SOURCE_NOT_FOUND,
                message=f"{where} has no revision {revision!r}; correct spec.source.huggingFace.revision",
            )
        if error_code == "RepoNotFound" or status == HTTPStatus.NOT_FOUND:
            token = "the token of tokenSecretRef may not see it" if self.token else "it is private: set tokenSecretRef"
            return PinFailed(
                reason=Reason.SOURCE_NOT_FOUND,
                message=f"there is no {where}, or {token}; correct spec.source.huggingFace.repo",
            )
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            fix = (
                "accept its terms on the hub with the account of the token, or use another token"
                if self.token
                else "accept its terms on the hub, and name a Secret with your token in "
                "spec.source.huggingFace.tokenSecretRef"
            )
            return PinFailed(
                reason=Reason.SOURCE_UNAUTHORIZED, message=f"the hub refuses {where} (HTTP {status}); {fix}"
            )
        if may_pass(status):
            return _unreachable(self.endpoint, f"HTTP {status}")
        return PinFailed(
            reason=Reason.SOURCE_NOT_FOUND,
            message=f"the hub names no commit of {where} (HTTP {status}); correct spec.source.huggingFace.repo",
        )


def _unreachable(endpoint: str, why: str) -> PinFailed:
    message = f"the hub {endpoint} didn't answer ({why}); it is asked again"
    return PinFailed(reason=Reason.SOURCE_UNREACHABLE, message=message)
