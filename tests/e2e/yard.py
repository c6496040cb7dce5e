"""A namespace of a test's own on the real cluster, and what tests do in it, in the users' words."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from examples.demo.follow import is_current, is_healthy
from examples.demo.kubectl import Kubectl, KubectlError, Object
from tests.e2e.client import Address
from tests.e2e.waiting import diagnosis, reached, wait_for

FAST = {"engine": "OnnxRuntime", "precision": "FP32"}
"""What builds soonest: for tests that are not about the engine."""

SMALL: Object = {
    "build": {"resources": {"requests": {"cpu": "100m"}}},
    "serving": {"resources": {"requests": {"cpu": "50m", "memory": "128Mi"}}},
    "traffic": {"proxy": {"replicas": 1, "resources": {"requests": {"cpu": "20m", "memory": "48Mi"}}}},
}
"""Many models and their builds on a node of two cores."""

UNHURRIED = {"performance": {"minSpeedup": 0}}
"""A tiny model loses to PyTorch for the server's own cost: for tests that are not about speed."""

HEALTHY_SECONDS = 420.0
"""When a wait gives up: what is stuck is told from what is slow. No promise of speed: benchmarks measure that. The
slowest seen was MiniLM's build, 279 s, four at once on two cores without AVX-512."""
REFUSED_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Yard:
    """One namespace. ``cluster`` speaks to it."""

    cluster: Kubectl

    @property
    def name(self) -> str:
        """Return the namespace's name."""
        return self.cluster.namespace

    def submit(self, name: str, source: Object, **spec: Any) -> None:
        """Apply a model: the fast engine unless ``optimization`` says otherwise."""
        self.cluster.apply(model(name, source, **spec))

    def healthy(self, name: str, *, seconds: float = HEALTHY_SECONDS) -> Object:
        """Return the model once it is Healthy for the spec as it is."""
        return reached(self.cluster, name, is_healthy, seconds=seconds, what="Healthy")

    def told(self, name: str, reason: str, *, seconds: float = REFUSED_SECONDS) -> str:
        """Return the message of the condition with ``reason``, once there is one for the spec as it is."""
        found = reached(
            self.cluster,
            name,
            lambda seen: _message(seen, reason) is not None,
            seconds=seconds,
            what=f"told {reason}",
        )
        return str(_message(found, reason))

    def model(self, name: str) -> Object:
        """Return the model as it is now."""
        found = self.cluster.get("optimizedmodel", name)
        assert found is not None, f"optimizedmodel/{name} is gone"
        return found

    def address(self, name: str) -> Address:
        """Return where the model's Service is reached from this machine."""
        service = self.cluster.get("service", name)
        assert service is not None, f"service/{name} is gone"
        host = service["spec"]["clusterIP"]
        return Address(http=f"{host}:8000", grpc=f"{host}:8001")

    def pods(self, **labels: str) -> list[Object]:
        """Return the pods with these labels of ours (``component="triton"``)."""
        return self.cluster.list("pods", ",".join(f"modelyard.dev/{key}={value}" for key, value in labels.items()))

    def events(self, name: str) -> list[Object]:
        """Return what is told of the model as it is there now (not of a former one of its name), in the order told."""
        uid = self.model(name)["metadata"]["uid"]
        told = [event for event in self.cluster.list("events") if event["involvedObject"].get("uid") == uid]
        return sorted(told, key=lambda event: (event["firstTimestamp"], int(event["metadata"]["resourceVersion"])))

    def build_pods_started(self) -> Counter[str]:
        """Return how many pods each Job of the namespace ever started, Jobs that are gone included.

        From events, which outlive what they tell of; the Jobs that are there are counted even without one.
        """
        started = Counter({job["metadata"]["name"]: 0 for job in self.cluster.list("jobs")})
        for event in self.cluster.list("events"):
            about = event["involvedObject"]
            if about["kind"] == "Job" and event["reason"] == "SuccessfulCreate":
                started[about["name"]] += event.get("count") or 1
        return started

    def remove(self, name: str) -> None:
        """Delete a model and wait until it and all that it owned are gone."""
        self.cluster.run("delete", "optimizedmodel", name, "--wait")
        wait_for(
            lambda: not self.children(name),
            seconds=90,
            what=f"rid of {name}'s children",
            cluster=self.cluster,
        )

    def children(self, name: str) -> list[str]:
        """Return ``kind/name`` of what carries the model's label."""
        kinds = "deployments,services,configmaps,controllerrevisions,pods,poddisruptionbudgets"
        items = self.cluster.list(kinds, f"modelyard.dev/model={name}")
        return [f"{item['kind']}/{item['metadata']['name']}" for item in items]

    def refused(self, manifest: Object) -> str:
        """Return the API server's words when it refuses the manifest. Fails if it doesn't."""
        try:
            self.cluster.apply(manifest)
        except KubectlError as error:
            return error.stderr
        raise AssertionError(f"accepted: {manifest['spec']}\n{diagnosis(self.cluster)}")


def model(name: str, source: Object, **spec: Any) -> Object:
    """Return a manifest. An artifact is built already: nothing is said of how."""
    whole = {"source": source, "optimization": FAST, "gates": UNHURRIED} | merged(SMALL, spec)
    if "artifact" in source:
        del whole["optimization"]
    return {
        "apiVersion": "modelyard.dev/v1alpha1",
        "kind": "OptimizedModel",
        "metadata": {"name": name},
        "spec": whole,
    }


def merged(left: Object, right: Object) -> Object:
    """Return ``right`` over ``left``, objects within them likewise."""
    both = {key: merged(left[key], right[key]) for key in left.keys() & right.keys() if isinstance(left[key], dict)}
    return {**left, **right, **both}


def conditions(seen: Object) -> dict[str, Object]:
    """Return the conditions by type."""
    return {condition["type"]: condition for condition in seen.get("status", {}).get("conditions", [])}


def _message(seen: Object, reason: str) -> str | None:
    if not is_current(seen):
        return None
    return next((str(c["message"]) for c in conditions(seen).values() if c["reason"] == reason), None)
