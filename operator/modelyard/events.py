"""Kubernetes Events for people: one for each transition, told again by counting."""

from __future__ import annotations

from datetime import UTC, datetime

from modelyard.apiserver import AlreadyExists, ClusterError
from modelyard.cluster import Cluster
from modelyard.naming import digest
from modelyard.state.objects import Manifest
from modelyard.state.plan import Event
from modelyard.telemetry import Log

COMPONENT = "modelyard"
MESSAGE_LIMIT = 1024  # of the API server

log = Log("events")


async def tell(cluster: Cluster, about: Manifest, events: tuple[Event, ...]) -> None:
    """Post ``events`` about an object as this pass read it. One that was told before is counted up.

    What a pass told that was cut off before its status is not counted again as long as the object is still of the
    version that the pass read. Where somebody else changed it meanwhile, it is: no transition is left out, and one may
    be counted twice.
    An event is told for the reader's sake: that the API server refuses one (no room, no right) is logged and ends no
    pass.
    """
    for event in events:
        manifest = event_manifest(about, event, datetime.now(UTC))
        try:
            await _post(cluster, manifest)
        except ClusterError as error:
            log.warning("event not posted", reason=event.reason, name=about["metadata"]["name"], error=str(error))


def event_manifest(about: Manifest, event: Event, now: datetime) -> Manifest:
    """Return the Event. Its name is a digest of object, reason and message, so the same one is found again."""
    metadata = about["metadata"]
    message = event.message[:MESSAGE_LIMIT]
    name = f"{metadata['name']}.{digest([metadata['uid'], event.reason, message])[:16]}"
    at = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": metadata["namespace"]},
        "involvedObject": {
            "apiVersion": about["apiVersion"],
            "kind": about["kind"],
            "namespace": metadata["namespace"],
            "name": metadata["name"],
            "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
        },
        "type": "Warning" if event.warning else "Normal",
        "reason": str(event.reason),
        "message": message,
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
    }


async def _post(cluster: Cluster, manifest: Manifest) -> None:
    try:
        await cluster.create(manifest)
    except AlreadyExists:
        metadata = manifest["metadata"]
        before = await cluster.get("Event", metadata["namespace"], metadata["name"])
        if before is None:  # it expired between the two calls
            await cluster.create(manifest)
            return
        version = {"resourceVersion": manifest["involvedObject"]["resourceVersion"]}
        if before["involvedObject"].get("resourceVersion") == version["resourceVersion"]:
            return
        count = (before.get("count") or 1) + 1
        again = {"count": count, "lastTimestamp": manifest["lastTimestamp"], "involvedObject": version}
        await cluster.patch("Event", metadata["namespace"], metadata["name"], again)
