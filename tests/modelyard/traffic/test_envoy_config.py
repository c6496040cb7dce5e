"""What we configure, as a real Envoy serves it: weights, own paths, closed paths, and a change that loses nothing."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import grpc
import httpx
import pytest

from modelyard.manifests.proxy import drain_script
from modelyard.routes import Routes
from modelyard.traffic.envoy_config import (
    ADMIN_PORT,
    BOOTSTRAP_FILE,
    CONFIG_PATH,
    GRPC_PORT,
    HTTP_PORT,
    ProxyConfig,
    envoy_files,
    ready_path,
    routes_hash,
)
from modelyard.traffic.overload import memory_limit
from modelyard.traffic.paths import server_ready_path
from modelyard.traffic.virtual_host import REVISION_HEADER
from tests.servers.apiserver import program
from tests.servers.ports import free_ports

OLD, NEW, GONE = "aaaaaaaa", "bbbbbbbb", "cccccccc"
SERVICE = "inference.GRPCInferenceService"
INFER = "/v2/models/m/infer"


@dataclass(kw_only=True)
class Server:
    """Stands for one revision's Triton: answers with its own name, over HTTP and gRPC.

    ``stopping``: it says so where it is asked. ``asked`` counts inference over HTTP; the first ``fatal`` are cut off.
    """

    name: str
    http_port: int
    grpc_port: int
    stopping: bool = False
    asked: int = 0
    fatal: int = 0


@contextmanager
def server(name: str, http_port: int = 0, grpc_port: int = 0) -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path.startswith("/ready/"):
                welcome = self.path == server_ready_path(name) and not this.stopping
                self._say(200 if welcome else 503 if this.stopping else 404)
                return
            if self.path == INFER:
                this.asked += 1
            if self.path == INFER and this.asked <= this.fatal:
                self.close_connection = True  # without a word, as a process that is killed
                return
            self._say(200)

        def _say(self, status: int) -> None:
            body = name.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - as above

        def log_message(self, *_: object) -> None:
            pass

    http_server = ThreadingHTTPServer(("127.0.0.1", http_port), Handler)
    threading.Thread(target=http_server.serve_forever, daemon=True).start()
    grpc_server = grpc.server(ThreadPoolExecutor(4))
    handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(
        lambda _request, _context: name.encode()
    )
    methods = {"ModelInfer": handler, "RepositoryModelUnload": handler}
    grpc_server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, methods)])
    grpc_port = grpc_server.add_insecure_port(f"127.0.0.1:{grpc_port}")
    grpc_server.start()
    this = Server(name=name, http_port=http_server.server_address[1], grpc_port=grpc_port)
    yield this
    grpc_server.stop(None)
    http_server.shutdown()
    http_server.server_close()


@dataclass(kw_only=True)
class Proxy:
    """A running Envoy, its folder laid out and changed as the kubelet lays out and changes a ConfigMap's volume.

    ``services``: who answers at the Service of this name, the model's name left out.
    """

    folder: Path
    services: dict[str, Server]
    http_port: int
    grpc_port: int
    admin_port: int
    writes: int = field(default=0)

    def config(self, routes: Routes) -> ProxyConfig:
        return ProxyConfig(model="m", namespace="n", model_name="m", routes=routes)

    def write(self, routes: Routes) -> str:
        """Replace the configuration and return the hash that it will answer with."""
        self.writes += 1
        version = self.folder / f"..{self.writes}"
        version.mkdir()
        for name, text in envoy_files(self.config(routes), str(self.folder)).items():
            (version / name).write_text(json.dumps(self._here(json.loads(text))))
            if self.writes == 1:
                (self.folder / name).symlink_to(f"..data/{name}")
        (self.folder / "..tmp").symlink_to(version.name)
        (self.folder / "..tmp").rename(self.folder / "..data")
        return routes_hash(self.config(routes))

    def serves(self, routes: Routes) -> None:
        """Write and wait until it is served."""
        wanted = self.write(routes)
        until(lambda: self.get(CONFIG_PATH).text == wanted)

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.http_port}{path}", timeout=5)

    def infer(self, content: bytes = b"{}", seconds: float = 5) -> httpx.Response:
        return httpx.post(f"http://127.0.0.1:{self.http_port}{INFER}", content=content, timeout=seconds)

    def refused(self, cluster: str) -> int:
        """Return how many of the connections that requests wait for were refused."""
        name = f"cluster.{cluster}-service.upstream_cx_connect_fail"
        stats = httpx.get(f"http://127.0.0.1:{self.admin_port}/stats", params={"filter": name, "format": "json"})
        return sum(found["value"] for found in stats.json()["stats"] if found.get("name") == name)

    def asking(self) -> int:
        """Return how many requests are under way over HTTP."""
        name = "http.http.downstream_rq_active"
        stats = httpx.get(f"http://127.0.0.1:{self.admin_port}/stats", params={"filter": name, "format": "json"})
        return sum(found["value"] for found in stats.json()["stats"] if found.get("name") == name)

    def _here(self, value: object) -> object:
        """Return the configuration with this machine's addresses: Services' names mean nothing outside a cluster."""
        if isinstance(value, list):
            return [self._here(item) for item in value]
        if not isinstance(value, dict):
            return value
        match value:
            case {"address": "0.0.0.0" | "127.0.0.1", "port_value": int(port)}:  # noqa: S104 - configured, not bound
                ports = {HTTP_PORT: self.http_port, GRPC_PORT: self.grpc_port, ADMIN_PORT: self.admin_port}
                return {"address": "127.0.0.1", "port_value": ports[port]}
            case {"address": str(host), "port_value": int(port)} if host.endswith(".n.svc.cluster.local."):
                server = self._named(host)
                here = {HTTP_PORT: server.http_port}.get(port, server.grpc_port)
                return {"address": "127.0.0.1", "port_value": here}
            case {"address": {"socket_address": {"address": str(host)}} as address, "health_check_config": _}:
                health = {"port_value": self._named(host).http_port}
                return {"address": self._here(address), "health_check_config": health}
            case _:
                return {key: self._here(item) for key, item in value.items()}

    def _named(self, host: str) -> Server:
        return self.services[host.split(".", maxsplit=1)[0].removeprefix("m-")]


def until(condition: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except httpx.HTTPError:
            pass  # not up yet
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


@pytest.fixture
def memory() -> int:
    """Bytes that the proxy may have."""
    return 256 << 20


@pytest.fixture
def proxy(tmp_path: Path, memory: int) -> Iterator[Proxy]:
    folder = tmp_path / "config"
    folder.mkdir()
    http_port, grpc_port, admin_port, *nobody = free_ports(5)
    with server(OLD) as old, server(NEW) as new:
        nowhere = Server(name="nobody", http_port=nobody[0], grpc_port=nobody[1])
        services = {OLD: old, NEW: new, f"{OLD}-fallback": nowhere, f"{NEW}-fallback": nowhere, GONE: nowhere}
        services[f"{GONE}-fallback"] = nowhere
        ports = {"http_port": http_port, "grpc_port": grpc_port, "admin_port": admin_port}
        proxy = Proxy(folder=folder, services=services, **ports)
        proxy.write(Routes())
        command: list[str | Path] = [program("envoy"), "-c", folder / BOOTSTRAP_FILE, "--use-dynamic-base-id"]
        command += ["--concurrency", "2"]
        with (tmp_path / "log").open("wb") as log:
            limited = json.dumps({"overload_manager": memory_limit(memory)})
            options = ("--config-yaml", limited, "--drain-strategy", "immediate", "--drain-time-s", "1")
            process = subprocess.Popen([*command, *options], stdout=log, stderr=log)
        until(lambda: proxy.get(CONFIG_PATH).is_success)
        yield proxy
        process.terminate()
        process.wait(timeout=20)


@pytest.mark.parametrize(
    "routes",
    [Routes(), Routes(clusters=(OLD,), weights={OLD: 100}), Routes(clusters=(OLD, NEW), weights={OLD: 75, NEW: 25})],
)
def test_envoy_accepts_every_configuration(routes: Routes, tmp_path: Path) -> None:
    config = ProxyConfig(model="m", namespace="n", model_name="m", routes=routes)
    for name, text in envoy_files(config, str(tmp_path)).items():
        (tmp_path / name).write_text(text)
    command: list[str | Path] = [program("envoy"), "--mode", "validate", "-c", tmp_path / BOOTSTRAP_FILE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_before_any_revision_serves_clients_are_told_so(proxy: Proxy) -> None:
    answer = proxy.infer()
    assert (answer.status_code, answer.text) == (503, "no revision of m serves yet\n")


def test_a_revision_with_all_the_weight_answers_and_is_named(proxy: Proxy) -> None:
    proxy.serves(Routes(clusters=(OLD,), weights={OLD: 100}))
    until(lambda: proxy.get(ready_path(OLD)).is_success)
    answer = proxy.infer()
    assert (answer.status_code, answer.text, answer.headers[REVISION_HEADER]) == (200, OLD, OLD)
    assert proxy.get("/v2/models/m/versions/1").text == OLD


@pytest.mark.parametrize(
    "path",
    [
        "/v2/repository/index",
        "/v2/models/m/config",
        "/v2/models/m/stats",
        "/v2/models/other/infer",
        "/v2/systemsharedmemory/status",
        "/v2/models/m/../../repository/index",
        "/v2//models/m/config",
        "/v2/models/m%2Finfer",
        "/metrics",
    ],
)
def test_everything_else_is_closed(proxy: Proxy, path: str) -> None:
    proxy.serves(Routes(clusters=(OLD,), weights={OLD: 100}))
    assert proxy.get(path).status_code in {400, 404}


def test_grpc_names_the_revision_and_closes_what_changes_the_server(proxy: Proxy) -> None:
    proxy.serves(Routes(clusters=(OLD,), weights={OLD: 100}))
    until(lambda: proxy.get(ready_path(OLD)).is_success)
    with grpc.insecure_channel(f"127.0.0.1:{proxy.grpc_port}") as channel:
        infer: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(f"/{SERVICE}/ModelInfer")
        answer, call = infer.with_call(b"", timeout=5)
        told = dict(call.initial_metadata()) | dict(call.trailing_metadata())
        assert (answer, told[REVISION_HEADER]) == (OLD.encode(), OLD)
        unload: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(f"/{SERVICE}/RepositoryModelUnload")
        with pytest.raises(grpc.RpcError) as refused:
            unload(b"", timeout=5)
        assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_switch_loses_no_request(proxy: Proxy) -> None:
    proxy.serves(Routes(clusters=(OLD,), weights={OLD: 100}))
    until(lambda: proxy.get(ready_path(OLD)).is_success)
    answers: list[tuple[int, str]] = []
    stop = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{proxy.http_port}", timeout=5) as client:
            while not stop.is_set() and len(answers) < 20_000:
                answer = client.post(INFER, content=b"{}")
                answers.append((answer.status_code, answer.text))

    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(ask) for _ in range(4)]
        proxy.serves(Routes(clusters=(OLD, NEW), weights={OLD: 100}))
        until(lambda: proxy.get(ready_path(NEW)).is_success)
        proxy.serves(Routes(clusters=(OLD, NEW), weights={NEW: 100}))
        at_switch = len(answers)
        proxy.serves(Routes(clusters=(NEW,), weights={NEW: 100}))
        until(lambda: len(answers) > at_switch + 100)
        stop.set()
        for future in asking:
            future.result()
    assert {status for status, _ in answers} == {200}
    assert {text for _, text in answers} == {OLD, NEW}
    assert answers[-1][1] == NEW


def test_a_request_waits_until_a_server_can_be_reached(proxy: Proxy) -> None:
    proxy.serves(Routes(clusters=(GONE,), weights={GONE: 100}))
    fallback = proxy.services[f"{GONE}-fallback"]
    with ThreadPoolExecutor(2) as pool, grpc.insecure_channel(f"127.0.0.1:{proxy.grpc_port}") as channel:
        infer: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(f"/{SERVICE}/ModelInfer")
        asked = pool.submit(proxy.infer)
        called = pool.submit(infer, b"", timeout=15)
        until(lambda: min(proxy.refused(f"{GONE}-http"), proxy.refused(f"{GONE}-grpc")) > 1)
        assert not asked.done()
        assert not called.done()
        with server("back", fallback.http_port, fallback.grpc_port):
            answer = asked.result(15)
            assert (answer.status_code, answer.text, answer.headers[REVISION_HEADER]) == (200, "back", GONE)
            assert called.result(15) == b"back"


def test_a_server_that_is_to_stop_is_left_while_its_name_still_leads_to_it(proxy: Proxy) -> None:
    proxy.serves(Routes(clusters=(OLD,), weights={OLD: 100}))
    until(lambda: proxy.get(ready_path(OLD)).is_success)
    with server("next") as successor:
        proxy.services[f"{OLD}-fallback"] = successor
        proxy.serves(Routes(clusters=(OLD,), weights={OLD: 100}))
        until(lambda: proxy.get(ready_path(OLD)).is_success)
        proxy.services[OLD].stopping = True
        until(lambda: proxy.infer().text == "next")
        assert [proxy.infer().text for _ in range(20)] == ["next"] * 20


def test_an_address_that_is_another_revisions_by_now_gets_no_request(proxy: Proxy) -> None:
    proxy.services[OLD] = proxy.services[NEW]
    proxy.serves(Routes(clusters=(OLD, NEW), weights={OLD: 100}))
    until(lambda: proxy.get(ready_path(NEW)).is_success)
    assert not proxy.get(ready_path(OLD)).is_success
    with server("right") as right:
        proxy.services[f"{OLD}-fallback"] = right
        proxy.serves(Routes(clusters=(OLD,), weights={OLD: 100}))
        assert proxy.infer().text == "right"


def test_a_request_of_megabytes_is_asked_again_too(proxy: Proxy) -> None:
    proxy.serves(Routes(clusters=(OLD,), weights={OLD: 100}))
    until(lambda: proxy.get(ready_path(OLD)).is_success)
    old = proxy.services[OLD]
    old.asked, old.fatal = 0, 1
    assert proxy.infer(b"x" * (8 << 20)).text == OLD
    assert old.asked == 2


def test_a_proxy_that_stops_waits_for_requests_under_way(proxy: Proxy) -> None:
    proxy.serves(Routes(clusters=(GONE,), weights={GONE: 100}))
    fallback = proxy.services[f"{GONE}-fallback"]
    script = drain_script(proxy.admin_port, drain_seconds=1, answer_seconds=20)
    with ThreadPoolExecutor(1) as pool, httpx.Client(base_url=f"http://127.0.0.1:{proxy.http_port}") as kept:
        assert kept.get(CONFIG_PATH).headers.get("connection") is None
        asked = pool.submit(proxy.infer)
        until(lambda: proxy.refused(f"{GONE}-http") > 1)
        with subprocess.Popen(["bash", "-c", script], stdout=subprocess.DEVNULL) as draining:
            until(lambda: kept.get(CONFIG_PATH).headers.get("connection") == "close")
            with pytest.raises(subprocess.TimeoutExpired):
                draining.wait(timeout=3)
            with server("back", fallback.http_port, fallback.grpc_port):
                assert asked.result(15).text == "back"
            assert draining.wait(timeout=10) == 0


def held_or_answered(proxy: Proxy, request: Future[httpx.Response], others: int) -> bool:
    """Return whether the proxy has taken the request beside the others, or has answered it at once."""
    return request.done() or proxy.asking() > others


@pytest.mark.parametrize("memory", [96 << 20])
def test_a_proxy_with_its_memory_full_refuses_and_loses_none_that_waits(proxy: Proxy) -> None:
    proxy.serves(Routes(clusters=(GONE,), weights={GONE: 100}))
    fallback = proxy.services[f"{GONE}-fallback"]
    body, limit = b"x" * (4 << 20), 200
    with ThreadPoolExecutor(limit) as pool:
        waiting: list[Future[httpx.Response]] = []
        while len(waiting) < limit:
            latest = pool.submit(proxy.infer, body, 60)
            until(partial(held_or_answered, proxy, latest, len(waiting)))
            if latest.done():
                break
            waiting.append(latest)
        assert latest.result().status_code == 503
        with server("back", fallback.http_port, fallback.grpc_port):
            assert {one.result().text for one in waiting} == {"back"}
            until(lambda: proxy.infer().text == "back")
    assert len(waiting) > 5


def test_a_request_does_not_wait_forever(monkeypatch: pytest.MonkeyPatch, proxy: Proxy) -> None:
    monkeypatch.setattr("modelyard.traffic.waiting.ATTEMPTS", 2)
    proxy.serves(Routes(clusters=(GONE,), weights={GONE: 100}))
    assert proxy.infer().status_code == 503


def test_the_hash_tells_every_change(proxy: Proxy) -> None:
    hashes = {
        routes_hash(proxy.config(routes))
        for routes in (
            Routes(),
            Routes(clusters=(OLD,)),
            Routes(clusters=(OLD,), weights={OLD: 100}),
            Routes(clusters=(OLD, NEW), weights={OLD: 100}),
            Routes(clusters=(OLD, NEW), weights={NEW: 100}),
            Routes(clusters=(OLD, NEW), weights={OLD: 50, NEW: 50}),
        )
    }
    assert len(hashes) == 6
