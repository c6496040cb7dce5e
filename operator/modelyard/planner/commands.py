"""Commands: done once, for the revision that they name; a late one for another does nothing and says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from modelyard.errors import InvalidCommand
from modelyard.manifests.metadata import Owner
from modelyard.planner.records import current, record_of, recorded, said_again
from modelyard.reasons import Reason
from modelyard.snapshot import snapshot_of
from modelyard.state import Action, BuildPhase, Command, Desired, Event, Observed, Record, Verb


@dataclass(frozen=True, slots=True, kw_only=True)
class Obeyed:
    """What a command comes to: actions, what is told, and whether the source is to be resolved anew."""

    actions: tuple[Action, ...] = ()
    event: Event
    refresh: bool = False


def obeyed(want: Desired, owner: Owner, have: Observed, spec_digest: str) -> Obeyed | None:
    """Return what the command comes to, None if there is none that isn't handled yet."""
    command = want.command
    if command is None:
        return None
    if isinstance(command, InvalidCommand):
        return _ignored(str(command))
    if command.verb is Verb.REFRESH:
        event = _event(Reason.COMMAND_DONE, f"{command.raw}: the source is resolved anew")
        return Obeyed(event=event, refresh=True)
    if command.verb is Verb.ROLLBACK:
        return _rollback(want, owner, have, command, spec_digest)
    doing = _DOING.get(command.verb)
    if doing is None:
        return _ignored(f"{command.raw}: {command.verb} has no meaning in a roll-out of one step")
    target = current(have)
    if target is None or target.snapshot.revision != command.revision:
        now = target.snapshot.revision if target else "not named yet"
        return _ignored(f"{command.raw}: the target is {now}; name that revision")
    return doing(owner, have, command, target)


def _promote(owner: Owner, _have: Observed, command: Command, target: Record) -> Obeyed:
    if target.promoted:
        return _ignored(f"{command.raw}: it is promoted already")
    action = said_again(owner, target, f"commanded: {command.raw}", promoted=True)
    return Obeyed(actions=(action,), event=_event(Reason.PROMOTED, f"{command.raw}: a missed gate no longer holds it"))


def _retry(owner: Owner, have: Observed, command: Command, target: Record) -> Obeyed:
    """Make a new attempt of what failed or was rejected: a build of its own, a revision of its own."""
    build = have.builds.get(target.snapshot.build_name)
    failed = build is not None and build.phase is BuildPhase.FAILED
    serving = have.proxy.routes is not None and have.proxy.routes.holder == target.snapshot.revision
    if serving and not failed:
        return _ignored(f"{command.raw}: it serves; nothing of it failed")
    old = target.snapshot
    snapshot = snapshot_of(old.build, old.serving, attempt=old.attempt + 1, proxy_image=old.proxy_image)
    action = recorded(
        owner,
        have,
        snapshot,
        generation=target.generation,
        spec_digest=target.spec_digest,
        why=f"commanded: {command.raw}",
    )
    told = f"{command.raw}: attempt {snapshot.attempt} is revision {snapshot.revision}"
    return Obeyed(actions=(action,), event=_event(Reason.COMMAND_DONE, told))


def _rollback(want: Desired, owner: Owner, have: Observed, command: Command, spec_digest: str) -> Obeyed:
    """Make a kept revision the target until the spec changes."""
    kept = record_of(have, command.revision)
    if kept is None:
        names = ", ".join(sorted({record.snapshot.revision for record in have.records})) or "none"
        return _ignored(f"{command.raw}: there is no such revision; kept are {names}")
    if kept.rejection is not None:
        return _ignored(f"{command.raw}: it was rejected: {kept.rejection.message}")
    if kept is current(have):
        return _ignored(f"{command.raw}: it is the target already")
    action = recorded(
        owner,
        have,
        kept.snapshot,
        generation=want.generation,
        spec_digest=spec_digest,
        why=f"commanded: {command.raw}",
    )
    return Obeyed(actions=(action,), event=_event(Reason.COMMAND_DONE, f"{command.raw}: it is the target now"))


_DOING: dict[Verb, Callable[[Owner, Observed, Command, Record], Obeyed]] = {
    Verb.PROMOTE: _promote,
    Verb.RETRY: _retry,
}


def _ignored(message: str) -> Obeyed:
    return Obeyed(event=Event(warning=True, reason=Reason.COMMAND_IGNORED, message=message))


def _event(reason: Reason, message: str) -> Event:
    return Event(warning=False, reason=reason, message=message)
