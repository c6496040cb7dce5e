"""A real API server with our CRDs, and a namespace of one's own in it."""

from __future__ import annotations

import secrets
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import kopf
import pytest
import yaml

from modelyard.apiserver import ApiServer, Login
from modelyard.cluster import Cluster
from tests.servers.apiserver import ADMIN_TOKEN, RunningApiServer, program, running_api_server


@pytest.fixture(scope="session")
def bare_api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApiServer]:
    """An API server as it comes."""
    with running_api_server(tmp_path_factory.mktemp("apiserver")) as server:
        yield server


@pytest.fixture(scope="session")
def crds(root: Path) -> list[dict[str, Any]]:
    """Our kinds."""
    return [yaml.safe_load(file.read_text()) for file in sorted(root.glob("crds/*.yaml"))]


@pytest.fixture(scope="session")
def api_server(bare_api_server: RunningApiServer, crds: list[dict[str, Any]]) -> RunningApiServer:
    """The API server, with our kinds."""
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    with bare_api_server.admin() as admin:
        for crd in crds:
            answer = admin.post(path, json=crd)
            assert answer.is_success, answer.json()["message"]
        for crd in crds:
            _until_served(admin, crd["spec"]["names"]["plural"])
    return bare_api_server


def _until_served(admin: httpx.Client, plural: str) -> None:
    """Return once the storage of a kind answers, which is later than the kind is called established."""
    for _ in range(300):
        if admin.get(f"/apis/modelyard.dev/v1alpha1/{plural}").is_success:
            return
        time.sleep(0.1)
    pytest.fail(f"{plural} are not served")


@pytest.fixture
def namespace(bare_api_server: RunningApiServer) -> str:
    """A namespace that nobody else uses."""
    name = f"test-{secrets.token_hex(4)}"
    with bare_api_server.admin() as admin:
        admin.post("/api/v1/namespaces", json={"metadata": {"name": name}}).raise_for_status()
    return name


@pytest.fixture
def login(bare_api_server: RunningApiServer) -> Login:
    """The administrator's credentials."""

    def admin() -> kopf.ConnectionInfo:
        return kopf.ConnectionInfo(server=bare_api_server.url, token=ADMIN_TOKEN, insecure=True)

    return admin


@pytest.fixture(scope="session")
def operator_login(api_server: RunningApiServer, root: Path) -> Login:
    """Credentials of the operator's ServiceAccount, with the rights that the chart gives it and no others."""
    command: list[str | Path] = [
        program("helm"),
        "template",
        "modelyard",
        root / "charts" / "modelyard",
        "--kube-version=1.37.0",
    ]
    command += ["--namespace=modelyard-system", "--show-only=templates/rbac.yaml"]
    rendered = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    with api_server.admin() as admin:
        admin.post("/api/v1/namespaces", json={"metadata": {"name": "modelyard-system"}}).raise_for_status()
        for manifest in yaml.safe_load_all(rendered):
            admin.post(_path(manifest), json=manifest).raise_for_status()
        account = "/api/v1/namespaces/modelyard-system/serviceaccounts/modelyard-operator/token"
        answer = admin.post(account, json={"spec": {"expirationSeconds": 7200}})
        token = answer.raise_for_status().json()["status"]["token"]

    def operator() -> kopf.ConnectionInfo:
        return kopf.ConnectionInfo(server=api_server.url, token=token, insecure=True)

    return operator


def _path(manifest: dict[str, Any]) -> str:
    """Return where to POST a manifest of the chart's rights."""
    kind, namespace = f"{manifest['kind'].lower()}s", manifest["metadata"].get("namespace")
    root = "/api/v1" if kind == "serviceaccounts" else "/apis/rbac.authorization.k8s.io/v1"
    return f"{root}/namespaces/{namespace}/{kind}" if namespace else f"{root}/{kind}"


@pytest.fixture
async def api(login: Login) -> AsyncIterator[ApiServer]:
    """Requests of the administrator."""
    async with ApiServer(login) as api:
        yield api


@pytest.fixture
def cluster(api: ApiServer) -> Cluster:
    """The Kubernetes port, which may always write."""
    return Cluster(api, lambda: None)
