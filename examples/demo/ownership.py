"""Whose the operator of a cluster is: the demo marks the namespace it installs into, and touches no other."""

from __future__ import annotations

from examples.demo.kubectl import Kubectl

MARK = "modelyard.dev/installed-by"
DEMO = "make-demo"
CRD = "optimizedmodels.modelyard.dev"


class NotOurs(RuntimeError):
    """A namespace that the demo did not make: it neither installs into it nor deletes anything of it."""


def refuse_another_s(cluster: Kubectl) -> None:
    """Raise NotOurs if the cluster's namespace is there without the demo's mark."""
    found = cluster.get("namespace", cluster.namespace)
    if found is None or found["metadata"].get("labels", {}).get(MARK) == DEMO:
        return
    message = (
        f"the namespace {cluster.namespace} of {cluster.context or 'the local cluster'} was not made by the demo "
        f"(it has no label {MARK}={DEMO}), so nothing was changed: remove what is in it "
        f"(helm list --namespace {cluster.namespace}) and the namespace itself first, or use another cluster"
    )
    raise NotOurs(message)


def has_our_kinds(cluster: Kubectl) -> bool:
    """Return whether models are a kind of the release in the cluster's namespace, and not of somebody else's."""
    crd = cluster.get("customresourcedefinition", CRD) or {"metadata": {}}
    return bool(crd["metadata"].get("annotations", {}).get("meta.helm.sh/release-namespace") == cluster.namespace)


def mark_ours(cluster: Kubectl) -> None:
    """Have the cluster's namespace, with the demo's mark."""
    metadata = {"name": cluster.namespace, "labels": {MARK: DEMO}}
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
