"""The chart on the local cluster: a release of its own beside the one that the other tests share."""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from examples.demo.install import helm, install_release, remove_release
from examples.demo.kubectl import Kubectl
from examples.demo.ownership import NotOurs, mark_ours, refuse_another_s
from examples.demo.target import LOCAL_KUBECONFIG

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

RELEASE = f"yard{secrets.token_hex(2)}"
SETTINGS = ("crds.install=false", "operator.replicas=1", f"operator.namespaces={{{RELEASE}}}")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Kubectl]:
    """The namespace of the release."""
    everything = Kubectl(kubeconfig=LOCAL_KUBECONFIG)
    install_release(everything.within(RELEASE), RELEASE, settings=SETTINGS)
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


PUSHING = re.compile(r"^ *kubectl \S+ \S+ port-forward .*?^ *DOCKER_CONFIG=.*?$", re.MULTILINE | re.DOTALL)
FORWARDED = "until (exec 3<>/dev/tcp/localhost/5001) 2>/dev/null; do sleep 0.2; done"


def notes(cluster: Kubectl, _root: Path) -> str:
    """Return what Helm printed when the release was installed."""
    return helm(cluster, "get", "notes", RELEASE)


def how_to(_cluster: Kubectl, root: Path) -> str:
    """Return the page of the documents, about this release instead of the usual one."""
    page = (root / "docs" / "how-to" / "push.md").read_text()
    return page.replace("modelyard-registry", f"{RELEASE}-registry").replace("modelyard-system", RELEASE)


@pytest.mark.parametrize("told", [notes, how_to])
def test_who_types_what_is_told_has_pushed(
    cluster: Kubectl, root: Path, tmp_path: Path, told: Callable[[Kubectl, Path], str]
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "config.json").write_text("{}")
    found = PUSHING.search(told(cluster, root))
    assert found, "the commands are gone"
    forward, rest = found[0].split("\n", 1)
    typed = rest.replace("FOLDER", "folder").replace("NAME", told.__name__).replace("TAG", "1")
    script = f"set -euo pipefail\ntrap 'kill $(jobs -p)' EXIT\n{forward}\n{FORWARDED}\n{typed}"
    environment = {**cluster.environment(), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with httpx.Client(trust_env=False) as client:
        assert client.get(f"{address(cluster, 5000)}/v2/models/{told.__name__}/tags/list").json()["tags"] == ["1"]


def test_an_upgrade_keeps_the_password_and_restarts_nothing(cluster: Kubectl) -> None:
    before = push_secret(cluster), sorted(pod["metadata"]["uid"] for pod in cluster.list("pods"))
    install_release(cluster, RELEASE, settings=SETTINGS)
    assert (push_secret(cluster), sorted(pod["metadata"]["uid"] for pod in cluster.list("pods"))) == before


def test_what_was_built_outlives_the_release(cluster: Kubectl) -> None:
    helm(cluster, "uninstall", RELEASE, "--wait")
    assert cluster.get("persistentvolumeclaim", f"{RELEASE}-registry") is not None
    assert cluster.get("deployment", f"{RELEASE}-operator") is None


def test_the_demo_s_mark_tells_whose_it_is_and_its_removal_leaves_nothing(cluster: Kubectl) -> None:
    install_release(cluster, RELEASE, settings=SETTINGS)
    with pytest.raises(NotOurs, match=f"namespace {RELEASE} of the local cluster was not made by the demo"):
        refuse_another_s(cluster)
    mark_ours(cluster)
    refuse_another_s(cluster)
    remove_release(cluster, RELEASE)
    assert cluster.get("namespace", RELEASE) is None
    assert cluster.get("clusterrole", f"{RELEASE}-operator") is None
    refuse_another_s(cluster)  # a namespace that isn't there is anybody's to make
