"""Ways in which the only server of a model goes. Each waits until the next one serves, and nothing else runs."""

from __future__ import annotations

from collections.abc import Callable

from examples.demo.kubectl import Object
from modelyard.naming import MODEL_LABEL
from tests.e2e.faults import delete_at_once, kill_backend, kill_container
from tests.e2e.waiting import wait_for
from tests.e2e.yard import Yard

_CONTAINER = "triton"


def servers(yard: Yard, model: str) -> list[Object]:
    """Return the model's server pods, stopping ones included."""
    return yard.pods(component="triton", model=model)


def killed(yard: Yard, pod: Object) -> None:
    """SIGKILL the server: the kubelet starts it again."""
    before = kill_container(pod, _CONTAINER)
    _another_serves(yard, pod, before)


def backend_killed(yard: Yard, pod: Object) -> None:
    """SIGKILL what answers for the server, as the kernel does where memory is short."""
    kill_backend(pod, _CONTAINER)
    _another_serves(yard, pod, _container_id(pod))


def deleted(yard: Yard, pod: Object) -> None:
    """Delete the pod, as a drained node does."""
    yard.cluster.run("delete", "pod", pod["metadata"]["name"], "--wait=false")
    _another_serves(yard, pod, _container_id(pod))


def deleted_at_once(yard: Yard, pod: Object) -> None:
    """Delete the pod without any grace, as where a node is lost."""
    delete_at_once(yard.cluster, pod)
    _another_serves(yard, pod, _container_id(pod))


ENDS: tuple[Callable[[Yard, Object], None], ...] = (killed, deleted, backend_killed, deleted_at_once)
"""In an order in which no pod's container ends twice: the kubelet starts it at once the first time, and lets it wait
for 10 s the second (CrashLoopBackOff), longer than these clients have."""


def _another_serves(yard: Yard, pod: Object, before: str) -> None:
    model = pod["metadata"]["labels"][MODEL_LABEL]

    def alone() -> bool:
        found = [status for left in servers(yard, model) for status in left["status"].get("containerStatuses", [])]
        return [status["ready"] and status["containerID"] != before for status in found] == [True]

    wait_for(alone, seconds=120, what="served by another alone", cluster=yard.cluster)


def _container_id(pod: Object) -> str:
    (status,) = pod["status"]["containerStatuses"]
    return str(status["containerID"])
