"""One cable between the host and the node, and the routes that make pods and Services reachable from the host.

The node has no default route: a lookup of an outside name then fails at once, where it would hang otherwise.
"""

import json
from ipaddress import IPv4Network

from tests.cluster import machine
from tests.cluster.commands import run, succeeds
from tests.cluster.console import wait_for
from tests.cluster.errors import ClusterError
from tests.cluster.settings import Cluster

SYSCTLS = (
    "net.ipv4.ip_forward=1",
    "net.bridge.bridge-nf-call-iptables=1",
    "net.ipv6.conf.all.disable_ipv6=1",
    "net.ipv6.conf.default.disable_ipv6=1",
)


def ensure(cluster: Cluster) -> None:
    """Lay the cable unless it lies. Raises ClusterError when the network's addresses are taken."""
    if present(cluster):
        return
    _refuse_taken(cluster)
    remove(cluster)
    pid = machine.init(cluster)
    link = cluster.link.prefixlen
    run(["ip", "link", "add", cluster.veth, "type", "veth", "peer", "name", "eth0", "netns", str(pid)])
    for words in (
        f"address add {cluster.node_address}/{link} dev eth0",
        "link set lo up",
        "link set eth0 up",
        # The node's own requests to a Service are routed before kube-proxy's rules turn them to a pod.
        f"route add {cluster.services} dev eth0",
    ):
        machine.inside(cluster, "ip", *words.split())
    machine.inside(cluster, "sysctl", "--quiet", "--write", *SYSCTLS)
    run(["ip", "address", "add", f"{cluster.host_address}/{link}", "dev", cluster.veth])
    run(["ip", "link", "set", cluster.veth, "up"])
    for network in (cluster.pods, cluster.services):
        run(["ip", "route", "add", str(network), "via", str(cluster.node_address)])


def present(cluster: Cluster) -> bool:
    """Tell whether the host's end of the cable is there and up, with its routes."""
    if not succeeds(["ip", "link", "show", "dev", cluster.veth, "up"]):
        return False
    routes = json.loads(run(["ip", "--json", "route", "show", "dev", cluster.veth]))
    known = {route["dst"] for route in routes}
    return {str(cluster.pods), str(cluster.services), str(cluster.link)} <= known


def remove(cluster: Cluster) -> None:
    """Take the cable away; its routes go with it. The kernel drops it late after the node's end."""
    show = ["ip", "link", "show", "dev", cluster.veth]
    if succeeds(show):
        succeeds(["ip", "link", "delete", cluster.veth])
    wait_for("end of the cable", lambda: not succeeds(show), seconds=20, fix=f"ip link delete {cluster.veth}")


def _refuse_taken(cluster: Cluster) -> None:
    for route in json.loads(run(["ip", "--json", "route", "show"])):
        if route["dst"] == "default" or route["dev"] == cluster.veth:
            continue
        if IPv4Network(route["dst"], strict=False).overlaps(cluster.network):
            raise ClusterError(
                f"the addresses {cluster.network} are in use: route {route['dst']} on {route['dev']}",
                fix="choose others: export MODELYARD_CLUSTER_NETWORK=10.200.0.0/16",
            )
