"""What the machine must have; each missing thing is one line with its fix, and all are told at once."""

import os
import platform
import re
import shutil
from pathlib import Path

from tests.cluster import tools
from tests.cluster.commands import run, succeeds
from tests.cluster.errors import ClusterError
from tests.cluster.settings import SOURCES, Cluster

# Free space wanted, in GiB: to build everything, and to run on with a filled cache.
COLD_GIB = 12
WARM_GIB = 4
GIB = 2**30


def check(cluster: Cluster) -> None:
    """Raise ClusterError that lists everything that is missing, each with its fix."""
    check_linux()
    wants = [*_root(), *_go(), *_packages(), *_kernel(), *_disk(cluster)]
    if wants:
        raise ClusterError("\n".join(["this machine lacks:", *(f"  - {want}" for want in wants)]), fix="as each says")


def check_linux() -> None:
    """Raise ClusterError unless this is Linux."""
    if platform.system() != "Linux":
        raise ClusterError(
            f"the local cluster needs Linux, this is {platform.system()}",
            fix="use a Linux machine, or a cluster of your own: make demo CONTEXT=name",
        )


def check_root() -> None:
    """Raise ClusterError unless this is root on Linux."""
    check_linux()
    if wants := _root():
        raise ClusterError("this needs root", fix=wants[0])


def packages() -> list[str]:
    """Return the names of the Debian packages that the cluster needs (packages.txt says why)."""
    lines = (SOURCES / "packages.txt").read_text().splitlines()
    return [words[0] for words in (line.split("#")[0].split() for line in lines) if words]


def _root() -> list[str]:
    if os.geteuid() == 0:
        return []
    return ["root: namespaces, mounts and cgroups need it. Run it as root, or with sudo"]


def _go() -> list[str]:
    wanted, module = tools.go_wanted()
    want = f"Go {wanted} or later (the cluster's programs are built from source)"
    fix = "install it (https://go.dev/dl) and put it first on PATH"
    if shutil.which("go") is None:
        return [f"{want}: {fix}"]
    try:
        # Asked in the module that wants most: an older Go names the one it would fetch, unless GOTOOLCHAIN forbids it.
        said = run(["go", "env", "GOVERSION"], cwd=module).strip()
    except ClusterError as error:
        return [f"{want}: {fix}. What is there says: {error}"]
    found = re.search(r"go(\d+)\.(\d+)(?:\.(\d+))?", said)
    if found and tuple(int(number or 0) for number in found.groups()) >= tuple(map(int, wanted.split("."))):
        return []
    return [f"{want}, this is {said}: {fix}, or let this one fetch it: export GOTOOLCHAIN=auto (from Go 1.21 on)"]


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
    need = WARM_GIB if (cluster.cache / "images").exists() else COLD_GIB
    wants = []
    for folder, variable in ((cluster.cache, "MODELYARD_CACHE"), (cluster.folder, "MODELYARD_CLUSTER_DIR")):
        there = next(path for path in (folder, *folder.parents) if path.exists())
        free = shutil.disk_usage(there).free / GIB
        if free < need:
            wants.append(f"disk: {folder} has {free:.1f} GiB free, {need} GiB are needed. Free some, or set {variable}")
    return wants
