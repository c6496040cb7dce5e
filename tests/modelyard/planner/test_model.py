"""One model through its life, as sentences: what each pass does with what it finds."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from modelyard.naming import COMPONENT_LABEL, NUDGE_ANNOTATION, REVISION_LABEL, ROUTES_ANNOTATION
from modelyard.pins import OciPin
from modelyard.planner import plan_model, retried_build
from modelyard.reasons import Reason
from modelyard.state.objects import Manifest
from modelyard.state.observed import ArtifactDoubt, Obstacle, PinFailed
from modelyard.state.plan import Action, Annotate, Apply, Create, Delete, Disown, Own, Plan, Replace, Restore, Scale
from modelyard.status import status_of
from modelyard.views import pod_view
from tests.modelyard.planner.world import BATCH_16, MISSED, World, held, serving, up_to_ready

INSECURE = '{"reason": "InsecureServer", "message": "Triton 2.51.0 has public remote exploits"}'
GOLDEN = '{"reason": "GoldenMismatch", "message": "sample 3: cosine 0.41"}'


def told(actions: tuple[Action, ...]) -> list[str]:
    """Return each action as ``verb Kind``."""
    return [
        f"{type(a).__name__} {a.manifest['kind'] if isinstance(a, Create | Apply) else a.ref.kind}" for a in actions
    ]


# --- from the manifest to an answer ---


def test_the_first_pass_pins_and_records() -> None:
    world = World()
    plan = world.passes()
    assert told(plan.actions) == ["Create ControllerRevision"]
    assert world.status.phase == "Progressing"


def test_the_second_pass_takes_the_names_and_the_third_asks_for_the_build() -> None:
    world = World()
    world.passes()
    plan = world.passes()
    assert told(plan.actions) == ["Create ConfigMap", "Create Service"]
    assert plan.requeue_after == timedelta(seconds=1)
    assert told(world.passes().actions) == ["Create ModelBuild"]


@pytest.mark.parametrize(("kind", "name"), [("Service", "minilm"), ("ConfigMap", "minilm-proxy")])
def test_nothing_is_built_for_a_model_whose_name_is_taken(kind: str, name: str) -> None:
    world = World()
    world.taken = {(kind, name)}
    world.passes(5)
    assert not world.of("ModelBuild")
    world.taken = set()
    world.settle()
    assert world.status.phase == "Healthy"


def test_the_proxy_runs_from_the_first_revision_that_may_serve() -> None:
    world = World()
    world.passes(3)
    world.build_ends(**MISSED)
    world.passes(3)
    assert not world.of("Deployment"), "a model that is blocked costs no pod"
    world.edit(gates={"parity": {"p1Cosine": 0.5}})
    world.settle()
    assert {"minilm-proxy", f"minilm-{world.status.target_revision}"} == {
        deployment["metadata"]["name"] for deployment in world.of("Deployment")
    }


def test_a_build_that_names_no_model_yet_is_looked_at_again() -> None:
    """Its events wake the models that it names: without a look of its own this one would never own it."""
    world = World()
    world.passes(2)
    assert world.passes().requeue_after == timedelta(seconds=1)


def test_a_build_is_claimed_as_it_is_made_under_a_name_of_the_models_own() -> None:
    world = World()
    world.passes(2)
    (build,) = [a for a in world.passes().actions if isinstance(a, Create) and a.manifest["kind"] == "ModelBuild"]
    assert build.claim is not None
    assert build.claim.manager == f"modelyard-owner-{world.model['metadata']['uid']}"
    assert build.claim.owner["uid"] == world.model["metadata"]["uid"]
    assert "controller" not in build.claim.owner


def test_a_build_that_nobody_claimed_is_claimed_by_who_needs_it() -> None:
    """Whoever made it was cut off in between, or another model did."""
    world = World()
    world.passes(3)
    (build,) = world.of("ModelBuild")
    build["metadata"]["ownerReferences"] = []
    (own,) = [a for a in world.passes().actions if isinstance(a, Own)]
    assert own.claim.owner["uid"] == world.model["metadata"]["uid"]


def test_a_build_that_succeeded_gets_its_revision() -> None:
    world = World({"serving": {"replicas": 2}})
    world.passes(3)
    world.build_ends()
    plan = world.passes()
    assert told(plan.actions)[:5] == [
        "Create ConfigMap",
        "Create Service",
        "Create Service",
        "Create Deployment",
        "Create PodDisruptionBudget",
    ]
    assert world.status.weights.stable == 0


def test_weight_comes_after_health_in_every_proxy() -> None:
    world = World()
    revision = up_to_ready(world)
    world.passes()
    assert dict(world.routes.weights) == {}, "ready, but not healthy in the proxies"
    world.proxies_check()
    world.passes()
    assert dict(world.routes.weights) == {revision: 100}
    assert world.status.phase == "Progressing", "written, but not verified"
    world.proxies_read()
    world.passes()
    assert world.status.phase == "Healthy"
    assert world.status.rollout is not None
    assert world.status.rollout.weight_verified_at == world.now


def test_one_proxy_that_lags_is_waited_for() -> None:
    world = serving()
    old = world.status.stable_revision
    world.edit(serving=BATCH_16)
    new = up_to_ready(world)
    world.proxies_check()
    world.passes()
    assert dict(world.routes.weights) == {new: 100}
    world.proxy_reads(world.live_proxies()[0])
    world.later(minutes=10)
    world.passes()
    assert world.status.phase == "Progressing"
    assert old in world.revisions(), "the other proxy may still send requests there"


def test_a_proxy_that_lags_is_nudged_again() -> None:
    """The kubelet may look at the ConfigMap before it has heard of the change itself."""
    world = serving()
    world.edit(serving=BATCH_16)
    up_to_ready(world)
    world.proxies_check()
    plan = world.passes()
    first = [a.annotations[NUDGE_ANNOTATION] for a in plan.actions if isinstance(a, Annotate)]
    assert len(first) == 2
    assert not any(isinstance(a, Annotate) for a in world.passes().actions)
    world.later(seconds=6)
    world.proxy_reads(world.live_proxies()[0])
    again = [a for a in world.passes().actions if isinstance(a, Annotate)]
    assert [a.ref.name for a in again] == [world.live_proxies()[1]]
    assert again[0].annotations[NUDGE_ANNOTATION] not in first


def test_a_proxy_without_a_node_is_neither_nudged_nor_asked() -> None:
    """It starts with what is written, and its pod tells when it does."""
    world = World()
    world.passes(3)
    world.build_ends()
    world.passes(2)
    world.controllers()
    world.schedule("triton")
    world.passes()
    for _ in range(3):
        world.later(seconds=6)
        plan = world.passes()
        assert world.pods({COMPONENT_LABEL: "proxy"})
        assert world.live_proxies() == []
        assert plan.actions == ()
        assert plan.requeue_after is None or plan.requeue_after > timedelta(minutes=1)


def test_a_proxy_learns_of_a_revision_once_its_pods_can_be_looked_up() -> None:
    """Sooner it would be told that there are none, and DNS may repeat that for half a minute."""
    world, stable, candidate = starting()
    world.passes()
    assert world.routes.clusters == (stable,)
    world.schedule()
    world.passes()
    assert world.routes.clusters == tuple(sorted((stable, candidate)))


def test_proxies_are_asked_ever_more_seldom() -> None:
    world = serving()
    world.edit(serving=BATCH_16)
    up_to_ready(world)
    world.proxies_check()
    world.passes()
    assert world.passes().requeue_after == timedelta(seconds=1)
    world.later(minutes=30)
    assert world.passes().requeue_after == timedelta(seconds=15)


def test_the_former_revision_retires_after_a_delay_and_after_its_routes() -> None:
    world = serving()
    old = world.status.stable_revision
    world.edit(serving=BATCH_16)
    up_to_ready(world)
    world.proxies_check()
    world.passes()
    world.proxies_read()
    plan = world.passes()
    assert world.status.phase == "Healthy"
    assert plan.requeue_after == world.defaults.retire_delay
    assert old in world.routes.clusters
    world.later(seconds=31)
    world.passes()
    assert old not in world.routes.clusters
    assert old in world.revisions(), "no proxy has read it yet"
    world.proxies_read()
    world.passes()
    assert old not in world.revisions()


def test_the_delay_counts_from_when_the_last_proxy_left_the_former_revision() -> None:
    world = serving()
    old = world.status.stable_revision
    world.edit(serving=BATCH_16)
    up_to_ready(world)
    world.proxies_check()
    world.passes()
    swift, slow = world.live_proxies()
    world.proxy_reads(swift)
    world.later(seconds=40)
    world.passes()
    assert world.proxies[slow].routes.holder == old
    world.proxy_reads(slow)
    world.passes()
    world.later(seconds=29)
    world.passes()
    assert old in world.routes.clusters
    world.later(seconds=1)
    world.passes()
    assert old not in world.routes.clusters


def test_the_delay_holds_for_a_revision_whose_successor_is_superseded_at_once() -> None:
    world = serving()
    old = world.status.stable_revision
    world.edit(serving=BATCH_16)
    up_to_ready(world)
    world.proxies_check()
    world.passes()
    world.proxies_read()
    world.edit(serving={"batching": {"maxBatchSize": 4}})
    world.passes(3)
    assert old in world.routes.clusters, "answers may be under way"


def test_a_model_at_rest_costs_nothing() -> None:
    world = serving()
    writes = world.writes
    plan = world.passes(3)
    assert (plan.actions, plan.requeue_after, world.writes) == ((), None, writes)


def test_an_upgrade_of_the_operator_moves_no_model() -> None:
    world = serving()
    world.defaults = replace(world.defaults, images=replace(world.defaults.images, triton="t:9", envoy="e:9"))
    assert world.passes().actions == ()
    assert world.status.outdated == ["triton image: triton:1 -> t:9", "proxy image: envoy:1 -> e:9"]
    world.command(f"refresh {world.status.stable_revision} 1")
    world.settle()
    assert world.status.outdated == []


# --- what a spec change resolves, and what it does not ---


def test_replicas_resolve_nothing_and_scale() -> None:
    world = serving()
    revision = world.status.stable_revision
    world.edit(serving={"replicas": 3})
    plan = world.passes()
    assert "Scale Deployment" in told(plan.actions)
    assert [a.replicas for a in plan.actions if isinstance(a, Scale)] == [3]
    world.settle()
    assert world.status.stable_revision == revision
    assert world.status.ready_replicas == 3
    world.edit(serving={"replicas": 1})
    assert "Delete PodDisruptionBudget" in told(world.passes().actions)


def test_what_was_before_comes_back_without_a_build() -> None:
    world = serving()
    first = world.status.stable_revision
    builds = len(world.of("ModelBuild"))
    world.edit(serving=BATCH_16)
    world.settle()
    world.edit(serving={})
    world.settle()
    assert world.status.stable_revision == first
    assert len(world.of("ModelBuild")) == builds


def test_a_branch_that_moved_resolves_nothing() -> None:
    world = serving()
    world.pin = OciPin(repository="registry.example.com/models/minilm", digest="sha256:" + "9" * 64)
    assert world.passes().actions == ()


def test_a_source_that_is_away_leaves_stable_alone_and_is_asked_again() -> None:
    world = serving()
    stable = world.status.stable_revision
    world.pin = PinFailed(reason=Reason.SOURCE_UNREACHABLE, message="no answer")
    world.edit(source={"oci": {"ref": "registry.example.com/models/other:1"}})
    plan = world.passes()
    assert plan.actions == ()
    assert plan.requeue_after is not None
    assert (world.status.phase, world.status.stable_revision) == ("Progressing", stable)
    conditions = {c.type: (c.status, c.reason) for c in world.status.conditions}
    assert conditions["Serving"][0] == "True"
    assert conditions["SourceResolved"] == ("False", "SourceUnreachable")


@pytest.mark.parametrize(
    ("spec", "reason", "words"),
    [
        ({"task": "Generation"}, "NotSupportedYet", "Embedding, Classification, TokenClassification and Reranking are"),
        ({"optimization": {"engine": "TensorRT"}}, "NotSupportedYet", "OpenVINO BF16"),
        ({"task": "Embedding", "gates": {"parity": {"agreement": 0.9}}}, "GateNotApplicable", "p1Cosine"),
        (
            {"task": "Reranking", "gates": {"dataset": {"configMapRef": {"name": "t", "key": "t.txt"}}}},
            "GateNotApplicable",
            "a dataset has single texts; leave gates.dataset out",
        ),
    ],
)
def test_what_this_version_can_not_build_is_said_with_what_it_can(spec: Any, reason: str, words: str) -> None:
    world = World(spec)
    plan = world.passes()
    assert (plan.actions, plan.requeue_after) == ((), None)
    stalled = next(c for c in world.status.conditions if c.type == "Stalled")
    assert stalled.reason == reason
    assert words in stalled.message


def test_a_spec_of_a_newer_version_is_left_alone() -> None:
    world = serving()
    stable = world.status.stable_revision
    world.edit(teleport={"to": "mars"})
    plan = world.passes()
    assert plan.actions == ()
    assert world.status.stable_revision == stable
    assert "spec.teleport" in world.status.message


def test_a_record_of_a_newer_version_that_can_not_be_read_stops_everything_but_serving() -> None:
    world = serving()
    stable = world.status.stable_revision
    del world.of("ControllerRevision")[0]["data"]["build"]
    plan = world.passes()
    assert plan.actions == ()
    assert (world.status.phase, world.status.stable_revision) == ("Degraded", stable)
    assert "upgrade the operator" in world.status.message


CHANGED = (
    ("Service", "minilm"),
    ("Deployment", "minilm-proxy"),
    ("Deployment", "minilm-{0}"),
    ("Service", "minilm-{0}"),
    ("Service", "minilm-{0}-fallback"),
    ("PodDisruptionBudget", "minilm-proxy"),
    ("PodDisruptionBudget", "minilm-{0}"),
)


@pytest.mark.parametrize(("kind", "name"), CHANGED)
@pytest.mark.parametrize("spec", [{}, {"suspend": True}], ids=["followed", "suspended"])
def test_what_somebody_changed_is_put_back_and_told(kind: str, name: str, spec: dict[str, Any]) -> None:
    world = serving(serving={"replicas": 2}, traffic={"proxy": {"replicas": 2}})
    world.edit(**spec)
    world.settle()
    key = kind, name.format(world.status.stable_revision)
    before = copy.deepcopy(world.objects[key]["spec"])
    world.meddle(*key)
    plan = world.passes()
    assert [action.ref.name for action in plan.actions if isinstance(action, Restore)] == [key[1]]
    assert world.objects[key]["spec"] == before
    [event] = [event for event in plan.events if event.reason is Reason.RESTORED]
    assert event.warning
    assert (
        event.message == f"{kind} {key[1]} was changed by kubectl-edit and is put back; change the model's spec instead"
    )
    assert world.passes().actions == ()


def without_routes(config_map: dict[str, Any]) -> None:
    """Forget a file, as ``kubectl patch --type=json`` does, which leaves no trace of who it was."""
    config_map["data"].popitem()


def without_annotation(config_map: dict[str, Any]) -> None:
    del config_map["metadata"]["annotations"][ROUTES_ANNOTATION]


def with_nonsense(config_map: dict[str, Any]) -> None:
    config_map["metadata"]["annotations"][ROUTES_ANNOTATION] = '{"weights": 3}'


def with_other_weights(config_map: dict[str, Any]) -> None:
    """Say the same in data and annotation, but another revision."""
    said = json.loads(config_map["metadata"]["annotations"][ROUTES_ANNOTATION])
    (holder,) = said["weights"]
    said |= {"clusters": ["00000000", holder], "weights": {"00000000": 100}}
    config_map["metadata"]["annotations"][ROUTES_ANNOTATION] = json.dumps(said)
    fields: dict[str, Any] = {"f:metadata": {"f:annotations": {f"f:{ROUTES_ANNOTATION}": {}}}}
    config_map["metadata"]["managedFields"] = [{"manager": "kubectl-edit", "operation": "Update", "fieldsV1": fields}]


@pytest.mark.parametrize("change", [without_routes, without_annotation, with_nonsense, with_other_weights])
@pytest.mark.parametrize("spec", [{}, {"suspend": True}], ids=["followed", "suspended"])
def test_a_proxy_s_configuration_that_somebody_changed_is_made_anew_of_what_has_the_traffic(
    change: Callable[[dict[str, Any]], None], spec: dict[str, Any]
) -> None:
    world = serving()
    world.edit(**spec)
    world.settle()
    stable = world.status.stable_revision
    before = world.objects["ConfigMap", "minilm-proxy"]
    changed = copy.deepcopy(before)
    change(changed)
    world.objects["ConfigMap", "minilm-proxy"] = changed
    world.now += timedelta(seconds=1)
    plan = world.passes()
    assert [type(action) for action in plan.actions] == [Replace]
    [event] = [event for event in plan.events if event.reason is Reason.RESTORED]
    assert "ConfigMap minilm-proxy was changed by" in event.message
    assert (world.routes.clusters, dict(world.routes.weights)) == ((stable,), {stable: 100})
    # Another write than the first: a proxy that has loaded what somebody wrote can't pass for one that serves this.
    assert routes_of(world) != routes_of_map(before)
    nudged = [action for action in world.passes().actions if isinstance(action, Annotate)]
    assert {action.ref.kind for action in nudged} == {"Pod"}
    assert world.status.stable_revision == stable
    world.settle()
    assert world.status.phase == ("Suspended" if spec else "Healthy")


def test_a_configuration_of_an_earlier_version_is_believed() -> None:
    world = serving()
    annotations = world.objects["ConfigMap", "minilm-proxy"]["metadata"]["annotations"]
    said = json.loads(annotations[ROUTES_ANNOTATION])
    del said["data"]
    annotations[ROUTES_ANNOTATION] = json.dumps(said)
    assert world.passes().actions == ()


def test_a_configuration_that_was_changed_while_the_traffic_is_to_move_is_put_back_first_and_told() -> None:
    world = serving()
    stable = world.status.stable_revision
    world.edit(serving=BATCH_16)
    target = up_to_ready(world)
    world.passes()
    world.proxies_read()
    world.proxies_check()
    world.meddle("ConfigMap", "minilm-proxy")
    plan = world.passes()
    assert [type(action) for action in plan.actions if not isinstance(action, Annotate)] == [Replace]
    assert dict(world.routes.weights) == {stable: 100}
    assert [event.reason for event in plan.events] == [Reason.RESTORED]
    world.settle()
    assert world.status.stable_revision == target


def routes_of(world: World) -> str:
    return routes_of_map(world.objects["ConfigMap", "minilm-proxy"])


def routes_of_map(config_map: dict[str, Any]) -> str:
    """Return the hash that tells a proxy which write it serves."""
    said: str = json.loads(config_map["metadata"]["annotations"][ROUTES_ANNOTATION])["hash"]
    return said


def test_a_deployment_that_was_changed_and_scaled_at_once_is_put_back_then_scaled() -> None:
    world = serving()
    key = "Deployment", f"minilm-{world.status.stable_revision}"
    world.meddle(*key)
    world.objects[key]["spec"]["replicas"] = 4
    assert [type(action) for action in world.passes().actions] == [Restore]
    assert [type(action) for action in world.passes().actions] == [Scale]


def test_what_the_api_server_does_not_let_us_put_back_is_not_told_as_put_back() -> None:
    world = serving()
    world.meddle("Service", "minilm")
    want, have = world.look()
    obstacle = Obstacle(kind="Service", name="minilm", reason=Reason.OBJECT_REFUSED, message="a policy")
    plan = plan_model(want, replace(have, obstacles=(obstacle,)))
    assert plan.events == ()
    assert plan.findings.trouble is not None
    assert plan.findings.trouble.reason is Reason.OBJECT_REFUSED


# --- proof before traffic ---


def test_a_missed_gate_blocks() -> None:
    world = serving()
    stable = world.status.stable_revision
    world.edit(source={"oci": {"ref": "registry.example.com/models/other:1"}})
    world.pin = OciPin(repository="registry.example.com/models/other", digest="sha256:" + "2" * 64)
    world.passes(3)
    world.build_ends(**MISSED)
    world.settle()
    assert world.revisions() == {stable}
    assert (world.status.phase, world.status.stable_revision) == ("Degraded", stable)
    assert "p1Cosine 0.9 < 0.998" in world.status.message
    [rejected] = world.status.rejected
    assert (rejected.revision, rejected.reason) == (world.status.target_revision, Reason.PARITY_MISSED)
    assert "p1Cosine 0.9 < 0.998" in rejected.message
    world.now += timedelta(minutes=1)
    world.passes()
    assert world.status.rejected == [rejected], "it is dated by when it was rejected"
    world.edit(suspend=True)
    world.passes()
    assert world.status.rejected == [rejected], "a suspended model is rejected as before"
    world.edit(suspend=False)
    world.passes()
    world.edit(gates={"parity": {"p1Cosine": "0.5"}})
    world.settle()
    assert (world.status.phase, world.status.rejected) == ("Healthy", [])


def test_a_missed_gate_holds_until_a_person_promotes() -> None:
    world, revision = held()
    assert dict(world.routes.weights) == {}
    assert f"promote {revision}" in world.status.message
    world.command(f"promote {revision} 1")
    world.settle()
    assert (world.status.phase, world.status.stable_revision) == ("Healthy", revision)
    assert world.status.last_handled_command == f"promote {revision} 1"
    assert "by a person's word though p1Cosine 0.9 < 0.998" in world.status.message


def test_a_missed_gate_that_blocks_is_passed_by_nobody() -> None:
    world = World()
    world.passes(3)
    world.build_ends(**MISSED)
    world.settle()
    reason, message = event_of(world, f"promote {world.status.target_revision} 1")
    assert reason is Reason.COMMAND_IGNORED
    assert "gates.onFailure is Block; set gates.onFailure to Hold and command it again" in message
    world.settle()
    assert world.revisions() == set()


def test_a_gate_that_the_noise_leaves_open_is_no_pass() -> None:
    world = World({"gates": {"performance": {"minSpeedup": 4.2}}})
    world.passes(3)
    world.build_ends()
    world.of("ModelBuild")[0]["status"]["result"]["latencies"][0]["speedup"] |= {"lower": "3.9", "upper": "4.5"}
    world.settle()
    assert world.revisions() == set()
    assert "minSpeedup 4.2 (95% bounds 3.9, 4.5) is not surely >= 4.2" in world.status.message


def test_a_gate_that_is_loosened_lets_the_build_through_without_another() -> None:
    world, revision = held()
    world.edit(gates={"parity": {"p1Cosine": 0.5}, "onFailure": "Hold"}, optimization={"engine": "Auto"})
    world.settle()
    assert world.status.phase == "Healthy"
    assert revision != world.status.stable_revision, "Auto chooses by the gate: another key"


def test_a_gate_beside_a_named_candidate_is_loosened_without_asking_for_the_source() -> None:
    world = World({"gates": {"onFailure": "Hold"}, "optimization": {"engine": "OpenVINO", "precision": "BF16"}})
    world.passes(3)
    world.build_ends(**MISSED)
    world.settle()
    revision = world.status.target_revision
    world.pin = PinFailed(reason=Reason.SOURCE_UNREACHABLE, message="no answer")
    world.edit(gates={"parity": {"p1Cosine": 0.5}})
    world.settle()
    assert (world.status.phase, world.status.stable_revision) == ("Healthy", revision)


def test_a_build_of_a_newer_version_is_said_with_the_fix() -> None:
    world = World()
    world.passes(3)
    (build,) = world.of("ModelBuild")
    build["status"] = {"phase": "Pending", "reason": "SpecNotUnderstood", "message": "upgrade the operator"}
    world.passes()
    name = build["metadata"]["name"]
    stalled = next(c for c in world.status.conditions if c.type == "Stalled")
    assert (stalled.reason, stalled.message) == ("SpecNotUnderstood", f"build {name}: upgrade the operator")


REPOSITORY = "registry.example.com/models/minilm"
SOURCE_WITH_SECRET = {"oci": {"ref": f"{REPOSITORY}:1", "pullSecretRef": {"name": "mine"}}}
CORRECTIONS: list[tuple[str, Manifest]] = [
    ("OutOfMemory", {"build": {"resources": {"limits": {"memory": "8Gi"}}}}),
    ("DeadlineExceeded", {"build": {"timeout": "3h"}}),
    ("SourceUnauthorized", {"source": SOURCE_WITH_SECRET}),
]


@pytest.mark.parametrize("phase", ["Failed", "Pending"])
@pytest.mark.parametrize(("reason", "fix"), CORRECTIONS)
def test_what_is_corrected_as_the_message_says_is_built_anew(phase: str, reason: str, fix: Manifest) -> None:
    world = World()
    world.passes(3)
    world.build_ends(phase=phase, reason=reason, message="why not")
    world.passes(2)
    (before,) = world.of("ModelBuild")
    if "source" in fix:
        world.pin = OciPin(repository=REPOSITORY, digest="sha256:" + "1" * 64, pull_secret="mine")  # noqa: S106 - a name
    world.edit(**fix)
    for _ in range(4):
        world.passes()
        assert "why not" not in world.status.message, "the verdict on what was corrected is none on the correction"
    (after,) = world.of("ModelBuild")
    assert after["metadata"]["name"] == before["metadata"]["name"]
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    world.passes(3)
    (same,) = world.of("ModelBuild")
    assert same["metadata"]["uid"] == after["metadata"]["uid"], "once"
    world.build_ends()
    world.settle()
    assert world.status.phase == "Healthy"


@pytest.mark.parametrize("phase", ["Running", "Succeeded"])
def test_a_build_that_runs_or_is_done_is_not_made_anew_for_its_room(phase: str) -> None:
    world = serving() if phase == "Succeeded" else World()
    world.passes(3)
    if phase == "Running":
        world.build_ends(phase="Running", reason="Building", message="convert runs")
    before = [build["metadata"]["uid"] for build in world.of("ModelBuild")]
    world.edit(build={"timeout": "3h"})
    world.passes(4)
    assert [build["metadata"]["uid"] for build in world.of("ModelBuild")] == before


def test_a_build_that_another_model_needs_too_is_left_as_it_is() -> None:
    world = World()
    world.passes(3)
    world.build_ends(phase="Failed", reason="OutOfMemory", message="why not")
    (build,) = world.of("ModelBuild")
    build["metadata"]["ownerReferences"].append({**build["metadata"]["ownerReferences"][0], "uid": "another"})
    world.passes(2)
    assert "another model" not in world.status.message
    world.edit(build={"timeout": "3h"})
    world.passes(4)
    assert world.of("ModelBuild")[0]["metadata"]["uid"] == build["metadata"]["uid"]
    told = "another model needs this build too: what is corrected reaches it by the command retry"
    assert told in world.status.message


def test_a_failed_build_leaves_stable_alone() -> None:
    world = serving()
    stable = world.status.stable_revision
    world.edit(task="Embedding")
    world.passes(3)
    world.build_ends(phase="Failed", reason="OutOfMemory", message="asked for 6 GiB")
    world.settle()
    assert (world.status.phase, world.status.stable_revision) == ("Degraded", stable)
    assert "asked for 6 GiB" in world.status.message


# --- candidates that can't be ---


def starting() -> tuple[World, str, str]:
    """Return a world with a candidate whose pods have no node yet; stable's name, and the candidate's."""
    world = serving()
    stable = world.status.stable_revision
    world.edit(serving=BATCH_16)
    for _ in range(3):
        world.passes()
        world.build_ends()
        world.controllers()
    return world, stable, world.status.target_revision


def test_a_golden_sample_that_answers_differently_rejects_and_is_remembered() -> None:
    world, stable, candidate = starting()
    world.schedule()
    world.crash(candidate, GOLDEN)
    world.settle()
    assert (world.status.stable_revision, world.revisions()) == (stable, {stable})
    (rejected,) = world.status.rejected
    assert (rejected.revision, rejected.reason) == (candidate, "GoldenMismatch")
    assert "cosine 0.41" in rejected.message
    assert world.passes().actions == ()


def test_a_server_with_known_exploits_rejects_with_the_fix() -> None:
    world, stable, candidate = starting()
    world.schedule()
    world.crash(candidate, INSECURE)
    world.settle()
    (rejected,) = world.status.rejected
    assert (world.status.stable_revision, rejected.reason) == (stable, "InsecureServer")
    assert "name an image of 26.07 or later in images.triton" in world.status.message


def test_the_last_words_of_a_pod_that_was_told_to_go_reject_nothing() -> None:
    """A drain of its node ends a server that starts, which may say anything then; the pod in its place decides."""
    world, _, candidate = starting()
    world.schedule()
    world.crash(candidate, GOLDEN)
    (pod,) = world.pods({REVISION_LABEL: candidate})
    pod["metadata"]["deletionTimestamp"] = world.now.isoformat()
    world.passes(2)
    assert world.status.rejected == []
    world.delete("Pod", pod["metadata"]["name"])
    world.settle()
    assert (world.status.phase, world.status.stable_revision) == ("Healthy", candidate)


def test_who_answers_differently_gets_nothing_in_the_same_pass_although_it_is_ready_again() -> None:
    world = serving()
    old = world.status.stable_revision
    world.edit(serving=BATCH_16)
    new = up_to_ready(world)
    world.proxies_check()
    world.crash(new, GOLDEN)
    world.ready(new)
    world.proxies_check()
    world.passes()
    assert dict(world.routes.weights) == {old: 100}
    world.settle()
    assert dict(world.routes.weights) == {old: 100}
    assert world.status.rejected[0].revision == new


def test_who_is_rejected_is_not_scaled_first() -> None:
    """Two writes to one object in one pass: the second would meet the first."""
    world, stable, candidate = starting()
    world.schedule()
    world.crash(candidate, GOLDEN)
    world.edit(serving=BATCH_16 | {"replicas": 2})
    world.settle()
    assert world.revisions() == {stable}
    assert world.status.rejected[0].revision == candidate


def test_a_rejection_is_forgotten_when_the_spec_changes() -> None:
    world, _, candidate = starting()
    world.schedule()
    world.crash(candidate, GOLDEN)
    world.settle()
    world.edit(serving={})
    world.settle()
    world.edit(serving=BATCH_16)
    world.settle()
    assert (world.status.phase, world.status.stable_revision) == ("Healthy", candidate)


def test_no_room_is_said_and_is_no_rejection_however_long() -> None:
    world, stable, candidate = starting()
    for pod in world.of("Pod"):
        if "podIP" not in pod["status"]:
            pod["status"]["conditions"][0] |= {"reason": "Unschedulable", "message": "0/1 nodes: too little memory"}
    world.later(hours=5)
    world.passes()
    assert (world.status.stable_revision, world.status.rejected) == (stable, [])
    assert next(c.reason for c in world.status.conditions if c.type == "Reconciling") == "NoRoom"
    assert (world.status.phase, "Stalled" in {c.type for c in world.status.conditions}) == ("Progressing", False)
    world.settle()
    assert world.status.stable_revision == candidate


@pytest.mark.parametrize(
    ("words", "phase", "reason", "fix"),
    [
        ("exceeded quota: team", "Progressing", "NoRoom", "raise the quota, or lower serving.resources"),
        ("violates PodSecurity", "Degraded", "ObjectRefused", "correct serving.pod or serving.resources"),
    ],
)
def test_servers_that_no_pod_can_be_made_for_say_why_and_are_no_rejection(
    words: str, phase: str, reason: str, fix: str
) -> None:
    world, stable, candidate = starting()
    (deployment,) = [d for d in world.of("Deployment") if d["metadata"]["name"].endswith(candidate)]
    for pod in world.of("Pod"):
        if "podIP" not in pod["status"]:
            world.delete("Pod", pod["metadata"]["name"])
    message = f'pods "minilm-x" is forbidden: {words}'
    deployment["status"] = {"conditions": [{"type": "ReplicaFailure", "status": "True", "message": message}]}
    world.later(hours=5)
    world.passes()
    assert (world.status.phase, world.status.stable_revision, world.status.rejected) == (phase, stable, [])
    assert next(c.reason for c in world.status.conditions if c.type == "Ready") == reason
    for said in (f"no pod can be made for revision {candidate}: forbidden: {words}", fix, "17 minutes"):
        assert world.status.message.count(said) == 1


@pytest.mark.parametrize(
    ("words", "phase", "reason", "told"),
    [
        (
            '{"reason": "ArtifactGone", "message": "r/n/b has no sha256:1"}',
            "Degraded",
            "ArtifactGone",
            "r/n/b has no sha256:1; command `retry <revision> <nonce>` to build it anew",
        ),
        (
            '{"reason": "RegistryUnreachable", "message": "no answer"}',
            "Progressing",
            "RegistryUnreachable",
            "no answer; check registry.external.push",
        ),
        (
            '{"reason": "RegistryUnauthorized", "message": "HTTP 401"}',
            "Degraded",
            "RegistryUnauthorized",
            "HTTP 401; correct the Secret here that registry.external.pullSecret of the chart names",
        ),
        ("", "Degraded", "PodsNotReady", "(exit code 1); mend what `kubectl logs {pod} --container=pull` says"),
    ],
)
def test_a_server_whose_artifact_cannot_be_pulled_says_why(words: str, phase: str, reason: str, told: str) -> None:
    world = serving()
    stable = world.status.stable_revision
    world.edit(serving={"replicas": 2})
    world.passes()
    world.controllers()
    world.schedule()
    (pod,) = [pod for pod in world.of("Pod") if pod_view(pod).ip and not pod_view(pod).ready]
    end = {"terminated": {"exitCode": 1, "message": words}}
    waits = {"waiting": {"reason": "CrashLoopBackOff"}}
    pod["status"]["initContainerStatuses"] = [{"name": "pull", "image": "o:1", "state": waits, "lastState": end}]
    world.passes(2)
    assert (world.status.phase, world.status.stable_revision, world.status.rejected) == (phase, stable, [])
    conditions = {c.type: c for c in world.status.conditions}
    assert (conditions["Ready"].reason, conditions["Serving"].status) == (reason, "True")
    assert told.format(pod=pod["metadata"]["name"]) in world.status.message
    pod["status"]["initContainerStatuses"] = [
        {"name": "pull", "image": "o:1", "state": {"terminated": {"exitCode": 0}}, "lastState": end}
    ]
    world.settle()
    assert world.status.phase == "Healthy"


def test_a_server_killed_for_memory_says_what_to_raise() -> None:
    world, stable, candidate = starting()
    world.schedule()
    world.crash(candidate, reason="OOMKilled")
    world.passes()
    assert next(c.reason for c in world.status.conditions if c.type == "Ready") == "OutOfMemory"
    assert "raise serving.resources.limits.memory" in world.status.message
    assert (world.status.stable_revision, world.status.rejected) == (stable, [])


def test_the_progress_deadline_counts_from_the_node() -> None:
    world, stable, candidate = starting()
    world.later(hours=5)
    world.schedule()
    world.passes()
    world.proxies_read()
    plan = world.passes()
    assert plan.requeue_after == timedelta(minutes=15)
    assert world.status.rejected == []
    world.later(minutes=16)
    world.passes(2)
    (rejected,) = world.status.rejected
    assert (rejected.revision, rejected.reason) == (candidate, "ProgressDeadlineExceeded")
    assert world.status.stable_revision == stable


def test_an_image_that_no_node_can_pull_is_named_by_the_rejection() -> None:
    world, _, candidate = starting()
    world.schedule()
    waiting = {"reason": "ImagePullBackOff", "message": "not found"}
    for pod in world.pods({"modelyard.dev/revision": candidate}):
        pod["status"]["containerStatuses"] = [{"name": "triton", "image": "triton:1", "state": {"waiting": waiting}}]
    world.passes()
    assert "triton (triton:1): not found" in world.status.message
    world.later(minutes=16)
    world.passes(2)
    assert world.status.rejected[0].reason == "ImageNotPullable"


# --- healing ---


@pytest.mark.parametrize("kind", ["Deployment", "Service", "ConfigMap"])
@pytest.mark.parametrize("component", ["triton", "proxy"])
def test_what_is_deleted_comes_back(kind: str, component: str) -> None:
    world = serving()
    before = world.status.stable_revision, dict(world.routes.weights)
    for thing in world.of(kind):
        if thing["metadata"]["labels"]["modelyard.dev/component"] == component:
            world.delete(kind, thing["metadata"]["name"])
    assert told(world.passes().actions)[0] == f"Create {kind}"
    world.settle()
    assert (world.status.stable_revision, dict(world.routes.weights)) == before


def test_the_only_ready_revision_is_not_stopped_even_without_weight() -> None:
    """Stable's pods are all gone, and the one that retires is the last that could answer."""
    world = serving()
    old = world.status.stable_revision
    world.edit(serving=BATCH_16)
    up_to_ready(world)
    world.proxies_check()
    world.passes()
    world.proxies_read()
    world.passes()
    world.crash(world.status.stable_revision)
    world.later(minutes=5)
    for _ in range(3):
        world.passes()
        world.proxies_read()
    assert old in world.revisions()


def test_a_name_that_is_taken_is_said_and_tried_again() -> None:
    world = World()
    world.passes()
    want, have = world.look()
    obstacle = Obstacle(kind="Service", name="minilm", reason=Reason.NAME_TAKEN, message="Service minilm: not ours")
    plan: Plan = plan_model(want, replace(have, obstacles=(obstacle,)))
    status = status_of(want, have, plan)
    assert (status.phase, status.message) == (
        "Degraded",
        "Service minilm: not ours; rename the model, or delete or rename that object",
    )
    assert plan.requeue_after is not None


def test_a_build_that_somebody_deleted_comes_back_and_nothing_moves() -> None:
    world = serving()
    (build,) = world.of("ModelBuild")
    world.delete("ModelBuild", build["metadata"]["name"])
    assert told(world.passes().actions) == ["Create ModelBuild"]
    complete = next(c for c in world.status.conditions if c.type == "RolloutComplete")
    assert (complete.status, world.status.phase) == ("True", "Progressing")
    world.settle()
    assert world.status.phase == "Healthy"


def test_a_build_of_other_inputs_under_our_name_is_said() -> None:
    world = World()
    world.passes(3)
    world.of("ModelBuild")[0]["spec"]["key"] = "f" * 64
    world.passes()
    assert world.status.phase == "Degraded"
    assert "was made from other inputs; delete it" in world.status.message


# --- commands ---


def event_of(world: World, command: str) -> tuple[Reason, str]:
    """Write a command, run a pass, and return what it is told as."""
    world.command(command)
    (event,) = world.passes().events
    assert world.status.last_handled_command == command
    assert world.passes().events == (), "done once"
    return event.reason, event.message


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("promote {0} 1", "no gate holds it"),
        ("retry {0} 1", "nothing of it failed"),
        ("rollback {0} 1", "it is the target already"),
        ("rollback 00000000 1", "kept are {0}"),
        ("promote 00000000 1", "the target is {0}"),
        ("refresh 00000000 1", "the target is {0}"),
        ("pause {0} 1", "means nothing in a roll-out of one step; promote, retry, rollback, refresh do"),
        ("promote-full {0} 1", "means nothing in a roll-out of one step"),
        ("dance {0} 1", "write '<verb> <revision> <nonce>'"),
        ("promote", "write '<verb> <revision> <nonce>'"),
    ],
)
def test_a_command_that_means_nothing_here_says_so(command: str, words: str) -> None:
    world = serving()
    revision = world.status.stable_revision
    reason, message = event_of(world, command.format(revision))
    assert reason is Reason.COMMAND_IGNORED
    assert words.format(revision) in message
    assert world.passes().actions == ()


def test_rollback_stays_until_the_spec_changes() -> None:
    world = serving()
    first = world.status.stable_revision
    world.edit(serving=BATCH_16)
    world.settle()
    reason, _ = event_of(world, f"rollback {first} 1")
    assert reason is Reason.COMMAND_DONE
    world.settle()
    assert (world.status.phase, world.status.stable_revision) == ("Healthy", first)
    assert f"by the command 'rollback {first} 1' until the spec changes" in world.status.message
    assert world.passes().actions == ()
    world.edit(serving={"batching": {"maxBatchSize": 4}})
    world.settle()
    assert world.status.stable_revision != first
    assert "command" not in world.status.message


def test_what_has_served_is_rolled_back_to_whatever_the_gates_are_by_now() -> None:
    world = serving()
    first = world.status.stable_revision
    world.edit(serving=BATCH_16, gates={"performance": {"minSpeedup": 0}})
    world.settle()
    world.edit(serving=BATCH_16, gates={"performance": {"minSpeedup": 900}})
    world.settle()
    event_of(world, f"rollback {first} 1")
    world.settle()
    assert (world.status.phase, world.status.stable_revision) == ("Healthy", first)
    assert "by a person's word though minSpeedup" in world.status.message
    assert world.passes().actions == ()


def test_what_never_served_is_held_by_the_gates_after_a_rollback_too() -> None:
    world = serving()
    first = world.status.stable_revision
    pin = world.pin
    world.edit(source={"oci": {"ref": "registry.example.com/models/other:1"}})
    world.pin = OciPin(repository="registry.example.com/models/other", digest="sha256:" + "2" * 64)
    world.passes(3)
    world.build_ends(**MISSED)
    world.settle()
    missed = world.status.target_revision
    world.pin = pin
    world.edit()
    world.settle()
    event_of(world, f"rollback {missed} 1")
    world.settle()
    assert missed != first
    assert (world.status.phase, world.status.stable_revision, world.status.target_revision) == (
        "Degraded",
        first,
        missed,
    )


def test_what_was_rolled_back_to_may_be_asked_for_by_the_spec() -> None:
    world = serving()
    first = world.status.stable_revision
    world.edit(serving=BATCH_16)
    world.settle()
    event_of(world, f"rollback {first} 1")
    world.settle()
    world.edit(serving={})
    world.settle()
    assert (world.status.phase, world.status.stable_revision) == ("Healthy", first)
    assert "command" not in world.status.message


def test_rollback_works_out_of_a_source_that_is_gone() -> None:
    world = serving()
    first = world.status.stable_revision
    world.pin = PinFailed(reason=Reason.SOURCE_NOT_FOUND, message="no such tag")
    world.edit(source={"oci": {"ref": "registry.example.com/models/gone:1"}})
    world.passes()
    world.edit()
    world.command(f"rollback {first} 1")
    world.settle()
    assert world.status.stable_revision == first


def test_retry_builds_again_and_names_another_revision() -> None:
    world = World()
    world.passes(3)
    world.build_ends(phase="Failed", reason="PodLost")
    world.settle()
    failed = world.status.target_revision
    world.command(f"retry {failed} 1")
    plans = [world.passes() for _ in range(2)]
    # In one pass: a model that shares the build wakes as soon as it is gone, and makes the former attempt again.
    assert [Delete, Create] in [[type(action) for action in plan.actions] for plan in plans]
    world.settle()
    assert world.status.phase == "Healthy"
    assert world.status.stable_revision != failed
    (build,) = world.of("ModelBuild")
    assert build["spec"]["attempt"] == 2


def test_retry_builds_again_what_is_gone_from_the_registry_while_it_serves() -> None:
    world = serving()
    first = world.status.stable_revision
    world.artifact = ArtifactDoubt(gone=True, message="the registry no longer has its artifact")
    reason, _ = event_of(world, f"retry {first} 1")
    assert reason is Reason.COMMAND_DONE
    world.passes(3)
    assert (world.status.stable_revision, world.ready_pods(first)) == (first, 1), "it goes on meanwhile"
    (build,) = world.of("ModelBuild")
    assert (build["spec"]["attempt"], "status" in build) == (2, False)
    world.settle()
    assert world.status.phase == "Healthy"
    assert world.status.stable_revision != first


@pytest.mark.parametrize("doubt", [None, ArtifactDoubt(gone=False, message="the registry doesn't answer")])
def test_retry_of_what_nobody_knows_to_be_gone_is_ignored(doubt: ArtifactDoubt | None) -> None:
    world = serving()
    world.artifact = doubt
    reason, message = event_of(world, f"retry {world.status.stable_revision} 1")
    assert reason is Reason.COMMAND_IGNORED
    assert message.endswith(f"nothing of it failed; {doubt.message}" if doubt else "nothing of it failed")


def test_the_registry_is_asked_for_a_retry_of_the_target_alone() -> None:
    world = serving()
    first = world.status.stable_revision
    (build,) = world.of("ModelBuild")
    asked = {}
    for command in (f"retry {first} 1", "retry 00000000 1", f"rollback {first} 1", "nonsense"):
        world.command(command)
        asked[command] = retried_build(*world.look())
    assert asked == {command: build["metadata"]["name"] if command == f"retry {first} 1" else None for command in asked}
    world.command(f"retry {first} 1")
    world.edit(suspend=True)
    assert retried_build(*world.look()) is None, "it waits"


@pytest.mark.parametrize(
    ("cpu", "instances"), [("100m", 1), ("1500m", 2), (3, 3), ("2.5", 3), ("1k", 256), ("1Ki", 256), ("0", 1)]
)
def test_one_copy_a_core_whatever_the_core_is_counted_in(cpu: str | int, instances: int) -> None:
    world = World({"serving": {"resources": {"requests": {"cpu": cpu}}}})
    world.settle()
    (record,) = world.of("ControllerRevision")
    assert record["data"]["serving"]["instances"] == instances


def test_refresh_resolves_anew() -> None:
    world = serving()
    first = world.status.stable_revision
    world.pin = OciPin(repository="registry.example.com/models/minilm", digest="sha256:" + "9" * 64)
    event_of(world, f"refresh {first} 1")
    world.settle()
    assert world.status.stable_revision != first


def test_a_refresh_that_finds_no_source_changes_nothing() -> None:
    world = serving()
    world.pin = PinFailed(reason=Reason.SOURCE_UNREACHABLE, message="no answer")
    reason, message = event_of(world, f"refresh {world.status.stable_revision} 1")
    assert reason is Reason.COMMAND_IGNORED
    assert "no answer; nothing is changed" in message
    assert world.status.phase == "Healthy"


# --- history ---


def test_history_keeps_as_many_as_asked_and_lets_their_builds_go() -> None:
    world = World({"rollout": {"revisionHistoryLimit": 1}})
    world.settle()
    for digit in "23456":
        world.pin = OciPin(repository="registry.example.com/models/minilm", digest="sha256:" + digit * 64)
        world.edit(task="Embedding" if int(digit) % 2 else "Auto")
        world.settle()
    assert len(world.of("ControllerRevision")) == 2
    owned = [b for b in world.of("ModelBuild") if b["metadata"].get("ownerReferences")]
    assert len(owned) == 2


def test_history_within_the_limit_is_kept() -> None:
    world = serving()
    for size in (4, 16):
        world.edit(serving={"batching": {"maxBatchSize": size}})
        world.settle()
    assert len(world.of("ControllerRevision")) == 3


def test_a_build_is_let_go_before_nobody_knows_of_it() -> None:
    world = World({"rollout": {"revisionHistoryLimit": 0}})
    world.settle()
    world.pin = OciPin(repository="registry.example.com/models/minilm", digest="sha256:" + "2" * 64)
    world.edit(task="Embedding")
    kinds: list[type[Action]] = []
    while Delete not in kinds:
        kinds = [
            type(a)
            for a in world.passes().actions
            if isinstance(a, Disown) or (isinstance(a, Delete) and a.ref.kind == "ControllerRevision")
        ]
        world.everything_happens()
        world.later(seconds=5)
    assert kinds == [Disown, Delete]
