"""The operator's process: wait for the kinds, wait for the lease, then watch and reconcile until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from enum import IntEnum

import aiohttp

from modelyard.apiserver import ApiServer, ClusterError, Login, Unreachable, login
from modelyard.artifacts import Artifacts
from modelyard.cluster import Cluster
from modelyard.defaults import defaults_from
from modelyard.handlers import watch
from modelyard.keys import Key
from modelyard.leader import Leader, LeaseLost
from modelyard.naming import API_VERSION
from modelyard.probes import probe_server
from modelyard.queue import Queue
from modelyard.reconciler import Reconciler
from modelyard.resolve import Pinner
from modelyard.settings import Settings
from modelyard.telemetry import Log
from modelyard.traffic.envoy import Envoys

CRD_RETRY_SECONDS = 2.0
STOP_SECONDS = 5.0

log = Log("operator")


class Exit(IntEnum):
    """The process's exit codes."""

    STOPPED = 0
    LEASE_LOST = 3


async def run_operator(
    settings: Settings, *, namespace: str, identity: str, stop: asyncio.Event, login: Login = login
) -> Exit:
    """Run until ``stop`` is set, a signal comes or the lease is lost. ``namespace`` is that of the Lease."""
    async with ApiServer(login) as api, probe_server(settings.probe_port):
        leader = Leader(api, settings.lease, namespace=namespace, identity=identity)
        try:
            if not await _done_before(stop, _ready_to_lead(api, leader)):
                return Exit.STOPPED
            async with _reconciler(settings, api, leader.require) as reconciler:
                await _lead(settings, reconciler, leader, stop, login)
        except LeaseLost as lost:
            log.warning("operator ended", why=str(lost))
            return Exit.LEASE_LOST
        finally:
            await leader.release()
    log.info("operator stopped")
    return Exit.STOPPED


async def _lead(settings: Settings, reconciler: Reconciler, leader: Leader, stop: asyncio.Event, login: Login) -> None:
    """Return once asked to stop; raises whatever ended the work before."""
    queue: Queue[Key] = Queue(reconciler.reconcile)
    tasks = {
        asyncio.create_task(leader.keep(), name="lease"),
        asyncio.create_task(queue.run(), name="queue"),
        asyncio.create_task(watch(queue.wake, login, settings.namespaces, stop), name="watch"),
    }
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=STOP_SECONDS)
    for task in done:
        task.result()


@contextlib.asynccontextmanager
async def _reconciler(settings: Settings, api: ApiServer, guard: Callable[[], None]) -> AsyncIterator[Reconciler]:
    cluster = Cluster(api, guard)
    artifacts = Artifacts(settings.registry)
    # A pass asks each proxy once and goes: an idle connection to every proxy of a big cluster serves nobody.
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
        yield Reconciler(
            cluster=cluster,
            envoys=Envoys(session),
            pinner=Pinner(cluster, settings.sources),
            ask_registry=artifacts.ask,
            push_config=artifacts.push_config,
            defaults=defaults_from(settings),
        )


async def _ready_to_lead(api: ApiServer, leader: Leader) -> None:
    await _crds(api)
    await leader.acquire()


async def _crds(api: ApiServer) -> None:
    """Wait until the API server knows our kinds: the CRDs may be installed after us."""
    told = False
    while True:
        try:
            await api.request("GET", f"apis/{API_VERSION}")
        except (ClusterError, Unreachable) as error:
            if not told:
                log.warning("custom resources not found yet", fix="install the chart's CRDs", error=str(error))
                told = True
            await asyncio.sleep(CRD_RETRY_SECONDS)
        else:
            return


async def _done_before(stop: asyncio.Event, work: Coroutine[object, object, None]) -> bool:
    """Run ``work`` to its end and return True, or drop it once ``stop`` is set and return False."""
    task, stopper = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({task, stopper}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        finished = task.done()
        for each in (task, stopper):
            each.cancel()
        await asyncio.wait({task, stopper})
    if finished:
        task.result()
    return finished
