"""Commands: done once, for the revision that they name; a late one for another does nothing and says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from modelyard.errors import InvalidCommand, SpecNotUnderstood
from modelyard.manifests.metadata import Owner
from modelyard.planner.records import current, record_of, recorded, said_again
from modelyard.reasons import Reason
from modelyard.snapshot import snapshot_of
from modelyard.state.desired import IN_USE, Command, Desired, Verb
from modelyard.state.observed import BuildPhase, Observed
from modelyard.state.plan import Action, Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Obeyed:
    """What a command comes to: actions, what is told, and whether the source is to be resolved anew."""

    actions: tuple[Action, ...] = ()
    event: Event
    refresh: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a command is judged in.

    ``missed``: the target's build missed a gate; ``waits``: what missed one waits for a person (gates.onFailure).
    """

    want: Desired
    owner: Owner
    have: Observed
    spec_digest: str
    missed: bool = False
    waits: bool = False


def obeyed(around: Circumstances) -> Obeyed | None:
    """Return what the command comes to, None if there is none that isn't handled yet."""
    command = around.want.command
    if command is None:
        return None
    if isinstance(command, InvalidCommand):
        return _ignored(str(command))
    doing = _DOING.get(command.verb)
    if doing is None:
        return _ignored(
            f"{command.raw}: {command.verb} means nothing in a roll-out of one step; {', '.join(IN_USE)} do"
        )
    return doing(around, command)


def asks_to_refresh(want: Desired, have: Observed) -> bool:
    """Return whether the command is to resolve the target anew."""
    command = want.command
    if not isinstance(command, Command) or command.verb is not Verb.REFRESH:
        return False
    return _late(have, command) is None


def retried_build(want: Desired, have: Observed) -> str | None:
    """Return the build of which a retry is commanded though it succeeded: does the registry still have it?"""
    command, target = want.command, current(have)
    if not isinstance(command, Command) or command.verb is not Verb.RETRY or want.deleting or have.unreadable:
        return None
    if isinstance(want.spec, SpecNotUnderstood) or want.spec.suspend or target is None or _late(have, command):
        return None
    build = have.builds.get(target.snapshot.build_name)
    return build.ref.name if build is not None and build.phase is BuildPhase.SUCCEEDED else None


def _late(have: Observed, command: Command) -> Obeyed | None:
    """Return what is told of a command for a revision that isn't the target, None if it is."""
    target = current(have)
    if target is not None and target.snapshot.revision == command.revision:
        return None
    now = target.snapshot.revision if target else "not named yet"
    return _ignored(f"{command.raw}: the target is {now}; name that revision")


def _refresh(around: Circumstances, command: Command) -> Obeyed:
    if late := _late(around.have, command):
        return late
    event = _event(Reason.COMMAND_DONE, f"{command.raw}: the source is resolved anew")
    return Obeyed(event=event, refresh=True)


def _promote(around: Circumstances, command: Command) -> Obeyed:
    target = current(around.have)
    if late := _late(around.have, command):
        return late
    if target is None or target.promoted or not around.missed:
        return _ignored(f"{command.raw}: no gate holds it")
    if not around.waits:
        fix = "set gates.onFailure to Hold and command it again, or lower the gate"
        return _ignored(f"{command.raw}: it missed a gate, and gates.onFailure is Block; {fix}")
    action = said_again(target, f"commanded: {command.raw}", promoted=True)
    return Obeyed(actions=(action,), event=_event(Reason.PROMOTED, f"{command.raw}: a missed gate no longer holds it"))


def _retry(around: Circumstances, command: Command) -> Obeyed:
    """Make a new attempt of what failed, was rejected or is gone: a build of its own, a revision of its own."""
    have, target = around.have, current(around.have)
    if late := _late(have, command):
        return late
    if target is None:
        return _ignored(f"{command.raw}: there is no target yet")
    build = have.builds.get(target.snapshot.build_name)
    failed = build is not None and build.phase is BuildPhase.FAILED
    doubt = have.artifact
    if not (failed or target.rejection or around.missed or (doubt and doubt.gone)):
        return _ignored(f"{command.raw}: nothing of it failed{f'; {doubt.message}' if doubt else ''}")
    old = target.snapshot
    attempt = max(old.attempt, build.attempt if build else 1) + 1  # another model may have tried it meanwhile
    snapshot = snapshot_of(old.build, old.serving, attempt=attempt, proxy_image=old.proxy_image)
    action = recorded(
        around.owner,
        have,
        snapshot,
        generation=target.generation,
        spec_digest=target.spec_digest,
        why=f"commanded: {command.raw}",
    )
    told = f"{command.raw}: attempt {snapshot.attempt} is revision {snapshot.revision}"
    return Obeyed(actions=(action,), event=_event(Reason.COMMAND_DONE, told))


def _rollback(around: Circumstances, command: Command) -> Obeyed:
    """Make a kept revision the target until the spec changes. One that has served is held by no gate of today's."""
    have = around.have
    kept = record_of(have, command.revision)
    if kept is None:
        names = ", ".join(sorted({record.snapshot.revision for record in have.records})) or "none"
        return _ignored(f"{command.raw}: there is no such revision; kept are {names}")
    if kept.rejection is not None:
        return _ignored(f"{command.raw}: it was rejected: {kept.rejection.message}")
    if kept is current(have) and kept.generation == around.want.generation:
        return _ignored(f"{command.raw}: it is the target already")
    action = recorded(
        around.owner,
        have,
        kept.snapshot,
        generation=around.want.generation,
        spec_digest=around.spec_digest,
        promoted=kept.promoted or kept.served,
        rolled_back_by=command.raw,
        why=f"commanded: {command.raw}",
    )
    return Obeyed(actions=(action,), event=_event(Reason.COMMAND_DONE, f"{command.raw}: it is the target now"))


_DOING: dict[Verb, Callable[[Circumstances, Command], Obeyed]] = {
    Verb.PROMOTE: _promote,
    Verb.RETRY: _retry,
    Verb.ROLLBACK: _rollback,
    Verb.REFRESH: _refresh,
}


def _ignored(message: str) -> Obeyed:
    return Obeyed(event=Event(warning=True, reason=Reason.COMMAND_IGNORED, message=message))


def _event(reason: Reason, message: str) -> Event:
    return Event(warning=False, reason=reason, message=message)
