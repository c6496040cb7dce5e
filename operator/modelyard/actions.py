"""Carries out what a plan decided, in its order. What is in the way of an object becomes an obstacle, not an error."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from http import HTTPStatus

from modelyard.apiserver import AlreadyExists, Conflict, Forbidden, Refused
from modelyard.cluster import Cluster
from modelyard.reasons import Reason
from modelyard.state.objects import Manifest, ObjectRef
from modelyard.state.observed import Obstacle
from modelyard.state.plan import Action, Amend, Annotate, Apply, Create, Delete, Disown, Own, Replace, Restore, Scale
from modelyard.telemetry import METRICS, Log

log = Log("actions")


async def carry_out(cluster: Cluster, actions: Iterable[Action]) -> tuple[Obstacle, ...]:
    """Do each action; return what was in the way of objects.

    Raises Conflict where the world is not the one that was planned for: the pass is to be repeated.
    """
    found = [await _one(cluster, action) for action in actions]
    return tuple(obstacle for obstacle in found if obstacle is not None)


async def _one(cluster: Cluster, action: Action) -> Obstacle | None:
    obstacle = None
    match action:
        case Create():
            obstacle = await _create(cluster, action)
        case Apply():
            obstacle = await _changed(cluster.apply(action.manifest), action.manifest)
        case Amend():
            await cluster.amend(action.ref, action.patch)
        case Restore():
            obstacle = await _changed(cluster.restore(action.ref, action.manifest), action.manifest)
        case Replace():
            await cluster.delete(action.ref)
            obstacle = await _create(cluster, Create(manifest=action.manifest, why=action.why))
        case Scale():
            await cluster.scale(action.ref, action.replicas)
        case Delete():
            await cluster.delete(action.ref)
        case Annotate():
            await cluster.annotate(action.ref, action.annotations)
        case Own() | Disown():
            await _own(cluster, action)
    _tell(action, obstacle)
    return obstacle


async def _own(cluster: Cluster, action: Own | Disown) -> None:
    if isinstance(action, Own):
        await cluster.own(action.ref, [action.claim.owner], action.claim.manager)
    else:
        await cluster.own(action.ref, [], action.manager)


async def _create(cluster: Cluster, action: Create) -> Obstacle | None:
    manifest = action.manifest
    try:
        made = await cluster.create(manifest)
    except AlreadyExists:
        return await _who_has_the_name(cluster, manifest)
    except (Forbidden, Refused) as error:
        return _obstacle(manifest, Reason.OBJECT_REFUSED, error.message)
    if action.claim:
        await cluster.own(ObjectRef.of(made), [action.claim.owner], action.claim.manager)
    return None


async def _changed(change: Awaitable[object], manifest: Manifest) -> Obstacle | None:
    """Return what the API server says where it refuses the change: a policy that is stricter by now."""
    try:
        await change
    except (Forbidden, Refused) as error:
        return _obstacle(manifest, Reason.OBJECT_REFUSED, error.message)
    return None


async def _who_has_the_name(cluster: Cluster, manifest: Manifest) -> Obstacle | None:
    """Return None if the object is ours already: an earlier pass made it and was cut off."""
    metadata = manifest["metadata"]
    there = await cluster.get(manifest["kind"], metadata["namespace"], metadata["name"])
    shared = not any(owner.get("controller") for owner in metadata.get("ownerReferences", []))
    if there is None or shared or "deletionTimestamp" in there["metadata"]:
        message = f"{manifest['kind']} {metadata['name']} appeared or is going; the next pass sees it"
        raise Conflict(HTTPStatus.CONFLICT, "Changed", message)
    theirs = there["metadata"].get("ownerReferences", [])
    ours = {owner["uid"] for owner in metadata["ownerReferences"]}
    if ours & {owner["uid"] for owner in theirs}:
        labels = metadata.get("labels", {})
        if labels.items() <= (there["metadata"].get("labels") or {}).items():
            return None
        # By its labels it is found: without them it looks as if it were missing, for ever.
        await cluster.patch(manifest["kind"], metadata["namespace"], metadata["name"], {"metadata": {"labels": labels}})
        message = f"{manifest['kind']} {metadata['name']} had lost its labels; the next pass sees it"
        raise Conflict(HTTPStatus.CONFLICT, "Changed", message)
    names = {(owner["kind"], owner["name"]) for owner in metadata["ownerReferences"]}
    if any((owner["kind"], owner["name"]) in names for owner in theirs):
        # Nothing that is made after it may be: it would find this one, which the garbage collector then takes away.
        message = f"{manifest['kind']} {metadata['name']} is of a former owner of that name, and goes with it"
        raise Conflict(HTTPStatus.CONFLICT, "Changed", message)
    message = f"{manifest['kind']} {metadata['name']} exists and is not ours: it is left alone"
    return _obstacle(manifest, Reason.NAME_TAKEN, message)


def _obstacle(manifest: Manifest, reason: Reason, message: str) -> Obstacle:
    return Obstacle(kind=manifest["kind"], name=manifest["metadata"]["name"], reason=reason, message=message)


def _tell(action: Action, obstacle: Obstacle | None) -> None:
    verb = type(action).__name__.lower()
    METRICS.count("actions", verb=verb)
    if isinstance(action, Create | Apply):
        metadata = action.manifest["metadata"]
        kind, namespace, name = action.manifest["kind"], metadata["namespace"], metadata["name"]
    else:
        kind, namespace, name = action.ref.kind, action.ref.namespace, action.ref.name
    if obstacle is None:
        log.info("action done", verb=verb, kind=kind, namespace=namespace, name=name, why=action.why)
    else:
        log.warning("action met an obstacle", verb=verb, kind=kind, name=name, reason=obstacle.reason)
