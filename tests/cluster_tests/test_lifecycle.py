"""The local cluster itself, on a second one beside the one that other tests use: up, hurt, repaired, gone."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from tests.cluster import kubectl, lifecycle, machine, processes, tools
from tests.cluster.settings import Cluster, cluster_from_environment

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

EVERYTHING = ("kubelet", "containerd", "etcd", "kube-proxy", "provisioner", "kube-scheduler", "coredns", "mirror")


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster of our own, with the programs of the shared cache."""
    cluster = Cluster(
        folder=tmp_path_factory.mktemp("second") / "cluster",
        cache=cluster_from_environment().cache,
        network=IPv4Network("10.213.0.0/16"),
    )
    yield cluster
    lifecycle.down(cluster)


@pytest.fixture
def up(second: Cluster) -> Cluster:
    """The same, up."""
    lifecycle.up(second)
    assert lifecycle.is_healthy(second)
    return second


def _uid(cluster: Cluster) -> str:
    """Return what tells this cluster's data from another's."""
    return str(kubectl.get(cluster, "/api/v1/namespaces/kube-system")["metadata"]["uid"])


def _kill(cluster: Cluster, name: str) -> None:
    assert processes.stop(cluster, name, how=signal.SIGKILL)


@pytest.mark.parametrize(
    "victims", [("kubelet",), ("containerd",), ("etcd",), ("kube-apiserver",), ("node-mirror",), EVERYTHING]
)
def test_killed_processes_are_started_again_and_the_data_is_kept(up: Cluster, victims: tuple[str, ...]) -> None:
    before = _uid(up)
    for name in victims:
        _kill(up, name)
    assert not lifecycle.is_healthy(up)
    lifecycle.up(up)
    assert lifecycle.is_healthy(up)
    assert _uid(up) == before


def test_up_on_a_healthy_cluster_restarts_nothing(up: Cluster) -> None:
    before = {name: processes.running(up, name) for name in processes.recorded(up)}
    lifecycle.up(up)
    assert {name: processes.running(up, name) for name in processes.recorded(up)} == before


def test_a_restarted_api_server_answers_again(up: Cluster) -> None:
    before = processes.running(up, "kube-apiserver")
    lifecycle.restart(up, ["kube-apiserver"])
    assert processes.running(up, "kube-apiserver") != before
    assert kubectl.answers(up, "/readyz")


def test_a_dead_machine_is_made_anew(up: Cluster) -> None:
    init = machine.init(up)
    assert init is not None
    os.kill(init, signal.SIGKILL)
    lifecycle.up(up)
    assert lifecycle.is_healthy(up)


def test_down_finds_its_processes_without_its_records(up: Cluster) -> None:
    shutil.rmtree(up.folder / "processes")
    lifecycle.down(up)
    _assert_no_trace(up)


def test_down_leaves_no_trace_and_may_be_repeated(up: Cluster) -> None:
    lifecycle.down(up)
    _assert_no_trace(up)
    lifecycle.down(up)


def test_a_corrupt_program_is_built_again_and_that_is_said(
    second: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = Cluster(folder=second.folder, cache=tmp_path, network=second.network)
    program = tools.binary(own, "provisioner")
    good = program.read_bytes()
    program.write_bytes(b"broken" + good[6:])
    tools.intact.cache_clear()
    assert tools.binary(own, "provisioner").read_bytes() == good
    assert "provisioner: the cached binary is corrupt" in capsys.readouterr().err


def _assert_no_trace(cluster: Cluster) -> None:
    assert processes.marked(cluster) == []
    assert not cluster.folder.exists()
    assert str(cluster.folder) not in Path("/proc/self/mountinfo").read_text()
    assert list(Path("/sys/fs/cgroup").glob(f"**/{cluster.cgroup}")) == []
    links = subprocess.run(["ip", "link"], check=True, capture_output=True, text=True).stdout
    assert cluster.veth not in links
    routes = subprocess.run(["ip", "route"], check=True, capture_output=True, text=True).stdout
    assert "10.213." not in routes
    assert not Path("/usr/libexec/kubernetes").exists()
    assert not Path("/var/log/containers").exists()
