"""Asking real Envoys what they serve."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import pytest

from modelyard.state.objects import ObjectRef
from modelyard.state.observed import PodView, ProxyReplica
from modelyard.traffic.envoy import Envoys
from modelyard.traffic.envoy_config import CONFIG_PATH, ready_grpc_path, ready_path
from tests.servers.apiserver import program
from tests.servers.ports import free_ports

EXTENSIONS = "type.googleapis.com/envoy.extensions"
SERVICE = "inference.GRPCInferenceService"
SERVER_READY = f"/{SERVICE}/ServerReady"
READY, LOADING, HALF = "aaaaaaaa", "bbbbbbbb", "cccccccc"


def answer(path: str, status: int, text: str = "") -> dict[str, Any]:
    """Return a route that Envoy answers itself: to a gRPC request with status 200, whatever ``status`` says."""
    return {"match": {"path": path}, "direct_response": {"status": status, "body": {"inline_string": text}}}


def asks(path: str, cluster: str) -> dict[str, Any]:
    """Return a route to a gRPC server."""
    return {"match": {"path": path}, "route": {"cluster": cluster, "prefix_rewrite": SERVER_READY}}


def upstream(name: str, port: int) -> dict[str, Any]:
    """Return a cluster of one gRPC server."""
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    http2: dict[str, Any] = {"explicit_http_config": {"http2_protocol_options": {}}}
    options = {"@type": f"{EXTENSIONS}.upstreams.http.v3.HttpProtocolOptions", **http2}
    return {
        "name": name,
        "type": "STATIC",
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options},
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        },
    }


def configuration(port: int, grpc_port: int, nobody: int) -> dict[str, Any]:
    """Return Envoy's: READY is there, LOADING says not yet, of HALF only HTTP is up."""
    routes = [
        answer(CONFIG_PATH, 200, "0123abcd\n"),
        answer(ready_path(READY), 200),
        asks(ready_grpc_path(READY), "up"),
        answer(ready_path(LOADING), 503),
        asks(ready_grpc_path(LOADING), "up"),
        answer(ready_path(HALF), 200),
        asks(ready_grpc_path(HALF), "down"),
    ]
    manager = {
        "@type": f"{EXTENSIONS}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "test",
        "route_config": {"virtual_hosts": [{"name": "own", "domains": ["*"], "routes": routes}]},
        "http_filters": [
            {
                "name": "router",
                "typed_config": {"@type": f"{EXTENSIONS}.filters.http.router.v3.Router"},
            }
        ],
    }
    listener = {
        "name": "http",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": [{"name": "manager", "typed_config": manager}]}],
    }
    clusters = [upstream("up", grpc_port), upstream("down", nobody)]
    return {"static_resources": {"listeners": [listener], "clusters": clusters}}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a running Envoy."""
    port, grpc_port, nobody = free_ports(3)
    file = tmp_path_factory.mktemp("envoy") / "envoy.json"
    file.write_text(json.dumps(configuration(port, grpc_port, nobody)))
    with (file.parent / "log").open("wb") as log:
        command: list[str | Path] = [program("envoy"), "-c", file, "--use-dynamic-base-id", "--concurrency", "1"]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    server = grpc.server(ThreadPoolExecutor(1))
    ready: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(
        lambda request, _context: b"\x08\x01" if request == b"" else b""
    )
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, {"ServerReady": ready})])
    server.add_insecure_port(f"127.0.0.1:{grpc_port}")
    server.start()
    _listening(port)
    yield port
    server.stop(None)
    process.terminate()
    process.wait(timeout=20)


def _listening(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail("Envoy did not come up")


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
        yield session


def pod(name: str, ip: str, *, ready: bool = True) -> PodView:
    ref = ObjectRef(api_version="v1", kind="Pod", namespace="n", name=name, uid=name, resource_version="1")
    return PodView(name=name, ip=ip, ready=ready, terminating=False, ref=ref)


async def test_a_proxy_says_its_hash_and_which_revisions_are_healthy_in_it(
    session: aiohttp.ClientSession, port: int
) -> None:
    envoys = Envoys(session, port)
    found = await envoys.replicas([pod("one", "127.0.0.1", ready=False)], [READY, LOADING, HALF])
    assert found == (ProxyReplica(pod="one", routes_hash="0123abcd", healthy=frozenset({READY}), ready=False),)


async def test_a_proxy_that_does_not_answer_is_not_reached_and_the_others_are(
    session: aiohttp.ClientSession, port: int
) -> None:
    pods = [pod("gone", "127.0.0.3"), pod("one", "127.0.0.1"), pod("six", "::1")]
    gone, one, six = await Envoys(session, port).replicas(pods, [READY])
    assert (gone.routes_hash, gone.healthy) == (None, frozenset())
    assert (six.routes_hash, six.healthy) == (None, frozenset())
    assert (one.routes_hash, one.healthy) == ("0123abcd", frozenset({READY}))
