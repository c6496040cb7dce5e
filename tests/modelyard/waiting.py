"""Waiting on a condition of this very event loop, with a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Return once ``condition()`` holds. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what it looks at sets no event
            await asyncio.sleep(0.01)


async def connections_closed() -> None:
    """Let aborted TLS connections, of Kopf's watches above all, be told so before the loop ends."""
    await asyncio.sleep(0.1)


@asynccontextmanager
async def background(coroutine: Coroutine[object, object, None]) -> AsyncIterator[asyncio.Task[None]]:
    """Run ``coroutine`` for the length of the block at most."""
    task = asyncio.ensure_future(coroutine)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})
        await connections_closed()
