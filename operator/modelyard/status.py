"""What a pass found, as the model's status: kstatus conditions, Argo CD's phases, one sentence."""

from __future__ import annotations

from dataclasses import replace

from modelyard.api.proof import OnFailure
from modelyard.api.status import (
    ArtifactSummary,
    BuildResult,
    EndpointsStatus,
    LatencyStatus,
    OptimizedModelStatus,
    RejectedStatus,
    RolloutStatus,
    WeightsStatus,
)
from modelyard.conditions import conditions_from
from modelyard.contract.choices import Precision
from modelyard.errors import SpecNotUnderstood
from modelyard.gates import proven_by_untrained
from modelyard.naming import TRITON_COMPONENT, model_selector, service_host, service_name
from modelyard.planner.resolution import outdated
from modelyard.reasons import MISSED, Reason, with_fix
from modelyard.state.desired import Desired
from modelyard.state.observed import Observed
from modelyard.state.plan import Finding, Plan, Truth

HTTP_PORT, GRPC_PORT = 8000, 8001
_TELLING = ("p1Cosine", "neighboursKept", "agreement")
STAGES = ("SourceResolved", "Converted", "ParityVerified", "RolloutComplete", "Serving")


def status_of(want: Desired, have: Observed, plan: Plan) -> OptimizedModelStatus:
    """Return the status to write; equal to ``want.status`` where nothing changed, and then nothing is written."""
    found = plan.findings
    if want.deleting:
        return want.status
    if not found.understood:
        return _not_understood(want, have, plan)
    stable = have.revisions.get(found.stable) if found.stable else None
    shown = _shown(have, found.target, found.stable)
    spec = want.spec
    suspended = not isinstance(spec, SpecNotUnderstood) and spec.suspend
    selector = model_selector(want.name, TRITON_COMPONENT, found.stable) if found.stable else {}
    summary = _summary(plan, shown, _by_command(plan, have), suspended=suspended)
    return want.status.model_copy(
        update={
            "observed_generation": want.generation,
            "phase": _phase(plan, suspended=suspended),
            "message": summary.message,
            "stable_revision": found.stable or "",
            "target_revision": found.target or want.status.target_revision,
            "build": _build(have, found.target) or want.status.build,
            "rejected": _rejected(want, have, plan),
            "rollout": _rollout(want, plan),
            "weights": _weights(plan),
            "artifacts": _artifacts(want.namespace, have, found.target, found.stable),
            "engine": shown.engine if shown else "",
            "precision": shown.precision if shown else "",
            "speedup": shown.speedup if shown else "",
            "endpoints": _endpoints(want, have),
            "replicas": len([pod for pod in stable.pods if not pod.terminating]) if stable else 0,
            "ready_replicas": stable.ready_replicas if stable else 0,
            "selector": ",".join(f"{key}={value}" for key, value in selector.items()),
            "outdated": _outdated(want, have),
            "last_handled_command": found.handled_command or want.status.last_handled_command,
            "conditions": conditions_from(
                _conditions(plan, summary, suspended=suspended),
                want.status.conditions,
                generation=want.generation,
                now=have.now,
            ),
        }
    )


def _conditions(plan: Plan, summary: Finding, *, suspended: bool) -> dict[str, Finding]:
    """Return the conditions in their order. Reconciling and Stalled are there only while true, as kstatus has it."""
    found = plan.findings
    ready = summary.reason is Reason.HEALTHY
    conditions = {"Ready": Finding(truth=_truth(yes=ready), reason=summary.reason, message=summary.message)}
    if found.trouble:
        conditions["Stalled"] = replace(summary, truth=Truth.TRUE)
    elif found.waiting and not suspended:
        conditions["Reconciling"] = replace(summary, truth=Truth.TRUE)
    return conditions | {stage: _with_fix(found.stages[stage]) for stage in STAGES if stage in found.stages}


def _summary(plan: Plan, shown: BuildResult | None, by_command: str, *, suspended: bool) -> Finding:
    """Return the state in a sentence: the first thing that keeps the model from being as asked."""
    found = plan.findings
    if found.trouble:
        return _with_fix(found.trouble)
    if suspended:
        message = "builds and roll-outs are frozen; serving goes on"
        return _with_fix(Finding(truth=Truth.FALSE, reason=Reason.SUSPENDED, message=message))
    if found.waiting:
        return _with_fix(found.waiting)
    message = f"revision {found.stable} has all of the traffic{by_command}{_praise(shown)}"
    return Finding(truth=Truth.TRUE, reason=Reason.HEALTHY, message=message)


def _with_fix(finding: Finding) -> Finding:
    return replace(finding, message=with_fix(finding.reason, finding.message))


def _praise(shown: BuildResult | None) -> str:
    """Return what was built and proven, in a few words."""
    if shown is None:
        return ""
    words = [f"{shown.engine} {shown.precision}"]
    if shown.speedup:
        batch = next(
            (f" at batch {one.batch}" for one in shown.latencies if float(_short(one)) == float(shown.speedup)), ""
        )
        words.append(f"{shown.speedup} times as fast as the original{batch}")
    if shown.trained:
        words += [f"{name} {float(shown.figures[name].value):.5g}" for name in _TELLING if name in shown.figures]
    else:
        words.append(proven_by_untrained(Precision(shown.precision)))
    return ": " + ", ".join(words)


def _by_command(plan: Plan, have: Observed) -> str:
    """Return what only a command explains, or nothing: another revision than the spec's, or one that missed a gate."""
    record = have.records[-1] if have.records else None
    if record is None:
        return ""
    said = f", by the command '{record.rolled_back_by}' until the spec changes" if record.rolled_back_by else ""
    proof = plan.findings.stages.get("ParityVerified")
    if record.promoted and proof is not None and proof.truth is Truth.FALSE:
        said += f", by a person's word though {proof.message}"
    return said


def _short(latency: LatencyStatus) -> str:
    return f"{float(latency.speedup.value):.2f}"


def _phase(plan: Plan, *, suspended: bool) -> str:
    if plan.findings.trouble:
        return "Degraded"
    if suspended:
        return "Suspended"
    return "Progressing" if plan.findings.waiting else "Healthy"


def _truth(*, yes: bool) -> Truth:
    return Truth.TRUE if yes else Truth.FALSE


def _not_understood(want: Desired, have: Observed, plan: Plan) -> OptimizedModelStatus:
    """Return the former status with the trouble on top: everything else is the newer version's business."""
    if plan.findings.trouble is None:
        return want.status
    trouble = _with_fix(plan.findings.trouble)
    findings = {"Ready": replace(trouble, truth=Truth.FALSE), "Stalled": replace(trouble, truth=Truth.TRUE)}
    conditions = conditions_from(findings, want.status.conditions, generation=want.generation, now=have.now)
    changes = {"phase": "Degraded", "message": trouble.message, "conditions": conditions}
    return want.status.model_copy(update={"observed_generation": want.generation, **changes})


def _rejected(want: Desired, have: Observed, plan: Plan) -> list[RejectedStatus]:
    """Return what gets no traffic until the spec changes or ``retry``: by its record, or for a gate that it misses."""
    rejected = {
        record.snapshot.revision: RejectedStatus(
            revision=record.snapshot.revision,
            reason=record.rejection.reason,
            message=record.rejection.message,
            at=record.rejection.at,
        )
        for record in have.records
        if record.rejection
    }
    missed = _missed(want, have, plan)
    if missed and missed.revision not in rejected:
        rejected[missed.revision] = missed
    return list(rejected.values())


def _missed(want: Desired, have: Observed, plan: Plan) -> RejectedStatus | None:
    """Return the target as rejected, if its build misses a gate that nobody can let pass. It keeps its date."""
    target, proof = plan.findings.target, plan.findings.stages.get("ParityVerified")
    record = next((one for one in reversed(have.records) if one.snapshot.revision == target), None)
    if isinstance(want.spec, SpecNotUnderstood) or record is None or proof is None or proof.reason not in MISSED:
        return None
    if want.spec.gates.on_failure is not OnFailure.BLOCK or record.promoted or target in plan.findings.weights:
        return None
    known = (one for one in want.status.rejected if (one.revision, one.reason) == (target, proof.reason))
    at = next((one.at for one in known), have.now.replace(microsecond=0))
    message = with_fix(proof.reason, proof.message)
    return RejectedStatus(revision=record.snapshot.revision, reason=proof.reason, message=message, at=at)


def _rollout(want: Desired, plan: Plan) -> RolloutStatus | None:
    found = plan.findings
    if not found.target:
        return want.status.rollout
    weight = found.weights.get(found.target, 0)
    at = found.weight_verified_at if weight else None
    return RolloutStatus(
        revision=found.target, weight=weight, weight_verified_at=at.replace(microsecond=0) if at else None
    )


def _weights(plan: Plan) -> WeightsStatus:
    found = plan.findings
    stable = found.weights.get(found.stable, 0) if found.stable else 0
    return WeightsStatus(stable=stable, candidate=sum(found.weights.values()) - stable)


def _build(have: Observed, revision: str | None) -> str:
    return next((r.snapshot.build_name for r in reversed(have.records) if r.snapshot.revision == revision), "")


def _results(have: Observed, *revisions: str | None) -> dict[str, tuple[str, BuildResult]]:
    """Return build and result by revision, in the order given."""
    found = {}
    for revision in revisions:
        build = have.builds.get(_build(have, revision)) if revision else None
        if revision and build and build.result:
            found[revision] = (build.ref.name, build.result)
    return found


def _shown(have: Observed, target: str | None, stable: str | None) -> BuildResult | None:
    """Return the result that the columns show: the stable revision's, else the target's."""
    return next((result for _, result in _results(have, stable, target).values()), None)


def _artifacts(namespace: str, have: Observed, target: str | None, stable: str | None) -> list[ArtifactSummary]:
    return [
        ArtifactSummary(
            revision=revision,
            build=build,
            engine=result.engine,
            precision=result.precision,
            digest=result.artifact.digest,
            ref=_ref(namespace, have, revision, result),
            size=result.artifact.size,
            parity={name: figure.value for name, figure in sorted(result.figures.items())},
            speedup={f"batch{found.batch}": _short(found) for found in result.latencies},
        )
        for revision, (build, result) in sorted(_results(have, stable, target).items())
    ]


def _ref(namespace: str, have: Observed, revision: str, result: BuildResult) -> str:
    snapshots = (record.snapshot for record in have.records if record.snapshot.revision == revision)
    return next((one.artifact_ref(namespace, result.artifact.digest) for one in snapshots), "")


def _outdated(want: Desired, have: Observed) -> list[str]:
    """Return what a refresh would change of the record that the model follows."""
    if isinstance(want.spec, SpecNotUnderstood) or not have.records:
        return []
    return outdated(want, want.spec, have.records[-1])


def _endpoints(want: Desired, have: Observed) -> EndpointsStatus:
    if "Service" not in have.proxy.objects:
        return EndpointsStatus()
    host = service_host(service_name(want.name), want.namespace)
    return EndpointsStatus(http=f"http://{host}:{HTTP_PORT}", grpc=f"{host}:{GRPC_PORT}")
