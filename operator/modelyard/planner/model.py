"""One pass of a model, in its order: what to follow, built, proven, judged, served, routed, tidied."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from modelyard.api.base import duration
from modelyard.api.model import OptimizedModelSpec
from modelyard.api.proof import OnFailure
from modelyard.errors import SpecNotUnderstood
from modelyard.manifests.metadata import model_owner
from modelyard.planner.building import build_actions, disowning, needs_a_command
from modelyard.planner.model_pass import ModelPass, false, true, unknown
from modelyard.planner.outcome import outcome
from modelyard.planner.proof import proof_of
from modelyard.planner.proxy import has_its_names, proxy_actions, proxy_trouble
from modelyard.planner.records import current, forgotten, outlived, record_of, said_again
from modelyard.planner.resolution import refusal
from modelyard.planner.revisions import due_at, made_whole, obstacle_of, rejection_of, retired, revision_of, scaled
from modelyard.planner.switch import Wish, switch
from modelyard.planner.target import followed, is_unresolved
from modelyard.reasons import Reason
from modelyard.routes import Routes
from modelyard.state.desired import Desired
from modelyard.state.observed import BuildPhase, BuildView, Observed, Record
from modelyard.state.plan import Action, Create, Findings, Plan, Restore
from modelyard.traffic.envoy_config import ProxyConfig
from modelyard.wording import counted

LOOK_AT_BUILD = timedelta(seconds=1)
"""A build tells the models that it names; one that was just made, or that goes, doesn't name this one."""
LOOK_AT_OBSTACLES = timedelta(seconds=30)


def needs_pin(want: Desired, have: Observed) -> OptimizedModelSpec | None:
    """Return the spec whose source and dataset to pin before planning, or None where nothing is to be resolved."""
    spec = want.spec
    if isinstance(spec, SpecNotUnderstood) or have.unreadable or want.deleting or spec.suspend or refusal(spec):
        return None
    return spec if is_unresolved(want, spec, have) else None


def wanted_builds(have: Observed) -> frozenset[str]:
    """Return the names of the ModelBuilds that this model's records name."""
    return frozenset(record.snapshot.build_name for record in have.records)


def plan_model(want: Desired, have: Observed) -> Plan:
    """Return what this pass does: actions in their order, what was found, when to look again."""
    if isinstance(want.spec, SpecNotUnderstood) or have.unreadable:
        found = false(Reason.SPEC_NOT_UNDERSTOOD, have.unreadable or str(want.spec))
        return Plan(actions=(), findings=Findings(trouble=found, understood=False))
    if want.deleting:
        return Plan(actions=(), findings=Findings(understood=False))
    this = ModelPass(want=want, spec=want.spec, have=have, owner=model_owner(want.namespace, want.name, want.uid))
    target = followed(this)
    candidate = _judged(this, _candidate(this, target))
    _serve(this, candidate)
    _route(this, candidate, target)
    _tidy(this, target)
    _mark(this, target)
    _obstacles(this)
    return outcome(this, target)


def _candidate(this: ModelPass, target: Record | None) -> Record | None:
    """Return the target, once it may have traffic or where it has it: whatever became of its build since."""
    if target is None:
        return None
    serves = this.holder == target.snapshot.revision
    if this.spec.suspend:
        _earns(replace(this, actions=[], looks=[]), target)  # its stages are told; nothing is done about them
        return target if serves else None
    return target if _earns(this, target) or serves else None


def _earns(this: ModelPass, target: Record) -> bool:
    """Bring the target's build about and hold its gates; return whether it may have traffic."""
    build = _build(this, target)
    return build is not None and _proven(this, target, build)


def _build(this: ModelPass, target: Record) -> BuildView | None:
    """Bring the target's build about; return it once it succeeded."""
    done = build_actions(this.want, this.spec, this.have, target.snapshot) if has_its_names(this.have) else []
    this.actions += done
    name = target.snapshot.build_name
    view = this.have.builds.get(name)
    anew = not this.spec.suspend and any(isinstance(action, Create) for action in done)
    if view is None or view.deleting or anew or view.attempt < target.snapshot.attempt:
        if this.spec.suspend:
            this.stages["Converted"] = unknown(
                Reason.SUSPENDED, f"build {name} is not there, and spec.suspend makes none"
            )
            return None
        this.stages["Converted"] = unknown(Reason.WAITING, f"build {name} is asked for")
        this.waits(Reason.WAITING, f"build {name} is asked for")
        this.looks.append(LOOK_AT_BUILD)
        return None
    if view.key != target.snapshot.build_key:
        message = f"build {name} was made from other inputs; delete it, and it is made anew"
        this.stages["Converted"] = false(Reason.DIGEST_MISMATCH, message)
        this.in_trouble(this.stages["Converted"])
        return None
    if view.phase is BuildPhase.SUCCEEDED and view.result is not None:
        this.stages["Converted"] = true(Reason.BUILT, f"build {name}: {view.message}")
        return view
    reason = view.reason or Reason.WAITING
    said = f"build {name}: {view.message}" if view.message else f"build {name} is asked for"
    if needs_a_command(this.want, this.spec, target.snapshot, view):
        said += "; another model needs this build too: what is corrected reaches it by the command retry"
    found = false(reason, said)
    this.stages["Converted"] = found
    if view.phase is BuildPhase.FAILED or reason not in {Reason.BUILDING, Reason.STARTING, Reason.WAITING}:
        this.in_trouble(found, final=view.phase is BuildPhase.FAILED)
    else:
        # Found in the registry, it is never being built: nobody is told so before there is a Job.
        this.waits(Reason.WAITING if reason is Reason.WAITING else Reason.BUILDING, found.message)
    return None


def _proven(this: ModelPass, target: Record, view: BuildView) -> bool:
    """Return whether the target may have traffic: its gates hold, or a person said so; and it was not rejected."""
    if view.result is None:
        return False
    proof = proof_of(this.spec, view.result)
    this.stages["ParityVerified"] = proof.finding
    if target.rejection:
        this.in_trouble(false(target.rejection.reason, target.rejection.message), final=True)
        return False
    if proof.passed or target.promoted or this.holder == target.snapshot.revision:
        return True
    if this.spec.gates.on_failure is OnFailure.HOLD:
        revision = target.snapshot.revision
        fix = f"command 'promote {revision} <nonce>' to serve it all the same"
        this.in_trouble(false(Reason.HELD, f"{proof.finding.message}; {fix}"))
    else:
        this.in_trouble(proof.finding)
    return False


def _serve(this: ModelPass, candidate: Record | None) -> None:
    """Keep whole what serves, and start the candidate, unless it was rejected in this very pass."""
    holder = record_of(this.have, this.holder)
    starting = None if candidate and candidate.rejection else candidate
    names = {record.snapshot.revision: record for record in (holder, starting) if record}
    for name, record in names.items():
        build = this.have.builds.get(record.snapshot.build_name)
        view = this.have.revisions.get(name)
        whole: list[Action] = []
        if build and build.result:
            replicas = this.spec.serving.replicas
            revision = revision_of(this.owner, record.snapshot, build.result, replicas)
            whole = made_whole(revision, view)
        this.actions += whole
        if not any(isinstance(action, Restore) for action in whole):  # else it is another version by then
            this.actions += scaled(view, this.spec.serving.replicas)
    if holder and (candidate is None or candidate is holder):
        view = this.have.revisions.get(holder.snapshot.revision)
        lacking = view and view.ready_replicas < this.spec.serving.replicas
        if view and lacking and (obstacle := obstacle_of(view, holder.snapshot.promoted)):
            this.in_trouble(obstacle)


def _judged(this: ModelPass, candidate: Record | None) -> Record | None:
    """Reject a candidate that can't be, and return it so; say what one that isn't ready waits for."""
    if candidate is None or candidate.rejection or candidate.snapshot.revision == this.holder:
        return candidate
    view = this.have.revisions.get(candidate.snapshot.revision)
    if view is None:
        return candidate
    deadline = duration(this.spec.rollout.progress_deadline)
    rejection = rejection_of(view, candidate.snapshot.promoted, deadline=deadline, now=this.have.now)
    if rejection:
        this.actions.append(said_again(candidate, rejection.message, rejection=rejection))
        this.in_trouble(false(rejection.reason, rejection.message), final=True)
        return replace(candidate, rejection=rejection)
    if obstacle := obstacle_of(view, candidate.snapshot.promoted):
        this.in_trouble(obstacle)
    due = due_at(view, deadline=deadline)
    if due is not None:
        this.looks.append(due - this.have.now)
    return candidate


def _route(this: ModelPass, candidate: Record | None, target: Record | None) -> None:
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
        stable=this.want.status.stable_revision or None,
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
        this.waits(Reason.WARMING, f"{pods} of {counted(spec.serving.replicas, 'pod')} of {name} ready")


def _tidy(this: ModelPass, target: Record | None) -> None:
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


def _mark(this: ModelPass, target: Record | None) -> None:
    """Say of a record what became of it since: it answers this generation too, it has had the traffic.

    Once, and after what else is said about it.
    """
    generation = this.want.generation
    if (
        target is None
        or this.spec.suspend
        or any(getattr(action, "ref", None) == target.ref for action in this.actions)
    ):
        return
    if target.generation != generation:
        why = f"generation {generation} resolves to the same"
        this.actions.append(said_again(target, why, generation=generation))
    elif this.switch and this.switch.done and this.switch.stable == target.snapshot.revision and not target.served:
        this.actions.append(said_again(target, "it has all of the traffic", served=True))


def _obstacles(this: ModelPass) -> None:
    """Say what was in the way of this very pass's objects. Nobody tells when that goes: it is looked at again."""
    if this.have.obstacles:
        first = this.have.obstacles[0]
        this.trouble = false(first.reason, first.message)
        this.looks.append(LOOK_AT_OBSTACLES)
