"""A Hypothesis machine over the planner: anything may happen in any order, and what must hold, holds after each pass.

The order of the world is Hypothesis' to choose: builds end or miss their gates, pods come, crash and vanish, proxies
read their files late, the operator dies between two actions, people edit, command and delete.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from modelyard.naming import REVISION_LABEL, ROUTES_ANNOTATION
from modelyard.planner import plan_model
from modelyard.reasons import Reason
from modelyard.routes import Routes
from modelyard.snapshot import OciPin
from modelyard.state import Action, Apply, Delete, Desired, Images, Observed, PinFailed, Scale
from tests.modelyard.planner.world import World

REPOSITORY = "registry.example.com/models/minilm"
GOLDEN = '{"reason": "GoldenMismatch", "message": "sample 3 answers 0.41 cosine"}'
BATCHES = st.sampled_from([8, 16, 32])
MISSED = {"p1Cosine": "0.9"}


class Yard(RuleBasedStateMachine):
    """One model, and everything that may happen to it."""

    def __init__(self) -> None:
        """Begin without a world; ``begin`` makes it."""
        super().__init__()
        self.world = World()
        self.upgrades = 0
        self.slow = 0  # the number of a proxy that doesn't read its files
        self.sick = 0  # of one that doesn't check its revisions

    @initialize(replicas=st.integers(1, 2), hold=st.booleans(), served=st.booleans())
    def begin(self, *, replicas: int, hold: bool, served: bool) -> None:
        """Apply a model; half of the time it serves already."""
        gates = {"onFailure": "Hold" if hold else "Block"}
        self.world = World({"serving": {"replicas": replicas}, "gates": gates, "rollout": {"progressDeadline": "60s"}})
        if served:
            self.world.settle()

    # --- the operator ---

    @rule()
    def a_pass(self) -> None:
        """Run a pass, and hold its plan against the promises."""
        want, have = self.world.look()
        plan = self.world.passes()
        keeps_promises(want, have, plan.actions, self.world)

    @rule(actions=st.integers(0, 4))
    def the_operator_is_killed_in_a_pass(self, actions: int) -> None:
        """Carry only some of a plan out, and write no status."""
        want, have = self.world.look()
        plan = plan_model(want, have)
        keeps_promises(want, have, plan.actions, self.world)
        self.world.carry_out(plan, only=actions)

    @rule()
    def the_operator_is_upgraded(self) -> None:
        """Come back with other images: nothing that runs may notice."""
        self.upgrades += 1
        self.world.defaults = replace(
            self.world.defaults,
            images=Images(
                operator=f"operator:{self.upgrades}",
                runtime=f"runtime:{self.upgrades}",
                triton=f"triton:{self.upgrades}",
                envoy=f"envoy:{self.upgrades}",
            ),
        )

    # --- the world ---

    @rule(number=st.integers(0, 2), checks=st.booleans())
    def a_proxy_lags(self, number: int, *, checks: bool) -> None:
        """From now on one proxy (0: none) doesn't get around to its files, or to its checks."""
        self.slow = 0 if checks else number
        self.sick = number if checks else 0

    @rule(rounds=st.integers(1, 8))
    def the_world_goes_on(self, rounds: int) -> None:
        """Let everything happen for a while, but for the proxy that lags."""
        for _ in range(rounds):
            self.a_pass()
            self.world.build_ends()
            self.world.controllers()
            self.world.schedule()
            self.world.ready()
            for number, name in enumerate(self.world.live_proxies(), 1):
                if number != self.slow:
                    self.world.proxy_reads(name)
            self.world.proxies_check(but=self.sick)
            self.world.later(seconds=5)

    @rule(seconds=st.sampled_from([1, 20, 45]))
    def time_passes(self, seconds: int) -> None:
        """Let time pass."""
        self.world.later(seconds=seconds)

    @rule(misses=st.booleans())
    def the_build_succeeds(self, *, misses: bool) -> None:
        """End it well, or below a gate."""
        self.world.build_ends(**(MISSED if misses else {}))

    @rule()
    def the_build_fails(self) -> None:
        """End it badly."""
        self.world.build_ends(phase="Failed")

    @rule()
    def pods_are_made(self) -> None:
        """Let the controllers of Deployments work."""
        self.world.controllers()

    @rule(component=st.sampled_from(["triton", "proxy", None]))
    def pods_get_nodes(self, component: str | None) -> None:
        """Let the scheduler work."""
        self.world.schedule(component)

    @rule(component=st.sampled_from(["triton", "proxy", None]))
    def pods_get_ready(self, component: str | None) -> None:
        """Let the kubelets work."""
        self.world.ready(component=component)

    @precondition(lambda self: self.world.revisions())
    @rule(data=st.data(), words=st.sampled_from(["", GOLDEN]))
    def a_server_crashes(self, data: st.DataObject, words: str) -> None:
        """Let a revision's pods end."""
        self.world.crash(data.draw(st.sampled_from(sorted(self.world.revisions()))), words)

    @precondition(lambda self: self.world.live_proxies())
    @rule(data=st.data())
    def a_proxy_reads_its_files(self, data: st.DataObject) -> None:
        """Let one proxy catch up."""
        self.world.proxy_reads(data.draw(st.sampled_from(self.world.live_proxies())))

    @rule()
    def proxies_check_health(self) -> None:
        """Let every proxy look at its revisions."""
        self.world.proxies_check()

    # --- people ---

    @rule(batch=BATCHES)
    def the_spec_changes(self, batch: int) -> None:
        """Ask for another revision, or for one that was."""
        self.world.edit(serving=self.world.model["spec"]["serving"] | {"batching": {"maxBatchSize": batch}})

    @rule(replicas=st.integers(1, 3))
    def the_model_is_scaled(self, replicas: int) -> None:
        """Ask for more or fewer pods."""
        self.world.edit(serving=self.world.model["spec"]["serving"] | {"replicas": replicas})

    @rule(suspend=st.booleans())
    def the_model_is_suspended(self, *, suspend: bool) -> None:
        """Freeze it, or not."""
        self.world.edit(suspend=suspend)

    @rule(digit=st.sampled_from("12"))
    def the_source_moves(self, digit: str) -> None:
        """Let the tag point elsewhere."""
        self.world.pin = OciPin(repository=REPOSITORY, digest="sha256:" + digit * 64)

    @rule()
    def the_source_is_away(self) -> None:
        """Let the registry of the source be down."""
        self.world.pin = PinFailed(reason=Reason.SOURCE_UNREACHABLE, message="no answer")

    @rule(data=st.data(), verb=st.sampled_from(["promote", "retry", "rollback", "refresh", "abort", "nonsense"]))
    def somebody_commands(self, data: st.DataObject, verb: str) -> None:
        """Write a command, for a revision that is or was, or for none."""
        known = sorted({record.snapshot.revision for record in self.world.look()[1].records})
        revision = data.draw(st.sampled_from([*known, "00000000"]))
        self.world.command(f"{verb} {revision} {self.world.model['metadata']['generation']}")

    @rule(data=st.data(), kind=st.sampled_from(["Deployment", "Service", "ConfigMap", "Pod", "ModelBuild"]))
    def somebody_deletes_something(self, data: st.DataObject, kind: str) -> None:
        """Delete one of our objects by hand."""
        names = [o["metadata"]["name"] for o in self.world.of(kind)]
        if names:
            self.world.delete(kind, data.draw(st.sampled_from(names)))

    # --- what always holds ---

    @invariant()
    def every_share_has_its_build(self) -> None:
        """No revision has weight whose build was never made: its record names one that passed, or was promoted."""
        records = {record["metadata"]["labels"][REVISION_LABEL] for record in self.world.of("ControllerRevision")}
        for config_map in self.world.of("ConfigMap"):
            if config_map["metadata"]["name"].endswith("-proxy"):
                assert set(routes_in(config_map).weights) <= records

    def teardown(self) -> None:
        """Leave the world alone, with a source and without suspension: it comes to rest, and stays there."""
        world = self.world
        world.pin = OciPin(repository=REPOSITORY, digest="sha256:" + "3" * 64)
        world.edit(suspend=False, serving=world.model["spec"]["serving"] | {"batching": {"maxBatchSize": 64}})
        for build in world.of("ModelBuild"):
            world.delete("ModelBuild", build["metadata"]["name"])
        world.settle()
        assert world.status.phase == "Healthy", world.status
        assert world.revisions() == {world.status.target_revision} == {world.status.stable_revision}
        assert dict(world.routes.weights) == {world.status.stable_revision: 100}
        writes, objects = world.writes, dict(world.objects)
        plan = world.passes()
        assert (plan.actions, plan.requeue_after) == ((), None)
        assert (world.writes, world.objects) == (writes, objects), "a model at rest is written to"
        assert world.ready_pods(world.status.stable_revision) == world.spec.serving.replicas
        self.the_operator_is_upgraded()
        assert world.passes().actions == (), "an upgrade moves no model"


def keeps_promises(want: Desired, have: Observed, actions: tuple[Action, ...], world: World) -> None:
    """Hold a plan's actions against the promises, as the world was when it was made."""
    written = have.proxy.routes or Routes()
    for action in actions:
        if isinstance(action, Delete):
            deletes_only_what_is_not_needed(action, want, have, world)
        if isinstance(action, Scale) and REVISION_LABEL in labels(action, world):
            assert action.replicas == world.spec.serving.replicas, "capacity is what the spec says"
        if isinstance(action, Apply) and action.manifest["kind"] == "ConfigMap":
            following = routes_in(action.manifest)
            if following.holder != written.holder:
                earned(following, want, have, world)
            for name in following.weights:
                assert name in following.clusters
    if world.spec.suspend:
        assert not any(isinstance(action, Apply) and action.manifest["kind"] == "ConfigMap" for action in actions)


def deletes_only_what_is_not_needed(action: Delete, want: Desired, have: Observed, world: World) -> None:
    """Hold one deletion against: stable serves; a pod stops only after its routes are gone; never the only one."""
    revision = labels(action, world).get(REVISION_LABEL)
    if action.ref.kind not in {"Deployment", "Service", "ConfigMap"} or revision is None:
        return
    assert revision not in (have.proxy.routes or Routes()).weights, "it has weight"
    for replica in have.proxy.replicas:
        assert revision not in world.proxies[replica.pod].routes.clusters, "a proxy still knows it"
    rejected = {r.snapshot.revision for r in have.records if r.rejection}
    able = {name for name, view in have.revisions.items() if view.ready_replicas} - rejected
    assert able != {revision}, "it is the only one that is ready"
    assert have.proxy.written_at is None or not written_lately(want, have, revision), "it retires after a delay"


def written_lately(want: Desired, have: Observed, revision: str) -> bool:
    """Return whether the revision lost its weight less than the delay ago."""
    lost = want.status.stable_revision == revision
    return lost and have.proxy.written_at is not None and have.now - have.proxy.written_at < want.defaults.retire_delay


def earned(following: Routes, want: Desired, have: Observed, world: World) -> None:
    """Hold a change of who has the traffic against: proof, capacity and health before weight."""
    holder = following.holder
    assert holder is not None, "nobody is left without a server"
    view = have.revisions[holder]
    record = next(r for r in reversed(have.records) if r.snapshot.revision == holder)
    result = have.builds[record.snapshot.build_name].result
    assert result is not None
    assert result.figures["p1Cosine"].value != MISSED["p1Cosine"] or record.promoted, "unproven"
    assert record.rejection is None, "rejected"
    assert view.ready_replicas >= world.spec.serving.replicas, "not ready"
    assert have.proxy.replicas
    assert all(holder in replica.healthy for replica in have.proxy.replicas), "not healthy in every proxy"
    assert all(replica.routes_hash == have.proxy.routes_hash for replica in have.proxy.replicas), "not verified"
    assert want.generation == have.records[-1].generation or not world.spec.suspend


def routes_in(manifest: dict[str, Any]) -> Routes:
    """Return the routes that a proxy's ConfigMap holds."""
    said = json.loads(manifest["metadata"]["annotations"][ROUTES_ANNOTATION])
    return Routes(clusters=tuple(said["clusters"]), weights=said["weights"])


def labels(action: Delete | Scale, world: World) -> dict[str, str]:
    """Return the labels of the object that an action is about."""
    found = world.objects.get((action.ref.kind, action.ref.name), {"metadata": {}})
    return dict(found["metadata"].get("labels", {}))
