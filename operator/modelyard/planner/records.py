"""Records: the ControllerRevisions that hold what generations were resolved to."""

from __future__ import annotations

from modelyard.manifests.controllerrevision import Said, record_manifest, record_patch
from modelyard.manifests.metadata import Owner
from modelyard.naming import record_name
from modelyard.snapshot import Snapshot
from modelyard.state.observed import Observed, Record, Rejection
from modelyard.state.plan import Action, Amend, Create, Delete


def current(have: Observed) -> Record | None:
    """Return the record that the model follows: the one with the highest sequence."""
    return have.records[-1] if have.records else None


def record_of(have: Observed, revision: str | None) -> Record | None:
    """Return the newest record of a revision, None if there is none."""
    return next((record for record in reversed(have.records) if record.snapshot.revision == revision), None)


def recorded(
    owner: Owner,
    have: Observed,
    snapshot: Snapshot,
    *,
    generation: int,
    spec_digest: str,
    why: str,
    promoted: bool = False,
    rolled_back_by: str | None = None,
) -> Action:
    """Return the action that makes ``snapshot`` the current one.

    One that was there before comes back without its rejection: the spec was written anew.
    """
    sequence = next_sequence(have)
    known = next((r for r in have.records if r.ref.name == record_name(owner.name, snapshot.digest)), None)
    said = Said(
        sequence=sequence,
        generation=generation,
        spec_digest=spec_digest,
        promoted=promoted,
        rolled_back_by=rolled_back_by,
    )
    if known is None:
        return Create(manifest=record_manifest(owner, snapshot, said), why=why)
    return Amend(ref=known.ref, patch=record_patch(said), why=why)


def said_again(
    record: Record,
    why: str,
    *,
    promoted: bool | None = None,
    served: bool | None = None,
    rejection: Rejection | None = None,
    generation: int | None = None,
) -> Action:
    """Return the action that says something more about a record."""
    kept = record.rejection if rejection is None else rejection
    said = Said(
        sequence=record.sequence,
        generation=generation or record.generation,
        spec_digest=record.spec_digest,
        promoted=record.promoted if promoted is None else promoted,
        served=record.served if served is None else served,
        rejection=_rejection(kept) if kept else None,
        rolled_back_by=record.rolled_back_by,
    )
    return Amend(ref=record.ref, patch=record_patch(said), why=why)


def next_sequence(have: Observed) -> int:
    """Return a sequence above all there are."""
    return max((record.sequence for record in have.records), default=0) + 1


def outlived(have: Observed, *, limit: int, needed: frozenset[str]) -> tuple[Record, ...]:
    """Return the oldest records beyond ``limit``, leaving those of revisions that are ``needed``."""
    old = [record for record in have.records if record.snapshot.revision not in needed]
    return tuple(old[: max(0, len(old) - limit)])


def forgotten(records: tuple[Record, ...]) -> list[Action]:
    """Return the deletions of records."""
    return [Delete(ref=record.ref, why="beyond rollout.revisionHistoryLimit") for record in records]


def _rejection(rejection: Rejection) -> dict[str, str]:
    return {"reason": rejection.reason, "message": rejection.message, "at": rejection.at.isoformat()}
