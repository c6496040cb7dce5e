"""Up, down and status. `up` repairs what it finds, and makes everything anew where that does not help."""

from collections.abc import Iterable
from contextlib import AbstractContextManager

from tests.cluster import (
    certificates,
    cgroups,
    containerd,
    control_plane,
    dns,
    kubectl,
    machine,
    mirror,
    network,
    node,
    pause,
    prerequisites,
    processes,
    storage,
    tools,
)
from tests.cluster.commands import run
from tests.cluster.console import say, step
from tests.cluster.errors import ClusterError
from tests.cluster.locks import locked
from tests.cluster.settings import Cluster

# Unpacked images are many files.
REMOVAL_SECONDS = 600


def up(cluster: Cluster) -> None:
    """Return with a Ready node, whatever was there before: what runs as it should is left alone."""
    prerequisites.check(cluster)
    with _lock(cluster):
        if machine.init(cluster) is None:
            _replace(cluster)
            return
        try:
            _ensure(cluster)
        except ClusterError as error:
            say(f"the cluster can't be repaired, making it anew: {error}")
            _replace(cluster)


def down(cluster: Cluster) -> None:
    """Remove every trace: processes, namespaces, mounts, cable, cgroups, files. Images and binaries stay cached."""
    with _lock(cluster):
        _down(cluster)
    say("the cluster is gone")


def restart(cluster: Cluster, names: Iterable[str]) -> None:
    """Stop the processes of these names, one after the other, and bring the cluster up again."""
    with _lock(cluster):
        for name in names:
            if not processes.stop(cluster, name):
                known = ", ".join(processes.recorded(cluster)) or "nothing"
                raise ClusterError(f"{name} does not run", fix=f"name what does (there is {known}), or run `up`")
    up(cluster)


def is_healthy(cluster: Cluster) -> bool:
    """Tell whether every process runs and the node is Ready."""
    if machine.init(cluster) is None or not network.present(cluster):
        return False
    names = processes.recorded(cluster)
    alive = all(processes.running(cluster, name) is not None for name in names)
    return alive and "provisioner" in names and node.is_ready(cluster)


def _lock(cluster: Cluster) -> AbstractContextManager[None]:
    """Let one command at a time change this cluster. The lock lies outside of what `down` removes."""
    return locked(cluster.cache / "clusters" / f"{cluster.ident}.lock")


def _replace(cluster: Cluster) -> None:
    _down(cluster)
    _ensure(cluster)


def _down(cluster: Cluster) -> None:
    machine.destroy(cluster)
    network.remove(cluster)
    cgroups.remove(cluster)
    machine.unmount_leftovers(cluster.folder)
    with step(f"removing {cluster.folder}"):
        run(["rm", "--recursive", "--force", cluster.folder], seconds=REMOVAL_SECONDS)


def _ensure(cluster: Cluster) -> None:
    tools.link(cluster)
    certificates.ensure(cluster)
    mirror.ensure_on_host(cluster)
    pause.ensure(cluster)
    machine.ensure(cluster)
    network.ensure(cluster)
    mirror.ensure_on_node(cluster)
    containerd.ensure(cluster)
    control_plane.ensure(cluster)
    say("the API server is ready")
    kubectl.apply(cluster, [*dns.objects(cluster), *storage.objects()])
    node.ensure(cluster)
    dns.ensure(cluster)
    storage.ensure(cluster)
    node.wait_until_ready(cluster)
    say(f"the node is Ready; kubeconfig: {cluster.kubeconfig}")
