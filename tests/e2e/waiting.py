"""Waiting on conditions with a deadline, and what a failed wait says: the cluster as it is at that moment."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from examples.demo.kubectl import Kubectl, KubectlError, Object

T = TypeVar("T")

POLL_SECONDS = 0.5


def wait_for(condition: Callable[[], T | None], *, seconds: float, what: str, cluster: Kubectl | None = None) -> T:
    """Return the first value of ``condition`` that counts as true: nothing found, an empty list, is waited on.

    Raises TimeoutError after ``seconds``, with the state of the namespace where a cluster is given. For what a
    watch can't show (absence, sums over objects); one object's state is waited for by ``reached``.
    """
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            state = diagnosis(cluster) if cluster else ""
            message = f"not {what} after {seconds:g} s\n{state}"
            raise TimeoutError(message)
        time.sleep(POLL_SECONDS)


def reached(
    cluster: Kubectl,
    name: str,
    condition: Callable[[Object], bool],
    *,
    seconds: float,
    what: str,
    kind: str = "optimizedmodel",
) -> Object:
    """Return the object once ``condition`` holds. Raises TimeoutError with the namespace's state."""
    try:
        return cluster.wait(kind, name, condition, seconds=seconds, what=what)
    except TimeoutError as error:
        message = f"{error}\n{diagnosis(cluster)}"
        raise TimeoutError(message) from None


def diagnosis(cluster: Kubectl) -> str:
    """Return what a person would look at first: our objects, events, the last lines of unwell pods."""
    parts = [
        ("get", "optimizedmodels,modelbuilds,jobs,deployments,services,pods", "--output=wide"),
        ("describe", "optimizedmodels,modelbuilds"),
        ("get", "events", "--sort-by=.lastTimestamp"),
    ]
    parts += [("logs", name, "--all-containers", "--prefix", "--tail=15") for name in _unwell_pods(cluster)]
    return "\n".join(f"--- kubectl {' '.join(part)}\n{_said(cluster, *part)}" for part in parts)


def _said(cluster: Kubectl, *arguments: str) -> str:
    """A diagnosis must not hide the failure that it explains: what can't be asked is said in its place."""
    try:
        return cluster.run(*arguments, seconds=20)
    except KubectlError as error:
        return str(error)


def _unwell_pods(cluster: Kubectl) -> list[str]:
    try:
        pods = cluster.list("pods")
    except KubectlError:
        return []
    return [pod["metadata"]["name"] for pod in pods if not is_ready(pod)][:6]


def is_ready(pod: Object) -> bool:
    """Return whether a pod takes requests."""
    conditions = pod.get("status", {}).get("conditions", [])
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)
