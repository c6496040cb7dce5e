"""What is under way when a fault strikes: a build at one of its steps, a switch at one of its stages, a model at rest.

Shared by the tests, which ask whether it mends, and by the benchmark, which asks how fast.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from examples.demo.kubectl import Object
from modelyard.contract.steps import Step
from tests.e2e.faults import running_container
from tests.e2e.waiting import wait_for
from tests.e2e.yard import Yard

MODEL = "m"
_QUEUE_SIZES = count(64)
"""A queue size that no revision had: each makes a new revision of the same build."""

SwitchStage = Callable[[Object, str], bool]
"""From the model and the revision it had, whether the switch is that far."""

SWITCH_STAGES: dict[str, SwitchStage] = {
    "resolved": lambda model, old: bool(model["status"]["targetRevision"] != old),
    "weight moved": lambda model, old: bool((model["status"].get("rollout") or {}).get("revision", old) != old),
    "verified": lambda model, old: bool(model["status"]["stableRevision"] != old),
}


def build_reaches(yard: Yard, step: Step) -> Object:
    """Return the build's pod once it runs ``step``."""

    def reached() -> Object | None:
        pods = [pod for pod in yard.cluster.list("pods", "modelyard.dev/build") if running_container(pod, step)]
        return pods[0] if pods else None

    return wait_for(reached, seconds=120, what=f"at {step}", cluster=yard.cluster)


def serve_twice(yard: Yard, source: Object, **batching: int) -> None:
    """Ask for two servers behind two proxies."""
    yard.submit(MODEL, source, serving={"replicas": 2, "batching": batching}, traffic={"proxy": {"replicas": 2}})


def want_new_revision(yard: Yard, source: Object) -> None:
    """Change what makes a new revision and no new build."""
    serve_twice(yard, source, maxQueueSize=next(_QUEUE_SIZES))


def switch_reaches(yard: Yard, stage: str, before: str) -> None:
    """Wait until the switch away from ``before`` is at a stage."""
    far = SWITCH_STAGES[stage]
    yard.cluster.wait("optimizedmodel", MODEL, lambda model: far(model, before), seconds=120, what=stage)


def stable(yard: Yard) -> str:
    """Return the revision that has the traffic, once the model is Healthy."""
    return str(yard.healthy(MODEL)["status"]["stableRevision"])


def retired(yard: Yard, revision: str) -> None:
    """Wait until the revision has no pod any more."""
    wait_for(lambda: not yard.pods(revision=revision), seconds=150, what="retired", cluster=yard.cluster)


def both_ready(yard: Yard) -> bool:
    """Return whether both servers of the stable revision take requests."""
    revision = yard.model(MODEL)["status"]["stableRevision"]
    deployments = yard.cluster.list("deployments", f"modelyard.dev/revision={revision}")
    return [d["status"].get("readyReplicas", 0) for d in deployments] == [2]
