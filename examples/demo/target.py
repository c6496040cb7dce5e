"""Which cluster the demo is about, and how this machine reaches Services in it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from examples.demo.kubectl import Kubectl, running

ROOT = Path(__file__).resolve().parents[2]
LOCAL_KUBECONFIG = ROOT / ".cluster" / "kubeconfig"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A cluster. ``local``: that of ``make cluster``, whose Services this machine reaches itself."""

    cluster: Kubectl
    local: bool

    @contextmanager
    def reach(self, service: str, *ports: int, namespace: str) -> Iterator[tuple[str, ...]]:
        """Yield host:port for each port of a Service: directly in the local cluster, else by port-forward."""
        within = self.cluster.within(namespace)
        if self.local:
            found = within.get("service", service)
            if found is None:
                message = f"there is no Service {service} in {namespace}"
                raise LookupError(message)
            yield tuple(f"{found['spec']['clusterIP']}:{port}" for port in ports)
            return
        with ExitStack() as stack:
            yield tuple(stack.enter_context(_forwarded(within, service, port)) for port in ports)


@contextmanager
def _forwarded(cluster: Kubectl, service: str, port: int) -> Iterator[str]:
    """Yield the local address of a port-forward for the length of the block."""
    command = cluster.command("port-forward", f"service/{service}", f":{port}")
    with running(command, env=cluster.environment(), stdout=subprocess.PIPE) as child:
        assert child.stdout is not None  # noqa: S101 - opened with a pipe
        line = child.stdout.readline().decode()  # Forwarding from 127.0.0.1:40123 -> 5001
        if not line.startswith("Forwarding from "):
            message = f"kubectl port-forward to service/{service} ended: {line}"
            raise ConnectionError(message)
        yield line.split()[2]


def local_target() -> Target:
    """Return the local cluster, started or repaired, with the images in its mirror."""
    for command in ("up", "images"):
        subprocess.run([sys.executable, "-m", "tests.cluster", command], cwd=ROOT, check=True)
    return Target(cluster=Kubectl(kubeconfig=LOCAL_KUBECONFIG), local=True)


def context_target(context: str) -> Target:
    """Return the cluster of a context in the user's own kubeconfig. Raises LookupError without one.

    KUBECONFIG is not looked at: what the shell happens to point to is nobody's wish.
    """
    kubeconfig = Path.home() / ".kube" / "config"
    known = Kubectl(kubeconfig=kubeconfig).run("config", "view", "--output=json") if kubeconfig.exists() else "{}"
    names = [entry["name"] for entry in json.loads(known).get("contexts") or []]
    if context not in names:
        message = f"{kubeconfig} has no context {context!r}, it has: {', '.join(names) or 'none'}"
        raise LookupError(message)
    return Target(cluster=Kubectl(kubeconfig=kubeconfig, context=context), local=False)
