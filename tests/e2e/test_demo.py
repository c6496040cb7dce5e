"""The demo as a user runs it: from whatever is there to a table of figures, whatever KUBECONFIG says."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from examples.demo.ask import ask_http
from examples.demo.install import ALLOW_INSECURE, RELEASE
from examples.demo.kubectl import Object
from examples.demo.ownership import MARK, mark_ours
from examples.demo.reference import SentenceEncoder
from examples.demo.sentence_model import SYSTEM_NAMESPACE
from examples.demo.target import Target
from tests.e2e.elsewhere import CONTEXT, copy_images, write_kubeconfig
from tests.e2e.faults import operator_pods
from tests.e2e.kit import WithValues
from tests.e2e.waiting import wait_for
from tests.e2e.yard import Yard

pytestmark = [pytest.mark.cluster, pytest.mark.alone]


@pytest.fixture
def default_namespace(system: Target, with_values: WithValues) -> Iterator[None]:
    """The namespace that the demo uses, without what it makes there; it installs the chart with no values of ours."""
    with with_values():
        yield
    models = ("minilm", "again", "theirs")
    system.cluster.run("delete", "optimizedmodel", *models, "--ignore-not-found", "--wait", seconds=120)


@pytest.fixture
def unmarked(system: Target) -> Iterator[None]:
    """The operator that all tests share, as somebody else's: what the demo must leave alone."""
    system.cluster.run("label", "namespace", SYSTEM_NAMESPACE, f"{MARK}-")
    yield
    system.cluster.run("label", "namespace", SYSTEM_NAMESPACE, f"{MARK}-")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A HOME whose kubeconfig knows the local cluster as one of the user's own."""
    write_kubeconfig(tmp_path)
    return tmp_path


def demo(root: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it. An inherited KUBECONFIG must not be followed, so this one leads nowhere."""
    return subprocess.run(
        [sys.executable, "-m", "examples.demo", *arguments],
        cwd=root,
        env={**os.environ, "KUBECONFIG": "/nowhere", **environment},
        capture_output=True,
        text=True,
        timeout=560,
        check=False,
    )


def table(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """Return the rows that it printed."""
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(re.findall(r"^  (\w[\w /0-9]*?)  +(.+)$", done.stdout, re.MULTILINE))


@pytest.mark.usefixtures("default_namespace", "unmarked")
def test_demo_ends_with_a_table(root: Path) -> None:
    done = demo(root)
    rows = table(done)
    assert rows["phase"] == "Healthy"
    assert set(rows) >= {"engine", "precision", "parity", "speedup", "artifact size", "latency p50 / p95"}
    assert float(rows["apply to Healthy"].removesuffix(" s")) > 0
    assert "kubectl describe optimizedmodel minilm" in done.stdout


@pytest.mark.usefixtures("unmarked")
@pytest.mark.parametrize("verb", ["up", "down"])
def test_an_operator_of_somebody_else_is_left_alone(root: Path, system: Target, home: Path, verb: str) -> None:
    before = everything(system)
    done = demo(root, verb, f"--context={CONTEXT}", HOME=str(home))
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"the namespace {SYSTEM_NAMESPACE} of {CONTEXT} was not made by the demo" in done.stdout
    assert everything(system) == before


def test_down_says_what_stays_of_the_local_cluster(root: Path, tmp_path: Path) -> None:
    """Of another one than the tests': one that was never up."""
    cache = tmp_path / "cache"
    done = demo(root, "down", MODELYARD_CLUSTER_DIR=str(tmp_path / "cluster"), MODELYARD_CACHE=str(cache))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"  rm -r {cache} {root}/.venv\n" in done.stdout


def typed(*lines: str, root: Path) -> None:
    """Type lines that the demo printed into a shell whose KUBECONFIG leads nowhere, and whose PATH has no kubectl."""
    environment = {**os.environ, "KUBECONFIG": "/nowhere", "PATH": "/usr/bin:/bin"}
    subprocess.run(["bash", "-c", "\n".join(lines)], cwd=root, env=environment, check=True)


@pytest.mark.usefixtures("unmarked", "default_namespace")  # in this order: the namespace is made again, then unmarked
def test_demo_on_a_cluster_of_ones_own(root: Path, system: Target, home: Path, minilm: SentenceEncoder) -> None:
    """All the way and back: images from where the user pushed them, registry and model through port-forwards.

    The last test of all that run in its process (tests/conftest.py): what they pushed goes with the registry.
    """
    place = f"ghcr.io/demo-{secrets.token_hex(2)}"  # nodes keep what they pulled under a name: each run has its own
    copy_images(place)
    mark_ours(system.cluster.within(SYSTEM_NAMESPACE))
    where = (f"--context={CONTEXT}", f"--images={place}", f"--set={ALLOW_INSECURE}")  # the Triton here is an old one
    done = demo(root, "up", *where, HOME=str(home))
    assert table(done)["phase"] == "Healthy"
    assert f"make demo-down CONTEXT={CONTEXT}" in done.stdout
    images = {pod["spec"]["containers"][0]["image"] for pod in operator_pods(system.cluster)}
    assert [image.rpartition(":")[0] for image in images] == [f"{place}/operator"]
    (server,) = system.cluster.list("deployments", "modelyard.dev/model=minilm,modelyard.dev/component=triton")
    assert server["spec"]["template"]["spec"]["containers"][0]["image"].startswith(f"{place}/triton:")

    yard = Yard(cluster=system.cluster)
    before = yard.build_pods_started()
    (export, second) = re.findall(r"^  ((?:export|sed) .+)$", done.stdout, re.MULTILINE)
    for name in ("again", "theirs"):
        typed(export, second.replace("again", name), root=root)
    builds = {yard.healthy(name)["status"]["build"] for name in ("minilm", "again", "theirs")}
    assert len(builds) == 1
    assert yard.build_pods_started() == before

    volumes = {claim["spec"]["volumeName"] for claim in registry_claims(system)}
    assert volumes
    done = demo(root, "down", f"--context={CONTEXT}", HOME=str(home))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"rm -r {root}/.venv" in done.stdout
    kinds = {f"{kind}.modelyard.dev" for kind in ("optimizedmodels", "modelbuilds")}
    assert set(done.stdout.splitlines()[-1].partition(" delete customresourcedefinition ")[2].split()) == kinds
    assert system.cluster.get("namespace", SYSTEM_NAMESPACE) is None
    assert not system.cluster.list("clusterroles,clusterrolebindings", f"app.kubernetes.io/instance={RELEASE}")
    for name in ("minilm", "again"):
        wait_for(partial(gone, yard, name), seconds=90, what=f"rid of {name}", cluster=yard.cluster)
    wait_for(lambda: volumes.isdisjoint(names(system, "persistentvolumes")), seconds=60, what="rid of the volume")
    assert names(system, "customresourcedefinitions") >= kinds
    assert names(system, "optimizedmodels") == {"theirs"}
    ask_http(yard.address("theirs").http, "theirs", [minilm.tokens("Nobody looks after it, and it answers.")])


def registry_claims(system: Target) -> list[Object]:
    """Return what asks for the registry's volume."""
    return system.cluster.within(SYSTEM_NAMESPACE).list("persistentvolumeclaims")


def gone(yard: Yard, name: str) -> bool:
    """Return whether neither the model nor anything that it owned is there."""
    return yard.cluster.get("optimizedmodel", name) is None and not yard.children(name)


def names(system: Target, kind: str) -> set[str]:
    """Return the names of all there are of a kind."""
    return {item["metadata"]["name"] for item in system.cluster.list(kind)}


def everything(system: Target) -> set[str]:
    """Return the uids of what stands in the operator's namespace, but for what ends, and of the demo's models."""
    operator = system.cluster.within(SYSTEM_NAMESPACE).list("pods,secrets,configmaps,persistentvolumeclaims")
    metadata = [item["metadata"] for item in (*operator, *system.cluster.list("optimizedmodels"))]
    return {one["uid"] for one in metadata if "deletionTimestamp" not in one}
