"""A tiny world for the planner: an API server's objects, pods that become ready, proxies that read their files late.

It carries plans out as the shell does (``actions.py``): POST of what is there is no harm, a stale precondition stops
the pass. Everything that takes time happens by a method of its own, so that a test chooses the order.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import reduce
from itertools import count
from typing import Any

from modelyard.api.model import OptimizedModelSpec
from modelyard.api.status import ModelBuildStatus, OptimizedModelStatus
from modelyard.naming import (
    COMMAND_ANNOTATION,
    COMPONENT_LABEL,
    MODEL_LABEL,
    REVISION_LABEL,
    ROUTES_ANNOTATION,
    VERIFIED_ANNOTATION,
)
from modelyard.pins import OciPin, Pin, Pins
from modelyard.planner import needs_pin, plan_model, retried_build
from modelyard.routes import Routes
from modelyard.state.desired import Defaults, Desired, Images, Registry
from modelyard.state.observed import ArtifactDoubt, Observed, PinFailed, ProxyReplica
from modelyard.state.plan import (
    Amend,
    Annotate,
    Apply,
    Create,
    Delete,
    Disown,
    Event,
    Own,
    Plan,
    Replace,
    Restore,
    Scale,
)
from modelyard.status import status_of
from modelyard.transitions import events_of
from modelyard.views import desired_from, observed_from, proxy_pods
from modelyard.views.meddling import OURS_ALONE, changed_parts
from tests.modelyard.planner.results import built

Manifest = dict[str, Any]
Address = tuple[str, str]

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SOURCE = {"oci": {"ref": "registry.example.com/models/minilm:1"}}
IMAGES = Images(operator="operator:1", runtime="runtime:1", triton="triton:1", envoy="envoy:1")
DEFAULTS = Defaults(images=IMAGES, registry=Registry(push="push.example.com", pull="pull.example.com"))

BATCH_16 = {"batching": {"maxBatchSize": 16}}
MISSED = {"p1Cosine": "0.9"}


class Stale(AssertionError):
    """A precondition doesn't hold. Nobody else writes here, so the plan tripped over itself."""


@dataclass
class Proxy:
    """What one Envoy runs: the routes that it has read, and the revisions it finds healthy."""

    routes: Routes = field(default_factory=Routes)
    hash: str | None = None
    healthy: frozenset[str] = frozenset()


class World:
    """One model and everything around it."""

    def __init__(self, spec: Manifest | None = None, *, name: str = "minilm") -> None:
        """Begin with a model that was just applied."""
        self.now = START
        self.defaults = DEFAULTS
        self.pin: Pin | PinFailed = OciPin(repository="registry.example.com/models/minilm", digest="sha256:" + "1" * 64)
        self.artifact: ArtifactDoubt | None = None  # what the registry answers of any
        self.proxies: dict[str, Proxy] = {}
        self.taken: set[Address] = set()
        self.plan: Plan | None = None
        self.watch: Callable[[Desired, Observed, Plan], None] | None = None  # told of each plan before it is done
        self.writes = 0
        self.told: list[Event] = []
        self._numbers = count(1)
        self.objects: dict[Address, Manifest] = {}
        self.model = self._stored(
            {
                "apiVersion": "modelyard.dev/v1alpha1",
                "kind": "OptimizedModel",
                "metadata": {"name": name, "namespace": "n", "generation": 1, "annotations": {}},
                "spec": {"source": SOURCE} | (spec or {}),
                "status": {},
            }
        )

    # --- what the shell does ---

    def passes(self, times: int = 1) -> Plan:
        """Run passes; return the last plan."""
        for _ in range(times):
            want, have = self.look()
            self.plan = self.planned(want, have)
            self.carry_out(self.plan)
            status = status_of(want, have, self.plan)
            self.told += [*self.plan.events, *events_of(want.status, status)]
            if status != want.status:
                self.writes += 1
                self.model["status"] = status.to_dict()
        assert self.plan is not None
        return self.plan

    def planned(self, want: Desired, have: Observed) -> Plan:
        """Return the plan, after whoever watches has seen it."""
        plan = plan_model(want, have)
        if self.watch:
            self.watch(want, have, plan)
        return plan

    def look(self) -> tuple[Desired, Observed]:
        """Return what a pass sees."""
        want = desired_from(self.model, self.defaults)
        builds = [o for (kind, _), o in self.objects.items() if kind == "ModelBuild"]
        children = [o for o in self.objects.values() if MODEL_LABEL in o["metadata"].get("labels", {})]
        routes = [
            ProxyReplica(
                pod=pod.name,
                routes_hash=self.proxies[pod.name].hash,
                healthy=self.proxies[pod.name].healthy,
                ready=pod.ready,
            )
            for pod in proxy_pods(children)
        ]
        have = observed_from(self.model, children, builds, routes, self.now)
        if needs_pin(want, have):
            have = replace(have, pins=self.pin if isinstance(self.pin, PinFailed) else Pins(source=self.pin))
        if retried_build(want, have):
            have = replace(have, artifact=self.artifact)
        return want, have

    def carry_out(self, plan: Plan, *, only: int | None = None) -> None:
        """Do the plan's actions (the first ``only``: then the operator was killed)."""
        for action in plan.actions[:only]:
            match action:
                case Create():
                    self._create(_claimed(action))
                case Apply():
                    self._apply(action.manifest)
                case Amend():
                    self._amend(action)
                case Restore() | Replace():
                    self._put_back(action)
                case Scale():
                    self._fresh(action.ref)["spec"]["replicas"] = action.replicas
                case Delete():
                    self._fresh(action.ref)
                    self.delete(action.ref.kind, action.ref.name)
                case Annotate():
                    metadata = self.objects[action.ref.kind, action.ref.name]["metadata"]
                    metadata["annotations"] = metadata.get("annotations", {}) | dict(action.annotations)
                case Own() | Disown():
                    self._own(action, [action.claim.owner] if isinstance(action, Own) else [])

    # --- what the world does ---

    def later(self, **span: float) -> None:
        """Let time pass."""
        self.now += timedelta(**span)

    def build_ends(self, *, phase: str = "Succeeded", reason: str = "", message: str = "", **result: Any) -> None:
        """End every build that is under way."""
        for build in self.of("ModelBuild"):
            if not build.get("status"):
                status = ModelBuildStatus(
                    phase=phase,
                    reason=reason or ("Built" if phase == "Succeeded" else "ConversionFailed"),
                    message=message or "it ended",
                    result=built(**result) if phase == "Succeeded" else None,
                )
                self._changed(build)["status"] = status.to_dict()

    def controllers(self) -> None:
        """Let every Deployment have the pods it asks for, new ones without a node."""
        for deployment in self.of("Deployment"):
            labels = deployment["spec"]["selector"]["matchLabels"]
            pods = self.pods(labels)
            for _ in range(deployment["spec"]["replicas"] - len(pods)):
                self._create(_pod(deployment, next(self._numbers), self.now))
            for pod in pods[deployment["spec"]["replicas"] :]:
                self.delete("Pod", pod["metadata"]["name"])
        wanted = [deployment["spec"]["selector"]["matchLabels"] for deployment in self.of("Deployment")]
        for pod in self.of("Pod"):
            if not any(labels.items() <= pod["metadata"]["labels"].items() for labels in wanted):
                self.delete("Pod", pod["metadata"]["name"])

    def schedule(self, component: str | None = None) -> None:
        """Give every pod a node and an address."""
        for pod in self._pods_of(component):
            if "podIP" not in pod["status"]:
                pod["status"] |= {"podIP": f"10.0.0.{next(self._numbers)}"}
                _condition(pod, "PodScheduled", "True", self.now)
                if pod["metadata"]["labels"][COMPONENT_LABEL] == "proxy":
                    self.proxies[pod["metadata"]["name"]] = Proxy()

    def ready(self, revision: str | None = None, component: str | None = None, *, most: int | None = None) -> None:
        """Let pods with a node become ready (the first ``most``); a proxy has read what its ConfigMap says then."""
        pods = [
            pod
            for pod in self._pods_of(component)
            if "podIP" in pod["status"] and revision in {None, pod["metadata"]["labels"].get(REVISION_LABEL)}
        ]
        for pod in pods[:most]:
            name = pod["metadata"]["name"]
            if pod["metadata"]["labels"][COMPONENT_LABEL] == "proxy" and self.proxies[name].hash is None:
                self.proxy_reads(name)
            _condition(pod, "Ready", "True", self.now)

    def crash(self, revision: str, message: str = "", *, reason: str = "Error") -> None:
        """Let a revision's pods end, with last words."""
        for pod in self._pods_of("triton"):
            if pod["metadata"]["labels"].get(REVISION_LABEL) == revision:
                _condition(pod, "Ready", "False", self.now)
                end = {"exitCode": 65, "reason": reason, "message": message}
                pod["status"]["containerStatuses"] = [
                    {"name": "triton", "image": "triton:1", "restartCount": 3, "lastState": {"terminated": end}}
                ]

    def proxy_reads(self, name: str) -> None:
        """Let one proxy load what its ConfigMap says now, unless that is gone."""
        config_map = self.objects.get(("ConfigMap", f"{self.name}-proxy"))
        if config_map:
            written = json.loads(config_map["metadata"]["annotations"][ROUTES_ANNOTATION])
            self.proxies[name].routes = Routes(clusters=tuple(written["clusters"]), weights=written["weights"])
            self.proxies[name].hash = written["hash"]

    def proxies_read(self) -> None:
        """Let every proxy load what its ConfigMap says now."""
        for name in self.live_proxies():
            self.proxy_reads(name)

    def proxies_check(self, *, but: int = 0) -> None:
        """Let every proxy find out which of its revisions have a ready pod, but for one (counted from 1)."""
        for number, (_, proxy) in enumerate(sorted(self.proxies.items()), 1):
            if number == but:
                continue
            able = {name for name in proxy.routes.clusters if self.ready_pods(name)}
            proxy.healthy = frozenset(able)

    def everything_happens(self) -> None:
        """Let the world come to rest: builds end well, pods get ready, proxies read and check."""
        self.build_ends()
        self.controllers()
        self.schedule()
        self.ready()
        self.proxies_read()
        self.proxies_check()

    def settle(self, rounds: int = 40, seconds: float = 5, happens: Callable[[], None] | None = None) -> Plan:
        """Pass and let everything happen (or what ``happens``) until two passes in a row want nothing more."""
        quiet = 0
        for _ in range(rounds):
            plan = self.passes()
            (happens or self.everything_happens)()
            quiet = 0 if plan.actions or plan.requeue_after is not None else quiet + 1
            if quiet > 1:
                return plan
            self.later(seconds=seconds)
        raise AssertionError(f"no rest after {rounds} rounds: {plan}")

    # --- what people do ---

    def edit(self, **spec: Any) -> None:
        """Change the spec."""
        self.model["spec"] |= spec
        self.model["metadata"]["generation"] += 1

    def command(self, text: str) -> None:
        """Write the annotation."""
        self.model["metadata"]["annotations"][COMMAND_ANNOTATION] = text

    def delete(self, kind: str, name: str) -> None:
        """Delete an object. A Deployment's pods go with it in ``controllers``."""
        self.objects.pop((kind, name), None)
        if kind == "Pod":
            self.proxies.pop(name, None)

    def meddle(self, kind: str, name: str) -> None:
        """Change a part of an object that is ours alone, as ``kubectl edit`` does."""
        changed = self._changed(self.objects[kind, name])
        path = OURS_ALONE[kind][0]
        parent = reduce(lambda found, step: found[step], path[:-1], changed)
        parent[path[-1]] = {"theirs": True}
        fields: Manifest = reduce(lambda inner, step: {f"f:{step}": inner}, reversed(path), {})
        changed["metadata"]["managedFields"] = [{"manager": "kubectl-edit", "operation": "Update", "fieldsV1": fields}]

    # --- what one can see ---

    @property
    def name(self) -> str:
        """Return the model's name."""
        return str(self.model["metadata"]["name"])

    @property
    def status(self) -> OptimizedModelStatus:
        """Return the status as written."""
        return OptimizedModelStatus.model_validate(self.model["status"])

    @property
    def spec(self) -> OptimizedModelSpec:
        """Return the spec."""
        return OptimizedModelSpec.model_validate(self.model["spec"])

    @property
    def routes(self) -> Routes:
        """Return the routes as written."""
        proxy = self.look()[1].proxy
        return proxy.routes or Routes()

    def of(self, kind: str) -> list[Manifest]:
        """Return all objects of a kind."""
        return [o for (found, _), o in sorted(self.objects.items()) if found == kind]

    def revisions(self) -> set[str]:
        """Return the revisions with a Deployment."""
        return {o["metadata"]["labels"][REVISION_LABEL] for o in self.of("Deployment") if _is_triton(o)}

    def pods(self, labels: Manifest) -> list[Manifest]:
        """Return the pods with these labels."""
        return [pod for pod in self.of("Pod") if labels.items() <= pod["metadata"]["labels"].items()]

    def ready_pods(self, revision: str) -> int:
        """Return how many pods of a revision take requests."""
        pods = self.pods({REVISION_LABEL: revision})
        return sum(c["status"] == "True" for pod in pods for c in pod["status"]["conditions"] if c["type"] == "Ready")

    def live_proxies(self) -> list[str]:
        """Return the proxies that run."""
        return sorted(self.proxies)

    # --- the API server ---

    def _put_back(self, action: Restore | Replace) -> None:
        if isinstance(action, Replace):
            self._fresh(action.ref)
            self.delete(action.ref.kind, action.ref.name)
            self._create(action.manifest)
            return
        restored = self._changed(self._fresh(action.ref))
        for path in changed_parts(restored):
            there, wanted = (
                reduce(lambda found, step: found[step], path[:-1], whole) for whole in (restored, action.manifest)
            )
            there[path[-1]] = copy.deepcopy(wanted[path[-1]])
        del restored["metadata"]["managedFields"]

    def _stored(self, manifest: Manifest) -> Manifest:
        manifest = copy.deepcopy(manifest)
        number = next(self._numbers)
        metadata = manifest["metadata"]
        metadata |= {"uid": f"uid-{number}", "resourceVersion": str(number), "creationTimestamp": self.now.isoformat()}
        return manifest

    def _create(self, manifest: Manifest) -> None:
        address = manifest["kind"], manifest["metadata"]["name"]
        if address not in self.objects and address not in self.taken:
            self.objects[address] = self._stored(manifest)

    def _apply(self, manifest: Manifest) -> None:
        manifest = copy.deepcopy(manifest)
        there = self.objects.get((manifest["kind"], manifest["metadata"]["name"]))
        metadata = manifest["metadata"]
        if there is None or there["metadata"]["resourceVersion"] != metadata["resourceVersion"]:
            raise Stale
        assert manifest["kind"] != "ControllerRevision", "data is never sent again"
        metadata["creationTimestamp"] = there["metadata"]["creationTimestamp"]
        noted = there["metadata"]["annotations"].get(VERIFIED_ANNOTATION)  # a field manager of its own
        metadata["annotations"] |= {VERIFIED_ANNOTATION: noted} if noted else {}
        self.objects[manifest["kind"], metadata["name"]] = self._changed(manifest)

    def _amend(self, action: Amend) -> None:
        assert set(action.patch) == {"metadata", "revision"}
        there = self._fresh(action.ref)
        there["revision"] = action.patch["revision"]
        annotations = there["metadata"]["annotations"] | action.patch["metadata"]["annotations"]
        there["metadata"]["annotations"] = {key: value for key, value in annotations.items() if value is not None}

    def _fresh(self, ref: Any) -> Manifest:
        there = self.objects.get((ref.kind, ref.name))
        if there is None or there["metadata"]["resourceVersion"] != ref.resource_version:
            raise Stale
        return self._changed(there)

    def _changed(self, manifest: Manifest) -> Manifest:
        manifest["metadata"]["resourceVersion"] = str(next(self._numbers))
        return manifest

    def _own(self, action: Own | Disown, owners: list[Manifest]) -> None:
        self._fresh(action.ref)["metadata"]["ownerReferences"] = owners

    def _pods_of(self, component: str | None) -> list[Manifest]:
        return [pod for pod in self.of("Pod") if component in {None, pod["metadata"]["labels"][COMPONENT_LABEL]}]


def serving(**spec: Any) -> World:
    """Return a world in which a model serves."""
    world = World(spec)
    world.settle()
    assert world.status.phase == "Healthy"
    return world


def up_to_ready(world: World) -> str:
    """Bring a new target up until it is ready and known to every proxy; return its name."""
    for _ in range(5):
        world.passes()
        world.build_ends()
        world.controllers()
        world.schedule()
    world.ready()
    world.proxies_read()
    return world.status.target_revision


def held() -> tuple[World, str]:
    """Return a world in which a missed gate holds a revision, and its name."""
    world = World({"gates": {"onFailure": "Hold"}})
    world.passes(3)
    world.build_ends(**MISSED)
    world.settle()
    return world, world.status.target_revision


def _claimed(action: Create) -> Manifest:
    """Return the manifest with the claim that follows the POST."""
    if action.claim is None:
        return action.manifest
    metadata = action.manifest["metadata"] | {"ownerReferences": [action.claim.owner]}
    return {**action.manifest, "metadata": metadata}


def _is_triton(manifest: Manifest) -> bool:
    return bool(manifest["metadata"]["labels"][COMPONENT_LABEL] == "triton")


def _pod(deployment: Manifest, number: int, now: datetime) -> Manifest:
    template = deployment["spec"]["template"]
    conditions = [
        {"type": "PodScheduled", "status": "False", "lastTransitionTime": now.isoformat()},
        {"type": "Ready", "status": "False", "lastTransitionTime": now.isoformat()},
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{deployment['metadata']['name']}-{number}",
            "namespace": "n",
            "labels": template["metadata"]["labels"],
        },
        "spec": template["spec"],
        "status": {"conditions": conditions},
    }


def _condition(pod: Manifest, kind: str, status: str, now: datetime) -> None:
    for condition in pod["status"]["conditions"]:
        if condition["type"] == kind and condition["status"] != status:
            condition |= {"status": status, "lastTransitionTime": now.isoformat()}
            condition.pop("reason", None)
