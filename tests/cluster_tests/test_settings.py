"""Two checkouts never meet, and an override that makes no sense is refused."""

from pathlib import Path

import pytest

from tests.cluster.errors import ClusterError
from tests.cluster.settings import cluster_from_environment


def test_two_folders_have_names_and_ports_of_their_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MODELYARD_CLUSTER_DIR", str(tmp_path / "a"))
    first = cluster_from_environment()
    monkeypatch.setenv("MODELYARD_CLUSTER_DIR", str(tmp_path / "b"))
    second = cluster_from_environment()
    assert first.folder == tmp_path / "a"
    assert {first.ident, first.veth, first.mirror, first.cgroup}.isdisjoint(
        {second.ident, second.veth, second.mirror, second.cgroup}
    )


def test_an_interface_name_fits_the_kernels_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MODELYARD_CLUSTER_DIR", str(tmp_path))
    assert len(cluster_from_environment().veth) <= 15


def test_pods_services_and_the_link_do_not_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELYARD_CLUSTER_NETWORK", "10.200.0.0/16")
    cluster = cluster_from_environment()
    networks = (cluster.link, cluster.pods, cluster.services)
    assert not any(a.overlaps(b) for a in networks for b in networks if a is not b)
    assert cluster.host_address in cluster.link
    assert cluster.node_address in cluster.link
    assert cluster.dns_address in cluster.services


@pytest.mark.parametrize("network", ["nonsense", "10.200.0.0/24", "8.8.0.0/16", "10.200.0.1/16"])
def test_a_network_that_is_no_private_16_is_refused(monkeypatch: pytest.MonkeyPatch, network: str) -> None:
    monkeypatch.setenv("MODELYARD_CLUSTER_NETWORK", network)
    with pytest.raises(ClusterError, match=r"fix: give .* such as 10\.200\.0\.0/16"):
        cluster_from_environment()
