"""The model's proxy: its Deployment, Service and budget. Its routes are the switch's."""

from __future__ import annotations

from modelyard.api.model import ProxySpec
from modelyard.manifests.metadata import Owner
from modelyard.manifests.pdb import proxy_budget
from modelyard.manifests.proxy import ProxyInputs, proxy_deployment
from modelyard.manifests.service import public_service
from modelyard.reasons import Reason
from modelyard.state.observed import Observed, PodView
from modelyard.state.plan import Action, Apply, Create, Delete, Finding, Restore, Scale, Truth


def proxy_actions(owner: Owner, proxy: ProxySpec, image: str, have: Observed, *, serves: bool) -> list[Action]:
    """Return what brings the proxy to what the spec says.

    What runs comes with the first revision that may serve: a model that is blocked costs no pod.
    """
    there = have.proxy.objects
    inputs = ProxyInputs(image=image, resources=proxy.resources)
    actions: list[Action] = []
    if "Service" not in there:
        actions.append(Create(manifest=public_service(owner), why="clients ask here"))
    elif who := have.proxy.meddlers.get("Service"):
        actions.append(Restore(ref=there["Service"], manifest=public_service(owner), meddler=who))
    if "Deployment" not in there and not serves:
        return actions
    if "Deployment" not in there:
        actions.append(Create(manifest=proxy_deployment(owner, inputs, proxy.replicas), why="it carries the traffic"))
    elif have.proxy.inputs != inputs.digest:
        ref, manifest = there["Deployment"], proxy_deployment(owner, inputs, proxy.replicas)
        manifest["metadata"] |= {"uid": ref.uid, "resourceVersion": ref.resource_version}
        actions.append(Apply(manifest=manifest, why="its image or its resources changed"))
    elif who := have.proxy.meddlers.get("Deployment"):
        manifest = proxy_deployment(owner, inputs, proxy.replicas)
        actions.append(Restore(ref=there["Deployment"], manifest=manifest, meddler=who))
    elif have.proxy.wanted_replicas != proxy.replicas:
        why = f"traffic.proxy.replicas is {proxy.replicas}"
        actions.append(Scale(ref=there["Deployment"], replicas=proxy.replicas, why=why))
    return actions + _budget(owner, proxy, have)


def has_its_names(have: Observed) -> bool:
    """Return whether the names that clients and the proxy need are the model's: nothing is built before they are."""
    return {"Service", "ConfigMap"} <= set(have.proxy.objects)


def proxy_trouble(have: Observed) -> Finding | None:
    """Return what keeps the proxy from running while none of it is ready."""
    pods = [pod for pod in have.proxy.pods if not pod.terminating]
    if any(pod.ready for pod in pods):
        return None
    said = next((said for pod in pods if (said := _in_its_way(pod))), have.proxy.failure)
    if said is None:
        return None
    return Finding(truth=Truth.FALSE, reason=Reason.PROXY_NOT_READY, message=f"the proxy can't run: {said}")


def _in_its_way(pod: PodView) -> str | None:
    """Return what keeps a proxy from running, and what mends that, if it is one of the known kinds."""
    if pod.image_error:
        fix = "name an image in images.envoy of the chart's values that nodes can pull, then command refresh"
        return f"{pod.image_error}; {fix}"
    if pod.unschedulable:
        return f"{pod.unschedulable}; lower traffic.proxy.resources.requests, or add a node"
    return pod.cannot_start


def _budget(owner: Owner, proxy: ProxySpec, have: Observed) -> list[Action]:
    budget = have.proxy.objects.get("PodDisruptionBudget")
    if proxy.replicas > 1 and budget is None:
        return [Create(manifest=proxy_budget(owner), why="a drained node takes one proxy at a time")]
    if proxy.replicas == 1 and budget is not None:
        return [Delete(ref=budget, why="one pod needs no budget")]
    if budget is not None and (who := have.proxy.meddlers.get("PodDisruptionBudget")):
        return [Restore(ref=budget, manifest=proxy_budget(owner), meddler=who)]
    return []
