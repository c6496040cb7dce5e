"""Asking real Envoys what they serve."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest

from modelyard.state import ObjectRef, PodView, ProxyReplica
from modelyard.traffic.envoy import Envoys
from modelyard.traffic.envoy_config import CONFIG_PATH, ready_grpc_path, ready_path
from tests.servers.apiserver import program
from tests.servers.ports import free_ports

EXTENSIONS = "type.googleapis.com/envoy.extensions"
READY, LOADING, HALF = "aaaaaaaa", "bbbbbbbb", "cccccccc"


def answer(path: str, status: int, text: str = "", **headers: str) -> dict[str, Any]:
    """Return a route that answers by itself, to requests with these headers."""
    wanted = [{"name": name.replace("_", "-"), "string_match": {"exact": value}} for name, value in headers.items()]
    return {
        "match": {"path": path, "headers": wanted},
        "direct_response": {"status": status, "body": {"inline_string": text}},
    }


def configuration(port: int) -> dict[str, Any]:
    grpc = {"content_type": "application/grpc", "te": "trailers", ":method": "POST"}
    routes = [
        answer(CONFIG_PATH, 200, "0123abcd\n"),
        answer(ready_path(READY), 200),
        answer(ready_grpc_path(READY), 200, **grpc),
        answer(ready_path(LOADING), 503),
        answer(ready_grpc_path(LOADING), 503, **grpc),
        answer(ready_path(HALF), 200),  # its HTTP is up, its gRPC isn't
        answer(ready_grpc_path(HALF), 503, **grpc),
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
    return {"static_resources": {"listeners": [listener]}}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a running Envoy."""
    (port,) = free_ports(1)
    file = tmp_path_factory.mktemp("envoy") / "envoy.json"
    file.write_text(json.dumps(configuration(port)))
    with (file.parent / "log").open("wb") as log:
        command = [program("envoy"), "-c", file, "--use-dynamic-base-id", "--concurrency", "1"]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    _listening(port)
    yield port
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
