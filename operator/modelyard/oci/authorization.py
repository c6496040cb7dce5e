"""How a registry lets a client in: nothing, basic, or a token fetched from the realm that it names."""

from __future__ import annotations

import re
from collections.abc import Generator

import httpx

from modelyard.oci.credentials import Credentials
from modelyard.oci.errors import RegistryUnauthorized, RegistryUnreachable, may_pass

_PARAMETER = re.compile(r'(\w+)="([^"]*)"')


class Authorization(httpx.Auth):
    """Answers a registry's challenge once, and keeps what it was given for the requests that follow."""

    def __init__(self, repository: str, credentials: Credentials | None) -> None:
        """Without credentials an anonymous token is asked for, where the registry wants one."""
        self._repository = repository
        self._credentials = credentials
        self._headers: dict[tuple[str, str], str] = {}  # by host and scope: a redirect elsewhere gets nothing

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send the request; if it is challenged, send it again with an answer to that.

        Only a token's answer is read here: httpx would else hold every blob in memory before the first byte is seen.
        """
        place = (request.url.netloc.decode(), self._scope(request))
        if place in self._headers:
            request.headers["Authorization"] = self._headers[place]
        response = yield request
        if response.status_code != httpx.codes.UNAUTHORIZED:
            return
        scheme, _, rest = response.headers.get("WWW-Authenticate", "").partition(" ")
        parameters = dict(_PARAMETER.findall(rest))
        if scheme.lower() == "bearer":
            token = yield self._token_request(parameters, place[1])
            token.read()
            self._headers[place] = f"Bearer {_token(token)}"
        elif scheme.lower() == "basic" and self._credentials:
            self._headers[place] = self._basic()
        else:
            return
        request.headers["Authorization"] = self._headers[place]
        yield request

    def _scope(self, request: httpx.Request) -> str:
        actions = "pull" if request.method in {"GET", "HEAD"} else "pull,push"
        return f"repository:{self._repository}:{actions}"

    def _token_request(self, parameters: dict[str, str], scope: str) -> httpx.Request:
        wanted = {"scope": scope} | ({"service": parameters["service"]} if "service" in parameters else {})
        headers = {"Authorization": self._basic()} if self._credentials else {}
        return httpx.Request("GET", parameters["realm"], params=wanted, headers=headers)

    def _basic(self) -> str:
        if self._credentials is None:
            message = "the registry asks for credentials, and there are none"
            raise RegistryUnauthorized(message)
        request = next(
            httpx.BasicAuth(self._credentials.username, self._credentials.password).sync_auth_flow(
                httpx.Request("GET", "http://localhost/")
            )
        )
        return request.headers["Authorization"]


def _token(answer: httpx.Response) -> str:
    """Return the token out of a realm's answer. Raises RegistryUnauthorized, or RegistryUnreachable for now."""
    if not answer.is_success:
        status = f"{answer.status_code} {answer.reason_phrase}"
        if may_pass(answer.status_code):
            raise RegistryUnreachable(f"{answer.request.url.host} gives no token now: {status}")
        raise RegistryUnauthorized(f"{answer.request.url.host} gives no token: {status}; check the credentials")
    content = answer.json()
    return str(content.get("token") or content["access_token"])
