"""A model on its way to Healthy: what its status says, and how far the steps of its build are."""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass

from pydantic import ValidationError

from examples.demo.kubectl import Kubectl, KubectlError, Object
from examples.demo.screen import Screen
from modelyard.contract import Progress, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """A model that is Healthy, and how long that took from the first look at it, in seconds."""

    model: Object
    seconds: float


def is_current(model: Object) -> bool:
    """Return whether the status speaks of the spec as it is now."""
    return bool(model.get("status", {}).get("observedGeneration") == model["metadata"]["generation"])


def is_healthy(model: Object) -> bool:
    """Return whether the status speaks of the spec as it is now, and says Healthy."""
    status = model.get("status", {})
    return is_current(model) and status.get("phase") == "Healthy"


def is_stalled(model: Object) -> bool:
    """Return whether only a person can help: a condition that says so for the spec as it is now."""
    status = model.get("status", {})
    return is_current(model) and any(
        c["type"] == "Stalled" and c["status"] == "True" for c in status.get("conditions", [])
    )


def follow(cluster: Kubectl, name: str, screen: Screen, *, seconds: float) -> Followed:
    """Show the model's way until it is Healthy.

    Raises RuntimeError with the status's own words when it stalls, TimeoutError after ``seconds``.
    """
    started = time.monotonic()
    news: queue.SimpleQueue[Object | Progress | None] = queue.SimpleQueue()
    for source in (_watch_model, _watch_build):
        threading.Thread(target=source, args=(cluster, name, news, seconds), daemon=True).start()
    model: Object = {}
    phase, stage = "Pending", ""
    while (latest := news.get()) is not None:
        elapsed = f"{time.monotonic() - started:4.0f} s"
        if isinstance(latest, Progress):
            stage = f"{latest.step}: {latest.stage}"
            screen.progress(stage, f"{latest.fraction:4.0%} {elapsed}  {latest.message}")
            continue
        model = latest
        phase = model.get("status", {}).get("phase", phase)
        screen.progress(f"{phase}: {model.get('status', {}).get('message', 'seen by nobody yet')}", elapsed)
        if is_healthy(model):
            return Followed(model=model, seconds=time.monotonic() - started)
        if is_stalled(model):
            raise RuntimeError(model["status"]["message"])
    message = f"{name} is {phase} after {seconds:g} s: {model.get('status', {}).get('message', 'no status')}"
    raise TimeoutError(message)


def _watch_model(
    cluster: Kubectl, name: str, news: queue.SimpleQueue[Object | Progress | None], seconds: float
) -> None:
    """Pass the model on whenever it changes, and None when the time is up."""
    for model in cluster.watch("optimizedmodel", name, seconds=seconds):
        news.put(model)
    news.put(None)


def _watch_build(
    cluster: Kubectl, name: str, news: queue.SimpleQueue[Object | Progress | None], seconds: float
) -> None:
    """Pass on the progress of the model's build, if it needs one."""
    deadline = time.monotonic() + seconds
    try:
        pod = _build_pod(cluster, name, deadline)
        for step in Step if pod else ():
            _await_started(cluster, str(pod), step, deadline)
            for line in cluster.lines("logs", "--follow", str(pod), f"--container={step}", seconds=seconds):
                if progress := parsed(line):
                    news.put(progress)
    except KubectlError:
        # Progress is a comfort: a pod that is gone takes its log along; the model's status tells the rest.
        return


def parsed(line: str) -> Progress | None:
    """Return the progress in a line of a step's log, or None for what a library printed."""
    try:
        return Progress.model_validate_json(line)
    except ValidationError:
        return None


def _build_pod(cluster: Kubectl, model: str, deadline: float) -> str | None:
    """Return the name of the pod that builds for the model, once there is one."""
    while time.monotonic() < deadline:
        owned = [build["metadata"]["name"] for build in cluster.list("modelbuilds") if _owned(build, model)]
        selector = f"modelyard.dev/build in ({','.join(owned)})"
        pods = cluster.list("pods", selector) if owned else []
        running = [pod for pod in pods if pod["status"]["phase"] in {"Pending", "Running"}]
        if running:
            return str(running[0]["metadata"]["name"])
        time.sleep(1)
    return None


def _owned(build: Object, model: str) -> bool:
    return any(owner["name"] == model for owner in build["metadata"].get("ownerReferences", []))


def _await_started(cluster: Kubectl, pod: str, step: Step, deadline: float) -> None:
    for seen in cluster.watch("pod", pod, seconds=deadline - time.monotonic()):
        if _started(seen, step):
            return


def _started(pod: Object, step: Step) -> bool:
    status = pod["status"]
    containers = status.get("initContainerStatuses", []) + status.get("containerStatuses", [])
    return any(c["name"] == step and not {"running", "terminated"}.isdisjoint(c["state"]) for c in containers)
