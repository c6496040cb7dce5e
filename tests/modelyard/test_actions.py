"""Carrying a plan out, on a real API server."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from modelyard.actions import carry_out
from modelyard.apiserver import ApiServer, Conflict
from modelyard.cluster import Cluster
from modelyard.reasons import Reason
from modelyard.state.objects import ObjectRef
from modelyard.state.plan import (
    Action,
    Amend,
    Annotate,
    Apply,
    Claim,
    Create,
    Delete,
    Disown,
    Own,
    Replace,
    Restore,
    Scale,
)
from tests.modelyard.meddling import changed_by_another
from tests.modelyard.objects import config_map, deployment, model, owner, service
from tests.modelyard.test_cluster import over

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("api_server")]

WHY = "the test says so"


@pytest.fixture
async def ours(cluster: Cluster, namespace: str) -> dict[str, Any]:
    """A model, as the API server has it."""
    return await cluster.create(model(namespace))


def child(parent: dict[str, Any], name: str = "thing", data: dict[str, str] | None = None) -> dict[str, Any]:
    namespace = parent["metadata"]["namespace"]
    return config_map(namespace, name, data, ownerReferences=[owner(parent, controller=True)])


async def test_actions_are_done_in_their_order(cluster: Cluster, namespace: str, ours: dict[str, Any]) -> None:
    first = await cluster.create(child(ours, "first", {"a": "1"}))
    amended = await cluster.create(child(ours, "amended", {"a": "1"}))
    scaled = await cluster.create(deployment(namespace))
    doomed = await cluster.create(child(ours, "doomed"))
    shared = await cluster.create(config_map(namespace, "shared"))
    actions: list[Action] = [
        Create(manifest=child(ours, "second"), why=WHY),
        Apply(manifest=over(first, child(ours, "first", {"a": "2"})), why=WHY),
        Amend(ref=ObjectRef.of(amended), patch={"data": {"b": "1"}}, why=WHY),
        Scale(ref=ObjectRef.of(scaled), replicas=4, why=WHY),
        Annotate(ref=ObjectRef.of(first), annotations={"noted": "yes"}, why=WHY),
        Delete(ref=ObjectRef.of(doomed), why=WHY),
        Own(ref=ObjectRef.of(shared), claim=Claim(owner=owner(ours), manager="modelyard-owner-1"), why=WHY),
    ]
    assert await carry_out(cluster, actions) == ()
    now = {m["metadata"]["name"]: m for m in await cluster.select("ConfigMap", namespace, {}) if "ca.crt" not in str(m)}
    assert set(now) == {"first", "second", "amended", "shared"}
    assert now["amended"]["data"] == {"a": "1", "b": "1"}
    assert (now["first"]["data"], now["first"]["metadata"]["annotations"]) == ({"a": "2"}, {"noted": "yes"})
    assert now["shared"]["metadata"]["ownerReferences"][0]["uid"] == ours["metadata"]["uid"]
    assert (await cluster.get("Deployment", namespace, "thing") or {})["spec"]["replicas"] == 4
    await carry_out(cluster, [Disown(ref=ObjectRef.of(now["shared"]), manager="modelyard-owner-1", why=WHY)])
    assert "ownerReferences" not in (await cluster.get("ConfigMap", namespace, "shared") or {})["metadata"]


async def test_what_others_may_share_is_claimed_as_it_is_made(
    cluster: Cluster, namespace: str, ours: dict[str, Any]
) -> None:
    claim = Claim(owner=owner(ours), manager="modelyard-owner-1")
    action = Create(manifest=config_map(namespace, "shared"), why=WHY, claim=claim)
    assert await carry_out(cluster, [action]) == ()
    made = await cluster.get("ConfigMap", namespace, "shared")
    assert made is not None
    assert [reference["uid"] for reference in made["metadata"]["ownerReferences"]] == [ours["metadata"]["uid"]]
    with pytest.raises(Conflict):  # another model was first: the next pass claims what it sees
        await carry_out(cluster, [action])
    await carry_out(cluster, [Disown(ref=ObjectRef.of(made), manager="modelyard-owner-1", why=WHY)])
    assert "ownerReferences" not in (await cluster.get("ConfigMap", namespace, "shared") or {})["metadata"]


async def test_what_an_earlier_pass_made_before_it_was_cut_off_is_no_obstacle(
    cluster: Cluster, ours: dict[str, Any]
) -> None:
    action = Create(manifest=child(ours), why=WHY)
    assert await carry_out(cluster, [action]) == ()
    assert await carry_out(cluster, [action]) == ()


async def test_an_object_that_lost_its_labels_gets_them_back(
    cluster: Cluster, api: ApiServer, ours: dict[str, Any]
) -> None:
    manifest = child(ours)
    manifest["metadata"]["labels"] = {"modelyard.dev/model": "minilm"}
    action = Create(manifest=manifest, why=WHY)
    assert await carry_out(cluster, [action]) == ()
    made = await cluster.get("ConfigMap", ours["metadata"]["namespace"], "thing")
    assert made is not None
    await changed_by_another(api, made, {"metadata": {"labels": {"modelyard.dev/model": None}}})
    with pytest.raises(Conflict, match="lost its labels"):  # it looked as if it were missing
        await carry_out(cluster, [action])
    assert len(await cluster.select("ConfigMap", ours["metadata"]["namespace"], {"modelyard.dev/model": "minilm"})) == 1


async def test_an_object_of_that_name_that_is_not_ours_is_never_touched(
    cluster: Cluster, namespace: str, ours: dict[str, Any]
) -> None:
    theirs = await cluster.create(config_map(namespace, data={"whose": "theirs"}))
    actions = [Create(manifest=child(ours), why=WHY), Create(manifest=child(ours, "next"), why=WHY)]
    (obstacle,) = await carry_out(cluster, actions)
    assert (obstacle.kind, obstacle.name, obstacle.reason) == ("ConfigMap", "thing", Reason.NAME_TAKEN)
    assert "exists and is not ours" in obstacle.message
    now = await cluster.get("ConfigMap", namespace, "thing")
    assert now is not None
    assert ObjectRef.of(now) == ObjectRef.of(theirs)
    assert await cluster.get("ConfigMap", namespace, "next") is not None  # the others are made all the same


async def test_what_a_former_owner_of_our_name_leaves_is_waited_for(
    cluster: Cluster, namespace: str, ours: dict[str, Any]
) -> None:
    """It goes with that owner, and nothing may be made that would then be without it."""
    left = config_map(namespace, "thing", ownerReferences=[{**owner(ours, controller=True), "uid": "former"}])
    await cluster.create(left)
    with pytest.raises(Conflict, match="former owner"):
        await carry_out(cluster, [Create(manifest=child(ours), why=WHY), Create(manifest=child(ours, "next"), why=WHY)])
    assert await cluster.get("ConfigMap", namespace, "next") is None


async def test_an_object_that_the_api_server_refuses_is_told(
    cluster: Cluster, api: ApiServer, ours: dict[str, Any]
) -> None:
    bad = child(ours, "Bad Name")
    (created,) = await carry_out(cluster, [Create(manifest=bad, why=WHY)])
    assert (created.reason, "Invalid value" in created.message) == (Reason.OBJECT_REFUSED, True)
    good = await cluster.create(child(ours))
    invalid = over(good, child(ours)) | {"data": {"not/a/key": "1"}}
    (applied,) = await carry_out(cluster, [Apply(manifest=invalid, why=WHY)])
    assert (applied.kind, applied.name, applied.reason) == ("ConfigMap", "thing", Reason.OBJECT_REFUSED)
    made = await cluster.create(service(good["metadata"]["namespace"]))
    whole = ObjectRef.of(await changed_by_another(api, made, {"spec": {"selector": {"app": "nothing"}}}))
    wrong = service(whole.namespace) | {"spec": {"selector": {"app": "not a label"}, "ports": []}}
    (restored,) = await carry_out(cluster, [Restore(ref=whole, manifest=wrong, meddler="kubectl-edit")])
    assert (restored.kind, restored.name, restored.reason) == ("Service", "thing", Reason.OBJECT_REFUSED)


async def test_an_object_is_made_anew_if_it_is_still_what_the_pass_read(
    cluster: Cluster, api: ApiServer, ours: dict[str, Any]
) -> None:
    made = await cluster.create(child(ours, data={"a": "1"}))
    theirs = await changed_by_another(api, made, {"data": {"a": "2", "theirs": "3"}})
    stale = Replace(ref=ObjectRef.of(made), manifest=child(ours, data={"a": "1"}), meddler="kubectl-patch")
    with pytest.raises(Conflict):
        await carry_out(cluster, [stale])
    fresh = replace(stale, ref=ObjectRef.of(theirs))
    assert await carry_out(cluster, [fresh]) == ()
    there = await cluster.get("ConfigMap", made["metadata"]["namespace"], made["metadata"]["name"])
    assert there is not None
    assert there["data"] == {"a": "1"}
    assert there["metadata"]["uid"] != made["metadata"]["uid"]


async def test_an_object_that_is_still_going_is_waited_for(cluster: Cluster, ours: dict[str, Any]) -> None:
    going = child(ours)
    going["metadata"]["finalizers"] = ["example.com/slow"]
    await cluster.delete(ObjectRef.of(await cluster.create(going)))
    with pytest.raises(Conflict):
        await carry_out(cluster, [Create(manifest=child(ours), why=WHY)])


async def test_a_shared_object_that_another_model_made_meanwhile_is_looked_at_again(
    cluster: Cluster, namespace: str
) -> None:
    """A build has no controller: whoever comes second owns it too, in its next pass."""
    await cluster.create(config_map(namespace, "shared"))
    with pytest.raises(Conflict):
        await carry_out(cluster, [Create(manifest=config_map(namespace, "shared"), why=WHY)])
