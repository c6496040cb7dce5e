"""The operator on a real API server, with the rights that the chart gives it: in this process, and as the command."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import kopf
import pytest

from modelyard.apiserver import ApiServer, Login, NotFound
from modelyard.cluster import Cluster, collection
from modelyard.naming import API_VERSION
from modelyard.operator import Exit, run_operator
from modelyard.settings import Images, Lease, Registry, Settings
from modelyard.telemetry import METRICS
from tests.modelyard.objects import model
from tests.modelyard.waiting import connections_closed, until
from tests.servers.apiserver import ADMIN_TOKEN, RunningApiServer, running_api_server

pytestmark = pytest.mark.cluster

SYSTEM = "modelyard-system"

Running: TypeAlias = Callable[..., AbstractAsyncContextManager["Process"]]


class Process:
    """A running operator. ``stop()`` is SIGTERM's way."""

    def __init__(self, settings: Settings, login: Login, identity: str, namespace: str = SYSTEM) -> None:
        self.settings = settings
        self._stop = asyncio.Event()
        run = run_operator(settings, namespace=namespace, identity=identity, stop=self._stop, login=login)
        self.task = asyncio.ensure_future(run)

    async def stop(self) -> Exit:
        self._stop.set()
        return await asyncio.wait_for(self.task, 20)

    async def end(self) -> None:
        """Stop it the gentle way: Kopf, cancelled at the wrong moment, leaves its own connections to the collector."""
        self._stop.set()
        await asyncio.wait({self.task}, timeout=20)
        self.task.cancel()
        await asyncio.wait({self.task})
        await connections_closed()


def settings(namespace: str, **changes: object) -> Settings:
    return Settings(
        images=Images(operator="operator:1", runtime="runtime:1", triton="triton:1", envoy="envoy:1"),
        registry=Registry(push="127.0.0.1:1", pull="127.0.0.1:1", plain_http=True),
        namespaces=(namespace,),
        probe_port=0,
        **{"lease": Lease(renew_seconds=0.2, retry_seconds=0.1), **changes},
    )


@pytest.fixture
async def running(operator_login: Login, namespace: str, api: ApiServer) -> AsyncIterator[Running]:
    """Start operators that watch this test's namespace; the lease is free before and after."""

    @asynccontextmanager
    async def start(identity: str = "pod-1", **changes: object) -> AsyncIterator[Process]:
        process = Process(settings(namespace, **changes), operator_login, identity)
        try:
            yield process
        finally:
            await process.end()

    await free(api)
    yield start
    await free(api)


async def free(api: ApiServer) -> None:
    try:
        await api.request("DELETE", f"apis/coordination.k8s.io/v1/namespaces/{SYSTEM}/leases/modelyard-operator")
    except NotFound:
        return


async def holder(api: ApiServer) -> str:
    try:
        path = f"apis/coordination.k8s.io/v1/namespaces/{SYSTEM}/leases/modelyard-operator"
        return str((await api.request("GET", path))["spec"].get("holderIdentity") or "")
    except NotFound:
        return ""


async def eventually(look: Callable[[], Any], wanted: Callable[[Any], bool], seconds: float = 20) -> Any:
    """Return what ``look()`` answers once it is ``wanted``."""
    async with asyncio.timeout(seconds):
        while True:
            seen = await look()
            if wanted(seen):
                return seen
            await asyncio.sleep(0.1)


async def test_a_stop_gives_the_lease_back(running: Running, api: ApiServer) -> None:
    async with running("pod-1") as process:
        await eventually(lambda: holder(api), lambda name: name == "pod-1")
        assert await process.stop() is Exit.STOPPED
    assert await holder(api) == ""


async def test_a_candidate_stops_too(running: Running, api: ApiServer) -> None:
    async with running("pod-1"):
        await eventually(lambda: holder(api), lambda name: name == "pod-1")
        before = METRICS.total("api_calls", method="GET")
        async with running("pod-2") as candidate:
            await until(lambda: METRICS.total("api_calls", method="GET") >= before + 3)  # the kinds, then the lease
            assert await candidate.stop() is Exit.STOPPED
        assert await holder(api) == "pod-1"


async def test_a_model_that_waits_is_told_so_by_its_status(running: Running, cluster: Cluster, namespace: str) -> None:
    await cluster.create(model(namespace))
    async with running():
        seen = await eventually(
            lambda: cluster.get("OptimizedModel", namespace, "minilm"),
            lambda m: bool(m.get("status", {}).get("conditions")),
        )
        (build,) = await eventually(
            lambda: cluster.select("ModelBuild", namespace, {}),
            lambda builds: bool(builds and "ownerReferences" in builds[0]["metadata"]),
        )
    assert seen["status"]["observedGeneration"] == 1
    assert [owner["name"] for owner in build["metadata"]["ownerReferences"]] == ["minilm"]


@pytest.mark.parametrize("status", [{"phase": "Healthy", "stableRevision": "deadbeef"}, None], ids=["forged", "wiped"])
async def test_a_status_that_somebody_else_wrote_is_written_anew(
    running: Running, cluster: Cluster, api: ApiServer, namespace: str, status: dict[str, str] | None
) -> None:
    await cluster.create(model(namespace, optimization={"engine": "TensorRT"}))

    async def seen() -> dict[str, Any]:
        found = await cluster.get("OptimizedModel", namespace, "minilm") or {}
        status: dict[str, Any] = found.get("status", {})
        return status

    async with running(lease=Lease(duration_seconds=60, renew_seconds=50)):
        true = await eventually(seen, lambda s: bool(s.get("conditions")))
        await quiet()
        path = f"{collection('OptimizedModel', namespace)}/minilm/status"
        how = {"content_type": "application/merge-patch+json", "fieldManager": "kubectl-patch"}
        await api.request("PATCH", path, body={"status": status}, **how)
        again = await eventually(seen, lambda s: s.get("phase") == true["phase"])
        await quiet()  # and wakes nobody for ever
    assert again.get("stableRevision") == true.get("stableRevision")
    assert [(one["type"], one["reason"]) for one in again["conditions"]] == [
        (one["type"], one["reason"]) for one in true["conditions"]
    ]


async def test_another_one_goes_on_where_the_first_stopped(
    running: Running, cluster: Cluster, api: ApiServer, namespace: str
) -> None:
    async with running("pod-1", lease=Lease(duration_seconds=3, renew_seconds=0.2, retry_seconds=0.1)) as first:
        await eventually(lambda: holder(api), lambda name: name == "pod-1")
        async with running("pod-2", lease=Lease(duration_seconds=3, renew_seconds=0.2, retry_seconds=0.1)):
            await cluster.create(model(namespace))
            await eventually(lambda: cluster.select("ModelBuild", namespace, {}), bool)
            await first.stop()
            await eventually(lambda: holder(api), lambda name: name == "pod-2")
            await cluster.create(model(namespace, "second"))
            await eventually(
                lambda: cluster.get("OptimizedModel", namespace, "second"),
                lambda m: bool(m.get("status", {}).get("conditions")),
            )
    assert len(await cluster.select("ModelBuild", namespace, {})) == 1  # the same inputs, one build


async def test_models_at_rest_cost_no_call(running: Running, cluster: Cluster, namespace: str) -> None:
    """Refused ones, which wait for nobody but their author: nobody here makes the pods of one that would serve."""
    for name in ("one", "two", "three"):
        await cluster.create(model(namespace, name, optimization={"engine": "TensorRT"}))
    async with running(lease=Lease(duration_seconds=60, renew_seconds=50)):

        async def told() -> list[dict[str, Any]]:
            return [m.get("status", {}) for m in await cluster.select("OptimizedModel", namespace, {})]

        await eventually(told, lambda statuses: all(s.get("conditions") for s in statuses))
        before = await quiet()
        await asyncio.sleep(3)
        assert METRICS.total("api_calls") == before


async def quiet(seconds: float = 1) -> int:
    """Return the count of calls once the echoes of what was written have died away: none came for ``seconds``."""
    async with asyncio.timeout(20):
        while True:
            before = METRICS.total("api_calls")
            await asyncio.sleep(seconds)
            if METRICS.total("api_calls") == before:
                return before


async def test_kinds_that_are_missing_at_the_start_are_waited_for(tmp_path: Path, crds: list[dict[str, Any]]) -> None:
    with running_api_server(tmp_path / "server") as server:

        def login() -> kopf.ConnectionInfo:
            return kopf.ConnectionInfo(server=server.url, token=ADMIN_TOKEN, insecure=True)

        unknown = METRICS.total("api_calls", status="404")
        async with ApiServer(login) as api:
            process = Process(settings("default"), login, "pod-1", namespace="default")
            try:
                await until(lambda: METRICS.total("api_calls", status="404") > unknown)
                for crd in crds:
                    await api.request("POST", "apis/apiextensions.k8s.io/v1/customresourcedefinitions", body=crd)
                cluster = Cluster(api, lambda: None)
                await eventually(lambda: created(cluster), bool)
                await eventually(
                    lambda: cluster.get("OptimizedModel", "default", "minilm"),
                    lambda m: bool(m.get("status", {}).get("conditions")),
                )
            finally:
                await process.end()


async def created(cluster: Cluster) -> bool:
    try:
        await cluster.create(model("default"))
    except NotFound:
        return False
    return True


async def test_an_operator_that_cannot_renew_its_lease_ends(
    bare_api_server: RunningApiServer, running: Running, api: ApiServer
) -> None:
    async with running(lease=Lease(duration_seconds=3, renew_seconds=0.2, retry_seconds=0.1)) as process:
        await eventually(lambda: holder(api), lambda name: name == "pod-1")
        bare_api_server.kill()
        try:
            assert await asyncio.wait_for(process.task, 20) is Exit.LEASE_LOST
        finally:
            bare_api_server.start()


async def test_an_api_server_that_restarts_is_watched_again(
    bare_api_server: RunningApiServer, running: Running, cluster: Cluster, api: ApiServer, namespace: str
) -> None:
    async def seen(name: str) -> None:
        await cluster.create(model(namespace, name))
        await eventually(
            lambda: cluster.get("OptimizedModel", namespace, name),
            lambda m: bool(m.get("status", {}).get("conditions")),
            seconds=40,
        )

    async with running(lease=Lease(duration_seconds=60, renew_seconds=1, retry_seconds=0.2)) as process:
        await seen("before")  # it watches: cut off while it still looks for what to watch, it ends and another leads
        bare_api_server.kill()
        await asyncio.to_thread(bare_api_server.start)
        await eventually(lambda: api.request("GET", f"apis/{API_VERSION}/optimizedmodels"), bool)
        await seen("after")
        assert not process.task.done()


async def test_the_command_leads_under_its_pods_name_and_gives_the_lease_back_when_told_to_end(
    operator_login: Login, api: ApiServer, namespace: str, tmp_path: Path
) -> None:
    """``modelyard run`` as the image starts it, but that its credentials come from a kubeconfig."""
    (tmp_path / "settings.json").write_text(settings(namespace, log_level="WARNING").model_dump_json(by_alias=True))
    (tmp_path / "kubeconfig").write_text(json.dumps(kubeconfig(operator_login())))
    places = {"KUBECONFIG": str(tmp_path / "kubeconfig"), "MODELYARD_SETTINGS": str(tmp_path / "settings.json")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "modelyard",
        "run",
        env={**os.environ, **places, "POD_NAME": "pod-1", "POD_NAMESPACE": SYSTEM},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        await eventually(lambda: holder(api), lambda name: name == "pod-1")
    finally:
        process.terminate()
        log, _ = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 0, log.decode()
    assert await holder(api) == ""
    assert b"lease acquired" not in log, "it is told at INFO, and WARNING was asked for"


def kubeconfig(info: kopf.ConnectionInfo) -> dict[str, Any]:
    """Return credentials as ``kubectl`` keeps them."""
    server = {"server": info.server, "insecure-skip-tls-verify": True}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": server}],
        "users": [{"name": "operator", "user": {"token": info.token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "operator"}}],
        "current-context": "test",
    }
