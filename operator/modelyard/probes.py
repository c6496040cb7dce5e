"""What the kubelet and Prometheus ask of the operator: is it alive, and what has it done."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from aiohttp import web

from modelyard.telemetry import METRICS


async def _healthz(_: web.Request) -> web.Response:
    # That the event loop answers is the point: whatever else fails ends the process by itself.
    return web.Response(text="ok\n")


async def _metrics(_: web.Request) -> web.Response:
    return web.Response(text=METRICS.text())


@contextlib.asynccontextmanager
async def probe_server(port: int, host: str | None = None) -> AsyncIterator[int]:
    """Serve ``/healthz`` and ``/metrics`` meanwhile; yield the port, a free one if ``port`` is 0."""
    app = web.Application()
    app.add_routes([web.get("/healthz", _healthz), web.get("/metrics", _metrics)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()
