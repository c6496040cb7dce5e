"""A model on its way to Healthy: what its status says, and how far the steps of its build are."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from pydantic import ValidationError

from examples.demo.kubectl import Kubectl, Object
from examples.demo.screen import Screen
from modelyard.contract.steps import Progress, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage of the way, and when it began: seconds since the first look."""

    name: str
    began: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """A model that is Healthy, how long that took from the first look at it in seconds, and by which stages."""

    model: Object
    seconds: float
    stages: tuple[Stage, ...]


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


News: TypeAlias = "queue.SimpleQueue[Object | Progress | None]"
"""The model whenever it changes, progress of its build, and None when the time is up."""


def follow(cluster: Kubectl, name: str, screen: Screen, *, seconds: float) -> Followed:
    """Show the model's way until it is Healthy.

    Raises RuntimeError with the status's own words when it stalls, TimeoutError after ``seconds``.
    """
    started = time.monotonic()
    news: News = queue.SimpleQueue()
    for source in (_watch_model, _watch_build):
        threading.Thread(target=source, args=(cluster, name, news, seconds), daemon=True).start()
    stages: list[Stage] = []
    message = "no status yet"
    with screen.signs_of_life():
        while (latest := news.get()) is not None:
            elapsed = time.monotonic() - started
            if isinstance(latest, Progress):
                stage, detail = f"{latest.step}: {latest.stage}", _detail(latest)
            else:
                stage, detail = _reason(latest), latest.get("status", {}).get("message", message)
                message = detail
            screen.progress(stage, f"{elapsed:4.0f} s  {detail}")
            if not stages or stages[-1].name != stage:
                stages.append(Stage(name=stage, began=elapsed))
            if isinstance(latest, Progress):
                continue
            if is_healthy(latest):
                return Followed(model=latest, seconds=elapsed, stages=tuple(stages))
            if is_stalled(latest):
                raise RuntimeError(message)
    raise TimeoutError(f"{name} is not Healthy after {seconds:g} s: {message}")


def _detail(progress: Progress) -> str:
    """Return how far a stage is, where it says so, and its words."""
    share = f"{progress.fraction:.0%}  " if progress.fraction else ""
    return f"{share}{progress.message}"


def _reason(model: Object) -> str:
    """Return why the model is not ready yet, or Healthy."""
    conditions = model.get("status", {}).get("conditions", [])
    return next((str(c["reason"]) for c in conditions if c["type"] == "Ready"), "Pending")


def _watch_model(cluster: Kubectl, name: str, news: News, seconds: float) -> None:
    """Pass the model on whenever it changes, and None when the time is up."""
    for model in cluster.watch("optimizedmodel", name, seconds=seconds):
        news.put(model)
    news.put(None)


def _watch_build(cluster: Kubectl, name: str, news: News, seconds: float) -> None:
    """Pass on the progress of the model's build, if it needs one: of each step of each pod that tries."""
    deadline = time.monotonic() + seconds
    told: set[tuple[str, Step]] = set()
    for pod in _build_pods(cluster, name, deadline):
        pod_name = pod["metadata"]["name"]
        for step in Step:
            if (pod_name, step) in told or not _started(pod, step):
                continue
            told.add((pod_name, step))
            left = deadline - time.monotonic()
            for line in cluster.lines("logs", "--follow", pod_name, f"--container={step}", seconds=left):
                if progress := parsed(line):
                    news.put(progress)


def parsed(line: str) -> Progress | None:
    """Return the progress in a line of a step's log, or None for what a library printed."""
    try:
        return Progress.model_validate_json(line)
    except ValidationError:
        return None


def _build_pods(cluster: Kubectl, model: str, deadline: float) -> Iterator[Object]:
    """Yield each pod that builds for the model, as it is and whenever it changes; not those that were done before."""
    for seen in cluster.watch("optimizedmodel", model, seconds=deadline - time.monotonic()):
        build = seen.get("status", {}).get("build") if is_current(seen) else None
        if build:
            break
    else:
        return
    building: set[str] = set()
    which = f"--selector=modelyard.dev/build={build}"
    for pod in cluster.watch_all("pods", which, seconds=deadline - time.monotonic()):
        if pod["status"]["phase"] in {"Pending", "Running"}:
            building.add(pod["metadata"]["name"])
        if pod["metadata"]["name"] in building:
            yield pod


def _started(pod: Object, step: Step) -> bool:
    status = pod["status"]
    containers = status.get("initContainerStatuses", []) + status.get("containerStatuses", [])
    return any(c["name"] == step and not {"running", "terminated"}.isdisjoint(c["state"]) for c in containers)
