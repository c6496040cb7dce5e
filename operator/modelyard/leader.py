"""One operator at a time: a Lease of coordination.k8s.io, held by renewing it.

Clocks of machines differ, so a holder's word is not compared with ours: a lease is over once it hasn't changed for
its duration on the local monotonic clock. The holder counts from before its request was sent, a candidate from after
it saw the change, so the holder always stops first. Before each write the lease must have time left
(``Leader.require``); once it can't be renewed the process ends, and the kubelet starts it anew as a candidate.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from modelyard.apiserver import AlreadyExists, ApiServer, ClusterError, Conflict, NotFound, Unreachable
from modelyard.errors import ModelyardError
from modelyard.settings import Lease
from modelyard.telemetry import METRICS, Log

log = Log("leader")


class LeaseLost(ModelyardError):
    """The lease ran out, or someone else holds it: nothing may be written any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A lease as it was last seen to change: its version, its holder, and when that was on our clock."""

    version: str
    holder: str
    seconds: float  # that it is good for after ``at``
    at: float

    def expired(self, now: float) -> bool:
        """Return whether anyone may take the lease."""
        return not self.holder or now >= self.at + self.seconds


def sighting(lease: dict[str, Any], previous: Sighting | None, now: float) -> Sighting:
    """Return what ``lease`` looks like; one that didn't change keeps the time at which it was first seen."""
    version = lease["metadata"]["resourceVersion"]
    if previous is not None and previous.version == version:
        return previous
    spec = lease.get("spec", {})
    return Sighting(
        version=version,
        holder=spec.get("holderIdentity") or "",
        seconds=float(spec.get("leaseDurationSeconds") or 0),
        at=now,
    )


class Leader:
    """Acquires, keeps and releases one Lease for ``identity``. ``clock`` in seconds, monotonic."""

    def __init__(
        self,
        api: ApiServer,
        lease: Lease,
        *,
        namespace: str,
        identity: str,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Hold nothing yet."""
        self._api = api
        self._lease = lease
        self._namespace = namespace
        self._identity = identity
        self._clock = clock
        self._seen: Sighting | None = None
        self._until = float("-inf")
        self._transitions = 0
        self._acquired_at = ""

    def seconds_left(self) -> float:
        """Return for how long the lease is ours; 0 or less: it isn't."""
        return self._until - self._clock()

    def require(self) -> None:
        """Raise LeaseLost unless the lease has time left. To be called before every write."""
        if self.seconds_left() <= 0:
            message = f"the lease {self._namespace}/{self._lease.name} ran out; this process must not write any more"
            raise LeaseLost(message)

    async def acquire(self) -> None:
        """Wait until the lease is ours."""
        while True:
            if await self._try_to_acquire():
                break
            await asyncio.sleep(self._lease.retry_seconds)
        METRICS.gauge("leader", 1)
        log.info("lease acquired", lease=self._lease.name, identity=self._identity, transitions=self._transitions)

    async def keep(self) -> None:
        """Renew the lease for ever. Raises LeaseLost when it ran out or someone else took it."""
        pause = self._lease.renew_seconds
        while True:
            await asyncio.sleep(min(pause, max(0.0, self.seconds_left())))
            self.require()
            pause = self._lease.renew_seconds
            try:
                async with asyncio.timeout(self.seconds_left()):
                    await self._renew()
            except (Unreachable, TimeoutError, ClusterError) as error:
                pause = self._lease.retry_seconds
                log.warning("lease not renewed", error=str(error), seconds_left=round(self.seconds_left(), 1))

    async def release(self) -> None:
        """Give the lease up, so that the next one need not wait for it to run out."""
        METRICS.gauge("leader", 0)
        if self.seconds_left() <= 0:
            return
        self._until = float("-inf")
        try:
            await self._write("PUT", holder="", seconds=1)
        except (ClusterError, Unreachable) as error:
            log.warning("lease not released", error=str(error))
        else:
            log.info("lease released", lease=self._lease.name)

    async def _try_to_acquire(self) -> bool:
        try:
            lease = await self._read()
        except NotFound:
            return await self._take("POST")
        except (ClusterError, Unreachable) as error:
            log.warning("lease not read", error=str(error))
            return False
        self._seen = sighting(lease, self._seen, self._clock())
        # A holder of our own name is this pod before its container restarted: it is gone, or we were not here.
        if self._seen.holder != self._identity and not self._seen.expired(self._clock()):
            return False
        self._transitions = int(lease["spec"].get("leaseTransitions") or 0) + 1
        return await self._take("PUT")

    async def _read(self) -> dict[str, Any]:
        return await self._api.request("GET", f"{self._collection}/{self._lease.name}")

    async def _take(self, method: str) -> bool:
        self._acquired_at = _now()
        try:
            await self._hold(method)
        except (AlreadyExists, Conflict):
            return False  # another candidate was faster
        except (ClusterError, Unreachable) as error:
            log.warning("lease not acquired", error=str(error))
            return False
        return True

    async def _renew(self) -> None:
        try:
            await self._hold("PUT")
        except Conflict:  # either a renewal of ours was carried out though its answer was lost, or we were replaced
            lease = await self._read()
            self._seen = sighting(lease, None, self._clock())
            if self._seen.holder != self._identity:
                self._until = float("-inf")
                message = f"the lease {self._lease.name} is held by {self._seen.holder or 'nobody'} now"
                raise LeaseLost(message) from None
            await self._hold("PUT")

    async def _hold(self, method: str) -> None:
        started = self._clock()
        await self._write(method, holder=self._identity, seconds=self._lease.duration_seconds)
        self._until = started + self._lease.duration_seconds

    async def _write(self, method: str, *, holder: str, seconds: int) -> None:
        metadata = {"name": self._lease.name, "namespace": self._namespace}
        if method == "PUT" and self._seen is not None:
            metadata["resourceVersion"] = self._seen.version
        body = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": metadata,
            "spec": {
                "holderIdentity": holder,
                "leaseDurationSeconds": seconds,
                "acquireTime": self._acquired_at,
                "renewTime": _now(),
                "leaseTransitions": self._transitions,
            },
        }
        path = self._collection if method == "POST" else f"{self._collection}/{self._lease.name}"
        self._seen = sighting(await self._api.request(method, path, body=body), None, self._clock())

    @property
    def _collection(self) -> str:
        return f"apis/coordination.k8s.io/v1/namespaces/{self._namespace}/leases"


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
