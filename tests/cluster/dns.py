"""CoreDNS on the node, and the Service under which pods ask it."""

import socket
import textwrap
from typing import Any

from tests.cluster import machine, processes, tools
from tests.cluster.files import write
from tests.cluster.processes import Program
from tests.cluster.settings import Cluster

LABELS = {"k8s-app": "kube-dns", "kubernetes.io/name": "CoreDNS"}
PORTS = ("UDP", "TCP")


def ensure(cluster: Cluster) -> None:
    """Start CoreDNS unless it runs."""
    config = write(cluster.config / "Corefile", _corefile(cluster))
    argv = (str(tools.binary(cluster, "coredns")), f"-conf={config}")
    program = Program(name="coredns", argv=argv, files=(config,))
    processes.ensure(cluster, program, enter=machine.enter(cluster))
    processes.await_ready(cluster, program.name, lambda: _answers(cluster), seconds=30)


def _answers(cluster: Cluster) -> bool:
    with socket.socket() as client:
        return client.connect_ex((str(cluster.node_address), 53)) == 0


def objects(cluster: Cluster) -> list[dict[str, Any]]:
    """Return the Service, its endpoint on the node, and CoreDNS's permission to read."""
    meta = {"name": "kube-dns", "namespace": "kube-system", "labels": LABELS}
    ports = [{"name": f"dns-{each.lower()}", "port": 53, "protocol": each} for each in PORTS]
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": meta,
        "spec": {"clusterIP": str(cluster.dns_address), "ports": ports},
    }
    slice_ = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {**meta, "labels": {**LABELS, "kubernetes.io/service-name": "kube-dns"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [str(cluster.node_address)], "conditions": {"ready": True}}],
        "ports": ports,
    }
    return [service, slice_, *_permission()]


def _permission() -> list[dict[str, Any]]:
    meta = {"name": "system:coredns"}
    rules = [
        {"apiGroups": [""], "resources": ["services", "pods", "namespaces"], "verbs": ["list", "watch"]},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
    ]
    rbac = "rbac.authorization.k8s.io"
    return [
        {"apiVersion": f"{rbac}/v1", "kind": "ClusterRole", "metadata": meta, "rules": rules},
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": meta,
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": meta["name"]},
            "subjects": [{"apiGroup": rbac, "kind": "User", "name": "system:coredns"}],
        },
    ]


def _corefile(cluster: Cluster) -> str:
    # No `forward`: an outside name is answered at once, with NXDOMAIN's kin REFUSED, and never hangs. Answers are kept
    # for half a minute, as in most clusters: what must be quicker than that may not go by DNS.
    return textwrap.dedent(f"""
        .:53 {{
            bind {cluster.node_address}
            errors
            health 127.0.0.1:8080
            ready 127.0.0.1:8181
            kubernetes cluster.local in-addr.arpa {{
                kubeconfig {cluster.pki}/coredns.kubeconfig
                pods insecure
                ttl 30
            }}
            cache 30
        }}
    """)
