"""The chart on the local cluster: a release of its own beside the one that the other tests share."""

from __future__ import annotations

import base64
import json
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from examples.demo.kubectl import Kubectl
from examples.demo.target import LOCAL_KUBECONFIG
from tests.servers.apiserver import program

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

RELEASE = f"yard{secrets.token_hex(2)}"
SETTINGS = ("crds.install=false", "operator.replicas=1")


def helm(root: Path, *arguments: str) -> str:
    """Return what Helm printed."""
    command = [str(program("helm")), f"--kubeconfig={LOCAL_KUBECONFIG}", f"--namespace={RELEASE}", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=root).stdout


def upgrade(root: Path) -> None:
    """Install the release, or upgrade it to the same."""
    given = [f"--set={setting}" for setting in (*SETTINGS, f"operator.namespaces={{{RELEASE}}}")]
    helm(root, "upgrade", RELEASE, "charts/modelyard", "--install", "--create-namespace", "--wait", *given)


@pytest.fixture(scope="module")
def cluster(root: Path) -> Iterator[Kubectl]:
    """The namespace of the release."""
    upgrade(root)
    everything = Kubectl(kubeconfig=LOCAL_KUBECONFIG)
    yield everything.within(RELEASE)
    everything.run("delete", "namespace", RELEASE, "--wait=false", "--ignore-not-found")
    for kind in ("clusterrole", "clusterrolebinding"):
        everything.run("delete", kind, "--selector", f"app.kubernetes.io/instance={RELEASE}", "--ignore-not-found")


def push_secret(cluster: Kubectl) -> dict[str, str]:
    secret = cluster.get("secret", f"{RELEASE}-registry-push")
    assert secret is not None
    return dict(secret["data"])


def address(cluster: Kubectl, port: int) -> str:
    service = cluster.get("service", f"{RELEASE}-registry")
    assert service is not None
    return f"http://{service['spec']['clusterIP']}:{port}"


def test_everybody_reads_and_only_the_secret_writes(cluster: Kubectl) -> None:
    (entry,) = json.loads(base64.b64decode(push_secret(cluster)[".dockerconfigjson"]))["auths"].values()
    known = {"Authorization": f"Basic {entry['auth']}"}
    upload = "/v2/models/x/blobs/uploads/"
    with httpx.Client(trust_env=False) as client:
        assert client.get(f"{address(cluster, 5000)}/v2/").status_code == 200
        assert client.post(f"{address(cluster, 5000)}{upload}", headers=known).status_code == 405
        assert client.post(f"{address(cluster, 5001)}{upload}").status_code == 401
        assert client.post(f"{address(cluster, 5001)}{upload}", headers=known).status_code == 202


def test_an_upgrade_keeps_the_password_and_restarts_nothing(cluster: Kubectl, root: Path) -> None:
    before = push_secret(cluster), sorted(pod["metadata"]["uid"] for pod in cluster.list("pods"))
    upgrade(root)
    assert (push_secret(cluster), sorted(pod["metadata"]["uid"] for pod in cluster.list("pods"))) == before


def test_what_was_built_outlives_the_release(cluster: Kubectl, root: Path) -> None:
    helm(root, "uninstall", RELEASE, "--wait")
    assert cluster.get("persistentvolumeclaim", f"{RELEASE}-registry") is not None
    assert cluster.get("deployment", f"{RELEASE}-operator") is None
