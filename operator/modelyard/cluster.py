"""The Kubernetes port: read, create, apply, amend, scale, annotate, delete, own; every write is guarded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from modelyard.apiserver import ApiServer, Conflict, NotFound, Refused
from modelyard.naming import API_VERSION, FIELD_MANAGER
from modelyard.state.objects import Manifest, ObjectRef
from modelyard.views.meddling import changed_parts, foreign_entries

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
JSON_PATCH = "application/json-patch+json"

ANNOTATOR = f"{FIELD_MANAGER}-annotations"
"""Of its own, so that an apply, which takes over what FIELD_MANAGER wrote, leaves annotations alone."""

KINDS: Mapping[str, tuple[str, str]] = {
    "OptimizedModel": (API_VERSION, "optimizedmodels"),
    "ModelBuild": (API_VERSION, "modelbuilds"),
    "ConfigMap": ("v1", "configmaps"),
    "Event": ("v1", "events"),
    "Pod": ("v1", "pods"),
    "Secret": ("v1", "secrets"),
    "Service": ("v1", "services"),
    "ControllerRevision": ("apps/v1", "controllerrevisions"),
    "Deployment": ("apps/v1", "deployments"),
    "Job": ("batch/v1", "jobs"),
    "PodDisruptionBudget": ("policy/v1", "poddisruptionbudgets"),
}
"""apiVersion and plural of every kind that the operator touches. Each has its line in the chart's ClusterRole."""


def collection(kind: str, namespace: str) -> str:
    """Return the path of all objects of ``kind`` in ``namespace``."""
    api_version, plural = KINDS[kind]
    root = f"apis/{api_version}" if "/" in api_version else f"api/{api_version}"
    return f"{root}/namespaces/{namespace}/{plural}"


class Cluster:
    """Objects of one cluster. ``guard`` runs before each write and raises where nothing may be written any more."""

    def __init__(self, api: ApiServer, guard: Callable[[], None]) -> None:
        """Read and write through ``api``."""
        self._api = api
        self._guard = guard

    # --- reading ---

    async def get(self, kind: str, namespace: str, name: str) -> Manifest | None:
        """Return the object, or None if there is none."""
        try:
            return await self._api.request("GET", f"{collection(kind, namespace)}/{name}")
        except NotFound:
            return None

    async def select(self, kind: str, namespace: str, labels: Mapping[str, str]) -> list[Manifest]:
        """Return the objects of ``namespace`` that have these labels, in the order of their names.

        A list's items lack kind and apiVersion; they get them here.
        """
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        found = await self._api.request("GET", collection(kind, namespace), labelSelector=selector)
        return [self._item(kind, item) for item in found.get("items") or []]

    async def owned_names(self, kind: str, namespace: str, owner_uid: str) -> frozenset[str]:
        """Return the names of the objects of ``kind`` that name this owner. Asks for their metadata only."""
        found = await self._api.request("GET", collection(kind, namespace), accept=METADATA_ONLY)
        return frozenset(
            item["metadata"]["name"]
            for item in found.get("items") or []
            if any(owner["uid"] == owner_uid for owner in item["metadata"].get("ownerReferences", []))
        )

    async def events_about(self, ref: ObjectRef) -> list[Manifest]:
        """Return the Events about this very object, whoever told them."""
        about = f"involvedObject.uid={ref.uid}"
        found = await self._api.request("GET", collection("Event", ref.namespace), fieldSelector=about)
        return [self._item("Event", item) for item in found.get("items") or []]

    # --- writing ---

    async def create(self, manifest: Manifest) -> Manifest:
        """POST ``manifest``. Raises AlreadyExists."""
        path = collection(manifest["kind"], manifest["metadata"]["namespace"])
        return await self._write("POST", path, body=manifest, fieldManager=FIELD_MANAGER)

    async def apply(self, manifest: Manifest) -> Manifest:
        """Server-side apply ``manifest``, whose metadata has the uid and resourceVersion that it was read with.

        What an earlier version of it had, and this one hasn't, goes: also what came with the POST. Raises Conflict.
        """
        metadata = manifest["metadata"]
        path = f"{collection(manifest['kind'], metadata['namespace'])}/{metadata['name']}"
        version = await self._take_over_posted_fields(path, metadata["uid"], metadata["resourceVersion"])
        body = {**manifest, "metadata": {**metadata, "resourceVersion": version}}
        return await self._server_side_apply(path, body, FIELD_MANAGER)

    async def amend(self, ref: ObjectRef, patch: Manifest) -> Manifest:
        """Merge ``patch`` into the object that was read, and no other. Raises Conflict if it changed."""
        pinned = patch | {"metadata": patch.get("metadata", {}) | _preconditions(ref)["metadata"]}
        try:
            return await self._write("PATCH", _path(ref), body=pinned, content_type=MERGE, fieldManager=FIELD_MANAGER)
        except NotFound as error:
            raise Conflict(HTTPStatus.CONFLICT, "Gone", error.message) from error

    async def restore(self, ref: ObjectRef, manifest: Manifest) -> None:
        """Put back what is ours alone of the object that was read, as ``manifest`` has it. Raises Conflict.

        Whoever else wrote there is forgotten: what they added would be theirs otherwise, and found again.
        """
        current = await self._read_still(_path(ref), ref.uid, ref.resource_version)
        found = {**current, "kind": ref.kind}
        patch: list[Manifest] = [
            {"op": "replace", "path": "/metadata/resourceVersion", "value": ref.resource_version},
            *(
                {"op": "replace", "path": "/" + "/".join(path), "value": _at(manifest, path)}
                for path in changed_parts(found)
            ),
        ]
        places = sorted((place for place, _ in foreign_entries(found)), reverse=True)
        patch += [{"op": "remove", "path": f"/metadata/managedFields/{place}"} for place in places]
        await self._write("PATCH", _path(ref), body=patch, content_type=JSON_PATCH, fieldManager=FIELD_MANAGER)

    async def scale(self, ref: ObjectRef, replicas: int) -> None:
        """Set the scale subresource. Raises Conflict if the object is another one by now, or changed."""
        patch = _preconditions(ref) | {"spec": {"replicas": replicas}}
        await self._write("PATCH", f"{_path(ref)}/scale", body=patch, content_type=MERGE)

    async def annotate(self, ref: ObjectRef, annotations: Mapping[str, str]) -> None:
        """Merge ``annotations`` into the object with this uid; that it changed meanwhile is no obstacle."""
        patch = {"metadata": {"uid": ref.uid, "annotations": dict(annotations)}}
        try:
            await self._write("PATCH", _path(ref), body=patch, content_type=MERGE, fieldManager=ANNOTATOR)
        except Refused as error:
            if "metadata.uid" not in error.fields:
                raise
            # A merge patch knows no precondition on the uid: that it may not change comes to the same.
            raise Conflict(HTTPStatus.CONFLICT, "Changed", error.message) from error

    async def delete(self, ref: ObjectRef) -> None:
        """Delete in the background, only the object of this uid and resourceVersion. One that is gone is fine."""
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": {"uid": ref.uid, "resourceVersion": ref.resource_version},
        }
        try:
            await self._write("DELETE", _path(ref), body=options)
        except NotFound:
            return

    async def own(self, ref: ObjectRef, owners: list[Manifest], manager: str) -> None:
        """Let ``owners`` be exactly the owner references that ``manager`` holds on the object.

        Others' references are theirs: server-side apply never removes them. Raises Conflict if the object is another
        one by now.
        """
        body = {
            "apiVersion": ref.api_version,
            "kind": ref.kind,
            "metadata": {"name": ref.name, "namespace": ref.namespace, "uid": ref.uid, "ownerReferences": owners},
        }
        await self._server_side_apply(_path(ref), body, manager)

    async def write_status(self, manifest: Manifest, status: Mapping[str, Any]) -> None:
        """Replace the status of ``manifest``, as this pass read it. Raises Conflict if it changed meanwhile."""
        path = f"{_path(ObjectRef.of(manifest))}/status"
        await self._write("PUT", path, body={**manifest, "status": status}, fieldManager=FIELD_MANAGER)

    async def patch(self, kind: str, namespace: str, name: str, patch: Manifest) -> Manifest:
        """Merge ``patch`` into the object. Raises NotFound."""
        path = f"{collection(kind, namespace)}/{name}"
        return await self._write("PATCH", path, body=patch, content_type=MERGE, fieldManager=FIELD_MANAGER)

    async def _write(self, method: str, path: str, *, body: object, **rest: str) -> Manifest:
        self._guard()
        return await self._api.request(method, path, body=body, **rest)

    async def _server_side_apply(self, path: str, body: Manifest, manager: str) -> Manifest:
        try:
            return await self._write("PATCH", path, body=body, content_type=APPLY, fieldManager=manager, force="true")
        except NotFound as error:
            raise Conflict(HTTPStatus.CONFLICT, "Gone", error.message) from error

    async def _take_over_posted_fields(self, path: str, uid: str, version: str) -> str:
        """Turn what we own by POST (operation Update) into what we own by Apply; return the resourceVersion.

        Otherwise a field that a later manifest leaves out would stay for ever: apply removes only what was applied.
        """
        current = await self._read_still(path, uid, version)
        metadata = current["metadata"]
        patch = [
            {"op": "replace", "path": f"/metadata/managedFields/{index}/operation", "value": "Apply"}
            for index, entry in enumerate(metadata.get("managedFields", []))
            if entry.get("manager") == FIELD_MANAGER and entry["operation"] == "Update" and "subresource" not in entry
        ]
        if not patch:
            return version
        patch.append({"op": "replace", "path": "/metadata/resourceVersion", "value": version})
        taken = await self._write("PATCH", path, body=patch, content_type=JSON_PATCH)
        return str(taken["metadata"]["resourceVersion"])

    async def _read_still(self, path: str, uid: str, version: str) -> Manifest:
        """Return the object, if it still is what this pass read. Raises Conflict."""
        try:
            current = await self._api.request("GET", path)
        except NotFound as error:
            raise Conflict(HTTPStatus.CONFLICT, "Gone", error.message) from error
        metadata = current["metadata"]
        if (metadata["uid"], metadata["resourceVersion"]) != (uid, version):
            raise Conflict(HTTPStatus.CONFLICT, "Changed", f"{path} changed since this pass read it")
        return current

    @staticmethod
    def _item(kind: str, item: Manifest) -> Manifest:
        return {"apiVersion": KINDS[kind][0], "kind": kind} | item


def _path(ref: ObjectRef) -> str:
    return f"{collection(ref.kind, ref.namespace)}/{ref.name}"


def _at(manifest: Manifest, path: tuple[str, ...]) -> object:
    found: Any = manifest
    for name in path:
        found = found[name]
    return found


def _preconditions(ref: ObjectRef) -> Manifest:
    return {"metadata": {"uid": ref.uid, "resourceVersion": ref.resource_version}}
