"""What is under way when a fault strikes: a build at one of its steps, a switch at one of its stages, a model at rest.

Shared by the tests, which ask whether it mends, and by the benchmark, which asks how fast.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count

from examples.demo.kubectl import Object
from modelyard.contract.steps import Step
from modelyard.naming import ROUTES_ANNOTATION, proxy_name
from modelyard.routes import WHOLE
from tests.e2e.faults import running_container
from tests.e2e.waiting import reached, wait_for
from tests.e2e.yard import HEALTHY_SECONDS, Yard

MODEL = "m"
_QUEUE_SIZES = count(64)
"""A queue size that no revision had: each makes a new revision of the same build."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchStage:
    """A stage of a switch, and what shows it. ``far``: from that object and the revision before, whether it is reached.

    Nothing that is reached is left again, so that a stage that is over soon is no reason to wait in vain.
    """

    kind: str
    name: str
    far: Callable[[Object, str], bool]


def _is_resolved(model: Object, before: str) -> bool:
    """A new target is named."""
    return bool(model.get("status", {}).get("targetRevision", before) != before)


def _knows_another(proxy: Object, before: str) -> bool:
    """The proxies are told of the candidate, whose pods have only begun to start."""
    return bool(set(_routes(proxy)["clusters"]) - {before})


def _has_weight(model: Object, before: str) -> bool:
    """The proxies are told to send everything to the candidate."""
    rollout = model.get("status", {}).get("rollout") or {}
    return bool(rollout.get("revision", before) != before and rollout["weight"] == WHOLE)


def _is_verified(model: Object, before: str) -> bool:
    """Every proxy was seen to do so."""
    return _has_weight(model, before) and bool(model["status"]["rollout"].get("weightVerifiedAt"))


def _is_retiring(proxy: Object, before: str) -> bool:
    """The proxies are told to forget the former revision, whose pods run until they have."""
    return before not in _routes(proxy)["clusters"]


def _routes(proxy: Object) -> Object:
    routes: Object = json.loads(proxy["metadata"]["annotations"][ROUTES_ANNOTATION])
    return routes


_PROXY = proxy_name(MODEL)

SWITCH_STAGES: dict[str, SwitchStage] = {
    "resolved": SwitchStage(kind="optimizedmodel", name=MODEL, far=_is_resolved),
    "warming": SwitchStage(kind="configmap", name=_PROXY, far=_knows_another),
    "weight moved": SwitchStage(kind="optimizedmodel", name=MODEL, far=_has_weight),
    "verified": SwitchStage(kind="optimizedmodel", name=MODEL, far=_is_verified),
    "retiring": SwitchStage(kind="configmap", name=_PROXY, far=_is_retiring),
}


def build_reaches(yard: Yard, step: Step) -> Object:
    """Return the build's pod once it runs ``step``."""

    def found() -> Object | None:
        pods = [pod for pod in yard.cluster.list("pods", "modelyard.dev/build") if running_container(pod, step)]
        return pods[0] if pods else None

    return wait_for(found, seconds=120, what=f"at {step}", cluster=yard.cluster)


def switch_reaches(yard: Yard, stage: str, before: str = "") -> Object:
    """Return what shows that the switch away from ``before`` (nothing: a new model's first) is at a stage."""
    wanted = SWITCH_STAGES[stage]

    def far(seen: Object) -> bool:
        return wanted.far(seen, before)

    return reached(yard.cluster, wanted.name, far, seconds=HEALTHY_SECONDS, what=stage, kind=wanted.kind)


BUILD_STAGES: dict[str, Callable[[Yard], Object]] = {step: partial(build_reaches, step=step) for step in Step}
FIRST_SWITCH_STAGES: dict[str, Callable[[Yard], Object]] = {
    stage: partial(switch_reaches, stage=stage) for stage in ("warming", "weight moved")
}
NEW_MODEL_STAGES = {**BUILD_STAGES, **FIRST_SWITCH_STAGES}
"""From a model that was just applied to its first answers; each waits for its stage, and returns what shows it."""


def serve_twice(yard: Yard, source: Object, **batching: int) -> None:
    """Ask for two servers behind two proxies."""
    yard.submit(MODEL, source, serving={"replicas": 2, "batching": batching}, traffic={"proxy": {"replicas": 2}})


def want_new_revision(yard: Yard, source: Object) -> None:
    """Change what makes a new revision and no new build."""
    serve_twice(yard, source, maxQueueSize=next(_QUEUE_SIZES))


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
