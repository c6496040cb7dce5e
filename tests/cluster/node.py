"""The kubelet and kube-proxy: what makes the machine a node. The kubelet keeps its stock timing."""

from typing import Any

import yaml

from tests.cluster import cgroups, containerd, kubectl, machine, processes, tools
from tests.cluster.files import write
from tests.cluster.processes import Program
from tests.cluster.settings import NODE_NAME, Cluster

READY_SECONDS = 90
KUBELET = f"/api/v1/nodes/{NODE_NAME}/proxy/healthz"


def ensure(cluster: Cluster) -> None:
    """Start the kubelet and kube-proxy unless they run; `wait_until_ready` waits for them."""
    enter = machine.enter(cluster)
    cgroups.ensure(cluster)
    for program in (_kubelet(cluster), _proxy(cluster)):
        processes.ensure(cluster, program, enter=enter)


def wait_until_ready(cluster: Cluster) -> None:
    """Return when the node is Ready and its kubelet answers the API server."""
    processes.await_ready(cluster, "kubelet", lambda: is_ready(cluster), seconds=READY_SECONDS)


def is_ready(cluster: Cluster) -> bool:
    """Tell whether the node reports Ready and the kubelet answers now: a report alone may be 40 s old."""
    path = f"/api/v1/nodes/{NODE_NAME}"
    if not kubectl.answers(cluster, path):
        return False
    conditions = kubectl.get(cluster, path)["status"].get("conditions", [])
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return ready and kubectl.answers(cluster, KUBELET)


def _kubelet(cluster: Cluster) -> Program:
    config = write(cluster.config / "kubelet.yaml", yaml.safe_dump(_kubelet_config(cluster)))
    write(cluster.config / "resolv.conf", "# Pods ask the cluster's resolver; the node asks nobody.\n")
    flags = (
        f"--config={config}",
        f"--kubeconfig={cluster.pki}/kubelet.kubeconfig",
        f"--hostname-override={NODE_NAME}",
        f"--node-ip={cluster.node_address}",
    )
    return Program(name="kubelet", argv=(str(tools.binary(cluster, "kubelet")), *flags), files=(config,))


def _kubelet_config(cluster: Cluster) -> dict[str, Any]:
    config: dict[str, Any] = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{cluster.pki}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{cluster.pki}/kubelet-server.crt",
        "tlsPrivateKeyFile": f"{cluster.pki}/kubelet-server.key",
        "containerRuntimeEndpoint": f"unix://{containerd.SOCKET}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{cluster.cgroup}",
        "failSwapOn": False,
        "clusterDNS": [str(cluster.dns_address)],
        "clusterDomain": "cluster.local",
        "resolvConf": f"{cluster.config}/resolv.conf",
        "podLogsDir": f"{cluster.logs}/pods",
        "volumePluginDir": f"{cluster.folder}/volume-plugins",
        # The disk is the developer's: a share of it says nothing about the cluster's need.
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1Gi",
            "imagefs.available": "1Gi",
            "nodefs.inodesFree": "1%",
        },
        "imageGCHighThresholdPercent": 100,
    }
    if not cgroups.version_2():
        config["failCgroupV1"] = False
    return config


def _proxy(cluster: Cluster) -> Program:
    content = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "clusterCIDR": str(cluster.pods),
        "hostnameOverride": NODE_NAME,
        "clientConnection": {"kubeconfig": f"{cluster.pki}/proxy.kubeconfig"},
        # These kernel limits belong to the whole machine, not to one network namespace.
        "conntrack": {"maxPerCore": 0, "min": 0},
    }
    config = write(cluster.config / "kube-proxy.yaml", yaml.safe_dump(content))
    argv = (str(tools.binary(cluster, "kube-proxy")), f"--config={config}")
    return Program(name="kube-proxy", argv=argv, files=(config,))
