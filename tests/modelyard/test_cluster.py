"""The Kubernetes port, on a real API server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from modelyard.apiserver import AlreadyExists, ApiServer, Conflict, NotFound, Refused
from modelyard.cluster import KINDS, Cluster, collection
from modelyard.naming import owner_field_manager
from modelyard.state.objects import ObjectRef
from modelyard.views.meddling import meddler
from tests.modelyard.meddling import changed_by_another
from tests.modelyard.objects import budget, config_map, deployment, model, owner, pod, service

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("api_server")]


def over(current: dict[str, Any], manifest: dict[str, Any]) -> dict[str, Any]:
    """Return ``manifest`` with the uid and resourceVersion of the object that it is applied over."""
    known = {key: current["metadata"][key] for key in ("uid", "resourceVersion")}
    return {**manifest, "metadata": {**manifest["metadata"], **known}}


async def test_every_kind_is_where_the_table_says(api: ApiServer, namespace: str) -> None:
    for kind in KINDS:
        found = await api.request("GET", collection(kind, namespace))
        assert found["kind"] == f"{kind}List"


async def test_what_is_not_there_is_none(cluster: Cluster, namespace: str) -> None:
    assert await cluster.get("ConfigMap", namespace, "absent") is None


async def test_objects_are_selected_by_label_and_say_their_kind(cluster: Cluster, namespace: str) -> None:
    await cluster.create(config_map(namespace, "a", labels={"team": "x", "part": "1"}))
    await cluster.create(config_map(namespace, "b", labels={"team": "x", "part": "2"}))
    await cluster.create(config_map(namespace, "c", labels={"team": "y", "part": "1"}))
    found = await cluster.select("ConfigMap", namespace, {"team": "x", "part": "1"})
    assert [(item["apiVersion"], item["kind"], item["metadata"]["name"]) for item in found] == [
        ("v1", "ConfigMap", "a")
    ]


async def test_a_post_never_writes_over_an_object(cluster: Cluster, namespace: str) -> None:
    await cluster.create(config_map(namespace, data={"owner": "theirs"}))
    with pytest.raises(AlreadyExists):
        await cluster.create(config_map(namespace, data={"owner": "ours"}))
    there = await cluster.get("ConfigMap", namespace, "thing")
    assert there is not None
    assert there["data"] == {"owner": "theirs"}


async def test_what_a_later_manifest_leaves_out_goes(cluster: Cluster, namespace: str) -> None:
    """Also what came with the POST, and nothing of what others wrote."""
    posted = await cluster.create(config_map(namespace, data={"kept": "1", "dropped": "1"}))
    await cluster.annotate(ObjectRef.of(posted), {"theirs": "note"})
    current = await cluster.get("ConfigMap", namespace, "thing")
    assert current is not None
    applied = await cluster.apply(over(current, config_map(namespace, data={"kept": "2"})))
    assert applied["data"] == {"kept": "2"}
    assert applied["metadata"]["annotations"] == {"theirs": "note"}
    again = await cluster.apply(over(applied, config_map(namespace, data={"new": "3"})))
    assert again["data"] == {"new": "3"}
    assert again["metadata"]["annotations"] == {"theirs": "note"}


async def test_an_apply_drops_what_was_posted_deep_inside_a_deployment(cluster: Cluster, namespace: str) -> None:
    posted = await cluster.create(deployment(namespace))
    manifest = deployment(namespace)
    del manifest["spec"]["template"]["spec"]["containers"][0]["env"]
    applied = await cluster.apply(over(posted, manifest))
    assert "env" not in applied["spec"]["template"]["spec"]["containers"][0]


async def test_an_apply_over_what_changed_since_is_a_conflict(cluster: Cluster, namespace: str) -> None:
    posted = await cluster.create(config_map(namespace, data={"a": "1"}))
    first = await cluster.apply(over(posted, config_map(namespace, data={"a": "2"})))
    with pytest.raises(Conflict):
        await cluster.apply(over(posted, config_map(namespace, data={"a": "3"})))
    stale = over(first, config_map(namespace, data={"a": "3"}))
    stale["metadata"]["uid"] = "00000000-0000-0000-0000-000000000000"
    with pytest.raises(Conflict):
        await cluster.apply(stale)


async def test_an_apply_never_makes_an_object_anew(cluster: Cluster, namespace: str) -> None:
    posted = await cluster.create(config_map(namespace))
    await cluster.delete(ObjectRef.of(posted))
    with pytest.raises((Conflict, NotFound)):
        await cluster.apply(over(posted, config_map(namespace)))
    assert await cluster.get("ConfigMap", namespace, "thing") is None


async def test_an_amendment_minds_what_was_read(cluster: Cluster, namespace: str) -> None:
    posted = await cluster.create(config_map(namespace, data={"a": "1", "b": "1"}))
    amended = await cluster.amend(ObjectRef.of(posted), {"data": {"a": "2", "b": None}})
    assert amended["data"] == {"a": "2"}
    with pytest.raises(Conflict):
        await cluster.amend(ObjectRef.of(posted), {"data": {"a": "3"}})
    await cluster.delete(ObjectRef.of(amended))
    with pytest.raises(Conflict):
        await cluster.amend(ObjectRef.of(amended), {"data": {"a": "3"}})


async def test_a_record_says_more_whatever_its_data_is(cluster: Cluster, namespace: str) -> None:
    """The API server compares that data by its bytes, and writes them anew in each patch."""
    data: dict[str, Any] = {
        "b": "a&b <c> é \u2028 \\",
        "a": {"d": [], "c": {}},
        "figures": [0.998, 1.0, 1e-07, 12345678901],
        "n": None,
    }
    record = {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {"name": "r", "namespace": namespace, "annotations": {"promoted": "true"}},
        "revision": 1,
        "data": data,
    }
    posted = await cluster.create(record)
    more = {"metadata": {"annotations": {"promoted": None, "rejected": "a&b"}}, "revision": 2}
    amended = await cluster.amend(ObjectRef.of(posted), more)
    assert amended["metadata"]["annotations"] == {"rejected": "a&b"}
    assert (amended["data"], amended["revision"]) == (data, 2)


SELECTOR = {"spec": {"selector": {"app": "nothing"}}}
IMAGE = {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "theirs:1"}]}}}}
VARIABLE = {
    "spec": {"template": {"spec": {"containers": [{"name": "main", "env": [{"name": "THEIRS", "value": "1"}]}]}}}
}
PORTS = {"spec": {"ports": [{"name": "theirs", "port": 9999}]}}
STRATEGY = {"spec": {"strategy": {"rollingUpdate": {"maxUnavailable": 1}}}}
BUDGET = {"spec": {"maxUnavailable": 2}}
DATA = {"data": {"theirs": "2"}}
CHANGES: dict[str, tuple[Callable[[str], dict[str, Any]], dict[str, Any]]] = {
    "selector": (service, SELECTOR),
    "ports": (service, PORTS),
    "image": (deployment, IMAGE),
    "env": (deployment, VARIABLE),
    "strategy": (deployment, STRATEGY),
    "budget": (budget, BUDGET),
    "data": (lambda namespace: config_map(namespace, data={"a": "1"}), DATA),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_what_another_changed_is_seen_and_put_back(
    cluster: Cluster, api: ApiServer, namespace: str, change: str
) -> None:
    make, patch = CHANGES[change]
    manifest = make(namespace)
    posted = await cluster.create(manifest)
    assert meddler(posted) is None
    theirs = await changed_by_another(api, posted, patch)
    assert asked(theirs) != asked(posted)
    assert meddler(theirs) == "kubectl-patch"
    with pytest.raises(Conflict):
        await cluster.restore(ObjectRef.of(posted), manifest)
    await cluster.restore(ObjectRef.of(theirs), manifest)
    restored = await cluster.get(posted["kind"], namespace, posted["metadata"]["name"])
    assert restored is not None
    assert asked(restored) == asked(posted)
    assert meddler(restored) is None


def asked(manifest: dict[str, Any]) -> object:
    """Return what an object asks for."""
    return manifest["data"] if manifest["kind"] == "ConfigMap" else manifest["spec"]


async def test_only_what_was_changed_is_put_back(cluster: Cluster, api: ApiServer, namespace: str) -> None:
    """A later version makes another pod template, and a changed strategy is no reason to restart what runs."""
    posted = await cluster.create(deployment(namespace))
    theirs = await changed_by_another(api, posted, STRATEGY)
    later = deployment(namespace)
    later["spec"]["template"]["spec"]["containers"][0]["image"] = "later:1"
    await cluster.restore(ObjectRef.of(theirs), later)
    restored = await cluster.get("Deployment", namespace, "thing")
    assert restored is not None
    assert restored["spec"] == posted["spec"]


async def test_what_anybody_may_write_is_no_meddling(cluster: Cluster, api: ApiServer, namespace: str) -> None:
    """``kubectl scale``, ``kubectl rollout restart``, labels of a tool that tracks."""
    posted = await cluster.create(deployment(namespace))
    restart = {"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "now"}}}}}
    for patch in (restart, {"metadata": {"labels": {"theirs": "1"}}}, {"spec": {"replicas": 3}}):
        assert meddler(await changed_by_another(api, posted, patch)) is None


async def test_what_was_put_back_can_be_applied_over(cluster: Cluster, api: ApiServer, namespace: str) -> None:
    """As the proxy's Deployment is for another image; what an earlier manifest had, and this one hasn't, goes."""
    manifest = deployment(namespace)
    theirs = await changed_by_another(api, await cluster.create(manifest), IMAGE)
    await cluster.restore(ObjectRef.of(theirs), manifest)
    restored = await cluster.get("Deployment", namespace, "thing")
    assert restored is not None
    later = deployment(namespace)
    [container] = later["spec"]["template"]["spec"]["containers"]
    del container["env"]
    container["image"] = "later:1"
    applied = await cluster.apply(over(restored, later))
    [container] = applied["spec"]["template"]["spec"]["containers"]
    assert (container["image"], container.get("env")) == ("later:1", None)
    assert meddler(applied) is None


async def test_scaling_leaves_the_rest_alone_and_minds_what_was_read(cluster: Cluster, namespace: str) -> None:
    posted = await cluster.create(deployment(namespace, replicas=1))
    await cluster.scale(ObjectRef.of(posted), 3)
    scaled = await cluster.get("Deployment", namespace, "thing")
    assert scaled is not None
    assert scaled["spec"]["replicas"] == 3
    with pytest.raises(Conflict):
        await cluster.scale(ObjectRef.of(posted), 5)
    applied = await cluster.apply(over(scaled, deployment(namespace, replicas=3)))
    assert applied["spec"]["replicas"] == 3


async def test_a_delete_hits_the_object_that_was_read_and_no_other(cluster: Cluster, namespace: str) -> None:
    first = await cluster.create(config_map(namespace))
    changed = await cluster.apply(over(first, config_map(namespace, data={"a": "1"})))
    with pytest.raises(Conflict):
        await cluster.delete(ObjectRef.of(first))
    with pytest.raises(Conflict):
        await cluster.delete(replace(ObjectRef.of(changed), uid="00000000-0000-0000-0000-000000000000"))
    await cluster.delete(ObjectRef.of(changed))
    await cluster.delete(ObjectRef.of(changed))  # gone is gone
    assert await cluster.get("ConfigMap", namespace, "thing") is None


async def test_an_annotation_reaches_a_pod_that_changed_meanwhile_and_not_its_successor(
    cluster: Cluster, namespace: str
) -> None:
    posted = await cluster.create(pod(namespace))
    await cluster.annotate(ObjectRef.of(posted), {"a": "1"})
    await cluster.annotate(ObjectRef.of(posted), {"b": "2"})
    now = await cluster.get("Pod", namespace, "thing")
    assert now is not None
    assert now["metadata"]["annotations"] == {"a": "1", "b": "2"}
    with pytest.raises(Conflict):
        await cluster.annotate(replace(ObjectRef.of(posted), uid="00000000-0000-0000-0000-000000000000"), {"c": "3"})


async def test_an_annotation_that_is_refused_for_itself_is_no_conflict(cluster: Cluster, namespace: str) -> None:
    """Repeated for ever it would never be said, so no word of the message makes it one: only the field does."""
    posted = await cluster.create(pod(namespace))
    with pytest.raises(Refused) as refused:
        await cluster.annotate(ObjectRef.of(posted), {"not a key: metadata.uid": "1"})
    assert "metadata.uid" in refused.value.message
    assert refused.value.fields
    assert "metadata.uid" not in refused.value.fields


async def test_owners_of_a_shared_object_never_remove_each_other(cluster: Cluster, namespace: str) -> None:
    shared = await cluster.create(config_map(namespace, "shared"))
    one = await cluster.create(model(namespace, "one"))
    two = await cluster.create(model(namespace, "two"))
    managers = {m["metadata"]["uid"]: owner_field_manager(m["metadata"]["uid"]) for m in (one, two)}
    for each in (one, two, one):  # twice is as good as once
        await cluster.own(ObjectRef.of(shared), [owner(each)], managers[each["metadata"]["uid"]])
    for each in (one, two):
        assert await cluster.owned_names("ConfigMap", namespace, each["metadata"]["uid"]) == {"shared"}
    await cluster.own(ObjectRef.of(shared), [], managers[one["metadata"]["uid"]])
    assert await cluster.owned_names("ConfigMap", namespace, one["metadata"]["uid"]) == frozenset()
    assert await cluster.owned_names("ConfigMap", namespace, two["metadata"]["uid"]) == {"shared"}


async def test_nobody_comes_to_own_the_successor_of_a_shared_object(cluster: Cluster, namespace: str) -> None:
    shared = await cluster.create(config_map(namespace, "shared"))
    one = await cluster.create(model(namespace, "one"))
    await cluster.delete(ObjectRef.of(shared))
    with pytest.raises(Conflict):
        await cluster.own(ObjectRef.of(shared), [owner(one)], "modelyard-owner-one")
    assert await cluster.get("ConfigMap", namespace, "shared") is None


async def test_a_status_is_written_over_the_version_that_was_read(cluster: Cluster, namespace: str) -> None:
    posted = await cluster.create(model(namespace))
    await cluster.write_status(posted, {"phase": "Progressing", "observedGeneration": 1})
    now = await cluster.get("OptimizedModel", namespace, "minilm")
    assert now is not None
    assert now["status"]["phase"] == "Progressing"
    assert now["spec"] == posted["spec"]
    with pytest.raises(Conflict):
        await cluster.write_status(posted, {"phase": "Healthy"})
    await cluster.write_status(now, {"phase": "Healthy"})
    now = await cluster.get("OptimizedModel", namespace, "minilm")
    assert now is not None
    assert "observedGeneration" not in now["status"]  # replaced, not merged


async def test_what_the_api_server_refuses_says_why(cluster: Cluster, namespace: str) -> None:
    with pytest.raises(Refused, match="Invalid value"):
        await cluster.create(config_map(namespace, "Not A Name"))


async def test_nothing_is_written_once_the_guard_says_no(api: ApiServer, namespace: str) -> None:
    class Stop(Exception):
        pass

    def guard() -> None:
        raise Stop

    cluster = Cluster(api, guard)
    ref = ObjectRef.of(await Cluster(api, lambda: None).create(config_map(namespace)))
    manifest = config_map(namespace, uid=ref.uid, resourceVersion=ref.resource_version)
    for write in (
        cluster.create(config_map(namespace, "other")),
        cluster.apply(manifest),
        cluster.scale(ref, 1),
        cluster.annotate(ref, {"a": "1"}),
        cluster.delete(ref),
        cluster.own(ref, [], "manager"),
        cluster.write_status(manifest, {}),
        cluster.patch("ConfigMap", namespace, "thing", {}),
    ):
        with pytest.raises(Stop):
            await write
    now = await cluster.get("ConfigMap", namespace, "thing")
    assert now is not None
    assert ObjectRef.of(now) == ref
