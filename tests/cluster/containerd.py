"""containerd and the CNI configuration of the node, and where the node gets its images."""

import json
import socket
import textwrap
from pathlib import Path

from tests.cluster import machine, processes, tools
from tests.cluster.files import write
from tests.cluster.processes import Program
from tests.cluster.settings import NODE_MIRROR_PORT, Cluster

SOCKET = "/run/containerd/containerd.sock"  # in the machine's own /run
PAUSE_IMAGE = "registry.k8s.io/pause:3.10.1"
MIRRORED = ("docker.io", "ghcr.io", "nvcr.io", "quay.io", "registry.k8s.io")
CNI_PLUGINS = "/usr/lib/cni"


def ensure(cluster: Cluster) -> None:
    """Write the configuration, start containerd unless it runs, and return when it answers."""
    config = write(cluster.config / "containerd.toml", _toml(cluster))
    write(cluster.config / "cni" / "10-modelyard.conflist", json.dumps(_conflist(cluster), indent=1))
    _write_hosts(cluster)
    processes.ensure(cluster, _program(cluster, config), enter=machine.enter(cluster))
    processes.await_ready(cluster, "containerd", lambda: _answers(cluster), seconds=30)


def _program(cluster: Cluster, config: Path) -> Program:
    tools.binary(cluster, "containerd-shim-runc-v2")  # containerd finds it on PATH, and ours before any other
    program = tools.binary(cluster, "containerd")
    argv = (str(program), f"--config={config}")
    return Program(name="containerd", argv=argv, files=(config,), path=program.parent)


def _answers(cluster: Cluster) -> bool:
    # The machine's own /run, seen from the host.
    path = f"/proc/{machine.init(cluster)}/root{SOCKET}"
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(path) == 0


def _toml(cluster: Cluster) -> str:
    # Without CAP_SYS_RESOURCE a process can't lower its oom_score_adj, and runc would die trying.
    return textwrap.dedent(f"""
        version = 3
        root = "{cluster.folder}/containerd"
        state = "/run/containerd"
        disabled_plugins = ["io.containerd.nri.v1.nri", "io.containerd.tracing.processor.v1.otlp"]

        [grpc]
          address = "{SOCKET}"

        [plugins."io.containerd.internal.v1.opt"]
          path = "{cluster.folder}/containerd/opt"

        [plugins."io.containerd.cri.v1.images"]
          [plugins."io.containerd.cri.v1.images".pinned_images]
            sandbox = "{PAUSE_IMAGE}"
          [plugins."io.containerd.cri.v1.images".registry]
            config_path = "{cluster.config}/registries"

        [plugins."io.containerd.cri.v1.runtime"]
          restrict_oom_score_adj = true
          enable_cdi = false
          [plugins."io.containerd.cri.v1.runtime".cni]
            bin_dirs = ["{CNI_PLUGINS}"]
            conf_dir = "{cluster.config}/cni"
          [plugins."io.containerd.cri.v1.runtime".containerd]
            default_runtime_name = "runc"
            [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
              runtime_type = "io.containerd.runc.v2"
              [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
                SystemdCgroup = false
    """)


def _conflist(cluster: Cluster) -> dict[str, object]:
    addresses = {
        "type": "host-local",
        "dataDir": f"{cluster.folder}/cni/addresses",
        "ranges": [[{"subnet": str(cluster.pods)}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "ipMasq": False,  # the host has a route back, so it sees pods under their own addresses
        "hairpinMode": True,
        "ipam": addresses,
    }
    portmap = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "1.0.0", "name": "modelyard", "plugins": [bridge, portmap]}


def _write_hosts(cluster: Cluster) -> None:
    """Tell containerd where each public registry is mirrored; it never asks the outside."""
    for name in MIRRORED:
        url = f"http://127.0.0.1:{NODE_MIRROR_PORT}/v2/{cluster.ident}/{name}"
        host = (
            f'server = "{url}"\noverride_path = true\n'
            f'[host."{url}"]\ncapabilities = ["pull", "resolve"]\noverride_path = true\n'
        )
        write(cluster.config / "registries" / name / "hosts.toml", host)
