"""What a pass has come to: how far the target is, who serves, and the plan that says so."""

from __future__ import annotations

from datetime import timedelta

from modelyard.naming import proxy_name
from modelyard.planner.model_pass import ModelPass, false, true
from modelyard.planner.target import is_unresolved
from modelyard.reasons import Reason
from modelyard.state.observed import Record
from modelyard.state.plan import Event, Finding, Findings, Plan, Replace, Restore, Truth
from modelyard.wording import counted


def _rollout_complete(this: ModelPass, target: Record | None) -> Finding:
    """Return whether the target has all of the traffic, verified."""
    routes, revision = this.switch, target.snapshot.revision if target else None
    if this.spec.suspend and target is not None and is_unresolved(this.want, this.spec, this.have):
        told = f"the spec has changed since {revision} was resolved"
        return false(Reason.SUSPENDED, f"{told}, and spec.suspend freezes the roll-out")
    if routes and routes.done and routes.stable == revision:
        return true(Reason.ROLLED_OUT, f"revision {revision} has all of the traffic, verified")
    if this.spec.suspend:
        moved = routes is not None and revision in routes.weights
        told = "not every proxy sends requests to the target yet" if moved else "the target has no traffic yet"
        return false(Reason.SUSPENDED, f"{told}, and spec.suspend freezes the roll-out")
    under_way = routes.message if routes and this.have.proxy.pods else ""
    message = under_way or "the target has no traffic yet"
    return false(Reason.SWITCHING if routes else Reason.WAITING, message)


def outcome(this: ModelPass, target: Record | None) -> Plan:
    """Return the plan: what is done, what the conditions say, when to look again."""
    routes = this.switch
    stable = routes.stable if routes else None
    serving = this.have.revisions.get(stable) if stable else None
    proxies = sum(pod.ready and not pod.terminating for pod in this.have.proxy.pods)
    if serving and serving.ready_replicas and proxies:
        pods = counted(serving.ready_replicas, "pod")
        message = f"revision {stable}, {pods} ready behind {counted(proxies, 'proxy', 'proxies')}"
        this.stages["Serving"] = true(Reason.AS_EXPECTED, message)
    elif serving and serving.ready_replicas:
        fix = f"mend what keeps the pods of Deployment {proxy_name(this.want.name)} from running, if anything does"
        this.stages["Serving"] = false(Reason.PROXY_NOT_READY, f"no proxy is ready; {fix}")
        this.waits(Reason.PROXY_NOT_READY, f"no proxy is ready; {fix}")
    else:
        this.stages["Serving"] = false(Reason.PODS_NOT_READY if stable else Reason.WAITING, "no pod is ready yet")
        if stable and not this.trouble:
            this.waits(Reason.PODS_NOT_READY, f"no pod of {stable} is ready")
    complete = _rollout_complete(this, target)
    this.stages["RolloutComplete"] = complete
    if complete.truth is Truth.FALSE and not this.trouble:
        this.waits(Reason.SWITCHING, complete.message)
    findings = Findings(
        stages=this.stages,
        trouble=this.trouble,
        waiting=this.waiting,
        stable=stable,
        target=target.snapshot.revision if target else None,
        weights=routes.weights if routes else {},
        weight_verified_at=routes.weight_verified_at if routes else None,
        handled_command=this.handled,
    )
    again = min((max(look, timedelta(milliseconds=200)) for look in this.looks), default=None)
    refused = {(obstacle.kind, obstacle.name) for obstacle in this.have.obstacles}
    restored = [action for action in this.actions if isinstance(action, Restore | Replace)]
    told = [_told(action) for action in restored if (action.ref.kind, action.ref.name) not in refused]
    return Plan(actions=tuple(this.actions), findings=findings, requeue_after=again, events=(*this.events, *told))


def _told(action: Restore | Replace) -> Event:
    """Return what is told of an object that is put back."""
    fix = "change the model's spec instead"
    message = f"{action.ref.kind} {action.ref.name} was changed by {action.meddler} and is put back; {fix}"
    return Event(warning=True, reason=Reason.RESTORED, message=message)
