"""The lease, on a real API server; the clock is data."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from modelyard.apiserver import ApiServer
from modelyard.leader import Leader, LeaseLost
from modelyard.settings import Lease
from modelyard.telemetry import METRICS
from tests.modelyard.waiting import background, until
from tests.servers.apiserver import RunningApiServer

pytestmark = pytest.mark.cluster

DURATION = 8
LEASE = Lease(name="operator", duration_seconds=DURATION, renew_seconds=0.02, retry_seconds=0.02)


class Clock:
    """Stands still until told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def candidate(api: ApiServer, namespace: str, clock: Clock) -> Callable[[str], Leader]:
    return lambda identity: Leader(api, LEASE, namespace=namespace, identity=identity, clock=clock)


async def looks(times: int = 3) -> None:
    """Return once candidates have looked so often: only they read the lease, its holder writes."""
    before = METRICS.total("api_calls", method="GET")
    await until(lambda: METRICS.total("api_calls", method="GET") >= before + times)


async def stored(api: ApiServer, namespace: str) -> dict[str, Any]:
    lease = await api.request("GET", f"apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{LEASE.name}")
    return dict(lease["spec"])


async def test_the_first_one_leads_and_may_write(
    candidate: Callable[[str], Leader], api: ApiServer, namespace: str
) -> None:
    first = candidate("first")
    with pytest.raises(LeaseLost, match="must not write"):
        first.require()
    await first.acquire()
    first.require()
    spec = await stored(api, namespace)
    assert (spec["holderIdentity"], spec["leaseDurationSeconds"], spec["leaseTransitions"]) == ("first", DURATION, 0)


async def test_another_one_waits_until_the_lease_has_not_changed_for_its_duration(
    candidate: Callable[[str], Leader], clock: Clock, api: ApiServer, namespace: str
) -> None:
    first, second = candidate("first"), candidate("second")
    await first.acquire()
    async with background(second.acquire()) as waiting:
        await looks()
        clock.now += DURATION - 0.1
        await looks()
        assert not waiting.done()
        first.require()
        clock.now += 0.2  # killed: it renews no more
        with pytest.raises(LeaseLost):
            first.require()  # and stops on its own clock before anyone takes over
        await asyncio.wait_for(waiting, 5)
    second.require()
    spec = await stored(api, namespace)
    assert (spec["holderIdentity"], spec["leaseTransitions"]) == ("second", 1)


async def test_renewing_keeps_it(
    candidate: Callable[[str], Leader], clock: Clock, api: ApiServer, namespace: str
) -> None:
    first, second = candidate("first"), candidate("second")
    await first.acquire()
    async with background(first.keep()) as keeping, background(second.acquire()) as waiting:
        for _ in range(10):
            clock.now += DURATION / 2
            await until(lambda: first.seconds_left() >= DURATION)
            await looks()
        assert not keeping.done()
        assert not waiting.done()
    assert (await stored(api, namespace))["holderIdentity"] == "first"


async def test_released_it_is_free_at_once(candidate: Callable[[str], Leader]) -> None:
    first, second = candidate("first"), candidate("second")
    await first.acquire()
    await first.release()
    with pytest.raises(LeaseLost):
        first.require()
    await asyncio.wait_for(second.acquire(), 5)
    await first.release()  # what it doesn't hold it leaves alone
    second.require()


async def test_a_pod_whose_container_was_killed_leads_again_at_once(candidate: Callable[[str], Leader]) -> None:
    await candidate("pod").acquire()
    await asyncio.wait_for(candidate("pod").acquire(), 5)


async def test_one_that_was_replaced_ends(candidate: Callable[[str], Leader], api: ApiServer, namespace: str) -> None:
    first = candidate("first")
    await first.acquire()
    path = f"apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{LEASE.name}"
    async with background(first.keep()) as keeping:
        patch = {"spec": {"holderIdentity": "usurper"}}
        await api.request("PATCH", path, body=patch, content_type="application/merge-patch+json")
        with pytest.raises(LeaseLost, match="held by usurper"):
            await asyncio.wait_for(keeping, 5)
    with pytest.raises(LeaseLost):
        first.require()


async def test_a_renewal_whose_answer_was_lost_is_no_loss(
    candidate: Callable[[str], Leader], clock: Clock, api: ApiServer, namespace: str
) -> None:
    first = candidate("first")
    await first.acquire()
    path = f"apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{LEASE.name}"
    patch = {"metadata": {"labels": {"touched": "yes"}}}  # a new resourceVersion, the same holder
    await api.request("PATCH", path, body=patch, content_type="application/merge-patch+json")
    clock.now += DURATION / 2
    async with background(first.keep()) as keeping:
        await until(lambda: first.seconds_left() >= DURATION)
        assert not keeping.done()
        first.require()


async def test_two_at_once_cannot_both_take_it(candidate: Callable[[str], Leader], clock: Clock) -> None:
    candidates = [candidate(name) for name in "abcdef"]
    tasks = [asyncio.ensure_future(one.acquire()) for one in candidates]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    await looks(3 * len(candidates))
    assert sum(one.seconds_left() > 0 for one in candidates) == 1
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert clock.now == 1000.0


async def test_without_an_api_server_the_lease_runs_out(
    bare_api_server: RunningApiServer,
    candidate: Callable[[str], Leader],
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    first = candidate("first")
    await first.acquire()
    bare_api_server.kill()
    try:
        async with background(first.keep()) as keeping:
            await until(lambda: caplog.messages.count("lease not renewed") >= 3)
            first.require()
            clock.now += DURATION
            with pytest.raises(LeaseLost, match="ran out"):
                await asyncio.wait_for(keeping, 5)
        await first.release()
        second = candidate("second")
        async with background(second.acquire()) as waiting:
            await until(lambda: "lease not read" in caplog.messages)
            await asyncio.to_thread(bare_api_server.start)
            await looks()
            clock.now += DURATION
            await asyncio.wait_for(waiting, 10)
    finally:
        if bare_api_server.process.poll() is not None:
            bare_api_server.start()
    second.require()
