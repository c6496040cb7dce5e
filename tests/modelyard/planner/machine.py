"""A Hypothesis machine over the planner: anything may happen in any order, and what must hold, holds after each pass.

The order of the world is Hypothesis' to choose: builds end or miss their gates, pods come, crash and vanish, proxies
read their files late, the operator dies between two actions, people edit, command and delete.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import wraps
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from modelyard.naming import REJECTED_ANNOTATION, REVISION_LABEL, ROUTES_ANNOTATION
from modelyard.pins import OciPin
from modelyard.reasons import Reason
from modelyard.routes import Routes
from modelyard.state.desired import Desired, Images
from modelyard.state.observed import Observed, PinFailed
from modelyard.state.plan import Amend, Apply, Create, Delete, Plan, Scale, Truth
from modelyard.views.meddling import OURS_ALONE
from tests.modelyard.planner.world import START, World

REPOSITORY = "registry.example.com/models/minilm"
GOLDEN = '{"reason": "GoldenMismatch", "message": "sample 3 answers 0.41 cosine"}'
BATCHES = (8, 16, 32)
SOURCES = st.sampled_from("1123")
MISSED = {"p1Cosine": "0.9"}


def happening(**drawn: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Any]:
    """Declare a rule that may come amid a roll-out, and after which the world goes on for a while.

    Left to chance alone, most of what may happen would meet a model at rest, and nothing would come of it.
    """

    def declared(does: Callable[..., None]) -> Any:
        @wraps(does)
        def then(self: Yard, *, amid: tuple[str, int] | None, rounds: int, seconds: int, **values: Any) -> None:
            if amid:
                source, begun = amid
                self.rolls_out(source, step=1)
                self.goes_on(begun, seconds)
            does(self, **values)
            self.goes_on(rounds, seconds)

        drawn.update(amid=st.none() | st.tuples(SOURCES, st.integers(0, 8)))
        drawn.update(rounds=st.integers(0, 7), seconds=st.sampled_from([1, 6, 20]))
        return rule(**drawn)(then)  # type: ignore[call-overload]  # its keywords are the rule's to name

    return declared


def trouble(**drawn: st.SearchStrategy[Any]) -> Callable[[Callable[..., Callable[[], None]]], Any]:
    """Declare a happening that ends by itself, by what the rule returns: in a world that stays bad nothing moves."""

    def declared(begins: Callable[..., Callable[[], None]]) -> Any:
        @wraps(begins)
        def then(self: Yard, *, lasts: int, **values: Any) -> None:
            self.troubles.append((self.rounds + lasts, begins(self, **values)))

        return happening(**{"lasts": st.integers(1, 8)} | drawn)(then)

    return declared


class Yard(RuleBasedStateMachine):
    """One model, and everything that may happen to it."""

    def __init__(self) -> None:
        """Begin without a world; ``begin`` makes it."""
        super().__init__()
        self.world = World()
        self.promises = Promises(self.world)
        self.rounds = 0
        self.troubles: list[tuple[int, Callable[[], None]]] = []  # the round in which each ends, and how
        self.upgrades = self.commands = 0
        self.slow = 0  # the number of a proxy that doesn't read its files
        self.sick = 0  # of one that doesn't check its revisions
        self.builds = self.servers = "good"
        self.down: set[str] = set()  # revisions whose servers don't come up again
        self.source = "1"

    @initialize(replicas=st.integers(1, 2), hold=st.booleans(), served=st.booleans())
    def begin(self, *, replicas: int, hold: bool, served: bool) -> None:
        """Apply a model; half of the time it serves already."""
        gates = {"onFailure": "Hold" if hold else "Block"}
        self.world = World({"serving": {"replicas": replicas}, "gates": gates, "rollout": {"progressDeadline": "60s"}})
        self.promises = Promises(self.world)
        self.world.watch = self.promises.hold
        if served:
            self.world.settle()

    # --- the operator ---

    @happening(actions=st.integers(0, 4))
    def the_operator_is_killed_in_a_pass(self, actions: int) -> None:
        """Carry only some of a plan out, and write no status."""
        self.world.carry_out(self.world.planned(*self.world.look()), only=actions)

    @happening()
    def the_operator_is_upgraded(self) -> None:
        """Come back with other images: nothing that runs may notice."""
        self.upgrades += 1
        names = {name: f"{name}:{self.upgrades}" for name in ("operator", "runtime", "triton", "envoy")}
        self.world.defaults = replace(self.world.defaults, images=Images(**names))

    # --- the world ---

    @trouble(files=st.booleans(), number=st.integers(1, 2))
    def a_proxy_lags(self, *, files: bool, number: int) -> Callable[[], None]:
        """Keep one proxy from its files, or from its checks."""
        self.slow, self.sick = (number, 0) if files else (0, number)
        return self.no_proxy_lags

    def no_proxy_lags(self) -> None:
        """Let the proxies get around to everything."""
        self.slow = self.sick = 0

    @trouble(
        builds=st.sampled_from(["below a gate", "failing", "slow"]),
        source=st.sampled_from("45678"),
        lasts=st.integers(3, 8),
    )
    def builds_become(self, builds: str, source: str) -> Callable[[], None]:
        """Let builds end so, that of another source first."""
        self.builds = builds
        self.rolls_out(source, step=1)
        return lambda: setattr(self, "builds", "good")

    @trouble(
        servers=st.sampled_from(["wrong", "without a node", "one too few"]), source=SOURCES, lasts=st.integers(5, 12)
    )
    def servers_become(self, servers: str, source: str) -> Callable[[], None]:
        """Let new servers come up so, another revision's first; "wrong": with another answer to a golden sample."""
        self.servers = servers
        self.rolls_out(source, step=1)
        return lambda: setattr(self, "servers", "good")

    @precondition(lambda self: self.world.revisions())
    @trouble(data=st.data())
    def servers_crash(self, data: st.DataObject) -> Callable[[], None]:
        """Let a revision's pods end, and not come up again."""
        name = data.draw(st.sampled_from(sorted(self.world.revisions())))
        self.world.crash(name)
        self.down.add(name)
        return lambda: self.down.discard(name)

    @happening()
    def the_candidate_stumbles(self) -> None:
        """Let its servers answer a golden sample otherwise, and start again before anybody looks."""
        name = self.world.status.target_revision
        if name in self.world.revisions() and name != self.world.status.stable_revision:
            self.world.crash(name, GOLDEN)
            self.happens()

    @trouble()
    def the_source_is_away(self) -> Callable[[], None]:
        """Let the registry of the source be down."""
        self.world.pin = PinFailed(reason=Reason.SOURCE_UNREACHABLE, message="no answer")
        return self.the_source_is_there

    def the_source_is_there(self) -> None:
        """Let the source be pinned to what it is now."""
        self.world.pin = OciPin(repository=REPOSITORY, digest="sha256:" + self.source * 64)

    def goes_on(self, rounds: int, seconds: int) -> None:
        """Let everything happen for a while, as things are."""
        for _ in range(rounds):
            self.world.passes()
            self.happens()
            self.world.later(seconds=seconds)
            self.rounds += 1
            over = [ends for until, ends in self.troubles if until <= self.rounds]
            self.troubles = [(until, ends) for until, ends in self.troubles if until > self.rounds]
            for ends in over:
                ends()

    def happens(self) -> None:
        """Let everything happen once."""
        world = self.world
        if self.builds == "failing":
            world.build_ends(phase="Failed")
        elif self.builds != "slow":
            world.build_ends(**(MISSED if self.builds == "below a gate" else {}))
        world.controllers()
        world.schedule("proxy")
        world.ready(component="proxy")
        if self.servers != "without a node":
            world.schedule("triton")
        for name in sorted(world.revisions() - self.down):
            if self.servers == "one too few":
                world.ready(name, most=world.spec.serving.replicas - 1)
            elif self.servers == "good" or world.ready_pods(name):
                world.ready(name)
            elif self.servers == "wrong":
                world.crash(name, GOLDEN)
        for number, name in enumerate(world.live_proxies(), 1):
            if number != self.slow:
                world.proxy_reads(name)
        world.proxies_check(but=self.sick)

    # --- people ---

    @happening(source=SOURCES, step=st.integers(1, 2))
    def the_spec_changes(self, source: str, step: int) -> None:
        """Ask for another revision, or for one that was."""
        self.rolls_out(source, step)

    def rolls_out(self, source: str, step: int) -> None:
        """Ask for another batch size; the source's tag may point elsewhere by now."""
        self.source = source
        if isinstance(self.world.pin, OciPin):
            self.the_source_is_there()
        serving = self.world.model["spec"]["serving"]
        batch = serving.get("batching", {"maxBatchSize": BATCHES[-1]})["maxBatchSize"]
        batch = BATCHES[(BATCHES.index(batch) + step) % len(BATCHES)]
        self.world.edit(serving=serving | {"batching": {"maxBatchSize": batch}})

    @happening(replicas=st.integers(1, 3))
    def the_model_is_scaled(self, replicas: int) -> None:
        """Ask for more or fewer pods."""
        self.world.edit(serving=self.world.model["spec"]["serving"] | {"replicas": replicas})

    @happening(hours=st.integers(1, 3))
    def builds_get_other_time(self, hours: int) -> None:
        """Give builds more time or less, as a message may ask for: one that failed is made anew."""
        self.world.edit(build={"timeout": f"{hours}h"})

    @trouble()
    def the_model_is_suspended(self) -> Callable[[], None]:
        """Freeze it."""
        self.world.edit(suspend=True)
        return lambda: self.world.edit(suspend=False)

    @happening(
        data=st.data(),
        verb=st.sampled_from(["promote", "retry", "rollback", "refresh", "abort", "nonsense"]),
        late=st.booleans(),
    )
    def somebody_commands(self, data: st.DataObject, verb: str, *, late: bool) -> None:
        """Write a command, for the target or (late) for a revision that is or was, or for none."""
        known = [record.snapshot.revision for record in self.world.look()[1].records] or ["00000000"]
        revision = data.draw(st.sampled_from([*known, "00000000"])) if late else known[-1]
        self.commands += 1
        self.world.command(f"{verb} {revision} {self.commands}")

    @happening(data=st.data(), kind=st.sampled_from(["Deployment", "Service", "ConfigMap", "Pod", "ModelBuild"]))
    def somebody_deletes_something(self, data: st.DataObject, kind: str) -> None:
        """Delete one of our objects by hand."""
        names = [o["metadata"]["name"] for o in self.world.of(kind)]
        if names:
            self.world.delete(kind, data.draw(st.sampled_from(names)))

    @happening(data=st.data(), kind=st.sampled_from(sorted(OURS_ALONE)))
    def somebody_changes_something(self, data: st.DataObject, kind: str) -> None:
        """Change one of our objects by hand."""
        names = [o["metadata"]["name"] for o in self.world.of(kind) if not o.get("immutable")]
        if names:
            self.world.meddle(kind, data.draw(st.sampled_from(names)))

    # --- what always holds ---

    @invariant()
    def every_share_has_its_build(self) -> None:
        """No revision has weight whose build was never made: its record names one that passed, or was promoted."""
        records = {record["metadata"]["labels"][REVISION_LABEL] for record in self.world.of("ControllerRevision")}
        for config_map in self.world.of("ConfigMap"):
            if config_map["metadata"]["name"].endswith("-proxy"):
                assert set(routes_in(config_map).weights) <= records

    def teardown(self) -> None:
        """Leave the world alone, as bad as it is, and then with all well: it comes to rest, and stays there."""
        self.rests_as_things_are()
        self.rests_when_all_is_well()

    def rests_as_things_are(self) -> None:
        """End only what has the planner look again and again: what serves is whole, and nothing else is left."""
        world = self.world
        self.no_proxy_lags()
        self.the_source_is_there()
        world.settle(happens=self.happens)
        holder = world.routes.holder
        _, have = world.look()
        assert not have.proxy.meddlers, "the proxy is not as it was made"
        if not world.spec.suspend:
            starting = {world.status.target_revision} - rejected(have)
            useless = {name for name in have.revisions if not needed(name, world.routes, have)} - {holder} - starting
            assert not useless, "it is of no use"
        if holder is not None:
            whole(have, holder, world.spec.serving.replicas)

    def rests_when_all_is_well(self) -> None:
        """Ask for a revision that never was: it serves, alone; an upgrade of the operator changes nothing."""
        world = self.world
        self.source = "9"
        self.the_source_is_there()
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
        self.the_operator_is_upgraded(amid=None, rounds=0, seconds=1)
        assert world.passes().actions == (), "an upgrade moves no model"


def whole(have: Observed, revision: str, replicas: int) -> None:
    """Hold a revision at rest against: every object is there, with as many pods as the spec says."""
    build = have.builds.get(next(r for r in have.records if r.snapshot.revision == revision).snapshot.build_name)
    if build is None or build.result is None:
        return  # somebody deleted its build, and it doesn't end well again: nobody knows what its pods are to load
    view = have.revisions[revision]
    kinds = ["ConfigMap", "Deployment", *(["PodDisruptionBudget"] if replicas > 1 else []), "Service", "Service"]
    assert sorted(kind for kind, _ in view.objects) == kinds, "it is not whole"
    assert view.replicas == len(view.pods) == replicas, "it is not scaled"
    assert not view.meddlers, "it is not as it was made"


@dataclass
class Promises:
    """What must hold of each pass's actions, given the world as it was when they were planned."""

    world: World
    lost: dict[str, datetime | None] = field(default_factory=dict)  # since when no proxy sends a revision anything

    def hold(self, want: Desired, have: Observed, plan: Plan) -> None:
        """Hold a plan against the promises."""
        self.judges(plan, have)
        replicas = have.proxy.replicas
        if replicas and all(replica.routes_hash == have.proxy.routes_hash for replica in replicas):
            self.lost = {name: since or have.now for name, since in self.lost.items()}
        for action in plan.actions:
            if isinstance(action, Create | Apply) and action.manifest["kind"] == "ConfigMap":
                self.routes(action, want, have)
            if isinstance(action, Create):
                self.starts(action.manifest, want, have)
            if isinstance(action, Delete):
                self.stops(action, have)
            if isinstance(action, Scale) and REVISION_LABEL in labels(action, self.world):
                assert action.replicas == self.world.spec.serving.replicas, "capacity is what the spec says"

    def routes(self, action: Create | Apply, want: Desired, have: Observed) -> None:
        """Hold a change of the routes against: no weight that isn't earned, no cluster gone too early."""
        if ROUTES_ANNOTATION not in action.manifest["metadata"].get("annotations", {}):
            return
        written, following = have.proxy.routes, routes_in(action.manifest)
        assert set(following.weights) <= set(following.clusters)
        if written is None:
            return
        assert not self.world.spec.suspend, "a suspended model stays as it is"
        if following.holder != written.holder:
            earned(following, have, self.world)
            self.lost.update(dict.fromkeys(written.weights))
        for name in set(written.clusters) - set(following.clusters):
            since = self.lost.get(name, START - want.defaults.retire_delay)
            assert since is not None, "a proxy may still send it requests"
            assert have.now - since >= want.defaults.retire_delay, "answers of it may be under way"
            assert not needed(name, following, have), "it is the only one that is ready"

    def judges(self, plan: Plan, have: Observed) -> None:
        """Hold a pass against: a target that could have traffic but for what its server says is rejected, and told."""
        holder = have.proxy.routes.holder if have.proxy.routes else None
        parity = plan.findings.stages.get("ParityVerified")
        name = plan.findings.target
        if name in {None, holder} or parity is None or self.world.spec.suspend:
            return  # a suspended model's target gets nothing, and is judged when it may
        record = have.records[-1]
        if record.rejection:
            assert plan.findings.trouble, "nobody is told that it is rejected"
        if name in rejected(have) or name not in have.revisions:
            return
        wrong = any(pod.terminated == GOLDEN for pod in have.revisions[name].pods)
        if wrong and (parity.truth is Truth.TRUE or record.promoted):
            said = [a.patch["metadata"]["annotations"] for a in plan.actions if isinstance(a, Amend)]
            assert any(annotations.get(REJECTED_ANNOTATION) for annotations in said), "it answers a sample otherwise"

    def starts(self, manifest: dict[str, Any], want: Desired, have: Observed) -> None:
        """Hold the making of a revision's object against: who was rejected is not started again."""
        revision = manifest["metadata"].get("labels", {}).get(REVISION_LABEL)
        if manifest["kind"] != "ControllerRevision" and revision is not None:
            holder = have.proxy.routes.holder if have.proxy.routes else want.status.stable_revision
            assert revision not in rejected(have) or revision == holder, "it is rejected"

    def stops(self, action: Delete, have: Observed) -> None:
        """Hold a deletion against: stable serves; a pod stops only after its routes are gone; never the only one."""
        revision = labels(action, self.world).get(REVISION_LABEL)
        if action.ref.kind not in {"Deployment", "Service", "ConfigMap"} or revision is None:
            return
        written = have.proxy.routes or Routes()
        assert revision not in written.weights, "it has weight"
        for replica in have.proxy.replicas:
            assert revision not in self.world.proxies[replica.pod].routes.clusters, "a proxy still knows it"
        assert not needed(revision, written, have), "it is the only one that is ready"


def earned(following: Routes, have: Observed, world: World) -> None:
    """Hold a change of who has the traffic against: proof, capacity and health before weight."""
    holder = following.holder
    assert holder is not None, "nobody is left without a server"
    view = have.revisions[holder]
    record = next(r for r in reversed(have.records) if r.snapshot.revision == holder)
    result = have.builds[record.snapshot.build_name].result
    assert result is not None
    assert result.figures["p1Cosine"].value != MISSED["p1Cosine"] or record.promoted, "unproven"
    assert record.rejection is None, "rejected"
    assert all(pod.terminated != GOLDEN for pod in view.pods), "it answers a sample otherwise"
    assert view.ready_replicas >= world.spec.serving.replicas, "not ready"
    assert have.proxy.replicas
    assert all(holder in replica.healthy for replica in have.proxy.replicas), "not healthy in every proxy"
    assert all(replica.routes_hash == have.proxy.routes_hash for replica in have.proxy.replicas), "not verified"


def needed(revision: str, routes: Routes, have: Observed) -> bool:
    """Return whether a revision without weight is the only one that could answer."""
    able = {name for name, view in have.revisions.items() if view.ready_replicas} - rejected(have)
    return able == {revision} and routes.holder != revision


def rejected(have: Observed) -> set[str]:
    """Return the revisions that are rejected."""
    return {record.snapshot.revision for record in have.records if record.rejection}


def routes_in(manifest: dict[str, Any]) -> Routes:
    """Return the routes that a proxy's ConfigMap holds."""
    said = json.loads(manifest["metadata"]["annotations"][ROUTES_ANNOTATION])
    return Routes(clusters=tuple(said["clusters"]), weights=said["weights"])


def labels(action: Delete | Scale, world: World) -> dict[str, str]:
    """Return the labels of the object that an action is about."""
    found = world.objects.get((action.ref.kind, action.ref.name), {"metadata": {}})
    return dict(found["metadata"].get("labels", {}))
