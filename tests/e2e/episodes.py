"""What is under way when a fault strikes: a build at one of its steps, a switch at one of its stages, a model at rest.

Shared by the tests, which ask whether it mends, and by the benchmark, which asks how fast.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, pairwise

from examples.demo.kubectl import Object
from examples.demo.sentence_model import READ_PORT
from modelyard.contract.steps import Step
from modelyard.naming import ROUTES_ANNOTATION, proxy_name
from modelyard.routes import WHOLE
from tests.e2e.faults import Leader, TooLate, held, registry_silent, running_container
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


def _sends_all(proxy: Object, before: str) -> bool:
    """The proxies are told to send everything to the candidate."""
    return any(weight == WHOLE for revision, weight in _routes(proxy)["weights"].items() if revision != before)


def _is_verified(model: Object, before: str) -> bool:
    """Every proxy was seen to do so."""
    rollout = model.get("status", {}).get("rollout") or {}
    return bool(rollout.get("revision", before) != before and rollout.get("weightVerifiedAt"))


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
    "weight moved": SwitchStage(kind="configmap", name=_PROXY, far=_sends_all),
    "verified": SwitchStage(kind="optimizedmodel", name=MODEL, far=_is_verified),
    "retiring": SwitchStage(kind="configmap", name=_PROXY, far=_is_retiring),
}
FIRST_SWITCH_STAGES = ("warming", "weight moved")
"""Those of a new model, which switches from nothing."""
_FOLLOWING = dict(pairwise(SWITCH_STAGES))


@contextmanager
def being_resolved(yard: Yard, source: Object, leader: Leader) -> Iterator[None]:
    """Apply a new model, whose source the leader asks for within the block, in vain. Raises TooLate if it was told."""
    with registry_silent(yard.cluster):
        yard.submit(MODEL, source)
        wait_for(lambda: leader.asks(READ_PORT), seconds=10, what="asking for the source", cluster=yard.cluster)
        yield
        if records := yard.cluster.list("controllerrevisions", f"modelyard.dev/model={MODEL}"):
            message = f"resolved to {records[0]['metadata']['name']} before the fault struck"
            raise TooLate(message)


def build_reaches(yard: Yard, step: Step) -> Object:
    """Return the build's pod once it runs ``step``."""

    def found() -> Object | None:
        pods = [pod for pod in yard.cluster.list("pods", "modelyard.dev/build") if running_container(pod, step)]
        return pods[0] if pods else None

    return wait_for(found, seconds=120, what=f"at {step}", cluster=yard.cluster)


@contextmanager
def build_held(yard: Yard, step: Step) -> Iterator[None]:
    """Hold the build at ``step`` for the length of the block. Raises TooLate if that ended before it was held."""
    with held(build_reaches(yard, step), step):
        yield


def switch_reaches(yard: Yard, stage: str, before: str = "") -> Object:
    """Return what shows that the switch away from ``before`` (nothing: a new model's first) is at a stage."""
    wanted = SWITCH_STAGES[stage]

    def far(seen: Object) -> bool:
        return wanted.far(seen, before)

    return reached(yard.cluster, wanted.name, far, seconds=HEALTHY_SECONDS, what=stage, kind=wanted.kind)


@contextmanager
def switch_at(yard: Yard, stage: str, before: str = "") -> Iterator[None]:
    """The switch is at a stage within the block, which ends its operator. Raises TooLate if it had got further.

    That is looked at once the operator is dead, as the next one goes on in a few seconds.
    """
    switch_reaches(yard, stage, before)
    yield
    if _is_over(yard, stage, before):
        message = f"{stage} was over before the fault struck"
        raise TooLate(message)


def _is_over(yard: Yard, stage: str, before: str) -> bool:
    """Return whether the stage that follows is reached; after the last one the former revision's servers go."""
    if stage not in _FOLLOWING:
        return not yard.cluster.list("deployments", f"modelyard.dev/revision={before}")
    following = SWITCH_STAGES[_FOLLOWING[stage]]
    seen = yard.cluster.get(following.kind, following.name)
    return seen is not None and following.far(seen, before)


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
    """Wait until the revision has no pod any more, and hold that it left no orphan: its record is history."""
    wait_for(lambda: not yard.pods(revision=revision), seconds=150, what="retired", cluster=yard.cluster)
    kinds = "deployments,services,configmaps,poddisruptionbudgets"
    left = yard.cluster.list(kinds, f"modelyard.dev/revision={revision}")
    assert [f"{item['kind']}/{item['metadata']['name']}" for item in left] == []


def at_rest(yard: Yard) -> None:
    """Wait until the stable revision is the only one with pods."""
    others = f"modelyard.dev/model={MODEL},modelyard.dev/component=triton,modelyard.dev/revision!={stable(yard)}"
    wait_for(lambda: not yard.cluster.list("pods", others), seconds=150, what="at rest", cluster=yard.cluster)


def both_ready(yard: Yard) -> bool:
    """Return whether both servers of the stable revision take requests."""
    revision = yard.model(MODEL)["status"]["stableRevision"]
    deployments = yard.cluster.list("deployments", f"modelyard.dev/revision={revision}")
    return [d["status"].get("readyReplicas", 0) for d in deployments] == [2]
