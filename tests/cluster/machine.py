"""The machine that the node lives in: namespaces of its own for processes, mounts, network and host name.

Killing its init ends every process of the node, containers included; the kernel then drops its mounts and its
network. So nothing has to be stopped in order, and nothing can be left behind but cgroups and files.
"""

import os
import signal
import subprocess
import textwrap
from contextlib import suppress
from pathlib import Path

from tests.cluster import processes
from tests.cluster.commands import run
from tests.cluster.console import wait_for
from tests.cluster.errors import ClusterError
from tests.cluster.processes import Program
from tests.cluster.settings import NODE_NAME, Cluster

NAME = "machine"
END_SECONDS = 60


def ensure(cluster: Cluster) -> None:
    """Make the machine unless it runs."""
    if init(cluster) is not None:
        return
    processes.start(cluster, Program(name=NAME, argv=_unshare(cluster)))
    wait_for(
        "the node's namespaces",
        lambda: init(cluster) is not None and (cluster.folder / "machine" / "made").exists(),
        seconds=20,
        fix=f"read {cluster.logs / NAME}.log",
    )


def init(cluster: Cluster) -> int | None:
    """Return the pid (as the host counts) of the machine's init, if the machine runs."""
    outer = processes.running(cluster, NAME)
    if outer is None:
        return None
    inner = processes.children(outer.pid)
    return inner[0] if inner else None


def enter(cluster: Cluster) -> tuple[str, ...]:
    """Return the command line that runs what follows it inside the machine."""
    pid = init(cluster)
    if pid is None:
        raise ClusterError("the node does not run", fix="python -m tests.cluster up")
    return ("nsenter", f"--target={pid}", "--mount", "--net", "--pid", "--uts", "--")


def inside(cluster: Cluster, *argv: str) -> str:
    """Run a command inside the machine and return what it printed."""
    return run([*enter(cluster), *argv])


def destroy(cluster: Cluster) -> None:
    """End the machine and everything in it, whether or not its record survived, and wait until it is gone."""
    for pid in processes.marked(cluster):
        if pid != os.getpid():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    wait_for(
        "end of the node's processes",
        lambda: not [pid for pid in processes.marked(cluster) if pid != os.getpid()],
        seconds=END_SECONDS,
        fix=f"see which hang: pids {processes.marked(cluster)}; a hanging mount (NFS) may hold them",
    )


def _unshare(cluster: Cluster) -> tuple[str, ...]:
    for folder in ("kubelet", "cni", "machine"):
        (cluster.folder / folder).mkdir(parents=True, exist_ok=True)
    (cluster.folder / "machine" / "made").unlink(missing_ok=True)
    flags = ("--fork", "--kill-child", "--pid", "--mount-proc", "--net", "--mount", "--uts")
    return ("unshare", *flags, "--propagation", "private", "sh", "-c", _script(cluster))


def _script(cluster: Cluster) -> str:
    """Return what the machine's init does before it waits.

    Programs of the node insist on /run, /var/log/containers, /var/lib/kubelet and /var/lib/cni: here all of them
    are the machine's own, without a mount point made on the host. What else is in /var/lib stays reachable.
    """
    return textwrap.dedent(f"""
        set -e
        mount -t tmpfs -o mode=755 run /run
        mkdir -p /run/containerd /run/lock /run/netns /run/lib
        mount --rbind /var/lib /run/lib
        mount -t tmpfs -o mode=755 log /var/log
        mount -t tmpfs -o mode=755 lib /var/lib
        mkdir /var/lib/kubelet /var/lib/cni
        for each in /run/lib/*; do
            test -e "/var/lib/${{each##*/}}" || ln -s "$each" /var/lib/
        done
        mount --bind {cluster.folder}/kubelet /var/lib/kubelet
        mount --bind {cluster.folder}/cni /var/lib/cni
        mount --make-rshared /
        hostname {NODE_NAME}
        touch {cluster.folder}/machine/made
        exec catatonit -P
    """)


def unmount_leftovers(folder: Path) -> None:
    """Unmount, in the host's own namespace, whatever is still mounted below `folder`, deepest first."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    points = [line.split()[4].encode().decode("unicode_escape") for line in lines]
    below = sorted((point for point in points if point.startswith(f"{folder}/")), key=len, reverse=True)
    for point in below:
        subprocess.run(["umount", "--lazy", point], check=True)
