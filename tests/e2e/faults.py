"""Things that go wrong on purpose. Containers are killed from the node: inside, nothing kills process 1."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from examples.demo.kubectl import Kubectl, Object
from examples.demo.target import LOCAL_KUBECONFIG
from tests.cluster.locks import locked
from tests.e2e.waiting import is_ready, wait_for

OPERATOR_NAMESPACE = "modelyard-system"
OPERATOR = "modelyard-operator"
LEASE = "modelyard-operator"
REGISTRY = "modelyard-registry"
BACKEND = "triton_python_"
"""How the kernel calls Triton's Python stubs, of whose names it keeps 15 letters."""
ESTABLISHED = "01"
"""As ``/proc/PID/net/tcp`` has it."""


class TooLate(Exception):
    """What a fault was to disturb was over before it struck."""


def processes(container_id: str) -> list[int]:
    """Return the processes of a container (``containerd://<64 hex>``, or nothing): their cgroup names it."""
    wanted = container_id.removeprefix("containerd://")
    if not wanted:
        return []
    found = []
    for entry in Path("/proc").iterdir():
        # A process may end between being listed and being read.
        with suppress(FileNotFoundError, ProcessLookupError):
            if entry.name.isdecimal() and wanted in (entry / "cgroup").read_text():
                found.append(int(entry.name))
    return found


def kill_container(pod: Object, container: str) -> str:
    """SIGKILL every process of a pod's container and return its id. Raises TooLate if none runs."""
    _send(signal.SIGKILL, _running(pod, container))
    return running_container(pod, container)


def kill_backend(pod: Object, container: str) -> None:
    """SIGKILL a process that runs the backend for Triton, as the kernel does where memory is short."""
    backends = [pid for pid in _running(pod, container) if _name(pid).startswith(BACKEND)]
    if not backends:
        message = f"no process of {pod['metadata']['name']} is called {BACKEND}..."
        raise TooLate(message)
    _send(signal.SIGKILL, backends[:1])


@contextmanager
def held(pod: Object, container: str) -> Iterator[None]:
    """No process of a pod's container gets on within the block: what is over soon is still under way.

    Raises TooLate if none runs.
    """
    pids = _running(pod, container)
    _send(signal.SIGSTOP, pids)
    try:
        yield
    finally:
        _send(signal.SIGCONT, pids)


def _name(pid: int) -> str:
    """Return a process's name as the kernel has it, or nothing if it ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/comm").read_text()
    return ""


def _running(pod: Object, container: str) -> list[int]:
    pids = processes(running_container(pod, container))
    if not pids:
        message = f"{pod['metadata']['name']} has no running container {container}"
        raise TooLate(message)
    return pids


def _send(number: signal.Signals, pids: Iterable[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def running_container(pod: Object, container: str) -> str:
    """Return the id of a container that runs now, or nothing."""
    status = pod["status"]
    states = status.get("initContainerStatuses", []) + status.get("containerStatuses", [])
    running = [s["containerID"] for s in states if s["name"] == container and "running" in s["state"]]
    return str(running[0]) if running else ""


def delete_at_once(cluster: Kubectl, pod: Object) -> None:
    """Delete a pod without any grace, as where a node is lost."""
    cluster.run("delete", "pod", pod["metadata"]["name"], "--grace-period=0", "--force")


def leader(cluster: Kubectl) -> Object:
    """Return the operator's pod that holds the lease."""
    system = cluster.within(OPERATOR_NAMESPACE)

    def holding() -> Object | None:
        lease = system.get("lease", LEASE)
        holder = str((lease or {}).get("spec", {}).get("holderIdentity", ""))
        pods = [pod for pod in operator_pods(cluster) if pod["metadata"]["name"] in holder and holder]
        # One that was just killed is Running until the kubelet has looked.
        return next((pod for pod in pods if processes(running_container(pod, "operator"))), None)

    return wait_for(holding, seconds=60, what="led", cluster=system)


def operator_pods(cluster: Kubectl) -> list[Object]:
    """Return the operator's pods, but for those that end."""
    pods = cluster.within(OPERATOR_NAMESPACE).list("pods", "app.kubernetes.io/component=operator")
    return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]


def fresh_operators(cluster: Kubectl) -> None:
    """Wait until every operator is Ready and none has died in its pod: what died is replaced first.

    For the time before an episode, outside of what is timed. The kubelet starts a container again at once only the
    first time: one that is killed in many tests would be kept waiting for ever longer.
    """
    system = cluster.within(OPERATOR_NAMESPACE)

    def fresh() -> bool:
        pods = operator_pods(cluster)
        worn = [pod["metadata"]["name"] for pod in pods if not _never_died(pod)]
        if worn:
            system.run("delete", "pod", *worn, "--wait=false", "--ignore-not-found")
            return False
        deployment = system.get("deployment", OPERATOR)
        return deployment is not None and sum(map(is_ready, pods)) == len(pods) == deployment["spec"]["replicas"]

    wait_for(fresh, seconds=120, what="fresh operators", cluster=system)


def _never_died(pod: Object) -> bool:
    """Return whether no container of a pod has ended."""
    statuses = pod["status"].get("containerStatuses", [])
    return not any(status["restartCount"] or "terminated" in status["state"] for status in statuses)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leader:
    """The process of the operator that leads, known in advance: what is over in no time leaves none to look for it."""

    pid: int

    def kill(self) -> None:
        """SIGKILL it. Raises ProcessLookupError if it has ended by itself, as one does that lost its lease.

        The process alone: its pod stays, as after any crash, and the one that leads next is whichever comes first.
        """
        os.kill(self.pid, signal.SIGKILL)

    def asks(self, port: int) -> bool:
        """Return whether it is connected to this port of anybody. Its pod's network has no other process."""
        _, *lines = Path(f"/proc/{self.pid}/net/tcp").read_text().splitlines()
        peers = [(remote, state) for _, _, remote, state, *_ in map(str.split, lines)]
        return any(remote.endswith(f":{port:04X}") and state == ESTABLISHED for remote, state in peers)


@contextmanager
def aimed_at_leader(cluster: Kubectl) -> Iterator[Leader]:
    """Yield the operator that leads, none being worn. Nobody else aims at it within the block.

    Tests run side by side: killed by another one, it would be dead before what this one waits for is reached.
    """
    with locked(LOCAL_KUBECONFIG.with_name("operators.lock")):
        fresh_operators(cluster)
        [pid] = processes(running_container(leader(cluster), "operator"))
        yield Leader(pid=pid)


@contextmanager
def registry_silent(cluster: Kubectl) -> Iterator[None]:
    """Who reads from the registry within the block waits for an answer."""
    [pod] = cluster.within(OPERATOR_NAMESPACE).list("pods", "app.kubernetes.io/component=registry")
    with held(pod, "read"):
        yield


@contextmanager
def registry_away(cluster: Kubectl) -> Iterator[None]:
    """No registry answers within the block; afterwards it does again, with everything that it held."""
    system = cluster.within(OPERATOR_NAMESPACE)

    def replicas(count: int) -> None:
        system.run("scale", "deployment", REGISTRY, f"--replicas={count}")
        wait_for(
            lambda: (
                len(system.list("pods", "app.kubernetes.io/component=registry")) == count and _available(system, count)
            ),
            seconds=90,
            what=f"a registry of {count} pods",
            cluster=system,
        )

    replicas(0)
    try:
        yield
    finally:
        replicas(1)


def _available(system: Kubectl, count: int) -> bool:
    deployment = system.get("deployment", REGISTRY)
    return deployment is not None and deployment["status"].get("availableReplicas", 0) == count
