"""The verbs of `python -m tests.cluster`."""

import argparse
import os
import sys
from collections.abc import Callable

from tests.cluster import kubectl, lifecycle, machine, prerequisites, processes, tools
from tests.cluster.console import say
from tests.cluster.errors import ClusterError
from tests.cluster.images.build import build_images
from tests.cluster.settings import Cluster, cluster_from_environment

INTERRUPTED = 130  # as shells report a SIGINT


def up(cluster: Cluster, _: list[str]) -> None:
    """Bring the cluster to a Ready node, whatever state it is in."""
    lifecycle.up(cluster)


def down(cluster: Cluster, _: list[str]) -> None:
    """Remove every trace of the cluster; programs and images stay cached."""
    prerequisites.check_root()
    lifecycle.down(cluster)


def restart(cluster: Cluster, names: list[str]) -> None:
    """Stop the named processes of the cluster and start them again."""
    prerequisites.check_root()
    lifecycle.restart(cluster, names)


def status(cluster: Cluster, _: list[str]) -> None:
    """Print each process with its pid, and whether the cluster is healthy (exit status 1: it is not)."""
    for name in processes.recorded(cluster):
        record = processes.running(cluster, name)
        print(f"{name:25} {record.pid if record else 'not running'}")
    healthy = lifecycle.is_healthy(cluster)
    print("healthy" if healthy else "not healthy: python -m tests.cluster up")
    sys.exit(0 if healthy else 1)


def build_tools(cluster: Cluster, names: list[str]) -> None:
    """Build the named programs (none: all, linked into bin/ of the cluster's folder) and print where they are."""
    if names:
        print("\n".join(str(tools.binary(cluster, name)) for name in names))
    else:
        print(tools.link(cluster))


def images(cluster: Cluster, names: list[str]) -> None:
    """Build the named images, or all of them, and push them to the cluster's mirror."""
    prerequisites.check_root()
    for name, reference in build_images(cluster, names).items():
        print(f"{name} {reference}")


def kubeconfig(cluster: Cluster, _: list[str]) -> None:
    """Print the path of the administrator's kubeconfig."""
    print(cluster.kubeconfig)


def use_kubectl(cluster: Cluster, words: list[str]) -> None:
    """Run kubectl against this cluster, and no other."""
    argv = [*kubectl.command(cluster), *words]
    os.execv(argv[0], argv)


def use_node(cluster: Cluster, words: list[str]) -> None:
    """Run a command inside the node's namespaces (without one: a shell)."""
    prerequisites.check_root()
    argv = [*machine.enter(cluster), *(words or ["bash"])]
    os.execvp(argv[0], argv)


def packages(_: Cluster, __: list[str]) -> None:
    """Print the Debian packages that the cluster needs."""
    print("\n".join(prerequisites.packages()))


VERBS: dict[str, Callable[[Cluster, list[str]], None]] = {
    "up": up,
    "down": down,
    "restart": restart,
    "status": status,
    "tools": build_tools,
    "images": images,
    "kubeconfig": kubeconfig,
    "kubectl": use_kubectl,
    "node": use_node,
    "packages": packages,
}


def main() -> int:
    """Run one verb; an error is told with its fix, without a traceback."""
    summary = "\n".join(f"  {name:11} {verb.__doc__}" for name, verb in VERBS.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.cluster",
        description="The local Kubernetes cluster of this checkout.",
        epilog=f"verbs:\n{summary}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("verb", choices=VERBS)
    parser.add_argument("words", nargs=argparse.REMAINDER)
    chosen = parser.parse_args()
    try:
        VERBS[chosen.verb](cluster_from_environment(), chosen.words)
    except ClusterError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say(f"interrupted; the next `{chosen.verb}` goes on from here")
        return INTERRUPTED
    return 0
