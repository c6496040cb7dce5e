"""Certificates name who RBAC knows, and are made once."""

import stat

import pytest
import yaml
from cryptography import x509

from tests.cluster import certificates
from tests.cluster.settings import Cluster


@pytest.fixture
def issued(cluster: Cluster) -> Cluster:
    certificates.ensure(cluster)
    return cluster


def _certificate(cluster: Cluster, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((cluster.pki / f"{name}.crt").read_bytes())


def test_every_component_is_issued_by_the_cluster(issued: Cluster) -> None:
    authority = _certificate(issued, "ca")
    for identity in certificates.IDENTITIES:
        _certificate(issued, identity.file).verify_directly_issued_by(authority)


def test_the_node_is_who_the_node_authorizer_expects(issued: Cluster) -> None:
    subject = _certificate(issued, "kubelet").subject.rfc4514_string()
    assert subject == "CN=system:node:modelyard-node,O=system:nodes"


def test_the_api_server_answers_to_its_service_and_addresses(issued: Cluster) -> None:
    names = _certificate(issued, "apiserver").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "kubernetes.default.svc" in names.get_values_for_type(x509.DNSName)
    assert {issued.node_address, issued.services[1]} <= set(names.get_values_for_type(x509.IPAddress))


def test_the_kubeconfig_points_at_the_node_and_is_for_its_owner_alone(issued: Cluster) -> None:
    content = yaml.safe_load(issued.kubeconfig.read_text())
    assert content["clusters"][0]["cluster"]["server"] == f"https://{issued.node_address}:6443"
    assert stat.S_IMODE(issued.kubeconfig.stat().st_mode) == 0o600


def test_asking_again_changes_nothing(issued: Cluster) -> None:
    before = issued.kubeconfig.read_bytes()
    certificates.ensure(issued)
    assert issued.kubeconfig.read_bytes() == before
