"""Asks the Envoys themselves what they serve: their routes' hash, and which revisions are healthy in them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from http import HTTPStatus

import aiohttp

from modelyard.state.observed import PodView, ProxyReplica
from modelyard.telemetry import METRICS
from modelyard.traffic.envoy_config import CONFIG_PATH, HTTP_PORT, SERVER_READY_FRAME, ready_grpc_path, ready_path

SECONDS = 3.0
_GRPC = {"Content-Type": "application/grpc", "TE": "trailers"}
_SERVER_IS_READY = b"\x00\x00\x00\x00\x02\x08\x01"
"""The message ServerReadyResponse with ``ready: true``. The status tells nothing: gRPC's refusals, and Envoy's own in
the name of an upstream that it can't reach, are HTTP 200 too."""


class Envoys:
    """The proxies of a model, asked at their pods' addresses. ``port`` is that of their HTTP listener."""

    def __init__(self, session: aiohttp.ClientSession, port: int = HTTP_PORT) -> None:
        """Ask through ``session``."""
        self._session = session
        self._port = port

    async def replicas(self, pods: Iterable[PodView], revisions: Iterable[str]) -> tuple[ProxyReplica, ...]:
        """Return what each of ``pods`` (all with an IP) serves, and which of ``revisions`` are healthy in it."""
        names = tuple(revisions)
        return tuple(await asyncio.gather(*(self._replica(pod, names) for pod in pods)))

    async def _replica(self, pod: PodView, revisions: tuple[str, ...]) -> ProxyReplica:
        routes_hash = await self._routes_hash(pod)
        healthy: frozenset[str] = frozenset()
        if routes_hash is not None:
            answers = await asyncio.gather(*(self._healthy(pod, revision) for revision in revisions))
            healthy = frozenset(name for name, answer in zip(revisions, answers, strict=True) if answer)
        return ProxyReplica(pod=pod.name, routes_hash=routes_hash, healthy=healthy, ready=pod.ready)

    async def _routes_hash(self, pod: PodView) -> str | None:
        status, body = await self._ask("GET", pod, CONFIG_PATH)
        return body.decode(errors="replace").strip() if status == HTTPStatus.OK else None

    async def _healthy(self, pod: PodView, revision: str) -> bool:
        http, grpc = await asyncio.gather(
            self._ask("GET", pod, ready_path(revision)),
            self._ask("POST", pod, ready_grpc_path(revision), headers=_GRPC, data=SERVER_READY_FRAME),
        )
        return http[0] == HTTPStatus.OK and grpc == (HTTPStatus.OK, _SERVER_IS_READY)

    async def _ask(
        self, method: str, pod: PodView, path: str, *, headers: dict[str, str] | None = None, data: bytes | None = None
    ) -> tuple[int, bytes]:
        """Return status and body; status 0 where there was no answer, which is what a starting Envoy gives."""
        METRICS.count("proxy_calls")
        host = f"[{pod.ip}]" if pod.ip and ":" in pod.ip else pod.ip
        url = f"http://{host}:{self._port}{path}"
        try:
            async with (
                asyncio.timeout(SECONDS),
                self._session.request(method, url, headers=headers, data=data) as reply,
            ):
                return reply.status, await reply.read()
        except (aiohttp.ClientError, OSError):
            return 0, b""
