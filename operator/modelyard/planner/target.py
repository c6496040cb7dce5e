"""Which record a pass follows: that of the spec as it is, of a command, or the former one."""

from __future__ import annotations

from datetime import timedelta

from modelyard.api.model import OptimizedModelSpec
from modelyard.api.proof import OnFailure
from modelyard.planner.commands import Circumstances, Obeyed, asks_to_refresh, obeyed
from modelyard.planner.model_pass import ModelPass, false, true, unknown
from modelyard.planner.proof import proof_of
from modelyard.planner.records import current, recorded
from modelyard.planner.resolution import answers, refusal, resolved
from modelyard.reasons import Reason
from modelyard.snapshot import spec_digest
from modelyard.state.desired import Desired
from modelyard.state.observed import Observed, PinFailed, Record
from modelyard.state.plan import Event, Finding

ASK_SOURCE_AGAIN = timedelta(seconds=30)


def is_unresolved(want: Desired, spec: OptimizedModelSpec, have: Observed) -> bool:
    """Return whether to resolve: a generation that was, stays so, whatever a later version makes of its digest."""
    record = current(have)
    if record is None or asks_to_refresh(want, have):
        return True
    return not answers(record, want, spec)


def followed(this: ModelPass) -> Record | None:
    """Return the record to follow: that of the spec as it is, or the former one while this can't be resolved.

    A suspended model follows what it has followed: nothing is resolved, and a command waits.
    """
    want, spec, have = this.want, this.spec, this.have
    record = current(have)
    if spec.suspend:
        return _as_recorded(this, record)
    around = Circumstances(
        want=want,
        owner=this.owner,
        have=have,
        spec_digest=spec_digest(spec),
        missed=_missed(this, record),
        waits=spec.gates.on_failure is OnFailure.HOLD,
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
        this.stages["SourceResolved"] = unknown(Reason.RESOLVING, command.event.message)
        this.waits(Reason.RESOLVING, command.event.message)
        this.looks.append(timedelta())
        return None
    if is_unresolved(want, spec, have):
        return _recorded(this, command)
    return _as_recorded(this, record)


def _as_recorded(this: ModelPass, record: Record | None) -> Record | None:
    this.stages["SourceResolved"] = _resolved_finding(record) if record else unknown()
    return record


def _missed(this: ModelPass, record: Record | None) -> bool:
    """Return whether the build of a record missed a gate, or proved nothing."""
    build = this.have.builds.get(record.snapshot.build_name) if record else None
    return build is not None and build.result is not None and not proof_of(this.spec, build.result).passed


def _recorded(this: ModelPass, command: Obeyed | None) -> Record | None:
    """Record what the pin was resolved to; the next pass follows it."""
    want, spec, have = this.want, this.spec, this.have
    record = current(have)
    if have.pins is None or isinstance(have.pins, PinFailed):
        failed = have.pins or PinFailed(reason=Reason.RESOLVING, message="the source was not resolved in this pass")
        if record and command and command.refresh and record.generation == want.generation:
            message = f"{want.command_text}: {failed.message}; nothing is changed"
            this.events = [Event(warning=True, reason=Reason.COMMAND_IGNORED, message=message)]
            return _as_recorded(this, record)
        this.stages["SourceResolved"] = false(failed.reason, failed.message)
        this.in_trouble(this.stages["SourceResolved"])
        this.looks.append(ASK_SOURCE_AGAIN)
        return None
    former = record.snapshot if record else None
    snapshot = resolved(want, spec, have.pins, former=former)
    if record and record.snapshot == snapshot and record.spec_digest == spec_digest(spec):
        return _as_recorded(this, record)  # refreshed, and nothing had changed
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
    this.stages["SourceResolved"] = true(Reason.RESOLVED, f"revision {snapshot.revision}")
    this.waits(Reason.RESOLVING, f"generation {want.generation} becomes revision {snapshot.revision}")
    return None


def _resolved_finding(record: Record) -> Finding:
    source = record.snapshot.build.source
    pinned = {
        "artifact": "digest",
        "huggingFace": "commit",
        "objectStore": "revision",
        "oci": "digest",
        "pvc": "revision",
    }[source.kind]
    known = getattr(source, pinned)
    return true(Reason.RESOLVED, f"{pinned} {known}" if known else "as written: nothing but the build reads it")
