"""One pass of a model: resolved, built, proven, served and routed; each part in a file of its own."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta

from modelyard.api.base import duration
from modelyard.api.model import OptimizedModelSpec
from modelyard.api.proof import OnFailure
from modelyard.api.source import Source
from modelyard.errors import SpecNotUnderstood
from modelyard.manifests.metadata import Owner, model_owner
from modelyard.planner.building import build_actions, disowning
from modelyard.planner.commands import Circumstances, Obeyed, asks_to_refresh, obeyed
from modelyard.planner.proof import proof_of
from modelyard.planner.proxy import proxy_actions, proxy_trouble
from modelyard.planner.records import current, forgotten, outlived, record_of, recorded, said_again
from modelyard.planner.resolution import refusal, resolved
from modelyard.planner.revisions import due_at, made_whole, obstacle_of, rejection_of, retired, revision_of, scaled
from modelyard.planner.switch import Switch, Wish, switch
from modelyard.reasons import PASSING, Reason
from modelyard.routes import Routes
from modelyard.snapshot import spec_digest
from modelyard.state.desired import Desired
from modelyard.state.observed import BuildPhase, BuildView, Observed, PinFailed, Record
from modelyard.state.plan import Action, Amend, Event, Finding, Findings, Plan, Truth
from modelyard.traffic.envoy_config import ProxyConfig

ASK_SOURCE_AGAIN = timedelta(seconds=30)
LOOK_AT_BUILD = timedelta(seconds=1)
"""A build tells the models that it names; one that was just made, or that goes, doesn't name this one."""
LOOK_AT_OBSTACLES = timedelta(seconds=30)


@dataclass(slots=True, kw_only=True)
class _Pass:
    """What a pass has come to so far."""

    want: Desired
    spec: OptimizedModelSpec
    have: Observed
    owner: Owner
    actions: list[Action] = field(default_factory=list)
    stages: dict[str, Finding] = field(default_factory=dict)
    trouble: Finding | None = None
    waiting: Finding | None = None
    looks: list[timedelta] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    handled: str | None = None
    switch: Switch | None = None

    @property
    def holder(self) -> str | None:
        """Return who has the traffic: the proxy's word, or what was last seen where somebody deleted its routes."""
        if self.have.proxy.routes is not None:
            return self.have.proxy.routes.holder
        known = self.want.status.stable_revision
        return known if known in self.have.revisions else None

    def in_trouble(self, finding: Finding, *, final: bool = False) -> None:
        """Keep the first trouble: what comes after it is its consequence.

        What may go away without a person is waited for, unless it is ``final``: then it is not tried again.
        """
        if finding.reason in PASSING and not final:
            self.waiting = self.waiting or finding
        else:
            self.trouble = self.trouble or finding

    def waits(self, reason: Reason, message: str) -> None:
        """Keep the first thing that is waited for."""
        self.waiting = self.waiting or _false(reason, message)


def needs_pin(want: Desired, have: Observed) -> Source | None:
    """Return the source to pin before planning, or None where nothing is to be resolved."""
    spec = want.spec
    if isinstance(spec, SpecNotUnderstood) or have.unreadable or want.deleting or spec.suspend or refusal(spec):
        return None
    return spec.source if _unresolved(want, spec, have) else None


def wanted_builds(have: Observed) -> frozenset[str]:
    """Return the names of the ModelBuilds that this model's records name."""
    return frozenset(record.snapshot.build_name for record in have.records)


def plan_model(want: Desired, have: Observed) -> Plan:
    """Return what this pass does: actions in their order, what was found, when to look again."""
    if isinstance(want.spec, SpecNotUnderstood) or have.unreadable:
        found = _false(Reason.SPEC_NOT_UNDERSTOOD, have.unreadable or str(want.spec))
        return Plan(actions=(), findings=Findings(trouble=found, understood=False))
    if want.deleting:
        return Plan(actions=(), findings=Findings(understood=False))
    this = _Pass(want=want, spec=want.spec, have=have, owner=model_owner(want.namespace, want.name, want.uid))
    target = _resolve(this)
    result = _build(this, target) if target else None
    proven = bool(target and result and _proven(this, target, result))
    serves = target is not None and this.holder == target.snapshot.revision  # whatever became of its build since
    candidate = target if proven or serves else None
    _serve(this, candidate)
    _route(this, _judged(this, candidate), target)
    _tidy(this, target)
    _mark(this, target)
    _obstacles(this)
    return _plan(this, target)


def _unresolved(want: Desired, spec: OptimizedModelSpec, have: Observed) -> bool:
    """Return whether to resolve: a generation that was, stays so, whatever a later version makes of its digest."""
    record = current(have)
    if record is None or asks_to_refresh(want, have):
        return True
    return record.generation != want.generation and record.spec_digest != spec_digest(spec)


def _resolve(this: _Pass) -> Record | None:
    """Return the record to follow: that of the spec as it is, or the former one while this can't be resolved."""
    want, spec, have = this.want, this.spec, this.have
    if spec.suspend:
        return None
    record = current(have)
    around = Circumstances(
        want=want, owner=this.owner, have=have, spec_digest=spec_digest(spec), missed=_missed(this, record)
    )
    command = obeyed(around)
    if command is not None:
        this.events.append(command.event)
        this.handled = want.command_text
        this.actions += command.actions
    if refused := refusal(spec):
        this.stages["SourceResolved"] = refused
        this.in_trouble(refused)
        return None
    if command and command.actions:
        # It changes what is to be followed; the next pass reads that. A rollback out of a source that is gone works.
        this.stages["SourceResolved"] = _unknown(Reason.RESOLVING, command.event.message)
        this.waits(Reason.RESOLVING, command.event.message)
        this.looks.append(timedelta())
        return None
    if _unresolved(want, spec, have):
        return _recorded(this, command)
    this.stages["SourceResolved"] = _resolved_finding(record) if record else _unknown()
    return record


def _missed(this: _Pass, record: Record | None) -> bool:
    """Return whether the build of a record missed a gate, or proved nothing."""
    build = this.have.builds.get(record.snapshot.build_name) if record else None
    return build is not None and build.result is not None and not proof_of(this.spec, build.result).passed


def _recorded(this: _Pass, command: Obeyed | None) -> Record | None:
    """Record what the pin was resolved to; the next pass follows it."""
    want, spec, have = this.want, this.spec, this.have
    record = current(have)
    if have.pin is None or isinstance(have.pin, PinFailed):
        failed = have.pin or PinFailed(reason=Reason.RESOLVING, message="the source was not resolved in this pass")
        if record and command and command.refresh and record.generation == want.generation:
            message = f"{want.command_text}: {failed.message}; nothing is changed"
            this.events = [Event(warning=True, reason=Reason.COMMAND_IGNORED, message=message)]
            this.stages["SourceResolved"] = _resolved_finding(record)
            return record
        this.stages["SourceResolved"] = _false(failed.reason, failed.message)
        this.in_trouble(this.stages["SourceResolved"])
        this.looks.append(ASK_SOURCE_AGAIN)
        return None
    snapshot = resolved(want, spec, have.pin)
    if record and record.snapshot == snapshot and record.spec_digest == spec_digest(spec):
        this.stages["SourceResolved"] = _resolved_finding(record)  # refreshed, and nothing had changed
        return record
    this.actions.append(
        recorded(
            this.owner,
            have,
            snapshot,
            generation=want.generation,
            spec_digest=spec_digest(spec),
            why=f"generation {want.generation} is resolved to revision {snapshot.revision}",
        )
    )
    this.stages["SourceResolved"] = _true(Reason.RESOLVED, f"revision {snapshot.revision}")
    this.waits(Reason.RESOLVING, f"generation {want.generation} becomes revision {snapshot.revision}")
    return None


def _build(this: _Pass, target: Record) -> BuildView | None:
    """Bring the target's build about; return it once it succeeded."""
    this.actions += build_actions(this.want, this.spec, this.have, target.snapshot)
    view = this.have.builds.get(target.snapshot.build_name)
    name = target.snapshot.build_name
    if view is None or view.deleting or view.attempt < target.snapshot.attempt:
        this.stages["Converted"] = _unknown(Reason.BUILDING, f"build {name} is being made")
        this.waits(Reason.BUILDING, f"build {name} is being made")
        this.looks.append(LOOK_AT_BUILD)
        return None
    if view.key != target.snapshot.build_key:
        message = f"build {name} was made from other inputs; delete it, and it is made anew"
        this.stages["Converted"] = _false(Reason.DIGEST_MISMATCH, message)
        this.in_trouble(this.stages["Converted"])
        return None
    if view.phase is BuildPhase.SUCCEEDED and view.result is not None:
        this.stages["Converted"] = _true(Reason.BUILT, f"build {name}: {view.message}")
        return view
    reason = view.reason or Reason.BUILDING
    found = _false(reason, f"build {name}: {view.message}" if view.message else f"build {name} waits")
    this.stages["Converted"] = found
    if view.phase is BuildPhase.FAILED or reason not in {Reason.BUILDING, Reason.STARTING, Reason.WAITING}:
        this.in_trouble(found, final=view.phase is BuildPhase.FAILED)
    else:
        this.waits(Reason.BUILDING, found.message)
    return None


def _proven(this: _Pass, target: Record, view: BuildView) -> bool:
    """Return whether the target may have traffic: its gates hold, or a person said so; and it was not rejected."""
    if view.result is None:
        return False
    proof = proof_of(this.spec, view.result)
    this.stages["ParityVerified"] = proof.finding
    if target.rejection:
        this.in_trouble(_false(target.rejection.reason, target.rejection.message), final=True)
        return False
    if proof.passed or target.promoted or this.holder == target.snapshot.revision:
        return True
    if this.spec.gates.on_failure is OnFailure.HOLD:
        revision = target.snapshot.revision
        fix = f"command 'promote {revision} <nonce>' to serve it all the same"
        this.in_trouble(_false(Reason.HELD, f"{proof.finding.message}; {fix}"))
    else:
        this.in_trouble(proof.finding)
    return False


def _serve(this: _Pass, candidate: Record | None) -> None:
    """Keep whole what serves, and start the candidate."""
    holder = record_of(this.have, this.holder)
    names = {record.snapshot.revision: record for record in (holder, candidate) if record}
    for name, record in names.items():
        build = this.have.builds.get(record.snapshot.build_name)
        view = this.have.revisions.get(name)
        if build and build.result:
            replicas = this.spec.serving.replicas
            revision = revision_of(this.owner, record.snapshot, build.result, replicas)
            this.actions += made_whole(revision, view)
        this.actions += scaled(view, this.spec.serving.replicas)
    if holder and (candidate is None or candidate is holder):
        view = this.have.revisions.get(holder.snapshot.revision)
        obstacle = obstacle_of(view) if view and view.ready_replicas < this.spec.serving.replicas else None
        if obstacle:
            this.in_trouble(obstacle)


def _judged(this: _Pass, candidate: Record | None) -> Record | None:
    """Reject a candidate that can't be, and return it so; say what one that isn't ready waits for."""
    if candidate is None or candidate.rejection or candidate.snapshot.revision == this.holder:
        return candidate
    view = this.have.revisions.get(candidate.snapshot.revision)
    if view is None:
        return candidate
    deadline = duration(this.spec.rollout.progress_deadline)
    rejection = rejection_of(view, deadline=deadline, now=this.have.now)
    if rejection:
        this.actions.append(said_again(candidate, rejection.message, rejection=rejection))
        this.in_trouble(_false(rejection.reason, rejection.message), final=True)
        return replace(candidate, rejection=rejection)
    if obstacle := obstacle_of(view):
        this.in_trouble(obstacle)
    due = due_at(view, deadline=deadline)
    if due is not None:
        this.looks.append(due - this.have.now)
    return candidate


def _route(this: _Pass, candidate: Record | None, target: Record | None) -> None:
    """Bring the proxy about and the traffic to the candidate."""
    have, spec = this.have, this.spec
    record = target or record_of(have, this.holder) or current(have)
    if record is None:
        return
    name = candidate.snapshot.revision if candidate and not candidate.rejection else None
    if candidate and candidate.rejection and this.holder == candidate.snapshot.revision:
        name = candidate.snapshot.revision
    view = have.revisions.get(name) if name else None
    ready = view is not None and view.ready_replicas >= spec.serving.replicas
    config = ProxyConfig(
        model=this.want.name,
        namespace=this.want.namespace,
        model_name=record.snapshot.serving.model_name,
        routes=have.proxy.routes or Routes(),
        cluster_domain=this.want.defaults.cluster_domain,
    )
    wish = Wish(
        target=name,
        ready=ready,
        frozen=spec.suspend,
        retire_delay=this.want.defaults.retire_delay,
        known=this.holder,
        rejected=frozenset(record.snapshot.revision for record in have.records if record.rejection),
    )
    this.switch = switch(this.owner, config, have, wish)
    this.actions += this.switch.actions
    this.actions += proxy_actions(
        this.owner,
        spec.traffic.proxy,
        record.snapshot.proxy_image,
        have,
        serves=candidate is not None or this.holder is not None,
    )
    if this.switch.requeue_after is not None and have.proxy.replicas:  # their pods tell when there are any
        this.looks.append(this.switch.requeue_after)
    if trouble := proxy_trouble(have):
        this.in_trouble(trouble)
    if name and not ready and not this.trouble:
        pods = view.ready_replicas if view else 0
        this.waits(Reason.WARMING, f"{pods} of {spec.serving.replicas} pods of {name} are ready")


def _tidy(this: _Pass, target: Record | None) -> None:
    """Stop what no proxy knows any more, and forget what is beyond the history."""
    have = this.have
    if this.switch is None or this.spec.suspend:
        return
    for name in sorted(this.switch.retiring):
        this.actions += retired(have.revisions[name], why=f"revision {name} has no routes any more")
    if this.switch.done and target is not None:
        needed = frozenset({target.snapshot.revision, *this.switch.weights})
        gone = outlived(have, limit=this.spec.rollout.revision_history_limit, needed=needed)
        # Builds first: once its record is gone, nobody knows that this model needed one.
        this.actions += disowning(this.want, have, gone)
        this.actions += forgotten(gone)


def _mark(this: _Pass, target: Record | None) -> None:
    """Say that a record answers this generation too; once, and after what else is said about it."""
    generation = this.want.generation
    if target is None or target.generation == generation:
        return
    if not any(isinstance(action, Amend) and action.ref == target.ref for action in this.actions):
        why = f"generation {generation} resolves to the same"
        this.actions.append(said_again(target, why, generation=generation))


def _obstacles(this: _Pass) -> None:
    """Say what was in the way of this very pass's objects. Nobody tells when that goes: it is looked at again."""
    if this.have.obstacles:
        first = this.have.obstacles[0]
        this.trouble = _false(first.reason, first.message)
        this.looks.append(LOOK_AT_OBSTACLES)


def _plan(this: _Pass, target: Record | None) -> Plan:
    routes = this.switch
    stable = routes.stable if routes else None
    serving = this.have.revisions.get(stable) if stable else None
    proxies = sum(pod.ready and not pod.terminating for pod in this.have.proxy.pods)
    if serving and serving.ready_replicas and proxies:
        message = f"revision {stable}, {serving.ready_replicas} pods ready behind {proxies} proxies"
        this.stages["Serving"] = _true(Reason.AS_EXPECTED, message)
    elif serving and serving.ready_replicas:
        this.stages["Serving"] = _false(Reason.PROXY_NOT_READY, "no proxy is ready")
        this.waits(Reason.PROXY_NOT_READY, "no proxy is ready")
    else:
        this.stages["Serving"] = _false(Reason.PODS_NOT_READY if stable else Reason.WAITING, "no pod is ready yet")
        if stable and not this.trouble:
            this.waits(Reason.PODS_NOT_READY, f"no pod of {stable} is ready")
    if routes and target and routes.done and stable == target.snapshot.revision:
        this.stages["RolloutComplete"] = _true(Reason.ROLLED_OUT, f"revision {stable} has all of the traffic, verified")
    else:
        message = routes.message if routes and routes.message else "the target has no traffic yet"
        this.stages["RolloutComplete"] = _false(Reason.SWITCHING if routes else Reason.WAITING, message)
        if not this.trouble and not this.spec.suspend:
            this.waits(Reason.SWITCHING, message)
    findings = Findings(
        stages=this.stages,
        trouble=this.trouble,
        waiting=this.waiting,
        stable=stable,
        target=target.snapshot.revision if target else None,
        weights=routes.weights if routes else {},
        weight_verified=bool(routes and routes.verified),
        handled_command=this.handled,
    )
    again = min((max(look, timedelta(milliseconds=200)) for look in this.looks), default=None)
    return Plan(actions=tuple(this.actions), findings=findings, requeue_after=again, events=tuple(this.events))


def _resolved_finding(record: Record) -> Finding:
    source = record.snapshot.build.source
    pinned = {"huggingFace": "commit", "oci": "digest", "pvc": "revision"}[source.kind]
    return _true(Reason.RESOLVED, f"{pinned} {getattr(source, pinned) or '(as written)'}")


def _true(reason: Reason, message: str) -> Finding:
    return Finding(truth=Truth.TRUE, reason=reason, message=message)


def _false(reason: Reason, message: str) -> Finding:
    return Finding(truth=Truth.FALSE, reason=reason, message=message)


def _unknown(reason: Reason = Reason.WAITING, message: str = "") -> Finding:
    return Finding(truth=Truth.UNKNOWN, reason=reason, message=message)
