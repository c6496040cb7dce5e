"""One pass a key at a time; events during a pass cause exactly one more; a pass that fails waits longer each time.

``Backlog`` is the bookkeeping, pure: time is an argument. ``Queue`` runs passes by it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from time import monotonic
from typing import Generic, TypeVar

from modelyard.telemetry import METRICS, Log

K = TypeVar("K", bound=Hashable)
Work = Callable[[K], Awaitable[float | None]]

log = Log("queue")


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Seconds to wait after the n-th failure in a row: doubled each time, up to a limit, with some spread."""

    first: float = 0.5
    limit: float = 300.0
    spread: float = 0.1  # of the delay, so that keys that failed together don't come back together

    def after(self, failures: int, lot: float) -> float:
        """Return the delay after ``failures`` in a row (from 1); ``lot`` in [0, 1) draws the spread."""
        delay = min(self.limit, self.first * 2.0 ** min(failures - 1, 30))
        return delay * (1 + self.spread * lot)


@dataclass(slots=True)
class Backlog(Generic[K]):
    """Which keys want a pass now, which later, and which have one running.

    A key is in ``ready`` or ``running`` or neither, never both; ``again`` holds running keys that were woken
    meanwhile. A key that waits for a time keeps it through a wake: the pass that the wake causes replaces it.
    """

    ready: dict[K, None] = field(default_factory=dict)  # in the order of arrival
    running: set[K] = field(default_factory=set)
    again: set[K] = field(default_factory=set)
    due: dict[K, float] = field(default_factory=dict)
    failures: dict[K, int] = field(default_factory=dict)

    def wake(self, key: K) -> None:
        """Want a pass for ``key``: now, or once more after the one that runs."""
        if key in self.running:
            self.again.add(key)
        else:
            self.ready[key] = None

    def take(self, now: float) -> K | None:
        """Return the next key to run, marked as running; None if nothing wants a pass yet."""
        for key in [key for key, at in self.due.items() if at <= now]:
            del self.due[key]
            self.wake(key)
        if not self.ready:
            return None
        key = next(iter(self.ready))
        del self.ready[key]
        self.due.pop(key, None)
        self.running.add(key)
        return key

    def done(self, key: K, *, at: float | None = None) -> None:
        """End the running pass of ``key``; ``at`` is when it wants the next one, None if only an event shall."""
        self.failures.pop(key, None)
        self._leave(key, at)

    def failed(self, key: K, *, now: float, backoff: Backoff, lot: float) -> float:
        """End the running pass of ``key`` as failed; return the seconds until the next one."""
        self.failures[key] = self.failures.get(key, 0) + 1
        delay = backoff.after(self.failures[key], lot)
        self._leave(key, now + delay)
        return delay

    def next_due(self) -> float | None:
        """Return the earliest time that a key waits for."""
        return min(self.due.values(), default=None)

    def _leave(self, key: K, at: float | None) -> None:
        self.running.remove(key)
        if key in self.again:
            self.again.remove(key)
            self.ready[key] = None
        elif at is not None:
            self.due[key] = at


class Queue(Generic[K]):
    """Runs ``work`` for each key that was woken, at most ``limit`` passes at once.

    ``work`` returns the seconds until it wants to look again, or None. An exception of it is logged with its
    traceback, counted in ``modelyard_pass_failures_total``, and the key comes back after the backoff.
    """

    def __init__(
        self, work: Work[K], *, limit: int = 8, backoff: Backoff | None = None, clock: Callable[[], float] = monotonic
    ) -> None:
        """Start nothing yet: that is ``run``."""
        self._work = work
        self._limit = limit
        self._backoff = backoff or Backoff()
        self._clock = clock
        self._backlog: Backlog[K] = Backlog()
        self._changed = asyncio.Event()

    def wake(self, key: K) -> None:
        """Want a pass for ``key``."""
        self._backlog.wake(key)
        self._changed.set()

    async def run(self) -> None:
        """Run passes until cancelled; those that run then are cancelled with it."""
        async with asyncio.TaskGroup() as passes:
            while True:
                self._changed.clear()
                self._start_passes(passes)
                await self._next_change()

    def _start_passes(self, passes: asyncio.TaskGroup) -> None:
        while len(self._backlog.running) < self._limit:
            key = self._backlog.take(self._clock())
            if key is None:
                return
            passes.create_task(self._pass(key), name=f"pass {key}")

    async def _next_change(self) -> None:
        due = self._backlog.next_due()
        full = len(self._backlog.running) >= self._limit
        timeout = None if due is None or full else max(0.0, due - self._clock())
        try:
            async with asyncio.timeout(timeout):
                await self._changed.wait()
        except TimeoutError:
            return

    async def _pass(self, key: K) -> None:
        started = self._clock()
        try:
            again_in = await self._work(key)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other keys go on, and this one comes back
            METRICS.count("pass_failures")
            lot = random.random()  # noqa: S311 - spreads retries, no secret
            delay = self._backlog.failed(key, now=self._clock(), backoff=self._backoff, lot=lot)
            log.failure("pass failed", error, key=key, again_in_seconds=round(delay, 1))
        else:
            METRICS.count("passes")
            self._backlog.done(key, at=None if again_in is None else self._clock() + again_in)
            log.debug("pass ended", key=key, seconds=round(self._clock() - started, 3), again_in_seconds=again_in)
        self._changed.set()
