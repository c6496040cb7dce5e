"""A dynamic provisioner on the node, and the default StorageClass that asks it."""

from typing import Any

from tests.cluster import machine, processes, tools
from tests.cluster.processes import Program
from tests.cluster.settings import NODE_NAME, Cluster

PROVISIONER = "modelyard.dev/node-directory"


def ensure(cluster: Cluster) -> None:
    """Start the provisioner unless it runs."""
    volumes = cluster.folder / "volumes"
    volumes.mkdir(exist_ok=True)
    argv = (
        str(tools.binary(cluster, "provisioner")),
        f"-kubeconfig={cluster.pki}/provisioner.kubeconfig",
        f"-root={volumes}",
        f"-node={NODE_NAME}",
        f"-provisioner={PROVISIONER}",
    )
    processes.ensure(cluster, Program(name="provisioner", argv=argv), enter=machine.enter(cluster))


def objects() -> list[dict[str, Any]]:
    """Return the default StorageClass, and the provisioner's permission (a role that Kubernetes brings)."""
    rbac = "rbac.authorization.k8s.io"
    return [
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {
                "name": "standard",
                "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
            },
            "provisioner": PROVISIONER,
            "reclaimPolicy": "Delete",
            "volumeBindingMode": "WaitForFirstConsumer",
        },
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "modelyard:provisioner"},
            "roleRef": {
                "apiGroup": rbac,
                "kind": "ClusterRole",
                "name": "system:persistent-volume-provisioner",
            },
            "subjects": [{"apiGroup": rbac, "kind": "User", "name": "modelyard:provisioner"}],
        },
    ]
