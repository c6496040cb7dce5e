"""What a pass reads: afresh, every time; caches only wake."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

from modelyard.cluster import Cluster
from modelyard.naming import BUILD_KIND, BUILD_LABEL, MODEL_LABEL, push_secret_name
from modelyard.planner import wanted_builds
from modelyard.state.build import BuildObserved
from modelyard.state.objects import Manifest
from modelyard.state.observed import Observed
from modelyard.traffic.envoy import Envoys
from modelyard.views import build_observed_from, observed_from, proxy_pods, refusal_in

MODEL_CHILDREN = ("ControllerRevision", "Deployment", "Service", "ConfigMap", "PodDisruptionBudget", "Pod")
BUILD_CHILDREN = ("ConfigMap", "Job", "Pod")


async def observed_model(cluster: Cluster, envoys: Envoys, model: Manifest) -> Observed:
    """Return the world of one model: its children, its builds, and what its proxies say."""
    metadata = model["metadata"]
    namespace = metadata["namespace"]
    children, owned = await asyncio.gather(
        _children(cluster, MODEL_CHILDREN, namespace, {MODEL_LABEL: metadata["name"]}),
        cluster.owned_names(BUILD_KIND, namespace, metadata["uid"]),
    )
    now = datetime.now(UTC)
    have = observed_from(model, children, (), (), now)
    names = sorted(owned | wanted_builds(have))
    found = await asyncio.gather(*(cluster.get(BUILD_KIND, namespace, name) for name in names))
    have = observed_from(model, children, [build for build in found if build is not None], (), now)
    if have.proxy.routes is None:
        return have
    replicas = await envoys.replicas(proxy_pods(children), have.proxy.routes.clusters)
    return replace(have, proxy=replace(have.proxy, replicas=replicas))


async def observed_build(cluster: Cluster, build: Manifest) -> BuildObserved:
    """Return the world of one build: its request, Jobs and pods by label, and its Secret by name.

    The Secret is asked for by name, so that the operator needs no right to list Secrets. Events are read of a Job
    without a pod alone: nothing else says what keeps it from one.
    """
    metadata = build["metadata"]
    namespace, name = metadata["namespace"], metadata["name"]
    children, secret = await asyncio.gather(
        _children(cluster, BUILD_CHILDREN, namespace, {BUILD_LABEL: name}),
        cluster.get("Secret", namespace, push_secret_name(name)),
    )
    have = build_observed_from(build, children + ([secret] if secret else []), datetime.now(UTC))
    if have.podless is None:
        return have
    return replace(have, refusal=refusal_in(await cluster.events_about(have.podless.ref)))


async def _children(cluster: Cluster, kinds: tuple[str, ...], namespace: str, labels: dict[str, str]) -> list[Manifest]:
    lists = await asyncio.gather(*(cluster.select(kind, namespace, labels) for kind in kinds))
    return [item for items in lists for item in items]
