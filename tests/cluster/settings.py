"""Where the cluster of this checkout lives: its folders, names and addresses.

All of them follow from the checkout's path, so that two checkouts on one machine never meet. Override with
`MODELYARD_CLUSTER_DIR` (state), `MODELYARD_CACHE` (binaries and images) and `MODELYARD_CLUSTER_NETWORK` (a /16).
"""

import hashlib
import os
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from tests.cluster.errors import ClusterError

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCES = Path(__file__).resolve().parent

NODE_NAME = "modelyard-node"
API_PORT = 6443
# The registry as the node sees it, on the node's own loopback.
NODE_MIRROR_PORT = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """One local cluster. folder: everything it writes; cache: what outlives it; network: a private /16."""

    folder: Path
    cache: Path
    network: IPv4Network

    @property
    def ident(self) -> str:
        """Six hex digits that tell this checkout's cluster from another's."""
        return hashlib.sha256(str(self.folder).encode()).hexdigest()[:6]

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig, usable from the host."""
        return self.folder / "kubeconfig"

    @property
    def logs(self) -> Path:
        """One file a process, and `pods/` as the kubelet writes it."""
        return self.folder / "log"

    @property
    def pki(self) -> Path:
        """Certificates, keys and the components' kubeconfigs."""
        return self.folder / "pki"

    @property
    def config(self) -> Path:
        """Generated configuration files of the components."""
        return self.folder / "config"

    @property
    def veth(self) -> str:
        """The host's end of the cable to the node."""
        return f"my-{self.ident}"

    @property
    def cgroup(self) -> str:
        """The cgroup (relative to each hierarchy) under which every pod lives."""
        return f"modelyard-{self.ident}"

    @property
    def host_address(self) -> IPv4Address:
        """The host, as node and pods reach it."""
        return self.network[1]

    @property
    def node_address(self) -> IPv4Address:
        """The node and its API server, as the host reaches them."""
        return self.network[2]

    @property
    def link(self) -> IPv4Network:
        """The addresses of the cable between host and node."""
        return next(self.network.subnets(new_prefix=24))

    @property
    def pods(self) -> IPv4Network:
        """Pod addresses: the second quarter of the network."""
        return list(self.network.subnets(new_prefix=18))[1]

    @property
    def services(self) -> IPv4Network:
        """Service addresses: the third quarter of the network."""
        return list(self.network.subnets(new_prefix=18))[2]

    @property
    def dns_address(self) -> IPv4Address:
        """The Service address of the cluster's resolver."""
        return self.services[10]

    @property
    def server(self) -> str:
        """URL of the API server, from the host."""
        return f"https://{self.node_address}:{API_PORT}"

    @property
    def mirror_port(self) -> int:
        """Where the mirror registry listens on the host's loopback (images are pushed there)."""
        return 20000 + int(self.ident, 16) % 10000

    @property
    def mirror(self) -> str:
        """`host:port` of the mirror registry, from the host."""
        return f"127.0.0.1:{self.mirror_port}"


def cluster_from_environment() -> Cluster:
    """Return the cluster of this checkout. Raises ClusterError on an override that makes no sense."""
    folder = Path(os.environ.get("MODELYARD_CLUSTER_DIR", REPOSITORY / ".cluster")).expanduser().resolve()
    cache = Path(os.environ.get("MODELYARD_CACHE", "~/.cache/modelyard")).expanduser().resolve()
    second = 64 + hashlib.sha256(str(folder).encode()).digest()[0] % 128
    text = os.environ.get("MODELYARD_CLUSTER_NETWORK", f"10.{second}.0.0/16")
    try:
        network = IPv4Network(text)
    except ValueError as error:
        raise ClusterError(
            f"MODELYARD_CLUSTER_NETWORK={text}: {error}", fix="give a private /16 such as 10.200.0.0/16"
        ) from error
    if network.prefixlen != 16 or not network.is_private:
        raise ClusterError(
            f"MODELYARD_CLUSTER_NETWORK={text} is not a private /16", fix="give one such as 10.200.0.0/16"
        )
    return Cluster(folder=folder, cache=cache, network=network)
