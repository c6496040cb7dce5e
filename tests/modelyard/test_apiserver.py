"""Requests to a real API server: credentials that are replaced, answers that never come."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import kopf
import pytest

from modelyard.apiserver import ApiServer, ClusterError, Forbidden, Login, NotFound, Unreachable, login
from tests.servers.apiserver import RunningApiServer
from tests.servers.ports import free_ports

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where the kubelet puts a pod's credentials."""


@pytest.mark.cluster
async def test_a_token_that_was_replaced_is_read_again(bare_api_server: RunningApiServer, login: Login) -> None:
    tokens = ["expired"]  # the first; from the second on the administrator's

    def rotating() -> kopf.ConnectionInfo:
        if tokens:
            return kopf.ConnectionInfo(server=bare_api_server.url, token=tokens.pop(), insecure=True)
        return login()

    async with ApiServer(rotating) as api:
        assert (await api.request("GET", "api/v1/namespaces/default"))["metadata"]["name"] == "default"


@pytest.mark.cluster
async def test_credentials_that_stay_wrong_are_an_error(bare_api_server: RunningApiServer) -> None:
    async with ApiServer(lambda: kopf.ConnectionInfo(server=bare_api_server.url, token="no", insecure=True)) as api:  # noqa: S106 - of nobody
        with pytest.raises(ClusterError, match="401 Unauthorized"):
            await api.request("GET", "api/v1/namespaces/default")


@pytest.mark.cluster
async def test_what_is_forbidden_says_to_whom(bare_api_server: RunningApiServer) -> None:
    async with ApiServer(lambda: kopf.ConnectionInfo(server=bare_api_server.url, insecure=True)) as api:
        with pytest.raises(Forbidden, match="system:anonymous"):
            await api.request("GET", "api/v1/secrets")


@pytest.mark.cluster
async def test_an_unknown_path_is_not_found_though_its_answer_is_no_object(api: ApiServer) -> None:
    with pytest.raises(NotFound, match="404 page not found"):
        await api.request("GET", "apis/nobody.example.com/v1")


async def test_an_api_server_that_is_away_is_unreachable() -> None:
    (port,) = free_ports(1)
    async with ApiServer(lambda: kopf.ConnectionInfo(server=f"http://127.0.0.1:{port}")) as api:
        with pytest.raises(Unreachable, match="didn't answer GET api/v1/nodes"):
            await api.request("GET", "api/v1/nodes")


def test_without_credentials_it_says_where_they_are_looked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(Unreachable, match="set KUBECONFIG"):
        login()


def test_a_kubeconfig_is_followed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    named = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://kube.example.com"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
    }
    (tmp_path / "config").write_text(json.dumps(named))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    assert (login().server, login().token) == ("https://kube.example.com", "t")


@pytest.mark.cluster
@pytest.mark.parametrize(
    ("host", "server"), [("10.96.0.1", "https://10.96.0.1:6443"), ("fd00::1", "https://[fd00::1]:6443")]
)
def test_a_pod_asks_the_api_server_by_address_and_needs_no_dns(host: str, server: str) -> None:
    assert login_in_a_pod(KUBERNETES_SERVICE_HOST=host, KUBERNETES_SERVICE_PORT="6443") == [server, "of-the-pod"]


@pytest.mark.cluster
def test_a_pod_without_the_address_asks_by_name() -> None:
    assert login_in_a_pod() == ["https://kubernetes.default.svc", "of-the-pod"]


def login_in_a_pod(**environment: str) -> list[str]:
    """Return server and token of a process that finds a pod's files where the kubelet puts them.

    In mounts of its own (which needs root): the machine's own folder stays as it is.
    """
    script = f"""
        mount -t tmpfs tmpfs {ACCOUNT.parents[2].resolve()}
        mkdir -p {ACCOUNT}
        printf of-the-pod > {ACCOUNT}/token
        exec {sys.executable} -c "
    from modelyard.apiserver import login
    print(login().server, login().token)"
    """
    command = ["unshare", "--mount", "sh", "-ec", textwrap.dedent(script)]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("KUBE")}
    done = subprocess.run(command, env=clean | environment, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()
